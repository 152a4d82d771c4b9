//! CREATE INDEX CONCURRENTLY, at which other migrators hang or leave ruins.

use crate::support::{Database, Migrate, Project, Running, Session, eventually, stories, up};
use sqlx::migrate::MigrateError;
use std::time::Duration;
use std::{fs, thread};

stories! {
    on [Postgres] {
        a_default_of_repeatable_read_does_not_hold_it_up,
        a_killed_one_is_built_by_the_next_run,
        a_second_migrator_that_waits_does_not_hold_it_up,
        an_application_that_waits_does_not_hold_it_up,
        an_application_that_waits_does_not_hold_it_up_behind_a_pooler,
        an_application_that_waits_does_not_hold_it_up_under_repeatable_read,
        an_invalid_index_is_built_again,
    }
}

const INDEX: &str = "-- no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON a (id);\n";

fn project(rows: u32) -> Project {
    Project::new()
        .migration(
            "1_a.sql",
            format!("CREATE TABLE a (id INT); INSERT INTO a SELECT generate_series(1, {rows});\n"),
        )
        .migration("2_i.sql", INDEX)
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n")
}

fn is_valid(db: &Database) -> bool {
    db.column("SELECT indisvalid::text FROM pg_index WHERE indexrelid = to_regclass('a_id')")
        == ["true"]
}

fn start(project: &Project, db: &Database) -> Running {
    Migrate::new(project).on(db).args(["up"]).spawn()
}

fn a_second_migrator_that_waits_does_not_hold_it_up(db: &Database) {
    let project = project(300_000);
    let runs = [start(&project, db), start(&project, db)];
    for run in runs {
        run.wait().exits(0);
    }
    assert!(is_valid(db));
    assert_eq!(db.versions(), ["1", "2", "3"]);
}

fn set_repeatable_read(db: &Database) {
    db.run(&format!(
        "ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'",
        db.name()
    ));
}

fn a_default_of_repeatable_read_does_not_hold_it_up(db: &Database) {
    set_repeatable_read(db);
    start(&project(1000), db).wait().exits(0);
    assert!(is_valid(db));
}

/// CONCURRENTLY waits for the snapshot of the application, which waits for the
/// lock of sqlx's that the run holds: no cycle that the server would notice.
fn an_application_that_waits_does_not_hold_it_up(db: &Database) {
    built_beside_an_application(db, db.url());
}

fn an_application_that_waits_does_not_hold_it_up_behind_a_pooler(db: &Database) {
    built_beside_an_application(db, &db.url_through("MIGRATE_TEST_PGBOUNCER_URL"));
}

fn an_application_that_waits_does_not_hold_it_up_under_repeatable_read(db: &Database) {
    set_repeatable_read(db);
    built_beside_an_application(db, db.url());
}

fn built_beside_an_application(db: &Database, url: &str) {
    let whole = project(1000);
    // Half applied for long enough to be met so.
    whole.write(
        "migrations/2_i.sql",
        format!("{INDEX}SELECT pg_sleep(1);\n"),
    );
    let folder = whole.path("migrations");
    let first = Project::new().migration("1_a.sql", read(&whole, "1_a.sql"));
    up(&first, db).exits(0);

    // Whoever writes keeps CONCURRENTLY waiting before it has begun.
    let writer = db.open();
    writer.run("BEGIN ISOLATION LEVEL READ COMMITTED; INSERT INTO a VALUES (0)");
    let run = || {
        let migrate = Migrate::new(&whole).env("DATABASE_URL", url);
        migrate.args(["up"]).spawn()
    };
    let running = run();
    eventually("the index is begun", || !db.rows(BUILDS).is_empty());
    let waits = "SELECT 1 FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event = 'advisory'";
    thread::scope(|scope| {
        let application = scope.spawn({
            let (server, url, folder) = (db.server, db.url(), &folder);
            move || Session::open(server, url).sqlx(folder)
        });
        eventually("the application waits", || !db.rows(waits).is_empty());
        let second = run();
        // Nothing is lent to it as long as nobody waits for it.
        thread::sleep(Duration::from_secs(1));
        assert!(!db.rows(waits).is_empty() && !application.is_finished());
        writer.run("COMMIT");

        running.wait().exits(0);
        let refused = application.join().unwrap();
        assert!(
            matches!(refused, Err(MigrateError::Dirty(2))),
            "it does not touch what is half applied: {refused:?}"
        );
        second.wait().exits(0);
    });
    assert!(is_valid(db));
    assert_eq!(db.versions(), ["1", "2", "3"]);
    assert_eq!(db.tables(), ["a", "c"]);
    eventually("no lock is left", || db.rows(ADVISORY_LOCKS).is_empty());
}

const BUILDS: &str =
    "SELECT 1 FROM pg_stat_progress_create_index WHERE datname = current_database()";

const ADVISORY_LOCKS: &str = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

fn read(project: &Project, name: &str) -> String {
    fs::read_to_string(project.path("migrations").join(name)).unwrap()
}

/// What a unique index that fails leaves behind, an index of the name that is no
/// index: IF NOT EXISTS would be content with it.
fn an_invalid_index_is_built_again(db: &Database) {
    let project = project(10);
    project.write("migrations/2_i.sql", "SELECT 1;\n");
    start(&project, db).wait().exits(0);
    db.run("INSERT INTO a VALUES (1)");
    let failed = db
        .open()
        .try_rows("CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id)");
    assert!(failed.is_err() && !is_valid(db));

    project.write("migrations/4_i.sql", INDEX);
    start(&project, db).wait().exits(0);
    assert!(is_valid(db));
}

fn a_killed_one_is_built_by_the_next_run(db: &Database) {
    let project = project(300_000);
    // Whoever has the table open keeps CONCURRENTLY waiting in the middle.
    let application = db.open();
    let first = start(&project, db).until("✅ 1 a (");
    application.run("BEGIN; SELECT * FROM a LIMIT 1");
    eventually("the index is being built", || {
        !db.rows(BUILDS).is_empty() || is_valid(db)
    });
    first.kill();
    application.run("COMMIT");
    start(&project, db).wait().exits(0);
    assert!(is_valid(db));
    assert_eq!(db.versions(), ["1", "2", "3"]);
    assert_eq!(db.value("SELECT count(*)::text FROM _migrate_journal"), "0");
}
