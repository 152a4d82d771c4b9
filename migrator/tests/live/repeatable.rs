//! Repeatable files: views and functions, run again whenever they have changed.

use crate::support::{Database, Migrate, Output, Project, Server, eventually, stories, up};
use serde_json::Value;

stories! {
    on every {
        a_failure_is_told_and_the_next_run_begins_again,
        a_migration_that_is_taken_back_makes_them_run_again,
        an_older_image_leaves_the_newer_ones_definitions,
        eight_at_once_run_each_once,
        names_may_be_in_any_letters,
        one_without_a_transaction_is_run_statement_by_statement,
        one_without_a_transaction_is_cancelled,
        programs_are_told_each,
        sqlx_passes_them_over,
        they_run_after_the_migrations_and_again_when_changed,
        they_wait_for_what_is_left_out,
        two_applications_keep_theirs_apart,
    }
    on [Mariadb, Mysql] {
        a_database_of_old_letters_remembers_any_name,
    }
    on [Postgres] {
        a_role_that_one_takes_hinders_nothing,
        behind_a_pooler_they_run_as_well,
    }
    on [Postgres, Sqlite] {
        those_that_do_what_no_transaction_takes,
    }
}

/// A file that leaves a trace of each time that it is run.
fn trace(name: &str) -> String {
    format!("INSERT INTO log VALUES ('{name}');\n")
}

