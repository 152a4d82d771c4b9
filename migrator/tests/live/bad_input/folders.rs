//! Folders and names that are no migrations. No database is asked.

use super::Given::{Bytes, File, Folder, Link};
use super::{CASE, Case, Given, check};
use crate::support::{Database, Server};

#[test]
fn folders_and_names() {
    check(&Database::new(Server::Sqlite), CASES);
}

#[test]
fn other_tools_folders() {
    check(&Database::new(Server::Sqlite), OTHER_TOOLS);
}

const A: Given = File("migrations/1_a.sql", "CREATE TABLE a (id INT);\n");

const CASES: &[Case] = &[
    Case {
        name: "a quote left open behind a URL",
        given: &[
            A,
            File(
                "migrate.toml",
                "wait = \"1s\"\ndatabase-url = \"postgres://app:hush-hush@db/app\ndir = \"sql\"\n",
            ),
        ],
        code: "bad_configuration_file",
        place: "migrate.toml:2:48",
        next: "docs/reference/configuration.md",
        ..CASE
    },
    Case {
        name: "a URL under a name that nobody knows",
        given: &[
            A,
            File(
                "migrate.toml",
                "databaseurl = \"postgres://app:hush-hush@db/app\"\n",
            ),
        ],
        code: "bad_configuration_file",
        place: "migrate.toml:1:1",
        next: "did you mean `database-url`?",
        ..CASE
    },
    Case {
        name: "a URL beside a mistake",
        given: &[
            A,
            File(
                "migrate.toml",
                "wait = 5\ndatabase-url = \"postgres://app:hush-hush@db/app\"\n",
            ),
        ],
        code: "bad_configuration_file",
        place: "migrate.toml:1:8",
        next: "docs/reference/configuration.md",
        ..CASE
    },
    Case {
        name: "a configuration of Alembic that lies too deep",
        given: &[File("services/api/src/my app/alembic.ini", "[alembic]\n")],
        code: "no_migrations_folder",
        says: "but it has services/api/src/my app/alembic.ini",
        next: "--dir 'services/api/src/my app'",
        ..CASE
    },
    Case {
        name: "a project of Flask-Migrate",
        given: &[
            File(
                "migrations/alembic.ini",
                "# A generic, single database configuration.\n\n[alembic]\n",
            ),
            File("migrations/env.py", "from flask import current_app\n"),
            Folder("migrations/versions"),
        ],
        code: "no_script_location",
        says: "migrations/alembic.ini",
        next: "`flask db upgrade`",
        ..CASE
    },
    Case {
        name: "nothing at all",
        code: "no_migrations_folder",
        next: "--dir",
        ..CASE
    },
    Case {
        name: "an empty folder",
        given: &[Folder("migrations")],
        code: "no_migrations",
        says: "contains no SQL files",
        next: "20260131120000_create_users.sql",
        ..CASE
    },
    Case {
        name: "files that have no version",
        given: &[File("migrations/users.sql", "SELECT 1;\n")],
        code: "no_migrations",
        says: "only users.sql",
        next: "20260131120000_create_users.sql",
        ..CASE
    },
    Case {
        name: "a folder named as a migration",
        given: &[Folder("migrations/1_a.sql")],
        code: "no_migrations",
        next: "name",
        ..CASE
    },
    Case {
        name: "the folder is a file",
        given: &[File("migrations", "SELECT 1;\n")],
        args: &["--dir", "migrations"],
        code: "not_a_folder",
        says: "migrations",
        next: "use the folder",
        ..CASE
    },
    Case {
        name: "the folder is not there",
        given: &[A],
        args: &["--dir", "sql"],
        code: "missing_folder",
        says: "sql",
        next: "relative to the working directory",
        ..CASE
    },
    Case {
        name: "the folder is a link to nowhere",
        given: &[Link("migrations", "nowhere")],
        args: &["--dir", "migrations"],
        code: "missing_folder",
        next: "set the migrations folder",
        ..CASE
    },
    Case {
        name: "a migration is a link to nowhere",
        given: &[A, Link("migrations/2_b.sql", "nowhere.sql")],
        code: "unreadable",
        says: "migrations/2_b.sql",
        next: "link",
        ..CASE
    },
    Case {
        name: "a migration is a link to itself",
        given: &[A, Link("migrations/2_b.sql", "2_b.sql")],
        code: "unreadable",
        says: "migrations/2_b.sql",
        next: "remove it",
        ..CASE
    },
    Case {
        name: "a word for a version",
        given: &[A, File("migrations/two_b.sql", "SELECT 1;\n")],
        code: "bad_version",
        says: "migrations/two_b.sql: `two`",
        next: "VERSION_NAME.sql",
        ..CASE
    },
    Case {
        name: "no version before the underscore",
        given: &[A, File("migrations/_b.sql", "SELECT 1;\n")],
        code: "bad_version",
        says: "migrations/_b.sql",
        next: "VERSION_NAME.sql",
        ..CASE
    },
    Case {
        name: "a version that no number can be",
        given: &[
            A,
            File("migrations/20260131120000000001_b.sql", "SELECT 1;\n"),
        ],
        code: "bad_version",
        says: "20260131120000000001",
        next: "VERSION_NAME.sql",
        ..CASE
    },
    Case {
        name: "one version twice",
        given: &[A, File("migrations/1_b.sql", "SELECT 1;\n")],
        code: "duplicate_version",
        says: "migrations/1_a.sql and migrations/1_b.sql",
        next: "new version",
        ..CASE
    },
    Case {
        name: "one version twice, with zeros before it",
        given: &[A, File("migrations/001_b.sql", "SELECT 1;\n")],
        code: "duplicate_version",
        says: "migrations/001_b.sql",
        next: "new version",
        ..CASE
    },
    Case {
        name: "one version, plain and reversible",
        given: &[A, File("migrations/1_a.up.sql", "SELECT 1;\n")],
        code: "duplicate_version",
        says: "migrations/1_a.up.sql",
        next: "new version",
        ..CASE
    },
    Case {
        name: "Latin-1",
        given: &[Bytes("migrations/1_a.sql", b"SELECT '\xe9t\xe9';")],
        code: "not_utf8",
        place: "migrations/1_a.sql:1:9",
        says: "migrations/1_a.sql",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "Unicode as Windows means it",
        given: &[Bytes("migrations/1_a.sql", b"\xff\xfeS\x00E\x00L\x00")],
        code: "not_utf8",
        place: "migrations/1_a.sql:1:1",
        says: "byte 1",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "a gzipped dump",
        given: &[Bytes(
            "migrations/1_a.sql",
            b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        )],
        code: "not_utf8",
        place: "migrations/1_a.sql:1:2",
        says: "byte 2",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "a key of sqlx.toml that nobody knows",
        given: &[A, File("sqlx.toml", "[migrate]\ntable-nme = \"x\"\n")],
        code: "bad_sqlx_toml",
        place: "sqlx.toml:2:1",
        next: "correct it",
        ..CASE
    },
    Case {
        name: "sqlx.toml is no text",
        given: &[A, Bytes("sqlx.toml", b"\xff\xfe")],
        code: "not_utf8",
        place: "sqlx.toml:1:1",
        says: "sqlx.toml",
        next: "UTF-8",
        ..CASE
    },
    Case {
        name: "migrate.toml is a folder",
        given: &[A, Folder("migrate.toml")],
        code: "unreadable",
        says: "migrate.toml",
        next: "expected a file",
        ..CASE
    },
    Case {
        name: "a key of migrate.toml that nobody knows",
        given: &[A, File("migrate.toml", "dri = \"sql\"\n")],
        code: "bad_configuration_file",
        place: "migrate.toml:1:1",
        next: "did you mean `dir`?",
        ..CASE
    },
    Case {
        name: "a quote left open in migrate.toml",
        given: &[A, File("migrate.toml", "dir = \"sql\n")],
        code: "bad_configuration_file",
        place: "migrate.toml:1:11",
        next: "docs/reference/configuration.md",
        ..CASE
    },
    Case {
        name: "a number for a name",
        given: &[A, File("migrate.toml", "table = 1\n")],
        code: "bad_configuration_file",
        place: "migrate.toml:1:9",
        next: "docs/reference/configuration.md",
        ..CASE
    },
];

