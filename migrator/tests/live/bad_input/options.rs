//! What was typed, or set, and cannot be meant.

use super::Given::{Env, File};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server};

#[test]
fn options() {
    check(&Database::new(Server::Sqlite), CASES);
}

const A: Given = File("migrations/1_a.sql", "CREATE TABLE a (id INT);\n");

const CASES: &[Case] = &[
    Case {
        name: "a flag that there is not",
        given: &[A],
        args: &["--dry-ru"],
        exit: 2,
        says: "--dry-ru",
        ..CASE
    },
    Case {
        name: "a verb that there is not",
        given: &[A],
        args: &["upp"],
        exit: 2,
        says: "upp",
        ..CASE
    },
    Case {
        name: "two verbs",
        given: &[A],
        args: &["up", "status"],
        exit: 2,
        says: "status",
        ..CASE
    },
    Case {
        name: "an option without its value",
        given: &[A],
        args: &["--dir"],
        exit: 2,
        says: "--dir",
        ..CASE
    },
    Case {
        name: "one option twice",
        given: &[A],
        args: &["--dir", "migrations", "--dir", "sql"],
        exit: 2,
        says: "--dir",
        ..CASE
    },
    Case {
        name: "a URL in a verb's place",
        given: &[A],
        args: &["postgres://app:hush-hush@db/app"],
        exit: 2,
        says: "unrecognized",
        ..CASE
    },
    Case {
        name: "a URL of a mistyped option",
        given: &[A],
        args: &["--databse-url", "postgres://app:hush-hush@db/app"],
        exit: 2,
        says: "--databse-url",
        ..CASE
    },
    Case {
        name: "an option of another verb",
        given: &[A],
        args: &["up", "--exit-code"],
        exit: 2,
        says: "--exit-code",
        ..CASE
    },
    Case {
        name: "a colour that there is not",
        given: &[A],
        args: &["--color", "red"],
        code: "bad_setting",
        says: "`auto`, `always` or `never`",
        next: "--color",
        ..CASE
    },
    Case {
        name: "a duration without a unit",
        given: &[A],
        args: &["--wait", "5"],
        code: "bad_setting",
        says: "--wait has the invalid value \"5\"",
        next: "--wait",
        ..CASE
    },
    Case {
        name: "a duration below zero",
        given: &[A],
        args: &["--lock-timeout=-1s"],
        code: "bad_setting",
        says: "-1s",
        next: "--lock-timeout",
        ..CASE
    },
    Case {
        name: "a word for a duration",
        given: &[A],
        args: &["--deadline", "soon"],
        code: "bad_setting",
        says: "soon",
        next: "--deadline",
        ..CASE
    },
    Case {
        name: "an empty duration",
        given: &[A],
        args: &["--lock-wait", ""],
        code: "bad_setting",
        says: "lock-wait",
        next: "--lock-wait",
        ..CASE
    },
    Case {
        name: "a duration beyond all clocks",
        given: &[A],
        args: &["--lock-wait", "99999999999999999999y"],
        code: "bad_setting",
        says: "lock-wait",
        next: "--lock-wait",
        ..CASE
    },
    Case {
        name: "a policy that there is not",
        given: &[A],
        args: &["--out-of-order", "ignore"],
        code: "bad_setting",
        says: "`error` or `apply`",
        next: "--out-of-order",
        ..CASE
    },
    Case {
        name: "another policy that there is not",
        given: &[A],
        args: &["--unknown-applied", "all"],
        code: "bad_setting",
        says: "`newer`, `warn` or `error`",
        next: "--unknown-applied",
        ..CASE
    },
    Case {
        name: "a variable's policy",
        given: &[A, Env("MIGRATE_OUT_OF_ORDER", "yes")],
        code: "bad_setting",
        says: "MIGRATE_OUT_OF_ORDER",
        next: "MIGRATE_OUT_OF_ORDER",
        ..CASE
    },
    Case {
        name: "a file's policy",
        given: &[A, File("migrate.toml", "out-of-order = \"yes\"\n")],
        code: "bad_configuration_file",
        place: "migrate.toml:1:16",
        says: "`error` or `apply`",
        next: "docs/reference/configuration.md",
        ..CASE
    },
    Case {
        name: "an empty folder name",
        given: &[A],
        args: &["--dir", ""],
        code: "bad_setting",
        says: "the path of a folder",
        next: "--dir",
        ..CASE
    },
    Case {
        name: "a blank folder name",
        given: &[A],
        args: &["--dir", " "],
        code: "bad_setting",
        says: "the path of a folder",
        next: "--dir",
        ..CASE
    },
    Case {
        name: "a URL of an option",
        given: &[A],
        args: &["--database-url", "mongodb://app:hush-hush@db/app"],
        code: "unknown_scheme",
        says: "--database-url",
        next: "use postgres://",
        ..CASE
    },
    Case {
        name: "a URL where a folder should be",
        given: &[A],
        args: &["--dir", "postgres://app:hush-hush@db/app"],
        code: "missing_folder",
        says: "postgres://@db/app",
        next: "set the migrations folder",
        ..CASE
    },
    Case {
        name: "a URL where a duration should be",
        given: &[A],
        args: &["--wait", "postgres://app:hush-hush@db/app"],
        code: "bad_setting",
        says: "postgres://@db/app",
        next: "--wait",
        ..CASE
    },
    Case {
        name: "an empty table name",
        given: &[A],
        args: &["--table", ""],
        code: "bad_setting",
        says: "table",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a statement for a table",
        given: &[A],
        args: &["--table", "x; DROP TABLE a; --"],
        code: "bad_setting",
        says: "table",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a quote left open in a table's name",
        given: &[A],
        args: &["--table", "\"x"],
        code: "bad_setting",
        says: "table",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a table's name of three parts",
        given: &[A],
        args: &["--table", "a.b.c.d"],
        code: "bad_setting",
        says: "table",
        next: "--table",
        ..CASE
    },
    Case {
        name: "a status with nobody to ask",
        given: &[A],
        args: &[
            "status",
            "--wait",
            "0",
            "--database-url",
            "postgres://app:hush-hush@127.0.0.1:1/app",
        ],
        exit: 4,
        code: "unreachable",
        says: "refused",
        next: "host and port",
        ..CASE
    },
];
