//! Whole messages, as files on the disk: `tests/errors/<database>/<case>/` is a
//! project, and its `output` is what `migrate up` comes to there.
//!
//! Beside the project: `before/`, migrations that were applied earlier;
//! `database.sql`, which made something of the database; `command`, with other
//! arguments in its last line and variables before it. `UPDATE_GOLDEN=1` writes
//! the outputs anew: read the diff.

use crate::support::{Database, Migrate, Project, Server, up};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
#[ignore = "needs scripts/servers"]
fn messages_are_as_on_the_disk_in_postgres() {
    check_all(Server::Postgres, "postgres", 8);
}

#[test]
fn messages_are_as_on_the_disk_in_sqlite() {
    check_all(Server::Sqlite, "sqlite", 14);
}

fn check_all(server: Server, folder: &str, at_least: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/errors")
        .join(folder);
    let cases = entries(&folder);
    assert!(
        cases.len() >= at_least,
        "{} has its cases",
        folder.display()
    );
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| check(server, case))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a case, if anything is.
fn check(server: Server, case: &Path) -> Option<String> {
    let database = Database::new(server);
    if let Ok(sql) = fs::read_to_string(case.join("database.sql")) {
        database.run(&sql);
    }
    if case.join("before").exists() {
        up(
            &copy(Project::new(), &case.join("before"), "migrations/"),
            &database,
        )
        .exits(0);
    }
    let project = copy(Project::new(), case, "");
    let command = fs::read_to_string(case.join("command")).unwrap_or_else(|_| "up".to_owned());
    let mut migrate = Migrate::new(&project).on(&database);
    for line in command.lines() {
        migrate = match line.split_once('=') {
            Some((name, value)) => migrate.env(name, value),
            None => line
                .split(' ')
                .fold(migrate, |migrate, arg| migrate.args([arg])),
        };
    }
    let output = without_accidents(migrate.run().to_string().trim_start(), &database);
    let golden = case.join("output");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &output).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    let name = case.file_name().unwrap().display();
    (output != expected).then(|| format!("{name} is now\n{output}\nand should be\n{expected}"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// The project with the files of a case, wherever they belong.
fn copy(project: Project, from: &Path, prefix: &str) -> Project {
    entries(from).into_iter().fold(project, |project, path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            "before" | "command" | "database.sql" | "output" => project,
            _ if path.is_dir() => copy(project, &path, &format!("{prefix}{name}/")),
            _ => project.file(&format!("{prefix}{name}"), fs::read(&path).unwrap()),
        }
    })
}

/// The text without what differs from run to run.
fn without_accidents(text: &str, database: &Database) -> String {
    let (shown, _) = database.url().split_once(':').unwrap();
    let mut clean = String::new();
    for line in text.lines() {
        let line = match line.split_once("database    ") {
            Some((margin, rest)) => {
                let (_, history) = rest.split_once("), ").unwrap();
                format!("{margin}database    {shown}:… (…), {history}")
            }
            None => line.replace(database.url(), "sqlite:…"),
        };
        clean.push_str(&without_duration(&line));
        clean.push('\n');
    }
    clean
}

/// Without how long a migration took.
fn without_duration(line: &str) -> String {
    let is_applied = line.starts_with('✅') && line.ends_with(')');
    match line.rsplit_once(" (") {
        Some((before, _)) if is_applied => format!("{before} (…)"),
        _ => line.to_owned(),
    }
}
