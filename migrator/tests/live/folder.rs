//! Folders that are no set of migrations: refused before any database is asked,
//! which an address that nobody answers proves.

use crate::support::{Migrate, Output, Project};

/// Nobody listens there; whoever asked it would wait and exit with 4.
const NOBODY: &str = "postgres://user:hush-hush@127.0.0.1:1/app";

fn up(project: &Project) -> Output {
    Migrate::new(project)
        .env("DATABASE_URL", NOBODY)
        .args(["up", "--wait", "0"])
        .run()
}

/// `up` and `status` refuse alike.
fn refused(project: &Project) -> Output {
    Migrate::new(project)
        .env("DATABASE_URL", NOBODY)
        .args(["status"])
        .run()
        .exits(3);
    up(project)
        .exits(3)
        .ends("State: nothing was changed in the database.")
}

fn one_file(name: &str, text: &str) -> Project {
    Project::new().migration(name, text)
}

#[test]
fn a_whole_folder_reaches_for_the_database() {
    up(&one_file("1_a.sql", "SELECT 1"))
        .exits(4)
        .complains("error[unreachable]");
}

#[test]
fn two_files_of_one_version_are_both_named() {
    for (first, second) in [
        ("1_a.sql", "1_b.sql"),
        ("01_a.sql", "1_b.sql"),
        ("1_a.sql", "1_a.up.sql"),
    ] {
        refused(&one_file(first, "SELECT 1").migration(second, "SELECT 1"))
            .ends(&format!(
                "migrations/{first} and migrations/{second} both have version 1"
            ))
            .complains("error[duplicate_version]");
    }
}

#[test]
fn a_name_without_a_version_is_named() {
    for (name, prefix) in [
        ("one_users.sql", "one"),
        ("v1_users.sql", "v1"),
        ("1.5_users.sql", "1.5"),
        ("_users.sql", ""),
        ("99999999999999999999_users.sql", "99999999999999999999"),
    ] {
        refused(&one_file("1_a.sql", "SELECT 1").migration(name, "SELECT 1"))
            .ends(&format!(
                "migrations/{name}: `{prefix}` before the first underscore"
            ))
            .complains("error[bad_version]");
    }
}

#[test]
fn a_file_that_is_no_text_is_named_with_its_byte() {
    let project = Project::new().migration("1_a.sql", b"SELECT '\xe9t\xe9'");
    refused(&project)
        .ends("migrations/1_a.sql is not UTF-8 text: byte 9 is invalid")
        .complains("error[not_utf8]");
}

#[test]
fn an_empty_folder_is_no_success() {
    refused(&Project::new().folder("migrations"))
        .ends("migrations contains no SQL files")
        .complains("error[no_migrations]");
}

#[test]
fn a_folder_of_other_names_says_which() {
    let project = ["a", "b", "c", "d"]
        .iter()
        .fold(Project::new(), |project, name| {
            project.migration(&format!("{name}.sql"), "SELECT 1")
        });
    refused(&project).ends("only a.sql, b.sql, c.sql and 1 more");
}

#[test]
fn no_folder_at_all_says_where_it_was_looked_for() {
    refused(&Project::new())
        .ends("migrations/, db/migrations/, database/migrations/")
        .complains("error[no_migrations_folder]")
        .complains("MIGRATE_DIR");
}

#[test]
fn a_folder_that_is_named_and_missing_is_an_error() {
    let project = one_file("1_a.sql", "SELECT 1").file("file", "");
    for (dir, said) in [
        ("elsewhere", "elsewhere does not exist"),
        ("file", "file is not a folder"),
    ] {
        Migrate::new(&project)
            .env("DATABASE_URL", NOBODY)
            .env("MIGRATE_DIR", dir)
            .run()
            .exits(3)
            .ends(said);
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_named() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let project = one_file("1_a.sql", "SELECT 1").migration("2_b.sql", "SELECT 1");
    let file = project.path("migrations/2_b.sql");
    set_permissions(&file, Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        // Root reads everything; a link that leads round in a circle stops it, too.
        project.remove("migrations/2_b.sql");
        std::os::unix::fs::symlink("2_b.sql", &file).unwrap();
    }
    refused(&project)
        .ends("migrations/2_b.sql cannot be read")
        .complains("error[unreadable]");
}

#[test]
fn other_tools_folders_are_told_by_name() {
    let files = [
        (
            "1_a.sql",
            "-- +goose Up\nCREATE TABLE a (id INT);\n-- +goose Down\nDROP TABLE a;\n",
            "goose",
        ),
        (
            "1_a.sql",
            "-- migrate:up\nCREATE TABLE a (id INT);\n\n-- migrate:down\nDROP TABLE a;\n",
            "dbmate",
        ),
        (
            "1_a.sql",
            "-- +migrate Up\nCREATE TABLE a (id INT);\n",
            "sql-migrate",
        ),
        (
            "V1__a.sql",
            "CREATE TABLE a (id INT);\n",
            "Flyway or refinery",
        ),
        (
            "0000_a.sql",
            "CREATE TABLE a (id INT);\n--> statement-breakpoint\nSELECT 1;\n",
            "Drizzle",
        ),
        (
            "000001-a.sql",
            "--! Previous: -\n--! Hash: sha1:0\n\nSELECT 1;\n",
            "graphile-migrate",
        ),
        (
            "1_a.sql",
            "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n",
            "Liquibase",
        ),
        ("2026_a/up.sql", "CREATE TABLE a (id INT);\n", "Diesel"),
        (
            "2026_a/migration.sql",
            "CREATE TABLE a (id INT);\n",
            "Prisma or Drizzle",
        ),
    ];
    for (name, text, tool) in files {
        refused(&one_file(name, text))
            .ends(&format!("is written for {tool}: "))
            .complains("error[foreign_format]");
    }
    // The files would do; what stands beside them tells.
    for (beside, tool) in [
        ("meta/_journal.json", "Drizzle"),
        ("atlas.sum", "Atlas"),
        ("migration_lock.toml", "Prisma"),
        ("env.py", "Alembic"),
        ("__init__.py", "Django"),
    ] {
        refused(&one_file("1_a.sql", "SELECT 1").migration(beside, ""))
            .ends(&format!("is written for {tool}: "));
    }
}
