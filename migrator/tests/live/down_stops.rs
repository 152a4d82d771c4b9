//! A `down` that does not come to its own end: a script that fails, a busy table,
//! the deadline, a signal.

use crate::down::{log, three};
use crate::support::{
    Database, Migrate, Project, Server, eventually, migrate, status, stories, up,
};

stories! {
    on every {
        a_busy_table_is_tried_again,
        what_is_reverted_when_a_signal_comes_stays_applied,
        what_is_reverted_when_the_deadline_passes_stays_applied,
    }
    on [Postgres, Sqlite] {
        a_failure_leaves_it_applied,
        a_failure_without_a_transaction_is_half_reverted,
    }
    on [Mariadb, Mysql] {
        a_failure_is_half_reverted,
        a_failure_of_data_alone_leaves_it_applied,
    }
    on [Postgres] {
        a_failed_run_has_its_successes_on_the_disk,
        an_index_goes_and_comes_concurrently,
    }
}

fn a_failure_leaves_it_applied(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    project.write(
        "migrations/2_b.down.sql",
        "DROP TABLE b;\n  DROP TABLE nowhere;\nINSERT INTO log VALUES ('b');\n",
    );
    migrate(&project, db, ["down", "--to", "0"])
        .exits(8)
        .says("✅ 3 c reverted")
        .complains("error[migration_failed]")
        .complains("statement 2 of 3")
        .ends("migrations/2_b.down.sql:2:")
        .ends(
            "State: migration 2 is still applied; the migration that this run reverted before it \
             stays reverted; one more was not started.",
        )
        .ends("run migrate down again (--steps counts from there)");
    assert_eq!(db.tables(), ["a", "b", "log"]);
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(log(db), ["c"]);
    status(&project, db).says("3 migrations, 2 applied, 1 pending.");
    let failed = "SELECT error FROM _migrate_runs WHERE verb = 'down' AND outcome = 'failed'";
    assert!(db.value(failed).contains("migrations/2_b.down.sql:2:"));

    project.write("migrations/2_b.down.sql", "DROP TABLE b;\n");
    migrate(&project, db, ["down", "--to", "0"]).exits(0);
    assert_eq!(db.tables(), ["log"]);
}

fn half_reverted(db: &Database, directive: &str) {
    let project = three(db);
    up(&project, db).exits(0);
    let script = |second: &str| {
        project.write(
            "migrations/3_c.down.sql",
            format!("{directive}DROP TABLE c;\n{second};\nINSERT INTO log VALUES ('c');\n"),
        );
    };
    script("DROP TABLE nowhere");
    for _ in 0..2 {
        migrate(&project, db, ["down", "--to", "0"])
            .exits(9)
            .complains("error[migration_half_reverted]")
            .complains("statement 2 of 3")
            .ends("State: migration 3 is half reverted: 1 of its 3 statements stay; 2 more were not started.")
            .ends("correct migrations/3_c.down.sql after statement 1 and run migrate down again");
    }
    assert_eq!(db.tables(), ["a", "b", "log"]);
    assert_eq!(log(db), [""; 0]);
    status(&project, db).says("half reverted");
    let before = db.snapshot();
    up(&project, db)
        .exits(7)
        .complains("error[half_reverted]")
        .ends("Next: run migrate down, which continues the revert");
    // Nor does it go on with something else than it began.
    project.write(
        "migrations/3_c.down.sql",
        format!("{directive}DROP TABLE b;\nSELECT 1;\n"),
    );
    migrate(&project, db, ["down"])
        .exits(7)
        .complains("error[half_applied_and_edited]");
    assert_eq!(db.snapshot(), before);

    script("DROP TABLE IF EXISTS nowhere");
    migrate(&project, db, ["down"])
        .exits(0)
        .says("✅ 3 c reverted")
        .says("Reverted 1 migration in ");
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(log(db), ["c"]);
    assert_eq!(db.value("SELECT count(*) FROM _migrate_journal"), "0");
    up(&project, db).exits(0).says("✅ 3 c (");
}

fn a_failure_without_a_transaction_is_half_reverted(db: &Database) {
    half_reverted(db, "-- no-transaction\n");
}

fn a_failure_is_half_reverted(db: &Database) {
    half_reverted(db, "");
}

fn a_failure_of_data_alone_leaves_it_applied(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    project.write(
        "migrations/3_c.down.sql",
        "INSERT INTO log VALUES ('c');\nINSERT INTO nowhere VALUES (1);\n",
    );
    migrate(&project, db, ["down"])
        .exits(8)
        .ends("State: migration 3 is still applied.");
    assert_eq!(log(db), [""; 0]);
    assert_eq!(db.versions(), ["1", "2", "3"]);
    up(&project, db).exits(0).says("Nothing to do");
    project.write("migrations/3_c.down.sql", "INSERT INTO log VALUES ('c');\n");
    migrate(&project, db, ["down"]).exits(0);
    assert_eq!(db.versions(), ["1", "2"]);
}

