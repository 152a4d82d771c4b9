//! What only PostgreSQL has: its settings, its poolers, its invalid indexes.

use super::{correct, doctor, examined, project};
use crate::support::{
    Database, Migrate, Project, Server, Session, eventually, migrate, stories, up,
};
use std::thread;
use std::time::Duration;

stories! {
    on [Postgres] {
        a_database_that_may_only_be_read_is_found,
        a_pooler_between_transactions_is_told,
        an_index_that_is_being_built_is_no_finding,
        an_index_that_is_none_is_told,
        a_short_timeout_is_told_where_it_counts,
    }
}

fn a_database_that_may_only_be_read_is_found(db: &Database) {
    db.run(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        db.name()
    ));
    let correction = doctor(db, &project()).refuses("read_only");
    correct(db, &correction);
    doctor(db, &project()).nothing();
}

fn a_short_timeout_is_told_where_it_counts(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    db.run(&format!(
        "ALTER DATABASE {} SET lock_timeout = '300ms'",
        db.name()
    ));
    doctor(db, &project).nothing();
    let alone = "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n";
    project.write("migrations/2_b.sql", alone);
    let correction = doctor(db, &project).warns("short_timeout");
    let writer = db.open();
    writer.run("BEGIN");
    writer.run("INSERT INTO a VALUES (1)");
    let running = Migrate::new(&project).on(db).args(["up"]).spawn();
    let running = running.until("could not get its lock and was rolled back (2 tries)");
    running.signal("TERM");
    running.wait().exits(143);
    writer.run("COMMIT");
    migrate(&project, db, ["repair", "--resolve", "2=reverted"]).exits(0);
    // The correction is for the file, which waits then.
    let (first, rest) = alone.split_once('\n').unwrap();
    let corrected = format!("{first}\n{}\n{rest}", correction.join("\n"));
    project.write("migrations/2_b.sql", corrected);
    doctor(db, &project).nothing();
    writer.run("BEGIN");
    writer.run("INSERT INTO a VALUES (2)");
    let running = Migrate::new(&project).on(db).args(["up"]).spawn();
    eventually("it is being built", || {
        db.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "1"
    });
    thread::sleep(Duration::from_secs(1));
    writer.run("COMMIT");
    running.wait().exits(0);
    doctor(db, &project).nothing();
}

fn a_pooler_between_transactions_is_told(db: &Database) {
    let project = project();
    let through = |pooler| db.url_through(pooler);
    let (two, one) = ("MIGRATE_TEST_PGBOUNCER_URL", "MIGRATE_TEST_PGBOUNCER1_URL");
    for pooler in [two, one] {
        examined(db, &project, &through(pooler), []).warns("pooled_url");
    }
    // With one connection, what is no transaction is refused.
    project.write(
        "migrations/2_b.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
    );
    examined(db, &project, &through(two), []).warns("pooled_url");
    examined(db, &project, &through(one), []).refuses("pooled_url");
}

/// A table in which `id` is not unique.
fn with_duplicates(db: &Database) {
    db.run("CREATE TABLE d (id INT); INSERT INTO d VALUES (1), (1)");
}

fn an_index_that_is_none_is_told(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    with_duplicates(db);
    let build = "CREATE UNIQUE INDEX CONCURRENTLY \"An index\" ON d (id)";
    assert!(db.open().try_rows(build).is_err(), "it has duplicates");
    let correction = doctor(db, &project).warns("invalid_index");
    assert_eq!(
        correction[0],
        "DROP INDEX CONCURRENTLY \"public\".\"An index\";"
    );
    db.run("DELETE FROM d");
    correct(db, &correction);
    doctor(db, &project).nothing();
    assert_eq!(
        db.value("SELECT indisvalid AND indisunique FROM pg_index WHERE indrelid = 'd'::regclass"),
        "t",
        "it is there again"
    );
    // A partitioned table's index waits for its parts, and is none of these.
    db.run(
        "CREATE TABLE p (id INT) PARTITION BY RANGE (id); \
         CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1); \
         CREATE INDEX i ON ONLY p (id)",
    );
    doctor(db, &project).nothing();
}

fn an_index_that_is_being_built_is_no_finding(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let writer = db.open();
    writer.run("BEGIN");
    writer.run("INSERT INTO a VALUES (1)");
    let (server, url) = (db.server, db.url().to_owned());
    let builder = thread::spawn(move || {
        Session::open(server, &url).run("CREATE INDEX CONCURRENTLY i ON a (id)");
    });
    eventually("it is being built", || {
        db.value("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "1"
    });
    doctor(db, &project).nothing();
    writer.run("COMMIT");
    builder.join().unwrap();
    doctor(db, &project).nothing();
}

/// What a failed run has left is one finding, not two.
#[test]
#[ignore = "needs scripts/servers"]
fn an_unfinished_migration_and_its_index_are_one_finding() {
    let db = &Database::new(Server::Postgres);
    let project = Project::new().migration(
        "1_a.sql",
        "CREATE TABLE a (id INT);\nINSERT INTO a VALUES (1), (1);\n",
    );
    project.write(
        "migrations/2_b.sql",
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON a (id);\n",
    );
    up(&project, db).exits(9);
    doctor(db, &project).warns("resumable");
    db.run("DELETE FROM a");
    up(&project, db).exits(0);
    doctor(db, &project).nothing();
}
