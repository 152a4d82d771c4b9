//! What others hold, or have left.

use super::{correct, doctor, examined, project};
use crate::support::{Database, Migrate, Project, Running, Server, stories, up};
use std::fs::File;
use std::thread;
use std::time::Duration;

stories! {
    on every {
        a_run_at_work_is_told,
        a_run_that_never_ended_is_told,
    }
    on servers {
        an_application_that_holds_sqlxs_lock_is_told,
        a_transaction_that_is_open_for_long_is_told,
    }
    on [Sqlite] {
        a_lock_files_holder_is_seen,
    }
}

/// A run whose second migration does not end by itself.
fn at_work(db: &Database) -> (Project, Running) {
    let endless = match db.server {
        Server::Mariadb | Server::Mysql => "UPDATE a SET id = SLEEP(600);\n",
        Server::Postgres => "SELECT pg_sleep(600);\n",
        Server::Sqlite => {
            "INSERT INTO a WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n) \
             SELECT max(i) FROM n;\n"
        }
    };
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE a (id INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\n",
        )
        .migration("2_b.sql", endless);
    let running = Migrate::new(&project)
        .on(db)
        .args(["up"])
        .spawn()
        .until_at_work(db, "a", "✅ 1 a (");
    (project, running)
}

fn a_run_at_work_is_told(db: &Database) {
    let (project, running) = at_work(db);
    let found = doctor(db, &project);
    let titles = found.titles();
    assert!(titles.contains("another run holds the lock"), "{titles}");
    if db.server == Server::Postgres {
        assert!(titles.contains("(migrate "), "it says which: {titles}");
    }
    found.warns("lock_held");
    if db.server == Server::Postgres {
        // Longer than a doctor may take, too.
        thread::sleep(Duration::from_secs(4));
        examined(db, &project, db.url(), ["--deadline", "4s"]).refuses("lock_held");
    }
    running.signal("TERM");
    running.wait().exits(143);
    doctor(db, &project).nothing();
}

fn a_run_that_never_ended_is_told(db: &Database) {
    let (project, running) = at_work(db);
    running.kill();
    // Its orphan is at work until the server notices.
    if db.server != Server::Sqlite {
        let others = match db.server {
            Server::Postgres => {
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid() \
                 AND application_name LIKE 'migrate %'"
            }
            _ => "",
        };
        if others.is_empty() {
            let ids = db.column(
                "SELECT id FROM information_schema.processlist \
                 WHERE db = DATABASE() AND id <> CONNECTION_ID()",
            );
            for id in ids {
                let _ = db.open().try_rows(&format!("KILL {id}"));
            }
        } else {
            db.run(others);
        }
        thread::sleep(Duration::from_secs(1));
    }
    let long_ago = match db.server {
        Server::Mariadb | Server::Mysql => "began - INTERVAL 1 HOUR",
        Server::Postgres => "began - interval '1 hour'",
        Server::Sqlite => "datetime(began, '-1 hour')",
    };
    db.run(&format!("UPDATE _migrate_runs SET began = {long_ago}"));
    doctor(db, &project).warns("run_without_end");
    project.write("migrations/2_b.sql", "SELECT 1;\n");
    up(&project, db).exits(0);
    doctor(db, &project).nothing();
}

fn an_application_that_holds_sqlxs_lock_is_told(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let application = db.open();
    application.lock_as_sqlx_does(db);
    let correction = doctor(db, &project).warns("lock_held");
    correct(db, &correction);
    thread::sleep(Duration::from_secs(1));
    doctor(db, &project).nothing();
}

fn a_transaction_that_is_open_for_long_is_told(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let application = db.open();
    application.run("BEGIN");
    application.run("SELECT * FROM a");
    thread::sleep(Duration::from_secs(2));
    // The default is a minute; what waits less is in the way of less.
    doctor(db, &project).nothing();
    let patience = ["--lock-timeout", "100ms"];
    let correction = examined(db, &project, db.url(), patience).warns("open_transaction");
    correct(db, &correction);
    thread::sleep(Duration::from_secs(1));
    examined(db, &project, db.url(), patience).nothing();
}

fn a_lock_files_holder_is_seen(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let path = db.path().with_file_name("app.db.migrate-lock");
    let lock = File::options().write(true).open(path).unwrap();
    lock.lock().unwrap();
    let found = doctor(db, &project);
    let process = format!("process {}", std::process::id());
    assert!(found.titles().contains(&process), "{}", found.output);
    found.warns("lock_held");
    lock.unlock().unwrap();
    doctor(db, &project).nothing();
}
