//! States of every database, and of MySQL and MariaDB alone.

use super::Given::{Applied, File, Held, Long, Removed, Role, Sql, Url};
use super::{CASE, Case, Given, check};
use crate::support::{Database, stories};

stories! {
    on every {
        states,
    }
    on [Mariadb] {
        a_statement_that_is_too_large,
    }
    on [Mariadb, Mysql] {
        states_of_mysql,
    }
}

fn states(db: &Database) {
    check(db, ON_EVERY);
}

fn a_statement_that_is_too_large(db: &Database) {
    check(db, ON_MARIADB);
}

fn states_of_mysql(db: &Database) {
    check(db, ON_MYSQL);
}

const A: Given = File(
    "migrations/1_a.sql",
    "CREATE TABLE a (id INT PRIMARY KEY);\n",
);

const ON_EVERY: &[Case] = &[
    Case {
        name: "a file changed after it was applied",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n-- more\n",
            ),
        ],
        exit: 7,
        code: "edited_migration",
        says: "migrations/1_a.sql",
        next: "restore the file",
        ..CASE
    },
    Case {
        name: "a file gone from the middle",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            Applied("migrations/2_b.sql", "CREATE TABLE b (id INT);\n"),
            Removed("migrations/1_a.sql"),
        ],
        exit: 7,
        code: "missing_migration",
        says: "migration 1",
        next: "--unknown-applied",
        ..CASE
    },
    Case {
        name: "a file that comes late",
        given: &[
            Applied(
                "migrations/2_b.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/1_b.sql", "CREATE TABLE b (id INT);\n"),
        ],
        exit: 7,
        code: "out_of_order",
        says: "migrations/1_b.sql",
        next: "--out-of-order apply",
        ..CASE
    },
    Case {
        name: "a row that says half applied",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            Sql("UPDATE _sqlx_migrations SET success = FALSE"),
        ],
        exit: 7,
        code: "half_applied",
        says: "migration 1",
        next: "migrate repair --resolve 1=applied",
        ..CASE
    },
    Case {
        name: "another tool's history",
        given: &[
            A,
            Sql("CREATE TABLE flyway_schema_history (installed_rank INT)"),
        ],
        exit: 7,
        code: "foreign_history",
        says: "Flyway",
        next: "DATABASE_URL",
        ..CASE
    },
    Case {
        name: "a history of other columns",
        given: &[A, Sql("CREATE TABLE _sqlx_migrations (id INT)")],
        exit: 7,
        code: "not_a_history",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a history of other types",
        given: &[
            A,
            Sql(
                "CREATE TABLE _sqlx_migrations (version VARCHAR(20), description VARCHAR(20), installed_on VARCHAR(30), success INT, checksum VARCHAR(20), execution_time INT)",
            ),
            Sql("INSERT INTO _sqlx_migrations VALUES ('one', 'x', 'today', 1, 'x', 1)"),
        ],
        exit: 7,
        code: "not_a_history",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a syntax error",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "-- one\nINSRT INTO a VALUES (1);\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        next: "correct migrations/2_b.sql",
        ..CASE
    },
    Case {
        name: "a duplicate",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:2:1",
        next: "correct migrations/2_b.sql",
        ..CASE
    },
];

const ON_MYSQL: &[Case] = &[
    Case {
        name: "PostgreSQL's protocol",
        given: &[A, Url("postgres://app:hush-hush@{at}/{db}")],
        args: &["--wait", "0"],
        exit: 4,
        code: "unreachable",
        next: "scheme",
        ..CASE
    },
    Case {
        name: "a wrong password",
        given: &[A, Url("mysql://{db}:hush-hush@{at}/{db}")],
        exit: 4,
        code: "connection_refused",
        says: "1045",
        next: "user and the password",
        ..CASE
    },
    Case {
        name: "a database that is not there",
        given: &[A, Url("mysql://{host}/no_such_database")],
        exit: 4,
        code: "connection_refused",
        says: "1049",
        next: "create the database",
        ..CASE
    },
    Case {
        name: "a user of another database",
        given: &[A, Role("GRANT SELECT ON no_such.* TO {db}")],
        exit: 4,
        code: "connection_refused",
        says: "1044",
        next: "GRANT ALL ON",
        ..CASE
    },
    Case {
        name: "no right to create",
        given: &[A, Role("GRANT SELECT ON {db}.* TO {db}")],
        exit: 8,
        code: "statement_failed",
        says: "1142",
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
            File("migrations/2_b.sql", "CREATE TABLE b (id INT);\n"),
            Role("GRANT SELECT ON {db}.* TO {db}"),
        ],
        exit: 8,
        code: "migration_failed",
        says: "1142",
        next: "GRANT",
        ..CASE
    },
    Case {
        name: "a lock that another holds",
        given: &[
            A,
            Held(
                "SELECT GET_LOCK(CONCAT('cnb-migrate:', LEFT(SHA2(CONCAT(DATABASE(), '._sqlx_migrations'), 256), 32)), 0)",
            ),
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
            Held("LOCK TABLES a WRITE"),
        ],
        args: &["--lock-timeout", "1s", "--deadline", "3s"],
        exit: 10,
        code: "deadline",
        place: "migrations/2_b.sql:1:1",
        next: "--deadline",
        ..CASE
    },
    Case {
        name: "a row that is too long",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (t VARCHAR(3));\nINSERT INTO b VALUES ('four');\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:2:1",
        says: "1406",
        next: "after statement 1",
        stays: &["b"],
        ..CASE
    },
    Case {
        name: "a foreign key that fits nothing",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE TABLE b (a VARCHAR(9), FOREIGN KEY (a) REFERENCES a (id));\n",
            ),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a division by nothing at all",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File("migrations/2_b.sql", "INSERT INTO a VALUES (1 / 0);\n"),
        ],
        exit: 8,
        code: "migration_failed",
        place: "migrations/2_b.sql:1:1",
        says: "1365",
        next: "correct",
        ..CASE
    },
    Case {
        name: "a routine that raises",
        given: &[
            Applied(
                "migrations/1_a.sql",
                "CREATE TABLE a (id INT PRIMARY KEY);\n",
            ),
            File(
                "migrations/2_b.sql",
                "CREATE PROCEDURE p()\nBEGIN\n  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today';\nEND;\nCALL p();\n",
            ),
        ],
        exit: 9,
        code: "migration_half_applied",
        place: "migrations/2_b.sql:5:1",
        says: "not today",
        next: "after statement 1",
        ..CASE
    },
];

/// Its largest message is 16 MB by default, MySQL's 64.
const ON_MARIADB: &[Case] = &[Case {
    name: "a statement of 17 MB",
    given: &[
        Applied(
            "migrations/1_a.sql",
            "CREATE TABLE a (id INT PRIMARY KEY);\n",
        ),
        Long(
            "migrations/2_b.sql",
            "INSERT INTO a VALUES ('",
            17_000_000,
            "');\n",
        ),
    ],
    exit: 8,
    code: "migration_failed",
    place: "migrations/2_b.sql:1:1",
    next: "max_allowed_packet",
    ..CASE
}];
