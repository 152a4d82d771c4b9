//! Causes that have a next step of their own, and complaints that are placed by
//! the name in them.

use super::Given::{Applied, Bytes, File, Url};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server, stories};

stories! {
    on [Postgres] {
        causes_of_postgres,
    }
    on [Mariadb, Mysql] {
        causes_of_mysql,
    }
    on [Mysql] {
        causes_of_mysql_alone,
    }
}

#[test]
fn causes_of_sqlite() {
    check(&Database::new(Server::Sqlite), ON_SQLITE);
}

#[test]
fn files_that_are_no_text() {
    check(&Database::new(Server::Sqlite), FILES);
}

fn causes_of_postgres(db: &Database) {
    check(db, ON_POSTGRES);
}

fn causes_of_mysql(db: &Database) {
    check(db, ON_MYSQL);
}

fn causes_of_mysql_alone(db: &Database) {
    check(db, ON_MYSQL_ALONE);
}

const A: Given = Applied(
    "migrations/1_a.sql",
    "CREATE TABLE a (id INT PRIMARY KEY);\n",
);

/// A second file that fails, and of which nothing stays.
const FAILS: Case = Case {
    exit: 8,
    code: "migration_failed",
    ..CASE
};

const ON_POSTGRES: &[Case] = &[
    Case {
        name: "a procedure that commits",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$;\nCALL p();\n",
            ),
        ],
        place: "migrations/2_b.sql:2:1",
        says: "2D000",
        next: "`-- no-transaction`",
        ..FAILS
    },
    Case {
        name: "a table that is built anew outside of a transaction only",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE p (id INT PRIMARY KEY) PARTITION BY RANGE (id);\nREINDEX TABLE p;\n",
            ),
        ],
        place: "migrations/2_b.sql:2:1",
        says: "25001",
        next: "`-- no-transaction`",
        ..FAILS
    },
    Case {
        name: "a function that would vacuum",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "DO $$ BEGIN EXECUTE 'VACUUM'; END $$;\n",
            ),
        ],
        place: "migrations/2_b.sql:1:1",
        says: "25001",
        next: "a function cannot run it",
        ..FAILS
    },
    Case {
        name: "a function that commits, where there is no transaction",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "-- no-transaction\nCREATE FUNCTION f() RETURNS INT LANGUAGE plpgsql AS \
                 $$ BEGIN COMMIT; RETURN 1; END $$;\nSELECT f();\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:3:1",
        says: "2D000",
        next: "correct migrations/2_b.sql after statement 1",
        ..CASE
    },
    Case {
        name: "a syntax that is not there yet",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "SELECT 1;\nCREATE ASSERTION b CHECK (true);\n",
            ),
        ],
        place: "migrations/2_b.sql:2:1",
        says: "0A000",
        next: "correct migrations/2_b.sql",
        ..FAILS
    },
    Case {
        name: "an escaped NUL",
        given: &[
            A,
            File("migrations/2_b.sql", "SELECT 1;\nSELECT 2, E'\\x00';\n"),
        ],
        place: "migrations/2_b.sql:2:1",
        says: "22021",
        next: "correct migrations/2_b.sql",
        ..FAILS
    },
    Case {
        name: "a table that is there, after what stays",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "-- no-transaction\nCREATE TABLE b (id INT);\nCREATE TABLE a (id INT);\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:3:14",
        says: "42P07",
        next: "migrate baseline VERSION`; then run migrate up again, which continues after \
               statement 1",
        stays: &["b"],
        ..CASE
    },
];

