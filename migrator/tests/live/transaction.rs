//! One transaction for a whole run, and statements that may not take for ever.

use crate::support::{Database, Migrate, Output, Project, stories};
use std::time::{Duration, Instant};

stories! {
    on [Postgres, Sqlite] {
        all_of_a_run_is_applied_or_nothing,
        a_file_without_a_transaction_is_refused_in_one,
        back_and_again_in_one,
    }
    on [Mariadb, Postgres, Sqlite] {
        a_statement_ends_when_it_may_take_no_longer,
    }
    on [Postgres] {
        a_run_is_one_transaction_of_the_server,
    }
}

fn as_one<const N: usize>(project: &Project, db: &Database, args: [&str; N]) -> Output {
    Migrate::new(project)
        .on(db)
        .env("MIGRATE_TRANSACTION", "all")
        .args(args)
        .run()
}

fn three(last: &str) -> Project {
    Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT);\n")
        .migration("1_a.down.sql", "DROP TABLE a;\n")
        .migration("2_b.up.sql", "CREATE TABLE b (id INT);\n")
        .migration("2_b.down.sql", "DROP TABLE b;\n")
        .migration("3_c.up.sql", last)
        .migration("3_c.down.sql", "DROP TABLE c;\n")
        .file("migrations/repeatable/v.sql", "DROP VIEW IF EXISTS v;\n")
}

fn all_of_a_run_is_applied_or_nothing(db: &Database) {
    let project = three("CREATE TABLE c (id INT);\nINSERT INTO nowhere VALUES (1);\n");
    as_one(&project, db, ["up"])
        .exits(8)
        .ends("migrations/3_c.up.sql:2:")
        .ends("State: nothing of migration 3 stays, nor of the others of this run.");
    assert!(db.versions().is_empty());
    assert!(!db.tables().contains(&"a".to_owned()));

    project.write("migrations/3_c.up.sql", "CREATE TABLE c (id INT);\n");
    as_one(&project, db, ["up"])
        .exits(0)
        .says("✅ 1 a (")
        .says("Applied 3 migrations and 1 repeatable file in ");
    assert_eq!(db.versions(), ["1", "2", "3"]);
    as_one(&project, db, ["up"]).exits(0).says("Nothing to do");
}

fn a_file_without_a_transaction_is_refused_in_one(db: &Database) {
    let project = three("-- no-transaction\nCREATE TABLE c (id INT);\n");
    as_one(&project, db, ["up"])
        .exits(3)
        .complains("error[needs_its_own_transaction]")
        .complains("migrations/3_c.up.sql:1:1");
    assert!(db.tables().is_empty(), "not even a history");
    as_one(&project, db, ["up", "--to", "2"]).exits(0);
    assert_eq!(db.versions(), ["1", "2"]);
}

fn back_and_again_in_one(db: &Database) {
    let project = three("CREATE TABLE c (id INT);\n");
    as_one(&project, db, ["up"]).exits(0);
    project.write("migrations/1_a.down.sql", "DROP TABLE a;\nDROP TABLE a;\n");
    as_one(&project, db, ["down", "--to", "0"])
        .exits(8)
        .ends("migrations/1_a.down.sql:2:");
    assert_eq!(db.versions(), ["1", "2", "3"], "none of them was reverted");
    project.write("migrations/1_a.down.sql", "DROP TABLE a;\n");
    as_one(&project, db, ["down", "--to", "0"])
        .exits(0)
        .says("Reverted 3 migrations");
    assert!(db.versions().is_empty());
}

fn a_run_is_one_transaction_of_the_server(db: &Database) {
    let project = three("CREATE TABLE c (id INT);\n");
    as_one(&project, db, ["up"]).exits(0);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM _sqlx_migrations";
    assert_eq!(db.value(transactions), "1");
}

fn a_statement_ends_when_it_may_take_no_longer(db: &Database) {
    let long = if db.url().starts_with("postgres") {
        "SELECT pg_sleep(30);\n"
    } else if db.url().starts_with("mysql") {
        "SELECT count(*) FROM information_schema.columns a, information_schema.columns b, \
         information_schema.columns c WHERE a.ordinal_position + b.ordinal_position + \
         c.ordinal_position = -1;\n"
    } else {
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n;\n"
    };
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_long.sql", format!("-- a note\n{long}"));
    let began = Instant::now();
    Migrate::new(&project)
        .on(db)
        .args(["up", "--statement-timeout", "300ms"])
        .run()
        .exits(8)
        .ends("migrations/2_long.sql:2:1: ")
        .ends("nothing of migration 2 stays");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert_eq!(db.versions(), ["1"]);
}
