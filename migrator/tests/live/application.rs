//! An application that applies the same migrations itself when it starts, by
//! sqlx's own library and under sqlx's own lock. (On MariaDB its request for the
//! lock fails, and it goes on without.)

use crate::support::{Database, Migrate, Project, Server, Session, eventually, stories, up};
use std::thread;
use std::time::Duration;

stories! {
    on servers {
        an_application_that_migrates_is_waited_for,
        an_application_that_never_ends_is_waited_for_as_long_as_allowed,
    }
    on [Mysql, Postgres] {
        an_application_waits_and_finds_everything_done,
    }
    on [Postgres] {
        an_application_is_waited_for_behind_a_pooler,
        an_application_that_waits_with_a_table_in_use_is_let_through,
    }
}

/// A migration each, of which the second takes its time.
fn project(db: &Database) -> Project {
    let sleep = match db.server {
        Server::Postgres => "pg_sleep(1)",
        _ => "SLEEP(1)",
    };
    Project::new()
        .migration("1_log.sql", "CREATE TABLE log (version INT);\n")
        .migration(
            "2_slow.sql",
            format!("INSERT INTO log VALUES (2);\nSELECT {sleep};\n"),
        )
        .migration("3_last.sql", "INSERT INTO log VALUES (3);\n")
}

fn an_application_waits_and_finds_everything_done(db: &Database) {
    let project = project(db);
    let folder = project.path("migrations");
    let running = Migrate::new(&project).on(db).args(["up"]).spawn();
    // Before it commits anything, it holds the lock.
    let running = running.until("   database ");
    let waits = match db.server {
        Server::Postgres => {
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event = 'advisory'"
        }
        _ => {
            "SELECT COUNT(*) FROM information_schema.processlist \
             WHERE db = DATABASE() AND state = 'User lock'"
        }
    };
    let slow = match db.server {
        Server::Postgres => {
            "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event = 'PgSleep'"
        }
        _ => {
            "SELECT COUNT(*) FROM information_schema.processlist \
             WHERE db = DATABASE() AND state = 'User sleep'"
        }
    };
    eventually("the second is at work", || db.value(slow) == "1");
    thread::scope(|scope| {
        let (server, url, folder) = (db.server, db.url(), &folder);
        let application = scope.spawn(move || Session::open(server, url).sqlx(folder));
        eventually("the application waits", || db.value(waits) == "1");
        running.wait().exits(0).says("Applied 3 migrations");
        application.join().unwrap().unwrap();
    });
    assert_eq!(db.column("SELECT version FROM log ORDER BY 1"), ["2", "3"]);
}

fn an_application_that_migrates_is_waited_for(db: &Database) {
    waits_for_an_application(db, db.url());
}

fn an_application_is_waited_for_behind_a_pooler(db: &Database) {
    waits_for_an_application(db, &db.url_through("MIGRATE_TEST_PGBOUNCER_URL"));
}

fn waits_for_an_application(db: &Database, url: &str) {
    let project = project(db);
    let application = db.open();
    application.lock_as_sqlx_does(db);
    let running = Migrate::new(&project)
        .env("DATABASE_URL", url)
        .args(["up"])
        .spawn()
        .until("   an application holds the lock of sqlx's own migrator: process ");
    thread::sleep(Duration::from_millis(500));
    assert_eq!(db.tables(), [""; 0], "nothing is touched meanwhile");
    // It does the work itself, and then it lets go.
    application.sqlx(&project.path("migrations")).unwrap();
    drop(application);
    running.wait().exits(0).says("Nothing to do");
    assert_eq!(db.column("SELECT version FROM log ORDER BY 1"), ["2", "3"]);
}

fn an_application_that_never_ends_is_waited_for_as_long_as_allowed(db: &Database) {
    let project = project(db);
    let application = db.open();
    application.lock_as_sqlx_does(db);
    let before = db.snapshot();
    Migrate::new(&project)
        .on(db)
        .args(["up", "--lock-wait", "1s"])
        .run()
        .exits(5)
        .says("   an application holds the lock of sqlx's own migrator: process ")
        .ends("an application has held the lock of sqlx's own migrator for 1 s")
        .complains("error[lock_held]")
        .complains("the holder is process ");
    assert_eq!(db.snapshot(), before, "nothing is touched");
    // It is gone with its session, whatever it meant to do.
    drop(application);
    up(&project, db).exits(0).says("Applied 3 migrations");
}

/// It waits for sqlx's lock in a transaction of its own, which keeps a table in
/// use that a migration needs: neither would ever end.
fn an_application_that_waits_with_a_table_in_use_is_let_through(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n");
    up(&project, db).exits(0);
    let project = project.migration("3_a.sql", "ALTER TABLE a ADD COLUMN b INT;\n");
    let folder = project.path("migrations");
    let application = db.open();
    application.run("BEGIN; SELECT * FROM a");
    let running = Migrate::new(&project)
        .on(db)
        .args(["up", "--deadline", "20s"])
        .spawn()
        .until("could not get its lock");
    // What it does in its own transaction nobody sees before it commits.
    application.sqlx(&folder).unwrap();
    thread::sleep(Duration::from_millis(500));
    application.run("COMMIT");
    running.wait().exits(0).says("Nothing to do");
    assert_eq!(db.versions(), ["1", "2", "3"]);
}
