//! `doctor` and a database: each of these is broken for real, has the one finding
//! that it must have, and none any more once the correction was run.

mod leftovers;
mod postgres;
mod rights;

use crate::support::{Database, Migrate, Output, Project, Server, stories, up};
use serde_json::Value;

stories! {
    on every {
        a_good_database_has_no_finding,
        a_history_that_disagrees_is_found,
        alembics_version_table_is_held_against_its_revisions,
        another_tools_history_is_found,
        tables_without_a_history_are_told,
    }
    on servers {
        a_database_that_lets_nobody_in_hides_no_other_finding,
    }
    on [Sqlite] {
        a_file_that_cannot_be_written_is_found,
    }
}

/// A project whose migrations every database takes.
pub(super) fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n")
}

/// What a doctor finds at an address, changing nothing on the way.
pub(super) struct Found {
    findings: Vec<Value>,
    pub(super) output: Output,
}

#[track_caller]
pub(super) fn examined<const N: usize>(
    db: &Database,
    project: &Project,
    url: &str,
    options: [&str; N],
) -> Found {
    // To look at a file that is not there would create it.
    let snapshot = || match db.server {
        Server::Sqlite if !db.path().exists() => None,
        _ => Some(db.snapshot()),
    };
    let before = snapshot();
    let output = Migrate::new(project)
        .env("DATABASE_URL", url)
        .args(["doctor", "--output", "json", "--wait", "1s"])
        .args(options)
        .run();
    assert_eq!(output.stderr, "");
    assert_eq!(snapshot(), before, "it asks, and changes nothing");
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["exit_code"], output.code);
    let findings = document["findings"].as_array().unwrap().clone();
    Found { findings, output }
}

#[track_caller]
pub(super) fn doctor(db: &Database, project: &Project) -> Found {
    examined(db, project, db.url(), [])
}

impl Found {
    #[track_caller]
    pub(super) fn nothing(self) {
        assert_eq!(self.codes(), [""; 0], "{}", self.output);
        self.output.exits(0);
    }

    /// One finding, which must not fail a deploy; its correction, line by line.
    #[track_caller]
    pub(super) fn warns(self, code: &str) -> Vec<String> {
        self.is(code, "warning", 0)
    }

    /// One finding, which would.
    #[track_caller]
    pub(super) fn refuses(self, code: &str) -> Vec<String> {
        self.is(code, "error", 3)
    }

    #[track_caller]
    fn is(self, code: &str, severity: &str, exit: i32) -> Vec<String> {
        assert_eq!(self.codes(), [code], "{}", self.output);
        let [finding] = &self.findings[..] else {
            unreachable!("there is one code")
        };
        assert_eq!(finding["severity"], severity, "{}", self.output);
        assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()));
        assert!(
            finding["see"]
                .as_str()
                .is_none_or(|see| see.starts_with("https://"))
        );
        let lines = finding["correction"].as_array().cloned();
        self.output.exits(exit);
        lines
            .unwrap_or_default()
            .iter()
            .map(|line| line.as_str().unwrap().to_owned())
            .collect()
    }

    pub(super) fn codes(&self) -> Vec<&str> {
        let codes = self.findings.iter();
        codes
            .map(|finding| finding["code"].as_str().unwrap())
            .collect()
    }

    /// What the findings say, one after the other.
    pub(super) fn titles(&self) -> String {
        let titles = self.findings.iter();
        titles
            .map(|finding| finding["message"].as_str().unwrap().to_owned() + "\n")
            .collect()
    }
}

/// As somebody who may do anything.
#[track_caller]
pub(super) fn correct(db: &Database, lines: &[String]) {
    assert!(!lines.is_empty(), "there is something to run");
    for line in lines {
        db.run(line);
    }
}

/// The database's URL for another user.
pub(super) fn url_of(db: &Database, user: &str) -> String {
    let (_, at) = db.url().rsplit_once('@').unwrap();
    let (scheme, _) = db.url().split_once("://").unwrap();
    format!("{scheme}://{user}:hush-hush@{at}")
}

