//! Where PostgreSQL finds a history table whose name has no schema.

use crate::support::{Database, Migrate, Output, Project, migrate, stories, up};

stories! {
    on [Postgres] {
        a_history_that_hides_rows_is_refused,
        a_schema_that_a_migration_makes_hides_no_history,
        a_search_path_that_was_changed_is_told,
        an_empty_table_in_front_of_the_history_is_told,
        another_applications_history_in_front_is_passed,
        another_applications_history_is_not_in_the_way,
        one_that_a_url_chooses_begins_a_history,
    }
}

fn ledger(schema: &str) -> Project {
    Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE IF NOT EXISTS public.ledger (amount INT);\n",
        )
        .migration("2_b.sql", "INSERT INTO public.ledger VALUES (100);\n")
        .migration(
            "3_c.sql",
            format!("CREATE SCHEMA IF NOT EXISTS {schema};\n"),
        )
}

/// With other start-up options of the session.
fn up_with(project: &Project, db: &Database, options: &str) -> Output {
    Migrate::new(project)
        .env("DATABASE_URL", &format!("{}?options={options}", db.url()))
        .args(["up"])
        .run()
}

fn amounts(db: &Database) -> String {
    db.value("SELECT count(*)::text FROM public.ledger")
}

fn a_schema_that_a_migration_makes_hides_no_history(db: &Database) {
    let project = ledger("data");
    for _ in 0..2 {
        up_with(&project, db, "-csearch_path%3Ddata,public").exits(0);
        assert_eq!(amounts(db), "1");
    }
    // As "$user" is the first of the usual search path.
    let db = &Database::new(db.server);
    let project = ledger("postgres");
    up(&project, db).exits(0);
    up(&project, db).exits(0).says("Nothing to do");
    assert_eq!(amounts(db), "1");
    migrate(&project, db, ["check"]).exits(0);
    migrate(&project, db, ["status", "--exit-code"]).exits(0);
}

fn a_search_path_that_was_changed_is_told(db: &Database) {
    let project = ledger("app").migration(
        "4_d.sql",
        format!("ALTER DATABASE {} SET search_path = app;\n", db.name()),
    );
    up(&project, db).exits(0);
    let next = "--table 'public._sqlx_migrations'";
    up(&project, db)
        .exits(7)
        .complains("error[history_elsewhere]")
        .ends(
            "these migrations are recorded in public._sqlx_migrations, but app._sqlx_migrations \
             records none of them",
        )
        .ends(next);
    for args in [
        ["plan", "--wait", "0"],
        ["status", "--wait", "0"],
        ["repair", "--wait", "0"],
    ] {
        migrate(&project, db, args).exits(7).complains(next);
    }
    assert_eq!(migrate(&project, db, ["check"]).code, 7);
    migrate(&project, db, ["doctor"]).says("error[history_elsewhere]");
    assert_eq!(amounts(db), "1");
    migrate(&project, db, ["up", "--table", "public._sqlx_migrations"])
        .exits(0)
        .says("Nothing to do");
    // A name in full has been chosen.
    migrate(
        &project,
        db,
        ["up", "--to", "1", "--table", "app._sqlx_migrations"],
    )
    .exits(0);
}

fn an_empty_table_in_front_of_the_history_is_told(db: &Database) {
    let project = ledger("other");
    up(&project, db).exits(0);
    db.run(
        "CREATE SCHEMA front; CREATE TABLE front._sqlx_migrations (LIKE public._sqlx_migrations)",
    );
    up_with(&project, db, "-csearch_path%3Dfront,public")
        .exits(7)
        .ends("--table 'public._sqlx_migrations'");
    assert_eq!(amounts(db), "1");
}

fn another_applications_history_is_not_in_the_way(db: &Database) {
    let theirs = Project::new().migration("7_x.sql", "CREATE TABLE x (id INT);\n");
    up(&theirs, db).exits(0);
    db.run(&format!(
        "CREATE SCHEMA \"My App\"; ALTER DATABASE {} SET search_path = \"My App\"",
        db.name()
    ));
    let project = ledger("other");
    up(&project, db).exits(0).says("Applied 3 migrations");
    up(&project, db).exits(0).says("Nothing to do");
    assert_eq!(
        db.value("SELECT count(*)::text FROM \"My App\"._sqlx_migrations"),
        "3"
    );
}

fn another_applications_history_in_front_is_passed(db: &Database) {
    let project = ledger("other");
    up(&project, db).exits(0);
    let theirs = Project::new().migration("7_x.sql", "CREATE TABLE x (id INT);\n");
    db.run("CREATE SCHEMA front");
    up_with(&theirs, db, "-csearch_path%3Dfront,public").exits(0);
    up_with(&project, db, "-csearch_path%3Dfront,public")
        .exits(0)
        .says("history in public._sqlx_migrations")
        .says("Nothing to do");
    assert_eq!(amounts(db), "1");
}

fn one_that_a_url_chooses_begins_a_history(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    db.run("CREATE SCHEMA one; CREATE SCHEMA two");
    for schema in ["one", "two"] {
        up_with(&project, db, &format!("-csearch_path%3D{schema}"))
            .exits(0)
            .says("Applied 1 migration");
    }
    up_with(&project, db, "-csearch_path%3Dtwo,one")
        .exits(0)
        .says("Nothing to do");
}

fn a_history_that_hides_rows_is_refused(db: &Database) {
    let project = ledger("other");
    up(&project, db).exits(0);
    let role = format!("{}_reader", db.name());
    db.run(&format!(
        "ALTER TABLE public._sqlx_migrations ENABLE ROW LEVEL SECURITY; \
         CREATE ROLE {role} LOGIN PASSWORD 'reader-secret-pw'; \
         GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; GRANT ALL ON SCHEMA public TO {role}"
    ));
    let (_, after) = db.url().split_once('@').unwrap();
    let url = format!("postgres://{role}:reader-secret-pw@{after}");
    let is_refused = || {
        Migrate::new(&project)
            .env("DATABASE_URL", &url)
            .args(["up"])
            .run()
            .exits(7)
            .complains("error[history_hidden]")
    };
    is_refused().ends("row-level security hides rows of public._sqlx_migrations from the user");
    assert_eq!(amounts(db), "1");
    // Nor where it is another schema's.
    db.run(&format!(
        "CREATE SCHEMA own AUTHORIZATION {role}; ALTER ROLE {role} SET search_path = own"
    ));
    is_refused();
    db.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