const OTHER_TOOLS: &[Case] = &[
    Case {
        name: "goose's",
        given: &[File(
            "migrations/1_a.sql",
            "-- +goose Up\nCREATE TABLE a (id INT);\n-- +goose Down\nDROP TABLE a;\n",
        )],
        code: "foreign_format",
        says: "is written for goose",
        next: "use goose",
        ..CASE
    },
    Case {
        name: "dbmate's",
        given: &[File(
            "migrations/1_a.sql",
            "-- migrate:up\nCREATE TABLE a (id INT);\n\n-- migrate:down\nDROP TABLE a;\n",
        )],
        code: "foreign_format",
        says: "is written for dbmate",
        next: "use dbmate",
        ..CASE
    },
    Case {
        name: "sql-migrate's",
        given: &[File(
            "migrations/1_a.sql",
            "-- +migrate Up\nCREATE TABLE a (id INT);\n",
        )],
        code: "foreign_format",
        says: "is written for sql-migrate",
        next: "use sql-migrate",
        ..CASE
    },
    Case {
        name: "Flyway's",
        given: &[File("migrations/V1__a.sql", "CREATE TABLE a (id INT);\n")],
        code: "foreign_format",
        says: "is written for Flyway or refinery",
        next: "use Flyway or refinery",
        ..CASE
    },
    Case {
        name: "Liquibase's",
        given: &[File(
            "migrations/1_a.sql",
            "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n",
        )],
        code: "foreign_format",
        says: "is written for Liquibase",
        next: "use Liquibase",
        ..CASE
    },
    Case {
        name: "Diesel's",
        given: &[
            File("migrations/2026-01-01-000000_a/up.sql", "SELECT 1;\n"),
            File("migrations/2026-01-01-000000_a/down.sql", "SELECT 1;\n"),
        ],
        code: "foreign_format",
        says: "is written for Diesel",
        next: "use Diesel",
        ..CASE
    },
    Case {
        name: "Prisma's",
        given: &[
            File("migrations/20260101000000_a/migration.sql", "SELECT 1;\n"),
            File(
                "migrations/migration_lock.toml",
                "provider = \"postgresql\"\n",
            ),
        ],
        code: "foreign_format",
        says: "is written for Prisma",
        next: "use Prisma",
        ..CASE
    },
    Case {
        name: "Drizzle's",
        given: &[File(
            "migrations/0000_a.sql",
            "SELECT 1;\n--> statement-breakpoint\nSELECT 2;\n",
        )],
        code: "foreign_format",
        says: "is written for Drizzle",
        next: "use Drizzle",
        ..CASE
    },
    Case {
        name: "Alembic's",
        given: &[
            A,
            File("migrations/env.py", "from alembic import context\n"),
        ],
        code: "foreign_format",
        says: "is written for Alembic",
        next: "use Alembic",
        ..CASE
    },
    Case {
        name: "Django's",
        given: &[
            File("migrations/__init__.py", ""),
            File(
                "migrations/0001_initial.py",
                "from django.db import migrations\n",
            ),
        ],
        code: "foreign_format",
        says: "is written for Django",
        next: "use Django",
        ..CASE
    },
    Case {
        name: "Atlas's",
        given: &[A, File("migrations/atlas.sum", "h1:x\n")],
        code: "foreign_format",
        says: "is written for Atlas",
        next: "use Atlas",
        ..CASE
    },
    Case {
        name: "graphile-migrate's",
        given: &[File(
            "migrations/000001-a.sql",
            "--! Previous: -\n--! Hash: sha1:0\n\nSELECT 1;\n",
        )],
        code: "foreign_format",
        says: "is written for graphile-migrate",
        next: "use graphile-migrate",
        ..CASE
    },
];