fn project() -> Project {
    Project::new()
        .migration("1_log.sql", "CREATE TABLE log (name VARCHAR(100));\n")
        .migration("2_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("repeatable/b.sql", trace("b"))
        .migration("repeatable/10_a.sql", trace("10_a"))
        .migration("repeatable/README.md", "not SQL")
}

fn ran(db: &Database) -> Vec<String> {
    db.column("SELECT name FROM log ORDER BY name")
}

fn recorded(db: &Database) -> Vec<String> {
    db.column("SELECT name FROM _migrate_repeatable ORDER BY name")
}

fn they_run_after_the_migrations_and_again_when_changed(db: &Database) {
    let project = project();
    let output = up(&project, db)
        .exits(0)
        .says("✅ repeatable 10_a (")
        .says("✅ repeatable b (")
        .says("Applied 2 migrations and 2 repeatable files in ");
    let place = |text: &str| output.stdout.find(text).unwrap();
    assert!(place("✅ 2 a") < place("✅ repeatable 10_a"));
    assert!(place("✅ repeatable 10_a") < place("✅ repeatable b"));
    assert_eq!(ran(db), ["10_a", "b"]);
    let before = db.snapshot();
    up(&project, db).exits(0).says("Nothing to do");

    // What an editor changes by itself is no change.
    project.write(
        "migrations/repeatable/b.sql",
        format!("\u{feff}{}", trace("b").replace('\n', "\r\n")),
    );
    up(&project, db).exits(0).says("Nothing to do");
    assert_eq!(db.snapshot(), before);

    project.write("migrations/repeatable/b.sql", trace("b again"));
    up(&project, db)
        .exits(0)
        .does_not_say("10_a")
        .says("Applied 1 repeatable file in ")
        .says("; the schema is at 2.");
    assert_eq!(ran(db), ["10_a", "b", "b again"]);
    // As it was before is a change, too.
    project.write("migrations/repeatable/b.sql", trace("b"));
    up(&project, db).exits(0).says("✅ repeatable b (");
    assert_eq!(ran(db), ["10_a", "b", "b", "b again"]);
    project.remove("migrations/repeatable/b.sql");
    up(&project, db).exits(0).says("Nothing to do");
}

fn sqlx_passes_them_over(db: &Database) {
    let project = project();
    up(&project, db).exits(0);
    let before = db.snapshot();
    let folder = project.path("migrations");
    db.open().sqlx(&folder).unwrap();
    assert_eq!(db.snapshot(), before);
    let project = project.migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    db.open().sqlx(&folder).unwrap();
    up(&project, db).exits(0).says("Nothing to do");
}

fn they_wait_for_what_is_left_out(db: &Database) {
    let project = project();
    let to = |args: [&str; 3]| Migrate::new(&project).on(db).args(args).run();
    to(["up", "--to", "1"])
        .exits(0)
        .says("Applied 1 migration ")
        .does_not_say("repeatable ");
    to(["up", "--steps", "0"]).exits(0).says("Nothing to do");
    to(["up", "--steps", "1"])
        .exits(0)
        .says("Applied 1 migration and 2 repeatable files");
    // What is in between is left out no more.
    assert_eq!(ran(db), ["10_a", "b"]);
}

fn an_older_image_leaves_the_newer_ones_definitions(db: &Database) {
    let older = project();
    up(&older, db).exits(0);
    let newer = project()
        .migration("3_c.sql", "CREATE TABLE c (id INT);\n")
        .migration("repeatable/b.sql", trace("b, newer"));
    up(&newer, db).exits(0);
    // A rollback: the newer definitions were made for the schema that stays.
    up(&older, db)
        .exits(0)
        .says("⚠️  migration 3 c is applied, but has no file")
        .says("Nothing to do");
    up(&newer, db).exits(0).says("Nothing to do");
    assert_eq!(ran(db), ["10_a", "b", "b, newer"]);
}

fn a_failure_is_told_and_the_next_run_begins_again(db: &Database) {
    let project = project().migration(
        "repeatable/c.sql",
        format!("{}INSERT INTO nowhere VALUES (1);\n", trace("c")),
    );
    let project = project.migration("repeatable/d.sql", trace("d"));
    let output = up(&project, db)
        .says("✅ repeatable b (")
        .ends("migrations/repeatable/c.sql:2:1")
        .ends("the 4 migrations that this run applied before it stay");
    if db.rolls_back() {
        output
            .exits(8)
            .ends("State: nothing of repeatable c stays")
            .complains("error[migration_failed]");
        assert_eq!(ran(db), ["10_a", "b"]);
    } else {
        output
            .exits(9)
            .ends(
                "State: 1 of the 2 statements of repeatable c were run, but the file is not \
                 recorded as run",
            )
            .ends("it begins again with its first statement")
            .complains("error[repeatable_half_run]");
        assert_eq!(ran(db), ["10_a", "b", "c"]);
        db.run("DELETE FROM log WHERE name = 'c'");
    }
    assert_eq!(recorded(db), ["10_a", "b"]);
    project.write("migrations/repeatable/c.sql", trace("c"));
    up(&project, db)
        .exits(0)
        .says("Applied 2 repeatable files in ");
    assert_eq!(ran(db), ["10_a", "b", "c", "d"]);
    // The first statement of one that failed leaves nothing anywhere.
    project.write("migrations/repeatable/c.sql", "SELECT nonsense;\n");
    up(&project, db)
        .exits(8)
        .ends("State: nothing of repeatable c stays");
}

fn one_without_a_transaction_is_run_statement_by_statement(db: &Database) {
    let project = project().migration(
        "repeatable/c.sql",
        format!(
            "-- no-transaction\n{}INSERT INTO nowhere VALUES (1);\n",
            trace("c")
        ),
    );
    for _ in 0..2 {
        up(&project, db)
            .exits(9)
            .ends("migrations/repeatable/c.sql:3:1")
            .ends("1 of the 2 statements of repeatable c were run");
    }
    assert_eq!(ran(db), ["10_a", "b", "c", "c"]);
    project.write(
        "migrations/repeatable/c.sql",
        format!("-- no-transaction\n{}", trace("c")),
    );
    up(&project, db).exits(0).says("✅ repeatable c (");
    up(&project, db).exits(0).says("Nothing to do");
    assert_eq!(ran(db), ["10_a", "b", "c", "c", "c"]);
}

fn those_that_do_what_no_transaction_takes(db: &Database) {
    let text = match db.server {
        Server::Postgres => {
            "-- no-transaction\nVACUUM a;\nDROP INDEX CONCURRENTLY IF EXISTS i;\n\
             CREATE INDEX CONCURRENTLY i ON a (id);\nSET ROLE pg_monitor;\n"
        }
        _ => "-- no-transaction\nVACUUM;\nPRAGMA foreign_keys = OFF;\n",
    };
    let project = project().migration("repeatable/c.sql", text);
    up(&project, db).exits(0).says("✅ repeatable c (");
    assert_eq!(recorded(db), ["10_a", "b", "c"]);
    let outcome = "SELECT outcome FROM _migrate_runs";
    assert_eq!(db.value(outcome), "succeeded");
    project.write(
        "migrations/repeatable/c.sql",
        text.replace("no-transaction", "a comment"),
    );
    up(&project, db).exits(3);
}

/// What never ends by itself, on each.
fn endless(db: &Database) -> &str {
    match db.server {
        Server::Mariadb | Server::Mysql => {
            // Selected alone, a SLEEP() that is cancelled is no error to MySQL.
            "UPDATE log SET name = SLEEP(600);"
        }
        Server::Postgres => "SELECT pg_sleep(40);",
        Server::Sqlite => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;"
        }
    }
}