const ON_MYSQL: &[Case] = &[
    Case {
        name: "a collation that is not there",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (t TEXT COLLATE utf8_nowhere);\n",
            ),
        ],
        place: "migrations/2_b.sql:1:32",
        says: "1273",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "a default of another type",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (\n  n INT DEFAULT 'x'\n);\n",
            ),
        ],
        place: "migrations/2_b.sql:2:3",
        says: "1067",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "a column that is too long",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (\n  id INT,\n  `wide` VARCHAR(70000) NOT NULL\n);\n",
            ),
        ],
        place: "migrations/2_b.sql:3:4",
        says: "1074",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "a key of a column that is not there",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (id INT,\n  KEY (missing));\n",
            ),
        ],
        place: "migrations/2_b.sql:2:8",
        says: "1072",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "a character set that is not there",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (t TEXT CHARACTER SET klingon);\n",
            ),
        ],
        place: "migrations/2_b.sql:1:38",
        says: "1115",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "a column that is not there to drop",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "ALTER TABLE a\n  DROP COLUMN Nothing;\n",
            ),
        ],
        place: "migrations/2_b.sql:2:15",
        says: "1091",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "an unknown column after what stays",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (id INT);\nUPDATE b SET none = 1;\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:2:14",
        says: "1054",
        next: "after statement 1",
        stays: &["b"],
        ..CASE
    },
    Case {
        name: "a name that stands twice is no place",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "SELECT 1 FROM a WHERE none = 1 OR none = 2;\n",
            ),
        ],
        place: "migrations/2_b.sql:1:1",
        says: "1054",
        next: "correct",
        ..FAILS
    },
    Case {
        name: "rows of a file of this machine",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE a;\n",
            ),
        ],
        place: "migrations/2_b.sql:1:1",
        next: "write the rows as INSERT",
        ..FAILS
    },
    Case {
        name: "a table that is there, after what stays",
        given: &[
            A,
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (id INT);\nCREATE TABLE a (id INT);\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:2:14",
        says: "1050",
        next: "migrate baseline VERSION`; then run migrate up again, which continues after \
               statement 1",
        stays: &["b"],
        ..CASE
    },
];

const ON_MYSQL_ALONE: &[Case] = &[Case {
    name: "a default of a text",
    given: &[
        A,
        File(
            "migrations/2_b.sql",
            "CREATE TABLE b (\n  body TEXT DEFAULT 'x'\n);\n",
        ),
    ],
    place: "migrations/2_b.sql:2:3",
    says: "1101",
    next: "correct",
    ..FAILS
}];

const ON_SQLITE: &[Case] = &[
    Case {
        name: "a folder that is not there",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Url("sqlite:{folder}/none/app.db"),
        ],
        exit: 4,
        code: "database_file",
        says: "does not exist",
        next: "mkdir -p {folder}/none;",
        ..CASE
    },
    Case {
        name: "a folder with a space that is not there",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Url("sqlite:{folder}/my data/app.db"),
        ],
        exit: 4,
        code: "database_file",
        says: "does not exist",
        next: "mkdir -p '{folder}/my data';",
        ..CASE
    },
];

const FILES: &[Case] = &[
    Case {
        name: "what macOS puts beside a file",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Bytes("migrations/._1_a.sql", b"\x00\x05\x16\x07\xff"),
        ],
        code: "bad_version",
        says: "._1_a.sql",
        next: "remove this hidden file",
        ..CASE
    },
    Case {
        name: "what macOS puts beside a repeatable file",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Bytes("migrations/repeatable/._r.sql", b"\x00\x05\x16\x07\xff"),
        ],
        code: "not_utf8",
        place: "migrations/repeatable/._r.sql:1:5",
        next: "remove this hidden file",
        ..CASE
    },
    Case {
        name: "a character of Latin-1 in a later line",
        given: &[Bytes(
            "migrations/1_a.sql",
            b"-- gr\xc3\xb6\xc3\x9fe\nSELECT '\xc3\xa9t\xe9';\n",
        )],
        code: "not_utf8",
        place: "migrations/1_a.sql:2:11",
        says: "byte 23",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "a configuration of Latin-1, with a password",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Bytes(
                "migrate.toml",
                b"wait = \"1s\"\ndatabase-url = \"postgres://\xc3\xa9:hush-hush@db/caf\xe9\"\n",
            ),
        ],
        code: "not_utf8",
        place: "migrate.toml:2:46",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "a repeatable file of Latin-1",
        given: &[
            File("migrations/1_a.sql", "SELECT 1;\n"),
            Bytes("migrations/repeatable/r.sql", b"SELECT 1;\r\n\xe9\r\n"),
        ],
        code: "not_utf8",
        place: "migrations/repeatable/r.sql:2:1",
        next: "UTF-8",
        ..CASE
    },
];
