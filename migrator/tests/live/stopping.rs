//! Runs that do not come to their own end: a busy table, the deadline, a signal.

use crate::support::{Database, Migrate, Project, Server, Session, eventually, stories, up};

stories! {
    on every {
        a_busy_table_is_tried_again_until_it_is_free,
        what_runs_when_a_signal_comes_is_cancelled,
        what_runs_when_the_deadline_passes_is_cancelled,
    }
    on [Postgres] {
        what_has_the_runs_name_in_another_database_lives,
    }
}

fn busy(db: &Database) -> Project {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE busy (id INT);\n");
    up(&project, db).exits(0);
    project.migration("2_b.sql", "ALTER TABLE busy ADD t INT;\n")
}

fn a_busy_table_is_tried_again_until_it_is_free(db: &Database) {
    let project = busy(db);
    let application = db.open();
    match db.server {
        Server::Mariadb | Server::Mysql | Server::Postgres => {
            application.run("BEGIN; SELECT * FROM busy");
        }
        Server::Sqlite => application.run("BEGIN IMMEDIATE; INSERT INTO busy VALUES (1)"),
    }
    let running = Migrate::new(&project)
        .on(db)
        .args(["up", "--lock-timeout", "50ms"])
        .spawn()
        .until("2 b could not get its lock and was rolled back (1 try)");
    application.run("COMMIT");
    running.wait().exits(0).says("✅ 2 b (");
}

/// A migration that takes far longer than any test.
fn endless(db: &Database) -> Project {
    let text = match db.server {
        Server::Mariadb | Server::Mysql => {
            // Selected alone, a SLEEP() that is cancelled is no error to MySQL.
            "UPDATE a SET id = SLEEP(600);
"
        }
        Server::Postgres => "SELECT pg_sleep(600);\n",
        Server::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;\n"
        }
    };
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", format!("INSERT INTO a VALUES (1);\n{text}"))
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n")
}

fn nothing_of_the_second_stays(db: &Database) {
    assert_eq!(db.tables(), ["a"]);
    assert_eq!(db.value("SELECT count(*) FROM a"), "0");
    assert_eq!(db.versions(), ["1"]);
}

fn what_runs_when_the_deadline_passes_is_cancelled(db: &Database) {
    Migrate::new(&endless(db))
        .on(db)
        .args(["up", "--deadline", "3s"])
        .run()
        .exits(10)
        .complains("error[deadline]")
        .ends("nothing of migration 2 stays");
    nothing_of_the_second_stays(db);
}

fn what_runs_when_a_signal_comes_is_cancelled(db: &Database) {
    let project = endless(db);
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let db = &Database::new(db.server);
        let running = Migrate::new(&project)
            .on(db)
            .args(["up"])
            .spawn()
            .until_at_work(db, "a", "✅ 1 a (");
        running.signal(signal);
        running
            .wait()
            .exits(code)
            .ends("nothing of migration 2 stays");
        nothing_of_the_second_stays(db);
    }
}

/// A server has many databases, and two runs in them might have one name.
fn what_has_the_runs_name_in_another_database_lives(db: &Database) {
    let other = Database::new(Server::Postgres);
    let url = other.url().to_owned();
    let at_work_as = |name: String| {
        let url = url.clone();
        let work = std::thread::spawn(move || {
            let session = Session::open(Server::Postgres, &url);
            session.run(&format!("SET application_name = '{name}'"));
            session.rows("SELECT 'done' FROM pg_sleep(1.5)")
        });
        eventually("the other one is at work", || {
            let rows = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' \
                        AND query LIKE '%pg_sleep(1.5)%' AND pid <> pg_backend_pid()";
            !other.rows(rows).is_empty()
        });
        work
    };
    // A run that is cancelled.
    let project = endless(db);
    let running = Migrate::new(&project).on(db).args(["up"]).spawn();
    let names = || {
        db.column(
            "SELECT application_name FROM pg_stat_activity WHERE state = 'active' \
             AND application_name LIKE 'migrate %' AND datname = current_database() AND pid <> pg_backend_pid()",
        )
    };
    eventually("the run is at work", || !names().is_empty());
    let work = at_work_as(names().remove(0));
    running.signal("TERM");
    running
        .wait()
        .exits(143)
        .ends("nothing of migration 2 stays");
    assert_eq!(work.join().unwrap(), [["done"]]);
    // One that looks for what an earlier one has left at work.
    project.write(
        "migrations/2_b.sql",
        "-- no-transaction\nCREATE TABLE b (id INT);\nSELECT nowhere;\n",
    );
    up(&project, db).exits(9);
    let name = db.value("SELECT DISTINCT run FROM _migrate_journal");
    let work = at_work_as(name);
    project.write(
        "migrations/2_b.sql",
        "-- no-transaction\nCREATE TABLE b (id INT);\nSELECT 1;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(work.join().unwrap(), [["done"]]);
}
