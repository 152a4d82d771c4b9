//! What ends Alembic before its time: its statements end with it.

use super::app::{at, by_hand, empty, on, table, tables, three, url, with};
use crate::support::{Database, Project, Server, eventually, stories};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

stories! {
    on [SqliteWithPython] {
        a_process_that_alembic_has_left_keeps_nobody,
        an_alembic_that_outlives_its_run_has_the_lock,
        what_python_is_asked_ends_with_the_run,
    }
    on every_with_python {
        a_signal_ends_alembic_and_its_statement,
        the_deadline_ends_alembic_and_its_statement,
    }
    on [Postgres] {
        a_libpq_driver_is_cancelled_under_the_runs_name,
        a_run_that_is_killed_leaves_an_alembic_that_the_next_run_waits_for,
        alembic_by_hand_is_waited_for,
        an_index_built_concurrently_is_cancelled_too,
        who_is_in_the_way_is_named,
    }
}

const SLEEP: &str = "op.execute('SELECT pg_sleep(600)')";

/// A second revision that takes far longer than any test.
fn endless(db: &Database) -> Project {
    let up = match db.server {
        // Selected alone, a SLEEP() that is cancelled is no error to MySQL.
        Server::Mariadb | Server::Mysql => {
            "op.execute('INSERT INTO t_aaaa VALUES (1)'); \
             op.execute('UPDATE t_aaaa SET id = SLEEP(600)')"
        }
        Server::Postgres => SLEEP,
        Server::Sqlite => {
            "op.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT max(i) FROM n')"
        }
    };
    with(table(empty(), "aaaa", None), "bbbb", Some("aaaa"), up)
}

fn nobody_is_at_work(db: &Database) {
    let sql = match db.server {
        Server::Mariadb | Server::Mysql => {
            "SELECT count(*) FROM information_schema.processlist \
             WHERE db = DATABASE() AND info LIKE 'UPDATE t_aaaa SET%'"
        }
        Server::Postgres => {
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND state <> 'idle'"
        }
        Server::Sqlite => return,
    };
    assert_eq!(db.value(sql), "0");
}

/// Where DDL is taken back, Alembic makes one transaction of the whole run.
fn nothing_of_the_second_stays(db: &Database) {
    match db.server {
        Server::Postgres => assert_eq!(tables(db), [""; 0]),
        Server::Mariadb | Server::Mysql | Server::Sqlite => assert_eq!(at(db), "aaaa"),
    }
    nobody_is_at_work(db);
}

fn a_signal_ends_alembic_and_its_statement(db: &Database) {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let db = &Database::new(db.server);
        let project = endless(db);
        let running = on(&project, db).spawn().until("   applying    bbbb ");
        let running = running.until_at_work(db, "t_aaaa", "   applying    bbbb ");
        running.signal(signal);
        running
            .wait()
            .exits(code)
            .complains(" while api/alembic/versions/bbbb_the_bbbb.py ran");
        nothing_of_the_second_stays(db);
    }
}

fn the_deadline_ends_alembic_and_its_statement(db: &Database) {
    let project = endless(db);
    on(&project, db)
        .args(["up", "--deadline", "10s"])
        .run()
        .exits(10)
        .complains("error[deadline]");
    nothing_of_the_second_stays(db);
}

fn a_libpq_driver_is_cancelled_under_the_runs_name(db: &Database) {
    let project = endless(db);
    let url = url(db).replace("+asyncpg", "+psycopg2");
    let running = on(&project, db).env("DATABASE_URL", &url).spawn();
    let running = running.until_at_work(db, "t_aaaa", "");
    let named = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name LIKE 'migrate %' AND wait_event = 'PgSleep'";
    assert_eq!(db.value(named), "1");
    running.signal("TERM");
    running.wait().exits(143);
    nothing_of_the_second_stays(db);
}

/// Outside of a transaction nothing is locked that it could be known by; its
/// connection's port is.
fn an_index_built_concurrently_is_cancelled_too(db: &Database) {
    let slow = "op.execute('INSERT INTO t_aaaa SELECT generate_series(1, 50)')\n    \
                with op.get_context().autocommit_block():\n        \
                op.execute('CREATE INDEX CONCURRENTLY i ON t_aaaa \
                ((CASE WHEN pg_sleep(10) IS NULL THEN 1 ELSE id END))')";
    // Only what does not change may be indexed.
    let slow = slow.replace("pg_sleep(10) IS NULL", "slow() > 0");
    let function = "op.execute('CREATE TABLE t_aaaa (id INT)')\n    \
                    op.execute(\"CREATE FUNCTION slow() RETURNS INT IMMUTABLE LANGUAGE plpgsql \
                    AS $$ BEGIN PERFORM pg_sleep(60); RETURN 0; END $$\")";
    let project = with(empty(), "aaaa", None, function);
    on(&project, db).run().exits(0);
    let project = with(project, "bbbb", Some("aaaa"), &slow);
    let running = on(&project, db).spawn();
    let running = running.until_at_work(db, "t_aaaa", "");
    running.signal("TERM");
    running
        .wait()
        .exits(143)
        .complains("some of what migration bbbb does may stay");
    nobody_is_at_work(db);
}

