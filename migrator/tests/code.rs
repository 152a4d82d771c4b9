//! Migrations written in Rust, in a real program that carries them, against real
//! databases. The program is `examples/coded-migrator.rs`.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use crate::support::{self, Database, Migrate, Output, Project, Running, Server, stories};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

stories! {
    on every {
        an_error_that_was_forgotten_is_found,
        code_is_applied_in_its_place_and_once,
        code_that_fails_leaves_nothing,
        code_that_panics_leaves_nothing,
        code_that_waits_for_something_else_is_ended_by_a_signal,
        its_running_statement_is_cancelled_by_a_signal,
        of_many_migrators_one_runs_it,
        the_deadline_ends_it,
        the_plan_shows_it_as_code,
        the_way_back_is_code_too,
        transactions_inside_it_are_savepoints,
    }
    on servers {
        code_that_changed_the_schema_and_failed_says_what_is_left,
    }
}

/// The program, compiled: `cargo test --test live` alone would not do it.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let migrate = Path::new(env!("CARGO_BIN_EXE_migrate"));
        let program = migrate.with_file_name("examples").join("coded-migrator");
        if !is_fresh(&program, &migrate.with_file_name("libmigrate.rlib")) {
            let built = Command::new(env!("CARGO"))
                .args(["build", "--workspace", "--locked", "--quiet"])
                .args(["--example", "coded-migrator"])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(built.unwrap().success());
        }
        program
    })
}

/// Whether it is no older than its source and the library that it links. Asking cargo
/// would take each test a while, and compile the library again wherever these tests
/// were built with other packages.
fn is_fresh(program: &Path, library: &Path) -> bool {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/coded-migrator.rs");
    let written = |path: &Path| path.metadata()?.modified();
    written(program).is_ok_and(|built| {
        [library, &source]
            .iter()
            .all(|path| written(path).is_ok_and(|written| written <= built))
    })
}

/// The program in an empty folder, with what its code is to do.
fn coded(code: &str) -> (Project, Migrate) {
    let project = Project::new();
    let migrate = Migrate::of(program(), &project).env("CODE", code);
    (project, migrate)
}

fn up(db: &Database, code: &str) -> Output {
    let (_project, migrate) = coded(code);
    migrate.on(db).args(["up"]).run()
}

fn ids(db: &Database) -> Vec<String> {
    db.column("SELECT id FROM a ORDER BY id")
}

#[track_caller]
fn nothing_of_it_stays(db: &Database) {
    assert_eq!(ids(db), [""; 0]);
    assert_eq!(db.tables(), ["a"]);
    assert_eq!(db.versions(), ["1"]);
}

fn code_is_applied_in_its_place_and_once(db: &Database) {
    up(db, "writes")
        .exits(0)
        .says("(sqlx, in this program), 3 migrations")
        .says("✅ 2 by code (")
        .says("Applied 3 migrations");
    assert_eq!(ids(db), ["8"]);
    assert_eq!(db.versions(), ["1", "2", "3"]);
    let unfinished =
        "SELECT count(*) FROM _sqlx_migrations WHERE NOT success OR execution_time < 0";
    assert_eq!(db.value(unfinished), "0");
    up(db, "writes").exits(0).says("Nothing to do");
    assert_eq!(ids(db), ["8"]);
}

fn the_plan_shows_it_as_code(db: &Database) {
    let (_project, migrate) = coded("");
    migrate
        .on(db)
        .args(["plan"])
        .run()
        .exits(0)
        .says("2 by code (migrator/examples/coded-migrator.rs:")
        .says("Rust code of this program, in one transaction");
    let (_project, migrate) = coded("");
    migrate
        .on(db)
        .args(["plan", "--output", "json"])
        .run()
        .exits(0)
        .says("\"how\": \"code\"");
    assert_eq!(db.tables(), [""; 0]);
}

fn code_that_fails_leaves_nothing(db: &Database) {
    up(db, "fails")
        .exits(8)
        .complains("error[migration_failed]: migrator/examples/coded-migrator.rs:")
        .complains("nowhere")
        .complains("it is written in Rust; its transaction was rolled back")
        .ends("nothing of migration 2 stays");
    nothing_of_it_stays(db);
    up(db, "says").exits(8).complains("as it was told: xxx");
    nothing_of_it_stays(db);
    // And the next run goes on.
    up(db, "").exits(0).says("Applied 2 migrations");
    assert_eq!(ids(db), ["7"]);
}

