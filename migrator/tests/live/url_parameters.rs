//! A URL's parameters are obeyed, or told of.

use crate::support::{Database, Migrate, Output, Project, Server, stories};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

stories! {
    on every {
        an_unknown_parameter_is_named,
    }
    on [Postgres] {
        a_schema_decides_where_tables_go,
    }
    on [Mysql] {
        tls_in_any_spelling_is_encrypted,
    }
}

fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n")
}

fn with(db: &Database, parameters: &str) -> String {
    let url = db.url();
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{parameters}")
}

fn run(project: &Project, url: &str, verb: &str) -> Output {
    Migrate::new(project)
        .env("DATABASE_URL", url)
        .args([verb, "--wait", "1s"])
        .run()
}

fn an_unknown_parameter_is_named(db: &Database) {
    let url = with(db, "connection_limit=1");
    let unused = "connection_limit, which has no effect";
    run(&project(), &url, "up").exits(0).says(unused);
    run(&project(), &url, "status").exits(0).complains(unused);
    Migrate::new(&project())
        .env("DATABASE_URL", &url)
        .args(["doctor"])
        .run()
        .says("unused_url_parameter");
}

fn a_schema_decides_where_tables_go(db: &Database) {
    let place = "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY tablename) \
                 FROM pg_tables WHERE tablename IN ('a', '_sqlx_migrations')";
    for (parameters, schema) in [
        ("search_path=app", "app"),
        ("currentSchema=app,public", "app"),
        ("schema=App%20two", "App two"),
        ("options[search_path]=app", "app"),
        ("options=-csearch_path%3Dapp", "app"),
    ] {
        db.run(&format!("CREATE SCHEMA \"{schema}\""));
        run(&project(), &with(db, parameters), "up").exits(0);
        assert_eq!(
            db.value(place),
            format!("{schema}._sqlx_migrations {schema}.a"),
            "{parameters}"
        );
        db.run(&format!("DROP SCHEMA \"{schema}\" CASCADE"));
    }
}

fn tls_in_any_spelling_is_encrypted(db: &Database) {
    let sql = "CREATE TABLE cipher AS SELECT VARIABLE_VALUE AS name FROM \
               performance_schema.session_status WHERE VARIABLE_NAME = 'Ssl_cipher';\n";
    for parameters in [
        "ssl=true",
        "requireSSL=true",
        "tls=skip-verify",
        "ssl={\"rejectUnauthorized\":false}",
    ] {
        let project = Project::new().migration("1_a.sql", sql);
        run(&project, &with(db, parameters), "up").exits(0);
        assert_ne!(db.value("SELECT name FROM cipher"), "", "{parameters}");
        db.run("DROP TABLE cipher");
        db.run("DROP TABLE _sqlx_migrations");
    }
    for parameters in ["tls=true", "sslaccept=strict", "ssl_verify_cert=true"] {
        run(&project(), &with(db, parameters), "up")
            .exits(4)
            .complains("error[tls_failed]");
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn a_server_without_tls_is_no_server_to_who_asks_for_it() {
    let db = Database::new(Server::Postgres);
    for parameters in [
        "ssl=true",
        "ssl=no-verify",
        "sslMode=REQUIRED",
        "sslrootcert=system",
        "sslaccept=accept_invalid_certs",
        "useSSL=true",
    ] {
        run(&project(), &with(&db, parameters), "up")
            .exits(4)
            .complains("error[tls_failed]");
    }
}

#[test]
#[ignore = "needs scripts/servers"]
fn a_pooler_that_drops_the_schema_is_told_of() {
    let url = std::env::var("MIGRATE_TEST_PGBOUNCER_URL").unwrap();
    run(&project(), &format!("{url}?search_path=nowhere"), "up")
        .exits(3)
        .complains("error[bad_database_url]")
        .complains("ALTER ROLE");
}

/// Hands a connection to an IPv6 address on to a server of IPv4.
fn relay(upstream: String) -> u16 {
    let listener = TcpListener::bind("[::1]:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(&upstream).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    port
}

#[test]
#[ignore = "needs scripts/servers"]
fn an_ipv6_address_has_brackets() {
    for server in [Server::Postgres, Server::Mysql, Server::Mariadb] {
        let db = Database::new(server);
        let (user, rest) = db.url().split_once('@').unwrap();
        let (address, database) = rest.split_once('/').unwrap();
        let port = relay(address.to_owned());
        let url = format!("{user}@[::1]:{port}/{database}");
        run(&project(), &url, "up").exits(0);
        assert_eq!(db.value("SELECT count(*) FROM a"), "0");
    }
}
