//! What is said of a statement that runs for long, while it runs.

use crate::support::{Database, Migrate, Project, Running, eventually, stories, up};
use serde_json::Value;
use std::process::{Command, Stdio};

stories! {
    on servers {
        a_long_wait_is_said_every_fifteen_seconds,
    }
    on [Postgres] {
        a_program_is_told_of_a_long_wait,
        a_terminal_shows_what_runs_in_one_line,
        how_far_an_index_is_leaves_no_lock,
    }
}

/// A table that an application keeps for longer than a line's time.
fn busy(db: &Database) -> Project {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE busy (id INT);\n");
    up(&project, db).exits(0);
    project.migration("2_b.sql", "ALTER TABLE busy ADD t INT;\n")
}

/// One try that waits for as long as it takes.
fn start(project: &Project, db: &Database, output: &str) -> Running {
    Migrate::new(project)
        .on(db)
        .args(["up", "--lock-timeout", "0", "--output", output])
        .spawn()
}

fn a_long_wait_is_said_every_fifteen_seconds(db: &Database) {
    let project = busy(db);
    let application = db.open();
    application.run("BEGIN; SELECT * FROM busy");
    let running = start(&project, db, "human").until("   2 b is still running after 15.");
    application.run("COMMIT");
    let said = running.wait().exits(0);
    assert_eq!(said.stdout.matches("is still running").count(), 1, "{said}");
    let line = said
        .stdout
        .lines()
        .find(|line| line.contains("is still running"));
    let why = if db.server == crate::support::Server::Postgres {
        // Who it is, and what it last asked for.
        ": waiting for process "
    } else {
        ": Waiting for table metadata lock"
    };
    assert!(line.unwrap().contains(why), "{said}");
}

fn a_program_is_told_of_a_long_wait(db: &Database) {
    let project = busy(db);
    let application = db.open();
    application.run("BEGIN; SELECT * FROM busy");
    let pid = application.rows("SELECT pg_backend_pid()::text");
    let running = start(&project, db, "json").until("\"running\"");
    application.run("COMMIT");
    let said = running.wait().exits(0);
    let event = said.stdout.lines().find(|line| line.contains("running"));
    let event: Value = serde_json::from_str(event.unwrap()).unwrap();
    assert_eq!(event["version"], "2");
    assert_eq!(event["file"], "migrations/2_b.sql");
    assert_eq!(event["sent_with_it"], 0);
    assert!(event["elapsed_ms"].as_u64().unwrap() >= 15_000, "{event}");
    assert_eq!(event["blocked_by"][0]["process"], *pid[0][0]);
    assert_eq!(event["blocked_by"][0]["state"], "idle in transaction");
}

/// Through a pseudo-terminal, as `script` makes one.
fn a_terminal_shows_what_runs_in_one_line(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "SELECT pg_sleep(1.5);\n")
        .migration("3_c.sql", "SELECT nonsense;\n");
    let shown = on_terminal(&project, db, &[("COLUMNS", "40")], "");
    let drawn: Vec<_> = shown
        .split(CLEAR)
        .filter_map(|part| part.strip_prefix(WITHOUT_WRAPPING))
        .collect();
    assert!(drawn.len() >= 3, "{shown:?}");
    for line in &drawn {
        let (line, after) = line.split_once(WRAPPING).unwrap();
        assert!(
            line.starts_with("⏳ ") && line.ends_with("s  1 a +2"),
            "{line}"
        );
        assert!(line.chars().count() < 40, "{line}");
        assert_eq!(after, "", "it is cleared before anything else is written");
    }
    let rest = without_live_line(&shown);
    assert!(rest.contains("✅ 2 b (1.5 s)"), "{rest}");
    assert!(rest.contains("❌ Migration failed: migrations/3_c.sql:1:8: "));
    assert!(!rest.contains("⏳"), "{rest}");

    up(&project, db).exits(8).does_not_say("⏳");
    for (environment, argument) in [(&[("TERM", "dumb")][..], ""), (&[], "--quiet")] {
        let db = Database::new(db.server);
        let shown = on_terminal(&project, &db, environment, argument);
        assert!(shown.contains("❌ Migration failed: "), "{shown:?}");
        assert!(!shown.contains(CLEAR) && !shown.contains('⏳'), "{shown:?}");
    }
}

const CLEAR: &str = "\r\x1b[2K";
const WITHOUT_WRAPPING: &str = "\x1b[?7l";
const WRAPPING: &str = "\x1b[?7h";

fn on_terminal(
    project: &Project,
    db: &Database,
    environment: &[(&str, &str)],
    argument: &str,
) -> String {
    let migrate = env!("CARGO_BIN_EXE_migrate");
    let output = Command::new("script")
        .args(["-qec", &format!("{migrate} up {argument}"), "/dev/null"])
        .current_dir(project.root())
        .env("DATABASE_URL", db.url())
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What is left on the screen.
fn without_live_line(shown: &str) -> String {
    shown
        .split(CLEAR)
        .map(|part| match part.split_once(WRAPPING) {
            Some((_, rest)) => rest,
            None => part,
        })
        .collect()
}

fn how_far_an_index_is_leaves_no_lock(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a AS SELECT generate_series(1, 100000) AS id;\n",
    );
    up(&project, db).exits(0);
    let project = project.migration(
        "2_i.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
    );
    let writer = db.open();
    writer.run("BEGIN; INSERT INTO a VALUES (0)");
    let running = start(&project, db, "json").until("\"running\"");
    // What the guard's many looks have left: its own locks and no other.
    let locks = "SELECT DISTINCT l.locktype FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                 WHERE a.datname = current_database() AND a.state = 'idle in transaction' \
                 AND a.application_name LIKE 'migrate %' ORDER BY 1";
    assert_eq!(db.column(locks), ["advisory", "virtualxid"]);
    writer.run("COMMIT");
    let said = running.wait().exits(0);
    let event = said.stdout.lines().find(|line| line.contains("running"));
    let event: Value = serde_json::from_str(event.unwrap()).unwrap();
    assert_eq!(event["phase"], "waiting for writers before build");
    assert_eq!(event["blocked_by"][0]["state"], "idle in transaction");
    eventually("the index is there", || {
        db.value("SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'i'::regclass") == "true"
    });
}