/// Nobody waits for the disk until the end of a run; one that fails makes up for
/// it, and what it took back has no row left to write.
fn a_failed_run_has_its_successes_on_the_disk(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let written = || db.value("SELECT xmin FROM _sqlx_migrations WHERE version = 1");
    let before = written();
    project.write("migrations/1_a.down.sql", "DROP TABLE nowhere;\n");
    migrate(&project, db, ["down", "--to", "0"])
        .exits(8)
        .says("✅ 2 b reverted");
    assert_ne!(written(), before, "a commit waits for the disk if it wrote");
}

fn an_index_goes_and_comes_concurrently(db: &Database) {
    let project = Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT); CREATE INDEX old ON a (id);\n")
        .migration("1_a.down.sql", "DROP TABLE a;\n")
        .migration(
            "2_i.up.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY new ON a (id);\nDROP INDEX CONCURRENTLY old;\n",
        )
        .migration(
            "2_i.down.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY old ON a (id);\nDROP INDEX CONCURRENTLY new;\n",
        );
    let indexes = "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index \
                   WHERE indrelid = 'a'::regclass ORDER BY 1";
    up(&project, db).exits(0);
    assert_eq!(db.column(indexes), ["new true"]);
    migrate(&project, db, ["down"])
        .exits(0)
        .says("✅ 2 i reverted");
    assert_eq!(db.column(indexes), ["old true"]);

    // Killed in the middle, with the index invalid.
    up(&project, db).exits(0);
    let application = db.open();
    application.run("BEGIN; INSERT INTO a VALUES (1)");
    let running = Migrate::new(&project).on(db).args(["down"]).spawn();
    eventually("the index is being built", || {
        db.column(indexes).contains(&"old false".to_owned())
    });
    running.kill();
    application.run("COMMIT");
    up(&project, db).exits(7).complains("error[half_reverted]");
    migrate(&project, db, ["down"])
        .exits(0)
        .says("✅ 2 i reverted");
    assert_eq!(db.column(indexes), ["old true"]);
    migrate(&project, db, ["down"]).exits(0);
    assert_eq!(db.tables(), [""; 0]);
}

fn a_busy_table_is_tried_again(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    let application = db.open();
    match db.server {
        Server::Sqlite => application.run("BEGIN IMMEDIATE; INSERT INTO c VALUES (1)"),
        _ => application.run("BEGIN; SELECT * FROM c"),
    }
    let running = Migrate::new(&project)
        .on(db)
        .args(["down", "--lock-timeout", "50ms"])
        .spawn()
        .until("3 c could not get its lock and was rolled back (1 try)");
    application.run("COMMIT");
    running.wait().exits(0).says("✅ 3 c reverted");
    assert_eq!(log(db), ["c"]);
}

/// A way back that takes far longer than any test.
fn endless(db: &Database) -> Project {
    let text = match db.server {
        Server::Mariadb | Server::Mysql => "UPDATE log SET what = SLEEP(600);\n",
        Server::Postgres => "SELECT pg_sleep(600);\n",
        Server::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n;\n"
        }
    };
    let project = three(db);
    up(&project, db).exits(0);
    project.write(
        "migrations/2_b.down.sql",
        format!("INSERT INTO log VALUES ('b');\n{text}"),
    );
    project
}

fn the_second_stays(db: &Database) {
    assert_eq!(db.tables(), ["a", "b", "log"]);
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(log(db), ["c"]);
    assert_eq!(
        db.value("SELECT count(*) FROM _sqlx_migrations WHERE NOT success"),
        "0"
    );
    assert_eq!(
        db.rows("SELECT outcome, did FROM _migrate_runs WHERE verb = 'down'"),
        [["stopped", "3"]]
    );
}

const TOLD: &str = "State: migration 2 is still applied; the migration that this run reverted before it stays \
     reverted; one more was not started.";

fn what_is_reverted_when_the_deadline_passes_stays_applied(db: &Database) {
    let project = endless(db);
    migrate(&project, db, ["down", "--to", "0", "--deadline", "3s"])
        .exits(10)
        .complains("error[deadline]")
        .ends(TOLD);
    the_second_stays(db);
}

fn what_is_reverted_when_a_signal_comes_stays_applied(db: &Database) {
    let project = endless(db);
    let running = Migrate::new(&project)
        .on(db)
        .args(["down", "--steps", "3"])
        .spawn()
        .until_at_work(db, "log", "✅ 3 c reverted");
    running.signal("TERM");
    running
        .wait()
        .exits(143)
        .ends(TOLD)
        .ends("--steps counts from there");
    the_second_stays(db);
}