fn one_without_a_transaction_is_cancelled(db: &Database) {
    let text = format!("-- no-transaction\n{}{}\n", trace("c"), endless(db));
    let project = project().migration("repeatable/c.sql", text);
    let running = Migrate::new(&project)
        .on(db)
        .args(["up"])
        .spawn()
        .until("✅ repeatable b (");
    eventually("its first statement is done", || ran(db).len() == 3);
    let began = std::time::Instant::now();
    running.signal("TERM");
    running
        .wait()
        .exits(143)
        .ends("1 of the 2 statements of repeatable c were run");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!(recorded(db), ["10_a", "b"]);
    let outcome = "SELECT outcome FROM _migrate_runs";
    assert_eq!(db.value(outcome), "stopped");
}

fn eight_at_once_run_each_once(db: &Database) {
    let files = (0..10).fold(project(), |project, number| {
        let name = format!("r{number}");
        project.migration(&format!("repeatable/{name}.sql"), trace(&name))
    });
    up(&project(), db).exits(0);
    db.run("DELETE FROM log");
    let runs: Vec<_> = (0..8)
        .map(|_| Migrate::new(&files).on(db).args(["up"]).spawn())
        .collect();
    for run in runs {
        run.wait().exits(0);
    }
    let expected: Vec<_> = (0..10).map(|number| format!("r{number}")).collect();
    assert_eq!(ran(db), expected, "each once");
    assert_eq!(recorded(db).len(), 12);
}

fn two_applications_keep_theirs_apart(db: &Database) {
    let first = project();
    up(&first, db).exits(0);
    let second = Project::new()
        .file("migrate.toml", "table = \"second\"\n")
        .migration("1_x.sql", "CREATE TABLE x (id INT);\n")
        .migration("repeatable/b.sql", trace("b of the second"));
    up(&second, db).exits(0).says("✅ repeatable b (");
    up(&second, db).exits(0).says("Nothing to do");
    up(&first, db).exits(0).says("Nothing to do");
    let whose = "SELECT history FROM _migrate_repeatable WHERE name = 'b' ORDER BY history";
    assert_eq!(db.column(whose), ["_sqlx_migrations", "second"]);
    assert_eq!(ran(db), ["10_a", "b", "b of the second"]);
}

