//! SQLite databases in a state, and files that are none.

use super::Given::{Applied, File, Held, Sql, Url};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server};

#[test]
fn states() {
    check(&Database::new(Server::Sqlite), STATES);
}

#[test]
fn paths() {
    check(&Database::new(Server::Sqlite), PATHS);
}

const A: Given = File(
    "migrations/1_a.sql",
    "CREATE TABLE a (id INT PRIMARY KEY);\n",
);

const STATES: &[Case] = &[
    Case {
        name: "an unknown table",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (id INT);\nSELECT * FROM nowhere;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:15",
        says: "no such table",
        next: "correct migrations/2_b.sql",
        ..CASE
    },
    Case {
        name: "a foreign key",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (a INT REFERENCES a (id));\nINSERT INTO b VALUES (7);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "787",
        next: "correct migrations/2_b.sql",
        ..CASE
    },
    Case {
        name: "a check",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (n INT CHECK (n > 0));\nINSERT INTO b VALUES (0);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "275",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a constraint at the commit",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (a INT REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (7);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        next: "deferred constraint",
        ..CASE
    },
    Case {
        name: "a trigger that raises",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TRIGGER t BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'not today'); END;\nINSERT INTO a VALUES (1);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "not today",
        next: "correct",
        ..CASE
    },
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
                "CREATE VIEW _sqlx_migrations AS SELECT 1 AS version, 'x' AS description, '2026' AS installed_on, 1 AS success, x'00' AS checksum, 1 AS execution_time WHERE 0",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        next: "--table",
        ..CASE
    },
];

const PATHS: &[Case] = &[
    Case {
        name: "the file is no database",
        given: &[
            A,
            File(
                "{folder}/app.db",
                "CREATE TABLE a (id INT); -- this is a dump, not a database\n",
            ),
        ],
        exit: 4,
        code: "database_file",
        says: "{folder}/app.db: file is not a database (26)",
        next: "path",
        ..CASE
    },
    Case {
        name: "nobody may create a file there",
        given: &[A, Url("sqlite:/proc/app.db")],
        exit: 4,
        code: "database_file",
        says: "/proc/app.db",
        next: "path",
        ..CASE
    },
    Case {
        name: "the path is a folder",
        given: &[A, Url("sqlite:{folder}")],
        exit: 4,
        code: "database_file",
        says: "{folder}",
        next: "path",
        ..CASE
    },
    Case {
        name: "the folder is not there",
        given: &[A, Url("sqlite:{folder}/no/app.db")],
        exit: 4,
        code: "database_file",
        says: "{folder}/no",
        next: "create the folder: mkdir -p {folder}/no;",
        ..CASE
    },
    Case {
        name: "the file may not be created",
        given: &[A, Url("sqlite:{folder}/app.db?mode=rw")],
        exit: 4,
        code: "database_file",
        says: "does not exist",
        next: "mode=rw",
        ..CASE
    },
    Case {
        name: "the file may only be read",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "CREATE TABLE b (id INT);\n"),
            Url("sqlite:{folder}/app.db?mode=ro"),
        ],
        exit: 8,
        code: "migration_failed",
        next: "mode=ro",
        ..CASE
    },
    Case {
        name: "a history for a file that is not there",
        given: &[A],
        args: &["baseline", "1", "--yes"],
        exit: 4,
        code: "database_file",
        says: "does not exist",
        next: "`migrate up` creates",
        ..CASE
    },
    Case {
        name: "another writer",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "CREATE TABLE b (id INT);\n"),
            Held("BEGIN IMMEDIATE"),
        ],
        args: &["--lock-timeout", "300ms", "--deadline", "4s"],
        exit: 10,
        code: "deadline",
        next: "--deadline",
        says: "database is locked (5)",
        ..CASE
    },
];
