//! `baseline`: a database that grew by hand gets its history.

use crate::support::{Database, Migrate, Output, Project, Server, status, stories, up};
use serde_json::Value;
use std::thread::sleep;
use std::time::Duration;

stories! {
    on every {
        a_database_is_adopted_and_goes_on,
        a_history_is_left_alone_unless_forced,
        a_killed_one_has_recorded_all_or_nothing,
        a_version_that_no_file_has_is_refused,
        it_waits_for_whoever_is_at_work,
        programs_are_told_each_version,
        tables_without_a_history_are_pointed_out_while_nothing_is_applied,
        two_at_once_record_each_version_once,
        what_is_half_applied_is_settled_first,
    }
    on [Postgres] {
        tables_of_an_extension_are_none_of_an_application,
    }
    on [Sqlite] {
        a_file_that_does_not_exist_is_not_created,
    }
}

fn project() -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n")
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n")
}

/// What somebody had made before there was a history.
fn grown(db: &Database) {
    db.run("CREATE TABLE a (id INT)");
    db.run("CREATE TABLE b (id INT)");
}

fn baseline<const N: usize>(project: &Project, db: &Database, args: [&str; N]) -> Output {
    let migrate = Migrate::new(project).on(db).args(["baseline"]);
    migrate.args(args).run()
}

fn a_database_is_adopted_and_goes_on(db: &Database) {
    grown(db);
    let project = project();
    up(&project, db)
        .exits(8)
        .says("⚠️  this database has tables, but no history of migrations")
        .says("migrate baseline VERSION");
    baseline(&project, db, ["2"])
        .exits(0)
        .says("✅ 1 a: pending, now recorded as applied")
        .says("✅ 2 b: pending, now recorded as applied")
        .does_not_say("3 c");
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(db.tables(), ["a", "b"]);
    status(&project, db)
        .exits(0)
        .says("3 migrations, 2 applied, 1 pending.");

    up(&project, db)
        .exits(0)
        .does_not_say("⚠️")
        .says("Applied 1 migration ")
        .says("; the schema is at 3.");
    assert_eq!(db.tables(), ["a", "b", "c"]);
    let before = db.snapshot();
    db.open().sqlx(&project.path("migrations")).unwrap();
    assert_eq!(
        db.snapshot(),
        before,
        "sqlx finds nothing to do, nor to mend"
    );
}

fn a_history_is_left_alone_unless_forced(db: &Database) {
    let project = project();
    let one = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    up(&one, db).exits(0);
    db.run("CREATE TABLE b (id INT)");
    let before = db.snapshot();
    baseline(&project, db, ["2"])
        .exits(7)
        .complains("error[history_not_empty]")
        .ends("this database already has a history: 1 applied, the newest is 1")
        .ends("State: nothing was changed in the database");
    assert_eq!(db.snapshot(), before);

    baseline(&project, db, ["2", "--force"])
        .exits(0)
        .does_not_say("1 a")
        .says("✅ 2 b: pending, now recorded as applied");
    baseline(&project, db, ["2", "--force"])
        .exits(0)
        .says("Nothing to do; the schema is at 2.");
    up(&project, db).exits(0).says("Applied 1 migration ");
    db.open().sqlx(&project.path("migrations")).unwrap();
}

fn a_version_that_no_file_has_is_refused(db: &Database) {
    grown(db);
    let before = db.snapshot();
    let project = project();
    baseline(&project, db, ["4"])
        .exits(3)
        .complains("error[unknown_version]")
        .ends("no file has the version 4");
    for bad in ["two", ""] {
        baseline(&project, db, [bad]).exits(2);
    }
    Migrate::new(&project)
        .on(db)
        .args(["baseline"])
        .run()
        .exits(2);
    assert_eq!(db.snapshot(), before);
    // sqlx takes such a version, so that somebody may have to type it.
    let project = project.migration("-7_first.sql", "CREATE TABLE a (id INT);\n");
    baseline(&project, db, ["-7"]).exits(0);
    assert_eq!(db.versions(), ["-7"]);
}

fn a_file_that_does_not_exist_is_not_created(db: &Database) {
    baseline(&project(), db, ["2"])
        .exits(4)
        .ends("does not exist");
    assert!(!db.path().exists());
}

/// A lock of the test's own, for which a run of ours waits in the middle.
fn hold_table_a(db: &Database) -> crate::support::Session {
    let session = db.open();
    session.run(match db.server {
        Server::Mariadb | Server::Mysql => "LOCK TABLES a WRITE",
        Server::Postgres => "BEGIN; LOCK TABLE a",
        Server::Sqlite => "BEGIN IMMEDIATE",
    });
    session
}

