//! Files that are refused before anything of any file is sent.

use super::Given::{Bytes, File};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server, stories};

stories! {
    on every {
        no_file_is_sent_in_part,
    }
}

fn no_file_is_sent_in_part(db: &Database) {
    check(db, ON_EVERY);
    check(
        db,
        match db.server {
            Server::Mariadb | Server::Mysql => ON_MYSQL,
            Server::Postgres => ON_POSTGRES,
            Server::Sqlite => ON_SQLITE,
        },
    );
}

/// It is right, and not applied either: all is verified before the first.
const A: Given = File("migrations/1_a.sql", "CREATE TABLE a (id INT);\n");

const ON_EVERY: &[Case] = &[
    Case {
        name: "a quote left open",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\nSELECT 'it''s;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:2:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a comment left open",
        given: &[
            A,
            File("migrations/2_b.sql", "SELECT 1;\n  /* why\nSELECT 2;\n"),
        ],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:2:3",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a NUL",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\nSELECT '\0';\n")],
        code: "nul_character",
        place: "migrations/2_b.sql:2:9",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "Unicode as Windows means it, without its mark",
        given: &[
            A,
            Bytes("migrations/2_b.sql", b"S\x00E\x00L\x00E\x00C\x00T\x00"),
        ],
        code: "nul_character",
        place: "migrations/2_b.sql:1:2",
        next: "UTF-8",
        ..CASE
    },
];

const ON_POSTGRES: &[Case] = &[
    Case {
        name: "a name left open",
        given: &[A, File("migrations/2_b.sql", "SELECT \"a FROM b;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a dollar quote left open",
        given: &[A, File("migrations/2_b.sql", "DO $x$ BEGIN END $y$;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:4",
        next: "close it",
        ..CASE
    },
    Case {
        name: "an escaped quote",
        given: &[A, File("migrations/2_b.sql", "SELECT 1; SELECT E'it\\';\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:18",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a nested comment left open",
        given: &[A, File("migrations/2_b.sql", "/* a /* b */ SELECT 1;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:1",
        next: "close it",
        ..CASE
    },
    Case {
        name: "an atomic body left open",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE FUNCTION f() RETURNS INT LANGUAGE sql BEGIN ATOMIC SELECT 1;\n",
            ),
        ],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:46",
        next: "close it",
        ..CASE
    },
    Case {
        name: "rows for a client",
        given: &[
            A,
            File("migrations/2_b.sql", "COPY a FROM stdin;\n1\n\\.\n"),
        ],
        code: "copy_from_client",
        place: "migrations/2_b.sql:1:1",
        next: "INSERT",
        ..CASE
    },
    Case {
        name: "rows to a client",
        given: &[
            A,
            File("migrations/2_b.sql", "SELECT 1;\n  COPY a TO STDOUT;\n"),
        ],
        code: "copy_from_client",
        place: "migrations/2_b.sql:2:3",
        next: "INSERT",
        ..CASE
    },
    Case {
        name: "a command of psql",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\n\\d a\n")],
        code: "psql_command",
        place: "migrations/2_b.sql:2:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "a new dump's first line",
        given: &[A, File("migrations/2_b.sql", "\\restrict abc\nSELECT 1;\n")],
        code: "psql_command",
        place: "migrations/2_b.sql:1:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "its own BEGIN",
        given: &[A, File("migrations/2_b.sql", "BEGIN;\nSELECT 1;\n")],
        code: "transaction_control",
        place: "migrations/2_b.sql:1:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "its own COMMIT",
        given: &[
            A,
            File("migrations/2_b.sql", "SELECT 1;\n/* x */ COMMIT;\n"),
        ],
        code: "transaction_control",
        place: "migrations/2_b.sql:2:9",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "its own ROLLBACK",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\nROLLBACK;\n")],
        code: "transaction_control",
        place: "migrations/2_b.sql:2:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "a two-phase commit",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "SELECT 1;\nPREPARE TRANSACTION 'x';\n",
            ),
        ],
        code: "transaction_control",
        place: "migrations/2_b.sql:2:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "an index built concurrently",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
            ),
        ],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:2:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "an index built again concurrently",
        given: &[
            A,
            File("migrations/2_b.sql", "REINDEX (CONCURRENTLY) TABLE a;\n"),
        ],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:1:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "a VACUUM",
        given: &[A, File("migrations/2_b.sql", "VACUUM;\n")],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:1:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "a database created",
        given: &[A, File("migrations/2_b.sql", "CREATE DATABASE x;\n")],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:1:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "the server's settings",
        given: &[
            A,
            File("migrations/2_b.sql", "ALTER SYSTEM SET work_mem = '8MB';\n"),
        ],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:1:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "the directive below a comment",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "-- an index\n-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
            ),
        ],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:3:1",
        next: "-- no-transaction",
        ..CASE
    },
];

const ON_MYSQL: &[Case] = &[
    Case {
        name: "a name left open",
        given: &[A, File("migrations/2_b.sql", "SELECT `a FROM b;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a text in double quotes left open",
        given: &[A, File("migrations/2_b.sql", "SELECT \"it's;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a comment that is executed left open",
        given: &[A, File("migrations/2_b.sql", "/*!40101 SET @a = 1;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:1",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a delimiter that is none",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\nDELIMITER\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:2:1",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a body left open",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE PROCEDURE p() BEGIN SELECT 1;\n",
            ),
        ],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:22",
        next: "close it",
        ..CASE
    },
];

const ON_SQLITE: &[Case] = &[
    Case {
        name: "a name left open",
        given: &[A, File("migrations/2_b.sql", "SELECT \"a FROM b;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a name in brackets left open",
        given: &[A, File("migrations/2_b.sql", "SELECT [a FROM b;\n")],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:8",
        next: "close it",
        ..CASE
    },
    Case {
        name: "a trigger left open",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;\n",
            ),
        ],
        code: "unterminated_sql",
        place: "migrations/2_b.sql:1:36",
        next: "close it",
        ..CASE
    },
    Case {
        name: "its own BEGIN",
        given: &[
            A,
            File("migrations/2_b.sql", "BEGIN IMMEDIATE;\nSELECT 1;\n"),
        ],
        code: "transaction_control",
        place: "migrations/2_b.sql:1:1",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "a VACUUM",
        given: &[A, File("migrations/2_b.sql", "SELECT 1;\nVACUUM;\n")],
        code: "needs_no_transaction",
        place: "migrations/2_b.sql:2:1",
        next: "-- no-transaction",
        ..CASE
    },
    Case {
        name: "a line that allows what no rule forbids",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "-- migrate:allow drop_all it may\nDROP TABLE IF EXISTS b;\n",
            ),
        ],
        code: "bad_allow",
        place: "migrations/2_b.sql:1:18",
        next: "did you mean `drop_cascades`?",
        ..CASE
    },
];
