//! `--output json`: what programs read.

use crate::support::{Database, Migrate, Output, Project, stories};
use serde_json::Value;

stories! {
    on every {
        a_failure_is_one_object_with_everything,
        a_run_is_one_object_a_line,
        status_is_one_document,
    }
    on [Postgres] {
        a_url_in_what_the_database_adds_is_masked,
    }
}

fn json(project: &Project, db: &Database, verb: &str) -> Output {
    let output = Migrate::new(project)
        .on(db)
        .args([verb, "--output", "json"])
        .run();
    assert_eq!(output.stderr, "", "{output}");
    output
}

fn events(output: &Output) -> Vec<Value> {
    let events: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.iter().all(|event| event["at"].is_string()));
    events
}

fn a_run_is_one_object_a_line(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    let output = json(&project, db, "up").exits(0);
    let events = events(&output);
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names.first(), Some(&"started"));
    assert_eq!(names[names.len() - 2..], ["applied", "completed"]);
    let applied = &events[events.len() - 2];
    assert_eq!(applied["version"], "1");
    assert_eq!(applied["file"], "migrations/1_a.sql");
    assert_eq!(events.last().unwrap()["schema_version"], "1");
}

fn a_failure_is_one_object_with_everything(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "\n  INSERT INTO nowhere VALUES (1);\n");
    let output = json(&project, db, "up").exits(8);
    let error = events(&output).pop().unwrap();
    assert_eq!(error["event"], "error");
    assert_eq!(error["code"], "migration_failed");
    assert_eq!(error["exit_code"], 8);
    assert_eq!(error["file"], "migrations/2_b.sql");
    assert_eq!(error["line"], 2);
    assert!(
        error["state"]
            .as_str()
            .unwrap()
            .contains("nothing of migration 2 stays")
    );
    assert!(error["next"].is_string());
    assert!(error["sqlstate"].is_string() || error["database_code"].is_string());
}

fn status_is_one_document(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    json(&project, db, "up").exits(0);
    let project = project.migration("2_b.sql", "CREATE TABLE b (id INT);\n");
    let output = json(&project, db, "status").exits(0);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let states: Vec<_> = document["migrations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|migration| migration["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["applied", "pending"]);
}

fn a_url_in_what_the_database_adds_is_masked(db: &Database) {
    // Not as one word, or the file's own line would show it.
    let project = Project::new().migration(
        "1_a.sql",
        "DO $$DECLARE url TEXT := 'postgres://app:hush-' || 'hush@db/app'; BEGIN\n\
         RAISE 'no' USING DETAIL = 'not at ' || url, HINT = 'look at ' || url;\nEND$$;\n",
    );
    let output = json(&project, db, "up").exits(8);
    let error = events(&output).pop().unwrap();
    assert_eq!(error["detail"], "not at postgres://@db/app");
    assert_eq!(error["hint"], "look at postgres://@db/app");
}