fn it_waits_for_whoever_is_at_work(db: &Database) {
    grown(db);
    let project = project();
    let other = Project::new().migration("1_a.sql", "ALTER TABLE a ADD x INT;\n");
    let held = hold_table_a(db);
    let running = Migrate::new(&other)
        .on(db)
        .args(["up", "--lock-timeout", "0"])
        .spawn()
        .until("history in");
    sleep(Duration::from_millis(500));
    baseline(&project, db, ["2", "--lock-wait", "300ms"])
        .exits(5)
        .complains("error[lock_held]");
    let waiting = Migrate::new(&project)
        .on(db)
        .args(["baseline", "2"])
        .spawn();
    let waiting = waiting.until("another migrator is at work");
    drop(held);
    running.wait().exits(0);
    // What was true when it was asked is not when it has the lock.
    waiting
        .wait()
        .exits(7)
        .complains("error[history_not_empty]");
    assert_eq!(db.versions(), ["1"]);
}

fn tables_without_a_history_are_pointed_out_while_nothing_is_applied(db: &Database) {
    let warning = "this database has tables, but no history";
    // What a migrator makes itself is no such table.
    let broken = Project::new().migration("1_a.sql", "SELECT nonsense;\n");
    for _ in 0..2 {
        up(&broken, db).exits(8).does_not_say(warning);
    }
    let project = project();
    up(&project, db).exits(0).does_not_say(warning);
    up(&project, db).exits(0).does_not_say(warning);
    // Another application's tables look just as those of a mistyped `--table` do,
    // where everything would be applied once more: it is said until something is
    // applied, and never again.
    let second = Project::new()
        .migration("1_d.sql", "CREATE TABLE d (id INT);\n")
        .file("migrate.toml", "table = \"second_history\"\n");
    up(&second, db)
        .exits(0)
        .says(warning)
        .says("Applied 1 migration ");
    up(&second, db).exits(0).does_not_say(warning);
}

fn tables_of_an_extension_are_none_of_an_application(db: &Database) {
    db.run("CREATE TABLE of_extension (id INT)");
    // As PostGIS has `spatial_ref_sys`.
    db.run("CREATE EXTENSION pg_trgm; ALTER EXTENSION pg_trgm ADD TABLE of_extension");
    up(&project(), db)
        .exits(0)
        .does_not_say("this database has tables");
}

fn what_is_half_applied_is_settled_first(db: &Database) {
    grown(db);
    let project = project();
    baseline(&project, db, ["2"]).exits(0);
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    let before = db.snapshot();
    for force in [&["3"][..], &["3", "--force"]] {
        let migrate = Migrate::new(&project).on(db).args(["baseline"]);
        force
            .iter()
            .fold(migrate, |migrate, arg| migrate.args([arg]))
            .run()
            .exits(7)
            .complains("error[half_applied]")
            .ends("migrate repair --resolve 2=applied");
    }
    assert_eq!(db.snapshot(), before);
}

fn many(count: usize) -> Project {
    (1..=count).fold(Project::new(), |project, number| {
        project.migration(&format!("{number}_t.sql"), "SELECT 1;\n")
    })
}

fn a_killed_one_has_recorded_all_or_nothing(db: &Database) {
    let project = many(300);
    db.run("CREATE TABLE a (id INT)");
    baseline(&project, db, ["1"]).exits(0);
    let count = || db.value("SELECT count(*) FROM _sqlx_migrations");
    let mut seen = Vec::new();
    for millisecond in (0..120).step_by(6) {
        db.run("DELETE FROM _sqlx_migrations");
        let running = Migrate::new(&project)
            .on(db)
            .args(["baseline", "300"])
            .spawn();
        let running = running.until("history in");
        sleep(Duration::from_millis(millisecond));
        running.kill();
        // A server may be at its COMMIT still.
        sleep(Duration::from_millis(100));
        seen.push(count());
    }
    assert!(
        seen.iter().all(|seen| seen == "0" || seen == "300"),
        "{seen:?}"
    );
    assert!(
        seen.contains(&"0".to_owned()),
        "no kill came early: {seen:?}"
    );
}

fn two_at_once_record_each_version_once(db: &Database) {
    grown(db);
    let project = project();
    let start = || {
        Migrate::new(&project)
            .on(db)
            .args(["baseline", "2"])
            .spawn()
    };
    let runs = [start(), start()];
    let codes: Vec<_> = runs.into_iter().map(|run| run.wait().code).collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 0 | 7)), "{codes:?}");
    assert_eq!(db.versions(), ["1", "2"]);
}

fn programs_are_told_each_version(db: &Database) {
    grown(db);
    let output = baseline(&project(), db, ["2", "--output", "json"]).exits(0);
    assert_eq!(output.stderr, "");
    let events: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let changed: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "changed")
        .map(|event| (event["version"].as_str(), event["after"].as_str()))
        .collect();
    let after = Some("recorded as applied");
    assert_eq!(changed, [(Some("1"), after), (Some("2"), after)]);
    assert_eq!(events.last().unwrap()["schema_version"], "2");

    let output = baseline(&project(), db, ["2", "--output", "json"]).exits(7);
    let error: Value = serde_json::from_str(output.last_line()).unwrap();
    assert_eq!(error["code"], "history_not_empty");
    assert_eq!(error["state"], "nothing was changed in the database");
}
