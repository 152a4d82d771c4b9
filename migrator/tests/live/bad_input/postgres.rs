//! PostgreSQL in a state that lets no migration begin.

use super::Given::{Applied, File, Held, Role, Sql, Url};
use super::{CASE, Case, Given, check};
use crate::support::{Database, stories};

stories! {
    on [Postgres] {
        access,
        histories_and_locks,
    }
}

fn access(db: &Database) {
    check(db, ACCESS);
}

fn histories_and_locks(db: &Database) {
    check(db, HISTORIES_AND_LOCKS);
}

const A: Given = File(
    "migrations/1_a.sql",
    "CREATE TABLE a (id INT PRIMARY KEY);\n",
);

const ACCESS: &[Case] = &[
    Case {
        name: "a wrong password",
        given: &[A, Url("postgres://postgres:hush-hush@{at}/{db}")],
        exit: 4,
        code: "connection_refused",
        says: "28P01",
        next: "user and the password",
        ..CASE
    },
    Case {
        name: "a user that is not there",
        given: &[A, Url("postgres://no_such_user:hush-hush@{at}/{db}")],
        exit: 4,
        code: "connection_refused",
        says: "28P01",
        next: "user and the password",
        ..CASE
    },
    Case {
        name: "a database that is not there",
        given: &[A, Url("postgres://{host}/no_such_database")],
        exit: 4,
        code: "connection_refused",
        says: "3D000",
        next: "create the database",
        ..CASE
    },
    Case {
        name: "a server without TLS",
        given: &[A, Url("postgres://{host}/{db}?sslmode=require")],
        exit: 4,
        code: "tls_failed",
        next: "sslmode",
        ..CASE
    },
    Case {
        name: "MySQL's protocol",
        given: &[A, Url("mysql://app:hush-hush@{at}/{db}")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "the scheme",
        ..CASE
    },
    Case {
        name: "no right to create in the schema",
        given: &[
            A,
            Sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC"),
            Role(""),
        ],
        exit: 8,
        code: "statement_failed",
        says: "42501",
        next: "GRANT USAGE, CREATE ON SCHEMA public TO {db}",
        ..CASE
    },
    Case {
        name: "no right to read the history",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT 1;\n"),
            Role(""),
        ],
        exit: 8,
        code: "statement_failed",
        says: "42501",
        next: "GRANT",
        ..CASE
    },
    Case {
        name: "no right to write the history",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT 1;\n"),
            Role("GRANT SELECT ON _sqlx_migrations TO {db}"),
        ],
        exit: 8,
        code: "migration_failed",
        says: "42501",
        next: "_sqlx_migrations",
        ..CASE
    },
    Case {
        name: "a table of somebody else",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "ALTER TABLE a ADD b INT;\n"),
            Role("GRANT ALL ON ALL TABLES IN SCHEMA public TO {db}"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        says: "must be owner",
        next: "own",
        ..CASE
    },
    Case {
        name: "a user with one connection",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT 1;\n"),
            Role(
                "ALTER USER {db} CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO {db}",
            ),
        ],
        args: &["--wait", "1s"],
        exit: 4,
        code: "unreachable",
        says: "53300",
        next: "two",
        ..CASE
    },
    Case {
        name: "a user that may not log in",
        given: &[A, Role("ALTER USER {db} NOLOGIN")],
        exit: 4,
        code: "connection_refused",
        says: "28000",
        next: "LOGIN",
        ..CASE
    },
    Case {
        name: "transactions that only read",
        given: &[
            A,
            Sql("ALTER DATABASE {db} SET default_transaction_read_only = on"),
        ],
        exit: 8,
        code: "statement_failed",
        says: "25006",
        next: "primary",
        ..CASE
    },
];

const HISTORIES_AND_LOCKS: &[Case] = &[
    Case {
        name: "a view named as the history",
        given: &[A, Sql("CREATE VIEW _sqlx_migrations AS SELECT 1 AS id")],
        exit: 7,
        code: "not_a_history",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a view that looks like the history",
        given: &[
            A,
            Sql(
                "CREATE TABLE _old (version BIGINT, description TEXT, installed_on TIMESTAMPTZ, success BOOLEAN, checksum BYTEA, execution_time BIGINT); CREATE VIEW _sqlx_migrations AS SELECT DISTINCT * FROM _old",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a sequence named as the history",
        given: &[A, Sql("CREATE SEQUENCE _sqlx_migrations")],
        exit: 7,
        code: "not_a_history",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a schema that is not there",
        given: &[A],
        args: &["--table", "nowhere.history"],
        exit: 8,
        code: "statement_failed",
        says: "3F000",
        next: "schema",
        ..CASE
    },
    Case {
        name: "no schema to create in",
        given: &[A, Sql("ALTER DATABASE {db} SET search_path = nowhere")],
        exit: 8,
        code: "statement_failed",
        says: "3F000",
        next: "search_path",
        ..CASE
    },
    Case {
        name: "a lock that another holds",
        given: &[
            A,
            Held("BEGIN; SELECT pg_advisory_xact_lock(-5737065063211308751)::text"),
        ],
        args: &["--lock-wait", "300ms"],
        exit: 5,
        code: "lock_held",
        next: "--lock-wait",
        ..CASE
    },
    Case {
        name: "a table that another has locked",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "ALTER TABLE a ADD b INT;\n"),
            Held("BEGIN; LOCK TABLE a"),
        ],
        args: &["--lock-timeout", "300ms", "--deadline", "2s"],
        exit: 10,
        code: "deadline",
        place: "migrations/2_b.sql:1:1",
        next: "--deadline",
        ..CASE
    },
];