fn who_is_in_the_way_is_named(db: &Database) {
    let project = table(empty(), "aaaa", None);
    on(&project, db).run().exits(0);
    let project = with(
        project,
        "bbbb",
        Some("aaaa"),
        "op.execute('DROP TABLE t_aaaa')",
    );
    let application = db.open();
    application.run("BEGIN; SELECT * FROM t_aaaa");
    let running = on(&project, db).spawn().until("   waiting for process ");
    application.run("COMMIT");
    running.wait().exits(0);
}

fn alembic_by_hand_is_waited_for(db: &Database) {
    // The version table is there, by which a transaction is known.
    on(&table(empty(), "aaaa", None), db).run().exits(0);
    let project = table(empty(), "aaaa", None);
    let project = with(
        project,
        "bbbb",
        Some("aaaa"),
        "op.execute('SELECT pg_sleep(6)')",
    );
    let mut by_hand = by_hand(&project, db, &["upgrade", "head"]);
    let mut by_hand = by_hand.stderr(Stdio::null()).spawn().unwrap();
    let is_at_work = "SELECT count(*) FROM pg_stat_activity \
                      WHERE datname = current_database() AND wait_event = 'PgSleep'";
    eventually("it is at work", || db.value(is_at_work) == "1");
    on(&project, db)
        .run()
        .exits(0)
        .says("another program has a transaction open on the history table")
        .says("Nothing to do; the schema is at bbbb.");
    assert!(by_hand.wait().unwrap().success());
}

fn a_run_that_is_killed_leaves_an_alembic_that_the_next_run_waits_for(db: &Database) {
    for (before, said) in [
        (
            three(),
            "another program has a transaction open on the history table",
        ),
        // Its version table is still to be made, so that nothing tells of it.
        (
            empty(),
            "another Alembic, which does not use the lock, has done it in the meantime",
        ),
    ] {
        let db = &Database::new(db.server);
        on(&before, db).run().exits(0);
        let sleep = "op.execute('SELECT pg_sleep(10)')";
        let project = with(three(), "dddd", Some("cccc"), sleep);
        let running = on(&project, db).spawn().until_at_work(db, "t_aaaa", "");
        running.kill();
        on(&project, db)
            .run()
            .exits(0)
            .says(said)
            .says("the schema is at dddd");
        assert_eq!(db.value("SELECT count(*) FROM alembic_version"), "1");
        nobody_is_at_work(db);
    }
}

/// A revision whose name only Python can tell, and Python does not.
fn what_python_is_asked_ends_with_the_run(db: &Database) {
    let slow = "import time\ntime.sleep(600)\nrevision = 'b' * 4\ndown_revision = 'aaaa'\n";
    let project = table(empty(), "aaaa", None).file("api/alembic/versions/b.py", slow);
    for verb in ["up", "plan", "check", "down"] {
        on(&project, db)
            .args([verb, "--deadline", "2s"])
            .run()
            .exits(10)
            .complains("error[deadline]");
    }
    for args in [["check", "--offline"], ["new", "notes"], ["up", "--yes"]] {
        let running = on(&project, db).args(args).spawn();
        thread::sleep(Duration::from_secs(1));
        running.signal("TERM");
        running.wait().exits(143);
    }
}

/// The lock is the open file's, which it has for its input.
fn an_alembic_that_outlives_its_run_has_the_lock(db: &Database) {
    let sleep = "import time; time.sleep(8); op.execute('CREATE TABLE t_aaaa (id INT)')";
    let project = with(empty(), "aaaa", None, sleep);
    on(&project, db)
        .spawn()
        .until("   applying    aaaa ")
        .kill();
    on(&project, db)
        .run()
        .exits(0)
        .says("another migrator is at work")
        .says("Nothing to do; the schema is at aaaa.");
    assert_eq!(tables(db), ["t_aaaa"]);
}

/// It has its output open, in a session of its own.
fn a_process_that_alembic_has_left_keeps_nobody(db: &Database) {
    let env = "import subprocess, time\n\
               subprocess.Popen(['sleep', '45'], start_new_session=True)\ntime.sleep(600)\n";
    let project = table(empty(), "aaaa", None).file("api/alembic/env.py", env);
    let began = Instant::now();
    on(&project, db)
        .args(["up", "--deadline", "2s"])
        .run()
        .exits(10)
        .ends("nothing was running; one migration was not started");
    assert!(began.elapsed() < Duration::from_secs(30));
}

/// Alembic would have no connection beside the guard's.
#[test]
#[ignore = "needs scripts/servers"]
fn a_pool_of_one_connection_is_refused() {
    let db = Database::new(Server::Postgres);
    let pool = db.url_through("MIGRATE_TEST_PGBOUNCER1_URL");
    let url = pool.replacen("postgres:", "postgresql+asyncpg:", 1);
    let project = three();
    on(&project, &db)
        .env("DATABASE_URL", &url)
        .run()
        .exits(4)
        .complains("error[needs_second_connection]");
    assert_eq!(tables(&db), [""; 0]);
}
