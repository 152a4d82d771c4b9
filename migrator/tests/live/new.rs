//! `new`: files in the project's own manner.

use crate::support::{Database, Migrate, Output, Project, Server, up};
use migrate::sources::{self, SourceError};
use std::fs;

fn new(project: &Project, name: &str) -> Output {
    Migrate::new(project).args(["new", name]).run()
}

/// What is in the folder, sorted.
fn names(project: &Project, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(project.path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_first_migration_is_a_timestamp_in_a_new_folder() {
    let project = Project::new();
    let output = new(&project, "Add users, please").exits(0);
    let path = output.stdout.strip_suffix('\n').unwrap();
    let version = path
        .strip_prefix("migrations/")
        .and_then(|path| path.strip_suffix("_add_users_please.sql"))
        .unwrap_or_else(|| panic!("{output}"));
    assert_eq!(version.len(), 14, "{output}");
    assert!(version.chars().all(|c| c.is_ascii_digit()), "{output}");
    assert_eq!(output.stderr, "note: created the folder migrations\n");
    let text = fs::read_to_string(project.path(path)).unwrap();
    assert_eq!(text, "-- Up: add users please\n");

    // A second one in the same second sorts after it, and both can be applied.
    let second = new(&project, "more").exits(0);
    assert!(second.stdout > output.stdout, "{second}");
    assert_eq!(second.stderr, "");
    let db = Database::new(Server::Sqlite);
    up(&project, &db).exits(0).says("Applied 2 migrations");
}

#[test]
fn counters_and_pairs_are_gone_on_with() {
    let project = Project::new()
        .file("db/migrations/009_a.up.sql", "SELECT 1;\n")
        .file("db/migrations/009_a.down.sql", "SELECT 1;\n");
    let output = new(&project, "b").exits(0);
    assert_eq!(
        output.stdout,
        "db/migrations/010_b.up.sql\ndb/migrations/010_b.down.sql\n"
    );
    let down = fs::read_to_string(project.path("db/migrations/010_b.down.sql")).unwrap();
    assert_eq!(down, "-- Down: b\n");
    let project = Project::new().migration("1_a.sql", "SELECT 1;\n");
    new(&project, "b").exits(0);
    Migrate::new(&project)
        .args(["new", "c", "--reversible"])
        .run()
        .exits(0);
    assert_eq!(
        names(&project, "migrations"),
        ["1_a.sql", "2_b.sql", "3_c.down.sql", "3_c.up.sql"]
    );
}

#[test]
fn the_configured_folder_is_used_and_obeyed() {
    let project = Project::new().file("migrate.toml", "dir = \"sql\"\n");
    new(&project, "a").exits(0).says("sql/2");
    let project = Project::new().file(
        "sqlx.toml",
        "[migrate]\nmigrations-dir = \"sql/steps\"\n[migrate.defaults]\n\
         migration-type = \"reversible\"\nmigration-versioning = \"sequential\"\n",
    );
    new(&project, "a").exits(0);
    assert_eq!(
        names(&project, "sql/steps"),
        ["0001_a.down.sql", "0001_a.up.sql"]
    );
    // The nearest sqlx.toml counts, of a folder that is not there yet, too.
    let project = Project::new().file(
        "service/sqlx.toml",
        "[migrate.defaults]\nmigration-versioning = \"sequential\"\n",
    );
    let output = Migrate::new(&project)
        .args(["new", "a", "--dir", "service/steps"])
        .run()
        .exits(0);
    assert_eq!(output.stdout, "service/steps/0001_a.sql\n");
}

#[test]
fn a_clock_that_is_behind_makes_no_migration_that_sorts_first() {
    let project = Project::new().migration("99990101000000_a.sql", "SELECT 1;\n");
    let output = new(&project, "b")
        .exits(0)
        .complains("warning[ahead_of_the_clock]");
    assert_eq!(output.stdout, "migrations/99990101000001_b.sql\n");
    let project = Project::new().migration("9223372036854775807_a.sql", "SELECT 1;\n");
    new(&project, "b")
        .exits(3)
        .complains("error[no_version_left]");
    assert_eq!(names(&project, "migrations").len(), 1);
}

#[test]
fn json_has_a_line_a_file() {
    let project = Project::new();
    let output = Migrate::new(&project)
        .args(["new", "a", "--reversible", "--output", "json"])
        .run()
        .exits(0);
    assert_eq!(output.stderr, "");
    let events: Vec<serde_json::Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(told, ["created_folder", "created", "created"]);
    let path = events[1]["path"].as_str().unwrap();
    assert!(path.ends_with("_a.up.sql") && project.path(path).exists());
}

#[test]
fn a_name_without_a_word_is_a_wrong_command_line() {
    let project = Project::new();
    for name in ["", "--", "!?", "_"] {
        new(&project, name).exits(2);
    }
    assert!(!project.path("migrations").exists());
}

#[test]
fn a_folder_that_is_wrong_gets_nothing_new() {
    for (project, code) in [
        (
            Project::new().migration("1_a.sql", "-- +goose Up\n"),
            "foreign_format",
        ),
        (
            Project::new().migration("first_a.sql", "SELECT 1;\n"),
            "bad_version",
        ),
        (Project::new().file("migrations", "a file"), "not_a_folder"),
        (
            Project::new().file(
                "sqlx.toml",
                "[migrate.defaults]\nmigration-type = \"both\"\n",
            ),
            "bad_sqlx_toml",
        ),
    ] {
        let before = names(&project, ".");
        new(&project, "b")
            .exits(3)
            .complains(&format!("error[{code}]"));
        assert_eq!(names(&project, "."), before);
    }
    let project = Project::new().folder("migrations");
    Migrate::new(&project)
        .args(["new", &"long ".repeat(60), "--reversible"])
        .run()
        .exits(3)
        .complains("error[unwritable]");
    assert_eq!(names(&project, "migrations"), [""; 0]);
}

#[test]
fn of_a_pair_there_are_both_or_none() {
    let project = Project::new().migration("2_b.down.sql", "mine\n");
    let folder = project.path("migrations");
    let files = [("2_b.up.sql", "x"), ("2_b.down.sql", "x")];
    let error = sources::create(&folder, &files).unwrap_err();
    assert!(matches!(error, SourceError::Exists { .. }), "{error:?}");
    assert_eq!(names(&project, "migrations"), ["2_b.down.sql"]);
    let text = fs::read_to_string(folder.join("2_b.down.sql")).unwrap();
    assert_eq!(text, "mine\n");
}

#[test]
fn many_at_once_overwrite_nothing() {
    let project = Project::new().migration("1_a.sql", "SELECT 1;\n");
    let running: Vec<_> = (0..12)
        .map(|_| Migrate::new(&project).args(["new", "b"]).spawn())
        .collect();
    let created = running
        .into_iter()
        .map(|running| match running.wait() {
            output if output.code == 0 => 1,
            output => output.exits(3).complains("error[file_exists]").stdout.len(),
        })
        .sum::<usize>();
    assert_eq!(names(&project, "migrations").len(), created + 1);
}
