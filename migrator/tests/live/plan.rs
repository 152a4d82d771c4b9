//! `plan`: what `up` would do, and nothing of it is done.

use crate::support::{Database, Migrate, Output, Project, Server, stories, up};
use serde_json::Value;

stories! {
    on every {
        a_plan_is_what_up_then_does,
        json_is_one_document,
        what_up_would_refuse_has_no_plan,
    }
    on [Postgres] {
        it_needs_no_right_but_to_read,
        small_migrations_travel_together,
    }
    on [Mariadb, Mysql] {
        what_commits_by_itself_is_no_transaction,
    }
    on [Postgres, Sqlite] {
        what_has_begun_goes_on,
    }
}

fn plan(project: &Project, db: &Database) -> Output {
    Migrate::new(project).on(db).args(["plan"]).run()
}

fn document(project: &Project, db: &Database) -> Value {
    let output = Migrate::new(project)
        .on(db)
        .args(["plan", "--output", "json"])
        .run()
        .exits(0);
    assert_eq!(output.stderr, "");
    serde_json::from_str(&output.stdout).unwrap()
}

fn project() -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b_c.sql",
            "\u{feff}-- two\r\nINSERT INTO a VALUES (1);\r\n\r\nINSERT INTO a VALUES (2);\r\n",
        )
}

fn a_plan_is_what_up_then_does(db: &Database) {
    let output = plan(&project(), db)
        .exits(0)
        .says("\n1 a (migrations/1_a.sql)\n  1 statement, ")
        .says(", history in ")
        .says(" (not created yet)\n")
        .says("\n    CREATE TABLE a (id INT);\n")
        .says("\n2 b c (migrations/2_b_c.sql)\n  2 statements, in one transaction")
        .says("\n    -- two\n    INSERT INTO a VALUES (1);\n\n    INSERT INTO a VALUES (2);\n");
    assert_eq!(output.last_line(), "2 migrations to apply, 3 statements.");
    assert_eq!(output.stderr, "");
    assert!(!db.path().exists(), "it created nothing");
    assert_eq!(db.snapshot(), "", "it did nothing");

    up(&project(), db).exits(0).says("Applied 2 migrations");
    let before = db.snapshot();
    plan(&project(), db)
        .exits(0)
        .ends("Nothing to do; the schema is at 2.");
    let more = project().migration("3_d.sql", "CREATE TABLE d (id INT);\n");
    plan(&more, db)
        .exits(0)
        .says("\n3 d (")
        .does_not_say("1 a (")
        .ends("1 migration to apply, 1 statement.");
    assert_eq!(db.snapshot(), before);
}

fn json_is_one_document(db: &Database) {
    let project = project().migration("3_d.sql", "-- no-transaction\nSELECT 1;\n");
    let plan = document(&project, db);
    assert_eq!(plan["history_exists"], false);
    assert_eq!(plan["server"].is_null(), db.server == Server::Sqlite);
    let steps = plan["steps"].as_array().unwrap();
    let versions: Vec<_> = steps.iter().map(|step| &step["version"]).collect();
    assert_eq!(versions, ["1", "2", "3"]);
    assert_eq!(steps[1]["how"], "transaction");
    assert_eq!(steps[1]["file"], "migrations/2_b_c.sql");
    assert_eq!(steps[1]["sql"].as_array().unwrap().len(), 4);
    assert_eq!(steps[1]["sql"][0], "-- two");
    let alone = if db.rolls_back() {
        "statements"
    } else {
        "transaction"
    };
    assert_eq!(steps[2]["how"], alone);
    up(&project, db).exits(0);
    let plan = document(&project, db);
    assert_eq!(plan["steps"], Value::Array(Vec::new()));
    assert_eq!(plan["schema_version"], "3");
}

fn what_up_would_refuse_has_no_plan(db: &Database) {
    let refused = project().migration("3_d.sql", "\nSELECT 'never closed;\n");
    plan(&refused, db)
        .exits(3)
        .complains("error[unterminated_sql]")
        .complains("migrations/3_d.sql:2:8");
    up(&project(), db).exits(0);
    let edited = project().migration("1_a.sql", "CREATE TABLE b (id INT);\n");
    plan(&edited, db)
        .exits(7)
        .complains("error[edited_migration]");
    let late = project().migration("0_z.sql", "SELECT 1;\n");
    plan(&late, db).exits(7).complains("error[out_of_order]");
    Migrate::new(&late)
        .on(db)
        .args(["plan", "--out-of-order", "apply"])
        .run()
        .exits(0)
        .says("\n0 z (");
    let older = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    plan(&older, db)
        .exits(0)
        .complains("warning[missing_migration]")
        .ends("Nothing to do");
    Migrate::new(&project())
        .env("DATABASE_URL", "postgres://u:hush-hush@127.0.0.1:1/app")
        .args(["plan", "--wait", "0"])
        .run()
        .exits(4);
}

fn small_migrations_travel_together(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n")
        .migration(
            "3_c.sql",
            "-- no-transaction\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
        )
        .migration("4_d.sql", "CREATE TABLE d (id INT);\n");
    plan(&project, db)
        .exits(0)
        .says("  1 statement, in one transaction; may be sent together with others\n    CREATE TABLE a")
        .says("  1 statement, in one transaction; may be sent together with others\n    CREATE TABLE b")
        .says("  1 statement, one by one, without a transaction\n")
        .says("  1 statement, in one transaction\n    CREATE TABLE d");
    let plan = document(&project, db);
    let together: Vec<_> = (0..4)
        .map(|at| plan["steps"][at]["together"].as_bool().unwrap())
        .collect();
    assert_eq!(together, [true, true, false, false]);
}

fn what_commits_by_itself_is_no_transaction(db: &Database) {
    let project = project().migration(
        "3_d.sql",
        "LOCK TABLES a WRITE;\nDELETE FROM a;\nUNLOCK TABLES;\n",
    );
    plan(&project, db)
        .exits(0)
        .says("  1 statement, one by one, without a transaction\n    CREATE TABLE a")
        .says("  2 statements, in one transaction\n")
        .says("  3 statements, under the file's own LOCK TABLES\n");
}

fn what_has_begun_goes_on(db: &Database) {
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INT);\nINSERT INTO nowhere VALUES (1);\n",
    );
    up(&project, db).exits(9);
    plan(&project, db)
        .exits(0)
        .complains("warning[resumable]")
        .says("2 statements, one by one, without a transaction; it continues after statement 1\n");
    assert_eq!(document(&project, db)["steps"][0]["done"], 1);
}

fn it_needs_no_right_but_to_read(db: &Database) {
    up(&project(), db).exits(0);
    let user = db.name();
    db.run(&format!(
        "CREATE USER {user} PASSWORD 'hush-hush'; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}"
    ));
    let (_, host) = db.url().rsplit_once('@').unwrap();
    let url = format!("postgres://{user}:hush-hush@{host}");
    let project = project().migration("3_d.sql", "CREATE TABLE d (id INT);\n");
    let before = db.snapshot();
    for (verb, code) in [("plan", 0), ("check", 6)] {
        Migrate::new(&project)
            .env("DATABASE_URL", &url)
            .args([verb])
            .run()
            .exits(code)
            .says("3 d");
    }
    assert_eq!(db.snapshot(), before);
    db.run(&format!("DROP OWNED BY {user}; DROP USER {user}"));
}
