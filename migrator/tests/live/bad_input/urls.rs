//! URLs that lead to no database. All of these are told without one.

use super::Given::{Env, File, Url};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server};

#[test]
fn urls() {
    check(&Database::new(Server::Sqlite), CASES);
}

const A: Given = File("migrations/1_a.sql", "CREATE TABLE a (id INT);\n");

const CASES: &[Case] = &[
    Case {
        name: "no URL at all",
        given: &[A, Env("DATABASE_URL", "")],
        code: "empty_database_url",
        says: "DATABASE_URL",
        next: "binding",
        ..CASE
    },
    Case {
        name: "only white space",
        given: &[A, Url("  ")],
        args: &["--wait", "0"],
        code: "empty_database_url",
        next: "binding",
        ..CASE
    },
    Case {
        name: "a binding left unresolved",
        given: &[A, Url("${db.DATABASE_URL}")],
        args: &["--wait", "0"],
        code: "unresolved_variable",
        says: "${db.DATABASE_URL}",
        next: "databases: - name: db",
        ..CASE
    },
    Case {
        name: "a part left unresolved",
        given: &[A, Url("postgres://app:hush-hush@${HOST}/app")],
        args: &["--wait", "0"],
        code: "unresolved_variable",
        says: "${HOST}",
        next: "name before the dot",
        ..CASE
    },
    Case {
        name: "a password and nothing else",
        given: &[A, Url("hush-hush")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        says: "no scheme",
        next: "postgres://user:password@host:5432/database",
        ..CASE
    },
    Case {
        name: "no scheme",
        given: &[A, Url("app:hush-hush@db:5432/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        says: "no scheme",
        next: "postgres://user:password@host:5432/database",
        ..CASE
    },
    Case {
        name: "quotes that a shell did not take",
        given: &[A, Url("'postgres://app:hush-hush@db/app'")],
        args: &["--wait", "0"],
        code: "unknown_scheme",
        next: "remove the quotes",
        ..CASE
    },
    Case {
        name: "the variable's name before it",
        given: &[A, Url("DATABASE_URL=postgres://app:hush-hush@db/app")],
        args: &["--wait", "0"],
        code: "unknown_scheme",
        next: "only the URL",
        ..CASE
    },
    Case {
        name: "libpq's other form",
        given: &[A, Url("host=db user=app password=hush-hush")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "use postgres://",
        ..CASE
    },
    Case {
        name: "JDBC's",
        given: &[
            A,
            Url("jdbc:postgresql://db/app?user=app&password=hush-hush"),
        ],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "use postgres://",
        ..CASE
    },
    Case {
        name: "another database",
        given: &[A, Url("mongodb://app:hush-hush@db/app")],
        args: &["--wait", "0"],
        code: "unknown_scheme",
        says: "mongodb://",
        next: "use postgres://",
        ..CASE
    },
    Case {
        name: "a web page",
        given: &[A, Url("https://app:hush-hush@db/app")],
        args: &["--wait", "0"],
        code: "unknown_scheme",
        says: "https://",
        next: "use postgres://",
        ..CASE
    },
    Case {
        name: "a slash in the password",
        given: &[A, Url("postgres://app:hush-hush/1@db/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "/ is %2F",
        ..CASE
    },
    Case {
        name: "a hash in the password",
        given: &[A, Url("postgres://app:hush-hush#1@db/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "# is %23",
        ..CASE
    },
    Case {
        name: "a question mark in the password",
        given: &[A, Url("postgres://app:hush-hush?1@db/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "? is %3F",
        ..CASE
    },
    Case {
        name: "a port that is none",
        given: &[A, Url("postgres://app:hush-hush@db:fivefour/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "percent-encode",
        ..CASE
    },
    Case {
        name: "a port that cannot be",
        given: &[A, Url("postgres://app:hush-hush@db:99999/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "percent-encode",
        ..CASE
    },
    Case {
        name: "no host",
        given: &[A, Url("postgres://app:hush-hush@:5432/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "brackets left open",
        given: &[A, Url("postgres://app:hush-hush@[::1/app")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "no database, for MySQL",
        given: &[A, Url("mysql://app:hush-hush@db/")],
        args: &["--wait", "0"],
        code: "no_database_name",
        next: "mysql://user:password@host:3306/database",
        ..CASE
    },
    Case {
        name: "a mode of TLS that is none",
        given: &[A, Url("postgres://app:hush-hush@db/app?sslmode=perhaps")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "parameters",
        ..CASE
    },
    Case {
        name: "a mode of TLS that is none, for MySQL",
        given: &[A, Url("mysql://app:hush-hush@db/app?ssl-mode=perhaps")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "parameters",
        ..CASE
    },
    Case {
        name: "a certificate of any host",
        given: &[A, Url("postgres://app:hush-hush@db/app?sslmode=verify-ca")],
        args: &["--wait", "0"],
        code: "verify_ca_refused",
        next: "verify-full",
        ..CASE
    },
    Case {
        name: "a certificate of any host, for MySQL",
        given: &[A, Url("mysql://app:hush-hush@db/app?ssl-mode=VERIFY_CA")],
        args: &["--wait", "0"],
        code: "verify_ca_refused",
        next: "VERIFY_IDENTITY",
        ..CASE
    },
    Case {
        name: "DATABASE_CA_CERT is neither text nor file",
        given: &[
            A,
            Url("postgres://app:hush-hush@db/app"),
            Env("DATABASE_CA_CERT", "/nowhere/ca.crt"),
        ],
        code: "bad_ca_certificate",
        says: "DATABASE_CA_CERT",
        next: "BEGIN CERTIFICATE",
        ..CASE
    },
    Case {
        name: "DATABASE_CA_CERT left unresolved",
        given: &[
            A,
            Url("postgres://app:hush-hush@db/app"),
            Env("DATABASE_CA_CERT", "${db.CA_CERT}"),
        ],
        code: "bad_ca_certificate",
        says: "${db.CA_CERT}",
        ..CASE
    },
    Case {
        name: "a password as a parameter",
        given: &[
            A,
            Url("postgres://127.0.0.1:1/app?user=app&password=hush-hush"),
        ],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "host and port",
        ..CASE
    },
    Case {
        name: "a host that is nowhere",
        given: &[A, Url("postgres://app:hush-hush@nowhere.invalid/app")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "cannot be resolved",
        ..CASE
    },
    Case {
        name: "a host that is nowhere, for MySQL",
        given: &[A, Url("mysql://app:hush-hush@nowhere.invalid/app")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "cannot be resolved",
        ..CASE
    },
    Case {
        name: "a port where nobody listens",
        given: &[A, Url("postgres://app:hush-hush@127.0.0.1:1/app")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "host and port",
        ..CASE
    },
    Case {
        name: "a socket that is nowhere",
        given: &[A, Url("postgres:///app?host=/nowhere")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        ..CASE
    },
    Case {
        name: "a database in memory",
        given: &[A, Url("sqlite::memory:")],
        args: &["--wait", "0"],
        code: "database_in_memory",
        next: "sqlite:app.db",
        ..CASE
    },
    Case {
        name: "a database in memory, otherwise",
        given: &[A, Url("sqlite:app?mode=memory&cache=shared")],
        args: &["--wait", "0"],
        code: "database_in_memory",
        next: "sqlite:app.db",
        ..CASE
    },
    Case {
        name: "an authority's file that is not there",
        given: &[
            A,
            Url("postgres://app:hush-hush@127.0.0.1:1/app?sslrootcert=/certificates/ca.pem"),
        ],
        code: "bad_database_url",
        says: "sslrootcert names \"/certificates/ca.pem\", which is not a readable file",
        next: "correct the path",
        ..CASE
    },
    Case {
        name: "an authority's file that is a folder",
        given: &[
            A,
            Url("mysql://app:hush-hush@127.0.0.1:1/app?ssl-mode=VERIFY_IDENTITY&ssl-ca=migrations"),
        ],
        code: "bad_database_url",
        says: "ssl-ca names \"migrations\"",
        next: "correct the path",
        ..CASE
    },
    Case {
        name: "a key that is not there",
        given: &[
            A,
            Url("postgres://app:hush-hush@127.0.0.1:1/app?sslkey=/nowhere/key.pem"),
        ],
        code: "bad_database_url",
        says: "sslkey names \"/nowhere/key.pem\"",
        next: "correct the path",
        ..CASE
    },
    Case {
        name: "an authority's file that nobody reads",
        given: &[
            A,
            Url("postgres://app:hush-hush@127.0.0.1:1/app?sslmode=disable&sslrootcert=/nowhere"),
        ],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "host and port",
        ..CASE
    },
    Case {
        name: "not a readable file",
        given: &[A, Url("sqlite://")],
        args: &["--wait", "0"],
        code: "database_in_memory",
        next: "sqlite:app.db",
        ..CASE
    },
    Case {
        name: "SQLite's own URL",
        given: &[A, Url("file:app.db")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "sqlite:",
        ..CASE
    },
    Case {
        name: "SQLite's own URL behind the scheme",
        given: &[A, Url("sqlite:file:app.db")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "sqlite:app.db",
        ..CASE
    },
    Case {
        name: "a mode that SQLite has not",
        given: &[A, Url("sqlite:{folder}/app.db?mode=append")],
        args: &["--wait", "0"],
        code: "bad_database_url",
        next: "ro, rw or rwc",
        says: "append",
        ..CASE
    },
    Case {
        name: "several hosts",
        given: &[
            A,
            Url("postgres://app:hush-hush@h1:5432,h2:5433/app?target_session_attrs=read-write"),
        ],
        args: &["--wait", "0"],
        says: "several servers",
        next: "accepts writes",
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "a standby",
        given: &[
            A,
            Url("postgres://app:hush-hush@db/app?target_session_attrs=standby"),
        ],
        args: &["--wait", "0"],
        says: "target_session_attrs=standby",
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "modes that contradict each other",
        given: &[
            A,
            Url("postgres://app:hush-hush@db/app?sslmode=disable&ssl=true"),
        ],
        args: &["--wait", "0"],
        next: "keep one",
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "a profile of TLS that is Go's",
        given: &[A, Url("mysql://app:hush-hush@db/app?tls=custom")],
        args: &["--wait", "0"],
        says: "tls=custom",
        next: "VERIFY_IDENTITY",
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "public authorities, unchecked",
        given: &[
            A,
            Url("postgres://app:hush-hush@db/app?sslmode=require&sslrootcert=system"),
        ],
        args: &["--wait", "0"],
        next: "verify-full",
        code: "bad_database_url",
        ..CASE
    },
    Case {
        name: "a password in MySQL's parameters",
        given: &[A, Url("mysql://db/app?user=app&password=hush-hush")],
        args: &["--wait", "0"],
        next: "before the question mark",
        code: "bad_database_url",
        ..CASE
    },
];