fn code_that_panics_leaves_nothing(db: &Database) {
    let (_project, migrate) = coded("panics");
    // The panic's own words come before ours.
    let output = migrate.on(db).args(["up", "--output", "json"]).run();
    output
        .exits(8)
        .says("it panicked: at the seventh row")
        .says("\"code\":\"migration_failed\"");
    nothing_of_it_stays(db);
}

/// PostgreSQL would roll back at COMMIT, and say so in a word that nobody reads.
fn an_error_that_was_forgotten_is_found(db: &Database) {
    let output = up(db, "forgets-an-error");
    if db.server == Server::Postgres {
        output
            .exits(8)
            .complains("its transaction ended or failed before it returned");
        nothing_of_it_stays(db);
    } else {
        // Elsewhere a statement that fails is no end of its transaction.
        output.exits(0);
        assert_eq!(ids(db), ["7"]);
    }
}

fn transactions_inside_it_are_savepoints(db: &Database) {
    up(db, "nests").exits(0);
    assert_eq!(ids(db), ["7", "71"]);
}

fn started(db: &Database, code: &str, args: [&str; 3]) -> (Project, Running) {
    let (project, migrate) = coded(code);
    let running = migrate.on(db).args(args).spawn().until("✅ 1 a (");
    (project, running)
}

fn its_running_statement_is_cancelled_by_a_signal(db: &Database) {
    let (_project, running) = started(db, "runs", ["up", "--wait", "5s"]);
    let running = running.until_at_work(db, "a", "✅ 1 a (");
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal("TERM");
    running
        .wait()
        .exits(143)
        .complains("ran")
        .ends("nothing of migration 2 stays");
    nothing_of_it_stays(db);
}

