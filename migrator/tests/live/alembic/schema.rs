//! Where PostgreSQL finds a version table whose name has no schema.

use super::app::{ENV, by_hand, on, table, tables, three};
use crate::support::{Database, Project, stories};

stories! {
    on [Postgres] {
        a_schema_that_no_literal_names_is_told,
        a_search_path_that_was_changed_leads_both_to_the_table,
        a_table_that_alembic_would_take_first_is_told,
        another_applications_version_table_is_not_in_the_way,
        several_version_tables_are_told,
    }
}

/// Three revisions, with what `context.configure` is told beside its connection.
fn configured(what: &str) -> Project {
    let configure = format!("configure(connection=connection, {what})");
    three().file(
        "api/alembic/env.py",
        ENV.replace("configure(connection=connection)", &configure),
    )
}

#[track_caller]
fn alembic(project: &Project, db: &Database, args: &[&str]) {
    let output = by_hand(project, db, args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Where a version table is, by its name in full.
fn at(db: &Database, table: &str) -> String {
    db.value(&format!("SELECT version_num FROM {table}"))
}

fn set_search_path(db: &Database, path: &str) {
    let name = db.name();
    db.run(&format!("ALTER DATABASE {name} SET search_path = {path}"));
}

fn a_schema_that_no_literal_names_is_told(db: &Database) {
    db.run("CREATE SCHEMA app");
    let project = configured("version_table_schema=str('app')");
    alembic(&project, db, &["upgrade", "bbbb"]);
    let title = "these migrations are recorded in app.alembic_version, but public.alembic_version records \
         none of them";
    let next = "--table 'app.alembic_version'";
    for verb in ["up", "plan", "status", "down", "redo", "confirm", "check"] {
        on(&project, db)
            .args([verb, "--yes"])
            .run()
            .exits(7)
            .complains("error[history_elsewhere]")
            .complains(title)
            .complains("env.py does not name their schema as a literal (version_table_schema)")
            .complains(next);
    }
    on(&project, db)
        .args(["doctor"])
        .run()
        .says("error[history_elsewhere]")
        .does_not_say("pending");
    assert_eq!(at(db, "app.alembic_version"), "bbbb");
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb"]);
    assert_eq!(
        db.value("SELECT (to_regclass('public.alembic_version') IS NULL)::text"),
        "true"
    );
    // The name decides.
    let named = || on(&project, db).env("MIGRATE_TABLE", "app.alembic_version");
    named()
        .args(["status"])
        .run()
        .exits(0)
        .says("2 applied, 1 pending");
    named().run().exits(0).says("✅ cccc the cccc (");
    assert_eq!(at(db, "app.alembic_version"), "cccc");
}

fn a_search_path_that_was_changed_leads_both_to_the_table(db: &Database) {
    let project = three();
    on(&project, db).args(["up", "--to", "bbbb"]).run().exits(0);
    db.run("CREATE SCHEMA front");
    set_search_path(db, "front, public");
    on(&project, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(6)
        .says("history in public.alembic_version")
        .says("2 applied, 1 pending");
    on(&project, db)
        .args(["check"])
        .run()
        .exits(6)
        .says("  pending  cccc the cccc\n")
        .does_not_say("bbbb");
    on(&project, db)
        .run()
        .exits(0)
        .says("history in public.alembic_version\n")
        .says("✅ cccc the cccc (")
        .does_not_say("✅ aaaa");
    assert_eq!(at(db, "public.alembic_version"), "cccc");
    on(&project, db)
        .args(["doctor"])
        .run()
        .does_not_say("history_elsewhere");
    // By hand, Alembic goes on with the same.
    let project = table(project, "dddd", Some("cccc"));
    alembic(&project, db, &["upgrade", "head"]);
    on(&project, db)
        .run()
        .exits(0)
        .says("Nothing to do; the schema is at dddd.");
    // Once nothing leads to it, it is told.
    set_search_path(db, "front");
    on(&project, db)
        .run()
        .exits(7)
        .complains("recorded in public.alembic_version, but front.alembic_version records none");
}

fn a_table_that_alembic_would_take_first_is_told(db: &Database) {
    let project = three();
    on(&project, db).run().exits(0);
    db.run("CREATE SCHEMA front; CREATE TABLE front.alembic_version (LIKE public.alembic_version)");
    set_search_path(db, "front, public");
    for theirs in ["", "INSERT INTO front.alembic_version VALUES ('zzzz')"] {
        db.run(theirs);
        for verb in ["up", "status", "plan"] {
            on(&project, db)
                .args([verb])
                .run()
                .exits(7)
                .complains("error[history_elsewhere]")
                .complains("--table 'public.alembic_version'");
        }
    }
    assert_eq!(at(db, "front.alembic_version"), "zzzz");
    assert_eq!(at(db, "public.alembic_version"), "cccc");
}

fn another_applications_version_table_is_not_in_the_way(db: &Database) {
    db.run(
        "CREATE SCHEMA other; CREATE TABLE other.alembic_version (version_num VARCHAR(32)); \
         INSERT INTO other.alembic_version VALUES ('zzzz'); \
         CREATE SCHEMA odd; CREATE TABLE odd.alembic_version (version_num BYTEA, x INT); \
         CREATE SCHEMA empty; CREATE TABLE empty.alembic_version (version_num VARCHAR(32))",
    );
    let project = three();
    on(&project, db)
        .args(["status"])
        .run()
        .exits(0)
        .says("0 applied, 3 pending");
    on(&project, db)
        .run()
        .exits(0)
        .says("history in public.alembic_version");
    assert_eq!(at(db, "public.alembic_version"), "cccc");
    assert_eq!(at(db, "other.alembic_version"), "zzzz");
}

fn several_version_tables_are_told(db: &Database) {
    for tenant in ["one", "two"] {
        db.run(&format!("CREATE SCHEMA {tenant}"));
        let schema = format!("version_table_schema=str('{tenant}')");
        let project = configured(&schema);
        alembic(&project, db, &["upgrade", "aaaa"]);
        db.run("DROP TABLE t_aaaa");
    }
    on(&configured("version_table_schema=str('one')"), db)
        .run()
        .exits(7)
        .complains("recorded in one.alembic_version and two.alembic_version, but")
        .complains("choose one with --table");
    assert_eq!(tables(db), [""; 0]);
}
