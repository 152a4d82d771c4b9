//! `check`: all that is wrong, before it is merged or deployed.

mod base;

use crate::support::{Database, Migrate, Output, Project, Server, stories, up};
use serde_json::Value;

stories! {
    on every {
        files_history_and_pending_have_codes_of_their_own,
        what_is_applied_is_only_warned_of,
    }
    on [Postgres] {
        another_tools_history_is_a_disagreement,
    }
    on [Sqlite] {
        a_half_applied_file_must_begin_as_it_did,
    }
}

fn check(project: &Project, db: &Database) -> Output {
    Migrate::new(project).on(db).args(["check"]).run()
}

fn offline(project: &Project, url: &str) -> Output {
    Migrate::new(project)
        .args(["check", "--offline", "--database-url", url])
        .run()
}

const POSTGRES: &str = "postgres://nobody@127.0.0.1:1/app";

fn project() -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n")
}

fn files_history_and_pending_have_codes_of_their_own(db: &Database) {
    let fresh = check(&project(), db).exits(6).says("  pending  2 b\n");
    assert_eq!(
        fresh.last_line(),
        "2 migrations checked, 0 errors, 0 warnings, 2 pending."
    );
    assert!(!db.path().exists() || db.server != Server::Sqlite);
    up(&project(), db).exits(0);
    let before = db.snapshot();
    check(&project(), db)
        .exits(0)
        .ends("0 errors, 0 warnings, 0 pending.");

    // Everything at once: all of it is listed, and the files come first.
    let worse = project()
        .migration("1_a.sql", "CREATE TABLE a (id BIGINT);\n")
        .migration("0_z.sql", "SELECT 1;\n")
        .migration("3_c.sql", "SELECT 1;\nSELECT 'open;\n")
        .migration("4_d.sql", "SELECT 1;\n/* open\n");
    check(&worse, db)
        .exits(3)
        .says("error[unterminated_sql]")
        .says(" --> migrations/3_c.sql:2:8\n")
        .says(" --> migrations/4_d.sql:2:1\n")
        .says("error[edited_migration]")
        .says(" --> migrations/1_a.sql:1:1\n")
        .says("error[out_of_order]")
        .ends("5 migrations checked, 4 errors, 0 warnings, 3 pending.");
    worse.remove("migrations/3_c.sql");
    worse.remove("migrations/4_d.sql");
    check(&worse, db).exits(7).ends("2 errors");
    Migrate::new(&project().migration("0_z.sql", "SELECT 1;\n"))
        .on(db)
        .args(["check", "--out-of-order", "apply"])
        .run()
        .exits(6);
    // A line ending is no error.
    let crlf = project().migration("1_a.sql", "CREATE TABLE a (id INT);\r\n");
    check(&crlf, db)
        .exits(0)
        .says("warning[line_endings_changed]")
        .ends("0 errors, 1 warning");
    assert_eq!(db.snapshot(), before, "it wrote nothing");
}

fn what_is_applied_is_only_warned_of(db: &Database) {
    up(&project(), db).exits(0);
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n'open")
        .migration("3_c.sql", "SELECT 1;\n");
    let checked = check(&project, db)
        .exits(7)
        .says("warning[unterminated_sql]")
        .says("it is applied, so this is not an error")
        .says("error[edited_migration]");
    assert_eq!(checked.stderr, "");
}

fn another_tools_history_is_a_disagreement(db: &Database) {
    db.run("CREATE TABLE flyway_schema_history (installed_rank INT)");
    check(&project(), db)
        .exits(7)
        .complains("error[foreign_history]");
}

fn a_half_applied_file_must_begin_as_it_did(db: &Database) {
    let half = |first: &str| {
        Project::new().migration(
            "1_a.sql",
            format!("-- no-transaction\n{first};\nINSERT INTO nowhere VALUES (1);\n"),
        )
    };
    up(&half("CREATE TABLE a (id INT)"), db).exits(9);
    check(&half("CREATE TABLE a (id INT)"), db)
        .exits(6)
        .says("warning[resumable]");
    check(&half("CREATE TABLE b (id INT)"), db)
        .exits(7)
        .says("error[half_applied_and_edited]")
        .says(" --> migrations/1_a.sql:2:1\n");
}

#[test]
fn offline_every_file_is_checked_as_if_it_were_pending() {
    let good = offline(&project(), POSTGRES).exits(0);
    assert_eq!(good.stdout, "2 migrations checked, 0 errors, 0 warnings.\n");
    let bad = project()
        .migration("3_c.sql", "BEGIN;\nCOMMIT;\n\\d\n")
        .migration("4_d.up.sql", "VACUUM;\n")
        .migration("4_d.down.sql", "SELECT 1;\nROLLBACK;\n")
        .migration("notes.sql", "");
    let output = offline(&bad, POSTGRES)
        .exits(3)
        .says(" --> migrations/3_c.sql:1:1\n")
        .says(" --> migrations/3_c.sql:2:1\n")
        .says(" --> migrations/3_c.sql:3:1\n")
        .says("error[needs_no_transaction]")
        .says(" --> migrations/4_d.down.sql:2:1\n")
        .says("warning[file_passed_over]")
        .ends("4 migrations checked, 5 errors, 1 warning.");
    assert_eq!(output.stderr, "");
    // MySQL has no transaction to be ended there, and no VACUUM to be refused.
    offline(&bad, "mysql://u@h/db").exits(0);
}

#[test]
fn without_a_url_only_what_every_database_refuses_is_found() {
    let project = project().migration("3_c.sql", "BEGIN;\nCOMMIT;\n");
    let run = |project: &Project, url: Option<&str>| {
        let run = Migrate::new(project).args(["check", "--offline"]);
        match url {
            Some(url) => run.env("DATABASE_URL", url).run(),
            None => run.run(),
        }
    };
    for url in [None, Some("")] {
        run(&project, url)
            .exits(0)
            .says("warning[unknown_dialect]")
            .ends("0 errors, 1 warning.");
    }
    project.write("migrations/3_c.sql", "SELECT 'open;\n");
    run(&project, None).exits(3).says("error[unterminated_sql]");
    run(&project, Some("mongodb://h/db"))
        .exits(3)
        .complains("error[unknown_scheme]");
    let online = Migrate::new(&project).args(["check"]).run();
    online.exits(3).complains("error[no_database_url]");
}

#[test]
fn json_is_one_document() {
    let db = Database::new(Server::Sqlite);
    let project = project().migration("3_c.sql", "SELECT 1;\nBEGIN;\n");
    let run = |offline: bool| {
        let run = Migrate::new(&project)
            .on(&db)
            .args(["check", "--output", "json"]);
        let run = if offline {
            run.args(["--offline"])
        } else {
            run
        };
        let output = run.run().exits(3);
        assert_eq!(output.stderr, "");
        serde_json::from_str::<Value>(&output.stdout).unwrap()
    };
    let found = run(false);
    assert_eq!(found["exit_code"], 3);
    assert_eq!(found["migrations"], 3);
    assert_eq!(found["pending"].as_array().unwrap().len(), 3);
    let finding = &found["findings"][0];
    assert_eq!(finding["code"], "transaction_control");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["file"], "migrations/3_c.sql");
    assert_eq!(finding["line"], 2);
    let found = run(true);
    assert!(found["database"].is_null() && found["pending"].is_null());
}
