//! From the URL to the first answer.

use crate::proxy::Proxy;
use crate::support::{
    Database, Migrate, Output, Project, Server, eventually, server_url, stories, up,
};
use std::net::Ipv4Addr;

stories! {
    on servers {
        a_connection_that_goes_silent_is_told_from_one_that_works,
        a_database_that_is_not_there_is_no_reason_to_wait,
        a_password_with_every_special_character_stays_secret,
        a_wrong_password_is_no_reason_to_wait,
        nobody_at_the_address_is_waited_for,
    }
    on [Postgres] {
        sqlalchemys_url_reaches_the_same_database,
        the_socket_is_a_host,
    }
    on [Mariadb, Mysql] {
        the_socket_is_a_parameter,
    }
    on [Mariadb] {
        the_scheme_may_be_mariadbs_own,
    }
}

fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT)")
}

fn up_at(url: &str) -> Output {
    Migrate::new(&project())
        .env("DATABASE_URL", url)
        .args(["up", "--wait", "0"])
        .run()
}

/// The URL with its `user:password@host:port` or any other part changed.
fn changed(db: &Database, from: &str, to: &str) -> String {
    assert!(db.url().contains(from), "the URL has `{from}`");
    db.url().replace(from, to)
}

fn a_connection_that_goes_silent_is_told_from_one_that_works(db: &Database) {
    let (before, after) = db.url().split_once("127.0.0.1:").unwrap();
    let (port, path) = after.split_once('/').unwrap();
    let upstream = (Ipv4Addr::LOCALHOST, port.parse().unwrap()).into();
    let relay = Proxy::to(upstream).start().unwrap();
    let url = format!("{before}{}/{path}", relay.address());
    let sleep = match db.server {
        Server::Postgres => "SELECT pg_sleep(3)",
        _ => "SELECT SLEEP(3)",
    };
    let project = Project::new().migration(
        "1_a.sql",
        format!("CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1);\n{sleep};\n"),
    );
    let run = Migrate::new(&project)
        .env("DATABASE_URL", &url)
        .args(["up", "--deadline", "55s"])
        .spawn();
    let running = match db.server {
        Server::Postgres => {
            "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() \
             AND state = 'active' AND query LIKE '%pg_sleep(3)%' AND pid <> pg_backend_pid()"
        }
        _ => {
            "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
             WHERE db = DATABASE() AND info LIKE '%SLEEP(3)%' AND id <> CONNECTION_ID()"
        }
    };
    eventually("the migration sleeps", || !db.rows(running).is_empty());
    relay.silence();
    run.wait()
        .exits(0)
        .says("the connection was lost")
        .says("Applied 1 migration");
    assert_eq!(db.rows("SELECT * FROM a").len(), 1);
    assert_eq!(db.versions(), ["1"]);
}

fn nobody_at_the_address_is_waited_for(db: &Database) {
    let (_, port) = server_url(db.server).rsplit_once("127.0.0.1:").map_or_else(
        || panic!("the servers of scripts/servers listen on loopback"),
        |(before, after)| {
            (
                before.to_owned(),
                after.split('/').next().unwrap_or_default().to_owned(),
            )
        },
    );
    let url = changed(db, &format!(":{port}/"), ":1/");
    let began = std::time::Instant::now();
    Migrate::new(&project())
        .env("DATABASE_URL", &url)
        .args(["up", "--wait", "300ms"])
        .run()
        .exits(4)
        .ends("the database does not answer")
        .complains("error[unreachable]");
    assert!(
        began.elapsed().as_millis() >= 100,
        "it tried more than once"
    );
}

fn a_wrong_password_is_no_reason_to_wait(db: &Database) {
    // The default is to wait for a minute, longer than a test may run.
    let url = changed(db, "secret-pw", "wrong-pw");
    Migrate::new(&project())
        .env("DATABASE_URL", &url)
        .run()
        .exits(4)
        .complains("error[connection_refused]")
        .ends("Next: check the user and the password in the URL.");
}

fn a_database_that_is_not_there_is_no_reason_to_wait(db: &Database) {
    let url = changed(db, db.name(), "no_such_database");
    Migrate::new(&project())
        .env("DATABASE_URL", &url)
        .run()
        .exits(4)
        .complains("error[connection_refused]")
        .ends("Next: create the database, or correct its name in the URL.");
}

fn a_password_with_every_special_character_stays_secret(db: &Database) {
    let user = db.name();
    let created = match db.server {
        Server::Mysql => format!(
            "CREATE USER {user} IDENTIFIED WITH mysql_native_password BY 'p@s/s#w?r:d%&x'; \
             GRANT ALL ON {user}.* TO {user}"
        ),
        Server::Mariadb => format!(
            "CREATE USER {user} IDENTIFIED BY 'p@s/s#w?r:d%&x'; GRANT ALL ON {user}.* TO {user}"
        ),
        _ => format!(
            "CREATE USER {user} PASSWORD 'p@s/s#w?r:d%&x'; GRANT CREATE ON SCHEMA public TO {user}"
        ),
    };
    db.run(&created);
    let (_, host) = db.url().rsplit_once('@').unwrap();
    let (scheme, _) = db.url().split_once("://").unwrap();
    let url = format!("{scheme}://{user}:p%40s%2Fs%23w%3Fr%3Ad%25%26x@{host}");
    up_at(&url).exits(0).says(&format!("{user}@127.0.0.1"));
    up_at(&url.replace("%26x", "%26y"))
        .exits(4)
        .does_not_say("p@s")
        .does_not_say("p%40s");
    // Unencoded it is no URL, and the message must not hold it either.
    up_at(&url.replace("%2F", "/").replace("%23", "#"))
        .exits(3)
        .does_not_say("p%40s");
    db.run(&match db.server {
        Server::Postgres => format!("DROP OWNED BY {user} CASCADE; DROP USER {user}"),
        _ => format!("DROP USER {user}"),
    });
}