fn code_that_waits_for_something_else_is_ended_by_a_signal(db: &Database) {
    let (_project, running) = started(db, "waits", ["up", "--wait", "5s"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal("INT");
    running
        .wait()
        .exits(130)
        .ends("nothing of migration 2 stays");
    nothing_of_it_stays(db);
}

fn the_deadline_ends_it(db: &Database) {
    let (_project, running) = started(db, "waits", ["up", "--deadline", "2s"]);
    running
        .wait()
        .exits(10)
        .complains("error[deadline]")
        .ends("nothing of migration 2 stays");
    nothing_of_it_stays(db);
}

fn of_many_migrators_one_runs_it(db: &Database) {
    let all: Vec<_> = (0..8)
        .map(|_| {
            let (project, migrate) = coded("");
            (project, migrate.on(db).args(["up"]).spawn())
        })
        .collect();
    let said: usize = all
        .into_iter()
        .map(|(_project, running)| running.wait().exits(0).stdout.matches(" by code (").count())
        .sum();
    assert_eq!(said, 1, "it is reported by exactly one migrator");
    assert_eq!(ids(db), ["7"]);
}

fn the_way_back_is_code_too(db: &Database) {
    let down = |args: [&str; 3]| {
        let (_project, migrate) = coded("");
        migrate.on(db).env("DOWN", "1").args(args).run()
    };
    down(["up", "--to", "2"]).exits(0);
    assert_eq!(ids(db), ["7"]);
    down(["down", "--steps", "1"]).exits(0).says("2 by code");
    assert_eq!(ids(db), [""; 0]);
    assert_eq!(db.versions(), ["1"]);
    // Without one, nothing is taken back.
    up(db, "").exits(0);
    db.run("DELETE FROM _sqlx_migrations WHERE version = 3");
    let (_project, migrate) = coded("");
    migrate
        .on(db)
        .args(["down"])
        .run()
        .exits(3)
        .complains("error[irreversible]");
    assert_eq!(ids(db), ["7"]);
}

/// On MySQL the schema's statements commit by themselves, and nothing can take
/// them back: the history says that it is half applied until a person has seen
/// to it.
fn code_that_changed_the_schema_and_failed_says_what_is_left(db: &Database) {
    let output = up(db, "creates-and-fails");
    if db.server == Server::Postgres {
        output.exits(8);
        return nothing_of_it_stays(db);
    }
    output
        .exits(9)
        .complains("error[migration_half_applied]")
        .complains("the second half is missing")
        .complains("either do by hand what its code did not do");
    assert_eq!(db.tables(), ["a", "b"]);
    assert_eq!(ids(db), ["7"]);
    up(db, "").exits(7).complains("error[half_applied]");
    let (_project, migrate) = coded("");
    migrate
        .on(db)
        .args(["repair", "--resolve", "2=applied"])
        .run()
        .exits(0);
    up(db, "").exits(0).says("Applied 1 migration");
    assert_eq!(ids(db), ["7"]);
}

mod code_that_commits {
    use super::*;

    /// The row says that it is applied, by then; so the row is opened again.
    fn is_half_applied(db: &Database, code: &str) {
        up(db, code)
            .exits(9)
            .complains("error[migration_half_applied]");
        assert_eq!(ids(db), ["7"]);
        assert_eq!(db.versions(), ["1", "2"]);
        up(db, "").exits(7).complains("error[half_applied]");
        let (_project, migrate) = coded("");
        migrate
            .on(db)
            .args(["repair", "--resolve", "2=reverted"])
            .run()
            .exits(0);
        assert_eq!(db.versions(), ["1"]);
    }

    #[test]
    fn sqlite() {
        is_half_applied(&Database::new(Server::Sqlite), "commits");
        is_half_applied(&Database::new(Server::Sqlite), "commits-and-fails");
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres() {
        is_half_applied(&Database::new(Server::Postgres), "commits");
        is_half_applied(&Database::new(Server::Postgres), "commits-and-fails");
    }
}

/// The pool's one server connection goes to the worker; and no statement that the
/// driver prepared stays with it.
#[test]
#[ignore = "needs scripts/servers"]
fn behind_a_pooler_nothing_is_left_of_it() {
    for pooler in ["MIGRATE_TEST_PGBOUNCER_URL", "MIGRATE_TEST_PGBOUNCER1_URL"] {
        let db = Database::new(Server::Postgres);
        for _ in 0..2 {
            let (_project, migrate) = coded("writes");
            migrate
                .env("DATABASE_URL", &db.url_through(pooler))
                .args(["up"])
                .run()
                .exits(0);
        }
        assert_eq!(ids(&db), ["8"]);
        assert_eq!(db.versions(), ["1", "2", "3"]);
    }
}

/// The server ends the connection in the middle: the run goes on from what the
/// history says, and the code is run once more from its beginning.
#[test]
#[ignore = "needs scripts/servers"]
fn a_lost_connection_begins_it_anew() {
    let db = Database::new(Server::Postgres);
    let (_project, running) = started(&db, "sleeps", ["up", "--wait", "5s"]);
    let running = running.until_at_work(&db, "a", "");
    db.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep'",
    );
    running.wait().exits(0).says("✅ 2 by code (");
    assert_eq!(ids(&db), ["7"]);
    assert_eq!(db.versions(), ["1", "2", "3"]);
}

/// Somebody else has the table: the code is rolled back, and run again.
#[test]
#[ignore = "needs scripts/servers"]
fn a_busy_table_is_tried_again() {
    let db = Database::new(Server::Postgres);
    let (_project, migrate) = coded("");
    migrate.on(&db).args(["up", "--to", "1"]).run().exits(0);
    let application = db.open();
    application.run("BEGIN; LOCK TABLE a");
    let (_project, migrate) = coded("");
    let running = migrate
        .on(&db)
        .args(["up", "--lock-timeout", "50ms"])
        .spawn()
        .until("2 by code could not get its lock and was rolled back (1 try)");
    application.run("COMMIT");
    running.wait().exits(0).says("✅ 2 by code (");
    assert_eq!(ids(&db), ["7"]);
}

#[test]
fn one_transaction_for_all_is_refused() {
    let db = Database::new(Server::Sqlite);
    let (_project, migrate) = coded("");
    migrate
        .on(&db)
        .args(["up", "--transaction", "all"])
        .run()
        .exits(3)
        .complains("error[code_in_one_transaction]");
    assert!(!db.path().exists());
}

#[test]
fn a_file_of_the_same_version_is_refused() {
    let project = Project::new().migration("2_x.sql", "SELECT 1;\n");
    let db = Database::new(Server::Sqlite);
    Migrate::of(program(), &project)
        .on(&db)
        .args(["up", "--dir", "migrations"])
        .run()
        .exits(3)
        .complains("error[duplicate_version]")
        .complains("migrations/2_x.sql")
        .complains("coded-migrator.rs:");
}

#[test]
fn another_name_under_the_version_is_an_edit() {
    let db = Database::new(Server::Sqlite);
    up(&db, "").exits(0);
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_by_code.sql", "SELECT 1;\n")
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    support::up(&project, &db)
        .exits(7)
        .complains("error[edited_migration]");
    db.run("UPDATE _sqlx_migrations SET checksum = X'00' WHERE version = 2");
    let (_project, migrate) = coded("");
    migrate
        .on(&db)
        .args(["check"])
        .run()
        .exits(7)
        .says("error[edited_migration]: migrator/examples/coded-migrator.rs:")
        .does_not_say(":1:1");
}
