//! CREATE INDEX CONCURRENTLY, at which other migrators hang or leave ruins.

use crate::support::{Database, Migrate, Project, Running, eventually, stories};

stories! {
    on [Postgres] {
        a_default_of_repeatable_read_does_not_hold_it_up,
        a_killed_one_is_built_by_the_next_run,
        a_second_migrator_that_waits_does_not_hold_it_up,
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
        let _ = run.wait().exits(0);
    }
    assert!(is_valid(db));
    assert_eq!(db.versions(), ["1", "2", "3"]);
}

fn a_default_of_repeatable_read_does_not_hold_it_up(db: &Database) {
    db.run(&format!(
        "ALTER DATABASE {} SET default_transaction_isolation = 'repeatable read'",
        db.name()
    ));
    let _ = start(&project(1000), db).wait().exits(0);
    assert!(is_valid(db));
}

/// What a unique index that fails leaves behind, an index of the name that is no
/// index: IF NOT EXISTS would be content with it.
fn an_invalid_index_is_built_again(db: &Database) {
    let project = project(10);
    project.write("migrations/2_i.sql", "SELECT 1;\n");
    let _ = start(&project, db).wait().exits(0);
    db.run("INSERT INTO a VALUES (1)");
    let failed = db
        .open()
        .try_rows("CREATE UNIQUE INDEX CONCURRENTLY a_id ON a (id)");
    assert!(failed.is_err() && !is_valid(db));

    project.write("migrations/4_i.sql", INDEX);
    let _ = start(&project, db).wait().exits(0);
    assert!(is_valid(db));
}

fn a_killed_one_is_built_by_the_next_run(db: &Database) {
    let project = project(300_000);
    // Whoever has the table open keeps CONCURRENTLY waiting in the middle.
    let application = db.open();
    let first = start(&project, db).until("✅ 1 a (");
    application.run("BEGIN; SELECT * FROM a LIMIT 1");
    eventually("the index is being built", || {
        !db.rows("SELECT 1 FROM pg_stat_progress_create_index")
            .is_empty()
            || is_valid(db)
    });
    first.kill();
    application.run("COMMIT");
    let _ = start(&project, db).wait().exits(0);
    assert!(is_valid(db));
    assert_eq!(db.versions(), ["1", "2", "3"]);
    assert_eq!(db.value("SELECT count(*)::text FROM _migrate_journal"), "0");
}