fn a_migration_that_is_taken_back_makes_them_run_again(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.up.sql", "CREATE TABLE b (id INT);\n")
        .migration("2_b.down.sql", "DROP VIEW v;\nDROP TABLE b;\n")
        .migration("3_c.up.sql", "CREATE TABLE c (id INT);\n")
        .migration("3_c.down.sql", "DROP TABLE c;\n")
        .migration(
            "repeatable/v.sql",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT id FROM b;\n",
        );
    up(&project, db).exits(0).says("✅ repeatable v (");
    let back = Migrate::new(&project).on(db).args(["down", "--to", "1"]);
    back.run().exits(0);
    up(&project, db).exits(0).says("✅ repeatable v (");
    db.run("SELECT id FROM v");

    // With something pending that it leaves out, a redo leaves them to the next up.
    let to = Migrate::new(&project).on(db).args(["down", "--to", "2"]);
    to.run().exits(0);
    let redo = Migrate::new(&project).on(db).args(["redo"]).run().exits(0);
    redo.does_not_say("✅ repeatable v");
    up(&project, db).exits(0).says("✅ repeatable v (");
    db.run("SELECT id FROM v");
}

fn names_may_be_in_any_letters(db: &Database) {
    let names = ["größe", "GRÖSSE", "it's", "日本", "a b", "Größe"];
    let files = names.iter().fold(project(), |project, name| {
        let text = trace(&name.replace('\'', "''"));
        project.migration(&format!("repeatable/{name}.sql"), text)
    });
    up(&files, db).exits(0).says("8 repeatable files");
    up(&files, db).exits(0).says("Nothing to do");
    assert_eq!(recorded(db).len(), 8);
}

fn a_database_of_old_letters_remembers_any_name(db: &Database) {
    db.run(&format!(
        "ALTER DATABASE {} CHARACTER SET latin1",
        db.name()
    ));
    let files = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("repeatable/日本.sql", "DO 1;\n")
        .migration("repeatable/größe.sql", "DO 2;\n")
        .migration("repeatable/grosse.sql", "DO 3;\n");
    up(&files, db).exits(0).says("3 repeatable files");
    up(&files, db).exits(0).says("Nothing to do");
    assert_eq!(recorded(db).len(), 3);
}

fn a_role_that_one_takes_hinders_nothing(db: &Database) {
    for head in ["", "-- no-transaction\n"] {
        let text = format!("{head}SET ROLE pg_monitor;\nSELECT nonsense;\n");
        let project = project().migration("repeatable/c.sql", &text);
        let _ = up(&project, db);
        let outcome = "SELECT outcome FROM _migrate_runs ORDER BY began DESC LIMIT 1";
        assert_eq!(db.value(outcome), "failed");
        project.write("migrations/repeatable/c.sql", text.replace("nonsense", "1"));
        up(&project, db).exits(0).says("✅ repeatable c (");
        assert_eq!(db.value(outcome), "succeeded");
    }
}

fn behind_a_pooler_they_run_as_well(db: &Database) {
    let project = project().migration(
        "repeatable/c.sql",
        format!("-- no-transaction\n{}VACUUM a;\n", trace("c")),
    );
    let url = db.url_through("MIGRATE_TEST_PGBOUNCER_URL");
    let run = || -> Output {
        let migrate = Migrate::new(&project).env("DATABASE_URL", &url);
        migrate.args(["up"]).run()
    };
    run().exits(0).says("3 repeatable files");
    run().exits(0).says("Nothing to do");
    assert_eq!(ran(db), ["10_a", "b", "c"]);
}

fn programs_are_told_each(db: &Database) {
    let project = project().migration("repeatable/c.sql", "\n SELECT nonsense;\n");
    let output = Migrate::new(&project)
        .on(db)
        .args(["up", "--output", "json"])
        .run()
        .exits(8);
    assert_eq!(output.stderr, "");
    let events: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of_one = |event: &&Value| event["event"] == "repeated" && event["repeatable"] == "b";
    let repeated = events.iter().find(of_one).unwrap();
    assert_eq!(repeated["file"], "migrations/repeatable/b.sql");
    let error = events.last().unwrap();
    assert_eq!(error["file"], "migrations/repeatable/c.sql");
    assert_eq!(error["line"], 2);
}
