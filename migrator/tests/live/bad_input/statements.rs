//! Statements that PostgreSQL refuses, each in its own way.

use super::Given::{Applied, File, Held};
use super::{CASE, Case, check};
use crate::support::{Database, stories};

stories! {
    on [Postgres] {
        statements,
    }
}

fn statements(db: &Database) {
    check(db, STATEMENTS);
}

const STATEMENTS: &[Case] = &[
    Case {
        name: "an unknown table",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (id INT);\nSELECT *\n  FROM nowhere;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:3:8",
        says: "42P01",
        next: "correct",
        ..CASE
    },
    Case {
        name: "an unknown column",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT i FROM a;\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:8",
        says: "42703",
        next: "correct",
        ..CASE
    },
    Case {
        name: "an unknown function",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT gen_uuid();\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:8",
        says: "42883",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a type of an extension that is not there",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "CREATE TABLE b (t citext);\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:19",
        says: "42704",
        next: "CREATE EXTENSION",
        ..CASE
    },
    Case {
        name: "an extension that the server has not",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "CREATE EXTENSION no_such_thing;\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        says: "no_such_thing",
        next: "install",
        ..CASE
    },
    Case {
        name: "a table that is there already",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "CREATE TABLE a (id INT);\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:14",
        says: "42P07",
        next: "migrate baseline",
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
                "CREATE TABLE b (n INT CONSTRAINT positive CHECK (n > 0));\nINSERT INTO b VALUES (0);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "constraint: positive",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a column that may not be null",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "INSERT INTO a VALUES (NULL);\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        says: "23502",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a null in a new column",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "INSERT INTO a VALUES (1);\nALTER TABLE a ADD b INT NOT NULL;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "23502",
        next: "correct",
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
                "CREATE TABLE b (a INT REFERENCES a);\nINSERT INTO b VALUES (7);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "23503",
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
                "CREATE TABLE b (a INT REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (7);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        says: "constraint: b_a_fkey",
        next: "deferred constraint",
        ..CASE
    },
    Case {
        name: "a division by zero",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "SELECT 1;\nSELECT 1 / 0;\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "22012",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a text that is no number",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "INSERT INTO a VALUES ('one');\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:23",
        says: "22P02",
        next: "correct",
        ..CASE
    },
    Case {
        name: "an error in a function's line",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE FUNCTION f() RETURNS INT LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN 1 / 0;\nEND\n$$;\nSELECT f();\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:6:1",
        says: "PL/pgSQL function f() line 3 at RETURN",
        next: "correct",
        ..CASE
    },
    Case {
        name: "an error in a function's statement",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "DO $$\nBEGIN\n  INSERT INTO nowhere VALUES (1);\nEND\n$$;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:3:15",
        says: "line 3 at SQL statement",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a function that raises",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "DO $$\nBEGIN\n  RAISE EXCEPTION 'not today' USING HINT = 'tomorrow';\nEND\n$$;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        says: "P0001",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a value of an enum used at once",
        given: &[
            Applied("migrations/1_a.sql", "CREATE TYPE mood AS ENUM ('ok');\n"),
            File(
                "migrations/2_b.sql",
                "ALTER TYPE mood ADD VALUE 'sad';\nSELECT 'sad'::mood;\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:8",
        says: "55P04",
        next: "separate migration",
        ..CASE
    },
    Case {
        name: "a lock that its file asks for at once",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "LOCK TABLE a NOWAIT;\n"),
            Held("BEGIN; LOCK TABLE a"),
        ],
        args: &["--deadline", "1s"],
        exit: 10,
        code: "deadline",
        place: "migrations/2_b.sql:1:1",
        next: "--deadline",
        says: "55P03",
        ..CASE
    },
    Case {
        name: "a statement that takes too long",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "SET LOCAL statement_timeout = 100;\nSELECT pg_sleep(5);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        says: "57014",
        next: "statement_timeout",
        ..CASE
    },
    Case {
        name: "a half without a transaction",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "-- no-transaction\nCREATE TABLE b (id INT);\nSELECT 1 / 0;\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:3:1",
        says: "22012",
        next: "after statement 1",
        stays: &["b"],
        ..CASE
    },
];