fn sqlalchemys_url_reaches_the_same_database(db: &Database) {
    up(&project(), db).exits(0);
    for scheme in ["postgresql", "postgresql+asyncpg", "postgresql+psycopg2"] {
        let url = changed(db, "postgres://", &format!("{scheme}://"));
        up_at(&url).exits(0).says("Nothing to do");
    }
    let url = changed(db, "postgres://", "postgresql+asyncpg://");
    up_at(&format!("{url}?ssl=disable"))
        .exits(0)
        .says("Nothing to do");
}

fn the_socket_is_a_host(db: &Database) {
    let folder = std::env::var("MIGRATE_TEST_POSTGRES_SOCKET_DIR").unwrap();
    let port = db
        .url()
        .rsplit_once(':')
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .0;
    let url = format!(
        "postgres://postgres@localhost:{port}/{}?host={folder}",
        db.name()
    );
    up_at(&url).exits(0).says("Applied 1 migration");
}

fn the_socket_is_a_parameter(db: &Database) {
    let variable = format!(
        "MIGRATE_TEST_{}_SOCKET",
        format!("{:?}", db.server).to_uppercase()
    );
    let socket = std::env::var(variable).unwrap();
    let (user, _) = db.url().split_once('@').unwrap();
    let url = format!("{user}@localhost/{}?socket={socket}", db.name());
    up_at(&url).exits(0).says("Applied 1 migration");
}

fn the_scheme_may_be_mariadbs_own(db: &Database) {
    up_at(&changed(db, "mysql://", "mariadb://"))
        .exits(0)
        .says("(MariaDB 1");
}

#[test]
fn sqlites_url_has_many_forms() {
    let db = Database::new(Server::Sqlite);
    let path = db.path().display().to_string();
    up_at(&format!("sqlite://{path}?mode=rw"))
        .exits(4)
        .ends("does not exist");
    assert!(!db.path().exists());
    up_at(&format!("sqlite+aiosqlite:///{path}"))
        .exits(0)
        .says("   creating    sqlite:/")
        .says("Applied 1 migration");
    for url in [
        format!("sqlite:{path}"),
        format!("sqlite://{path}"),
        format!("sqlite://{path}?mode=rw"),
        format!("sqlite://{path}?mode=rwc"),
    ] {
        up_at(&url)
            .exits(0)
            .says("Nothing to do")
            .does_not_say("creating");
    }
}

#[test]
fn a_url_that_no_driver_could_use_is_told_apart() {
    for (url, said) in [
        ("", "the variable DATABASE_URL is empty"),
        ("  ", "the variable DATABASE_URL is empty"),
        (
            "${db.DATABASE_URL}",
            "the variable DATABASE_URL contains ${db.DATABASE_URL}",
        ),
        (
            "mongodb://user:hush-hush@host/db",
            "begins with mongodb://, which migrate does not know",
        ),
        (
            "hush-hush",
            "the variable DATABASE_URL is not a database URL: it has no scheme",
        ),
        (
            "mysql://user:hush-hush@host/",
            "has no database name after the host",
        ),
        (
            "postgres://user:hush-hush@host:port/db",
            "is not a valid URL",
        ),
        (
            "postgres://user:hush-hush@host/db?sslmode=perhaps",
            "has sslmode=perhaps, which migrate cannot use",
        ),
        (
            "mysql://user@host/db?ssl={\"passphrase\":\"hush-hush\"}",
            "has the parameter ssl, which migrate cannot use",
        ),
        ("sqlite::memory:", "names a SQLite database in memory"),
    ] {
        up_at(url).exits(3).ends(said).does_not_say("hush-hush");
    }
}

#[test]
fn without_a_url_the_variable_is_named() {
    Migrate::new(&project())
        .run()
        .exits(3)
        .ends("no database URL: DATABASE_URL is not set")
        .complains("error[no_database_url]");
}

#[test]
fn the_nearer_setting_wins() {
    let db = Database::new(Server::Sqlite);
    let nobody = "sqlite:no/such/folder/app.db";
    Migrate::new(&project())
        .env("DATABASE_URL", nobody)
        .env("MIGRATE_DATABASE_URL", db.url())
        .run()
        .exits(0);
    Migrate::new(&project())
        .env("DATABASE_URL", nobody)
        .env("MIGRATE_DATABASE_URL", nobody)
        .args(["--database-url", db.url()])
        .run()
        .exits(0)
        .says("Nothing to do");
    // What a platform leaves empty does not hide what it fills.
    Migrate::new(&project())
        .on(&db)
        .env("MIGRATE_DATABASE_URL", "")
        .run()
        .exits(0);
    Migrate::new(&project())
        .env("DATABASE_URL", nobody)
        .args(["--wait", "0"])
        .run()
        .exits(4);
}