fn a_good_database_has_no_finding(db: &Database) {
    let project = project();
    doctor(db, &project).nothing();
    let output = up(&project, db).exits(0);
    assert!(output.stdout.contains("Applied 1 migration"));
    doctor(db, &project).nothing();
    // What is pending is no illness.
    project.write(
        "migrations/2_b.sql",
        "ALTER TABLE a ADD b INT;\nCREATE TABLE c (id INT PRIMARY KEY);\n",
    );
    doctor(db, &project).nothing();
    // It says so to people, too.
    Migrate::new(&project)
        .on(db)
        .args(["doctor"])
        .run()
        .exits(0)
        .says("Nothing found that would fail or harm a deploy.");
}

fn a_history_that_disagrees_is_found(db: &Database) {
    let project = project().migration("2_b.sql", "CREATE TABLE b (id INT PRIMARY KEY);\n");
    up(&project, db).exits(0);
    project.write(
        "migrations/1_a.sql",
        "CREATE TABLE a (id BIGINT PRIMARY KEY);\n",
    );
    doctor(db, &project).refuses("edited_migration");
    project.write(
        "migrations/1_a.sql",
        "CREATE TABLE a (id INT PRIMARY KEY);\n",
    );
    db.run("UPDATE _sqlx_migrations SET success = false WHERE version = 2");
    doctor(db, &project).refuses("half_applied");
    db.run("UPDATE _sqlx_migrations SET success = true WHERE version = 2");
    project.remove("migrations/2_b.sql");
    // As after a rollback to an older image.
    doctor(db, &project).warns("missing_migration");
}

/// Alembic itself is not asked: the project needs no Python.
fn alembics_version_table_is_held_against_its_revisions(db: &Database) {
    let project = Project::new()
        .file("alembic.ini", "[alembic]\nscript_location = alembic\n")
        .file("alembic/env.py", "")
        .file(
            "alembic/versions/a1_users.py",
            "\"\"\"users\"\"\"\nrevision = \"a1\"\ndown_revision = None\n",
        );
    doctor(db, &project).nothing();
    db.run("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)");
    doctor(db, &project).nothing();
    db.run("INSERT INTO alembic_version VALUES ('a1')");
    doctor(db, &project).nothing();
    db.run("UPDATE alembic_version SET version_num = 'b2'");
    let found = examined(db, &project, db.url(), ["--unknown-applied", "error"]);
    found.refuses("missing_migration");
}

fn another_tools_history_is_found(db: &Database) {
    db.run("CREATE TABLE flyway_schema_history (installed_rank INT, version VARCHAR(50), checksum INT)");
    doctor(db, &project()).refuses("foreign_history");
}

fn tables_without_a_history_are_told(db: &Database) {
    db.run("CREATE TABLE of_hand (id INT)");
    doctor(db, &project()).warns("tables_without_history");
}

fn a_database_that_lets_nobody_in_hides_no_other_finding(db: &Database) {
    let url = db.url().replace("secret-pw", "wrong-pw");
    let project = project();
    let found = examined(db, &project, &url, []);
    assert_eq!(found.codes(), ["connection_refused"]);
    found.output.exits(4);
    project.write("migrations/2_b.sql", "SELECT 'never closed;\n");
    let found = examined(db, &project, &url, []);
    assert_eq!(found.codes(), ["unterminated_sql", "connection_refused"]);
    found.output.exits(3);
}

fn a_file_that_cannot_be_written_is_found(db: &Database) {
    let project = project();
    let missing = format!("{}/none/app.db", project.root().display());
    let url = |path: &str| format!("sqlite:{path}");
    examined(db, &project, &url(&missing), []).refuses("read_only");
    project.write("file", "");
    let below_a_file = format!("{}/file/app.db", project.root().display());
    examined(db, &project, &url(&below_a_file), []).refuses("read_only");
    up(&project, db).exits(0);
    for parameter in ["mode=ro", "immutable=1"] {
        let url = format!("{}?{parameter}", db.url());
        examined(db, &project, &url, []).refuses("read_only");
    }
    // The doctor never makes one, whoever may.
    let nowhere = db.url().replace("app.db", "other.db");
    examined(db, &project, &nowhere, []).nothing();
    assert!(!db.path().with_file_name("other.db").exists());
    assert!(!db.path().with_file_name("other.db.migrate-lock").exists());
}
