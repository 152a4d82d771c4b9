//! What is hard to undo is asked about, where somebody is there to answer.

use crate::support::{Database, Migrate, Project, stories, up};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

stories! {
    on [Sqlite] {
        a_person_is_asked_before_the_way_back,
        nobody_is_asked_without_a_terminal,
        a_question_can_be_interrupted,
        the_question_is_on_the_stream_that_is_seen,
    }
}

fn project() -> Project {
    Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT);\n")
        .migration("1_a.down.sql", "DROP TABLE a;\n")
}

/// A run on a pseudo-terminal, as `script` makes one.
fn terminal(project: &Project, db: &Database, verb: &str) -> Command {
    let migrate = env!("CARGO_BIN_EXE_migrate");
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("{migrate} {verb}"), "/dev/null"])
        .current_dir(project.root())
        .env("DATABASE_URL", db.url());
    command
}

/// What is shown there, and its code.
fn on_terminal(project: &Project, db: &Database, verb: &str, answer: &str) -> (String, i32) {
    let mut child = terminal(project, db, verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // Kept open: an end of the input would be an answer, too.
    input.write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let shown = String::from_utf8(output.stdout).unwrap();
    (shown, output.status.code().unwrap())
}

fn a_person_is_asked_before_the_way_back(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    for answer in ["n\n", "\n", "yes please\n"] {
        let (shown, code) = on_terminal(&project, db, "down", answer);
        assert_eq!(code, 130, "{shown}");
        assert!(shown.contains("about to revert:"), "{shown}");
        assert!(shown.contains("1 a"), "{shown}");
        assert!(shown.contains("nothing was changed"), "{shown}");
        assert_eq!(db.versions(), ["1"]);
    }
    let (shown, code) = on_terminal(&project, db, "down", "y\n");
    assert_eq!(code, 0, "{shown}");
    assert!(db.versions().is_empty());

    let (shown, code) = on_terminal(&project, db, "baseline 1", "n\n");
    assert_eq!(code, 130, "{shown}");
    assert!(db.versions().is_empty());
    let (shown, code) = on_terminal(&project, db, "baseline 1 --yes", "");
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("Continue?"), "{shown}");
    assert_eq!(db.versions(), ["1"]);
    project.write("migrations/1_a.up.sql", "CREATE TABLE a (id BIGINT);\n");
    let (shown, code) = on_terminal(&project, db, "repair --accept 1", "n\n");
    assert_eq!(code, 130, "{shown}");
    up(&project, db).exits(7);
}

fn nobody_is_asked_without_a_terminal(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    Migrate::new(&project)
        .on(db)
        .args(["down"])
        .run()
        .exits(0)
        .does_not_say("Continue?");
    assert!(db.versions().is_empty());
}

/// Ctrl-C at the question ends the run, and changes nothing.
fn a_question_can_be_interrupted(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let mut child = terminal(&project, db, "down")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut shown = String::new();
    while !shown.contains("Continue?") {
        let mut byte = [0];
        output.read_exact(&mut byte).unwrap();
        shown.push(byte[0].into());
    }
    input.write_all(b"\x03").unwrap();
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).unwrap();
    let rest = String::from_utf8(rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("othing was changed"), "{rest}");
    assert_eq!(db.versions(), ["1"]);
}

/// With its output in a file or a pipe, too, where the errors are still seen.
fn the_question_is_on_the_stream_that_is_seen(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let (shown, code) = on_terminal(&project, db, "down > out.log", "n\n");
    assert_eq!(code, 130, "{shown}");
    assert!(shown.contains("Continue?"), "{shown}");
    assert_eq!(db.versions(), ["1"]);
}
