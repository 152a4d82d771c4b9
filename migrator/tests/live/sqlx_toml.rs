//! `sqlx.toml`: a history under another name is never missed.

use crate::support::{Database, Migrate, Project, Server, status, stories, up};

stories! {
    on every {
        ignored_characters_are_no_change,
        the_history_may_have_a_name_that_needs_quotes,
        the_history_may_have_another_name,
    }
    on servers {
        the_history_may_have_a_schema_of_its_own,
    }
    on [Postgres] {
        the_search_path_names_the_schema,
        two_applications_share_a_database,
    }
}

fn project(settings: &str) -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .file("sqlx.toml", settings)
}

/// Applied once, found again, and gone on with.
fn lives_in(project: Project, db: &Database, table: &str) {
    up(&project, db).exits(0).says("Applied 1 migration");
    up(&project, db)
        .exits(0)
        .says("Nothing to do; the schema is at 1.");
    let project = project.migration("2_b.sql", "CREATE TABLE b (id INT);\n");
    up(&project, db)
        .exits(0)
        .says("Applied 1 migration")
        .says("✅ 2 b (");
    status(&project, db).exits(0).says("2 applied, 0 pending.");
    let versions = db.column(&format!("SELECT version FROM {table} ORDER BY version"));
    assert_eq!(versions, ["1", "2"]);
    assert!(
        !db.snapshot().contains("_sqlx_migrations"),
        "one history only"
    );
}

fn the_history_may_have_another_name(db: &Database) {
    lives_in(
        project("[migrate]\ntable-name = \"my_history\"\n"),
        db,
        "my_history",
    );
    // Named by hand, the default is another history: everything is pending.
    let project = Project::new().migration("1_x.sql", "CREATE TABLE x (id INT);\n");
    Migrate::new(&project)
        .on(db)
        .args(["--table", "my_history", "status", "--exit-code"])
        .run()
        .exits(7);
    Migrate::new(&project)
        .on(db)
        .args(["--table", "third_history"])
        .run()
        .exits(0)
        .says("Applied 1 migration");
}

fn the_history_may_have_a_name_that_needs_quotes(db: &Database) {
    let (name, toml) = match db.server {
        Server::Mariadb | Server::Mysql => ("`My History-1`", "'`My History-1`'"),
        Server::Postgres | Server::Sqlite => ("\"My History-1\"", "'\"My History-1\"'"),
    };
    lives_in_quoted(
        project(&format!("[migrate]\ntable-name = {toml}\n")),
        db,
        name,
    );
}

fn lives_in_quoted(project: Project, db: &Database, name: &str) {
    up(&project, db).exits(0).says("Applied 1 migration");
    up(&project, db)
        .exits(0)
        .says("Nothing to do; the schema is at 1.");
    assert_eq!(db.column(&format!("SELECT version FROM {name}")), ["1"]);
    // The journal beside it must find it, too.
    let project = project.migration(
        "2_b.sql",
        "-- no-transaction\nCREATE TABLE b (id INT);\nSELECT nonsense;\n",
    );
    up(&project, db).exits(9);
    project.write(
        "migrations/2_b.sql",
        "-- no-transaction\nCREATE TABLE b (id INT);\n",
    );
    up(&project, db).exits(0).says("✅ 2 b (");
}

fn the_history_may_have_a_schema_of_its_own(db: &Database) {
    let schema = format!("{}_ops", db.name());
    let settings =
        format!("[migrate]\ncreate-schemas = [\"{schema}\"]\ntable-name = \"{schema}.history\"\n");
    lives_in(project(&settings), db, &format!("{schema}.history"));
    db.run(&match db.server {
        Server::Postgres => format!("DROP SCHEMA {schema} CASCADE"),
        _ => format!("DROP DATABASE {schema}"),
    });
}

fn the_search_path_names_the_schema(db: &Database) {
    db.run(&format!(
        "CREATE SCHEMA app; ALTER DATABASE {} SET search_path = app, public",
        db.name()
    ));
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT)");
    up(&project, db)
        .exits(0)
        .says("history in app._sqlx_migrations");
    up(&project, db).exits(0).says("Nothing to do");
    assert_eq!(db.column("SELECT version FROM app._sqlx_migrations"), ["1"]);
    assert_eq!(db.column("SELECT id FROM app.a"), [""; 0]);
}

fn two_applications_share_a_database(db: &Database) {
    // The one in public, the other in its own schema, from which public is seen.
    let first = Project::new().migration("1_first.sql", "CREATE TABLE first (id INT)");
    up(&first, db).exits(0);
    db.run("CREATE SCHEMA other");
    let second = Project::new().migration("1_second.sql", "CREATE TABLE second (id INT)");
    let url = format!("{}?options=-csearch_path%3Dother,public", db.url());
    // As for sqlx, whose CREATE TABLE IF NOT EXISTS looks in the first schema only.
    Migrate::new(&second)
        .env("DATABASE_URL", &url)
        .run()
        .exits(0)
        .says("history in other._sqlx_migrations");
    assert_eq!(
        db.column("SELECT description FROM other._sqlx_migrations"),
        ["second"]
    );
}

fn ignored_characters_are_no_change(db: &Database) {
    let project = project("[migrate]\nignored-chars = [\"\\r\", \" \"]\n");
    up(&project, db).exits(0);
    project.write("migrations/1_a.sql", "CREATE TABLE a  (id INT);\r\n");
    up(&project, db)
        .exits(0)
        .does_not_say("⚠️")
        .says("Nothing to do");
    project.write("migrations/1_a.sql", "CREATE TABLE b (id INT);\r\n");
    up(&project, db).exits(7);
}

#[test]
fn a_setting_that_nobody_knows_is_an_error_before_anything() {
    for (settings, place) in [
        ("[migrate]\ntable_name = \"h\"\n", "sqlx.toml:2:1: "),
        ("[migrate]\nignored-chars = [\"ab\"]\n", "sqlx.toml:2:18: "),
        ("[migrate\n", "sqlx.toml:1:"),
    ] {
        Migrate::new(&project(settings))
            .env("DATABASE_URL", "postgres://127.0.0.1:1/app")
            .args(["--wait", "0"])
            .run()
            .exits(3)
            .ends(place)
            .complains("error[bad_sqlx_toml]");
    }
}

#[test]
fn what_sqlx_toml_says_of_other_things_is_passed_over() {
    let db = Database::new(Server::Sqlite);
    let settings = "[common]\ndatabase-url-var = \"X\"\n[macros]\nfoo = 1\n\
                    [migrate]\ndefaults.migration-type = \"reversible\"\n";
    up(&project(settings), &db).exits(0);
}

#[test]
fn sqlx_toml_may_name_the_folder() {
    let db = Database::new(Server::Sqlite);
    let project = Project::new()
        .file("sql/steps/1_a.sql", "CREATE TABLE a (id INT)")
        .file(
            "sqlx.toml",
            "[migrate]\nmigrations-dir = \"sql/steps\"\ntable-name = \"h\"\n",
        );
    up(&project, &db)
        .exits(0)
        .says("migrations  sql/steps (sqlx)");
    assert_eq!(db.value("SELECT count(*) FROM h"), "1");
}
