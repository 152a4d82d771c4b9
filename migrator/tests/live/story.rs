//! The main story, from nothing to everything applied.

use crate::support::{Database, Migrate, Project, status, stories, up};

stories! {
    on every {
        a_database_grows_with_its_migrations,
        files_that_are_no_migrations_are_passed_over,
        reversible_pairs_are_applied_by_their_up_script,
        status_changes_nothing,
    }
}

fn users_and_orders() -> Project {
    Project::new()
        .migration("1_users.sql", "CREATE TABLE users (id INT PRIMARY KEY);\n")
        .migration(
            "2_create_orders.sql",
            "CREATE TABLE orders (id INT PRIMARY KEY);\nINSERT INTO users VALUES (1), (2);\n",
        )
}

fn a_database_grows_with_its_migrations(db: &Database) {
    let project = users_and_orders();

    up(&project, db)
        .exits(0)
        .says("migrations  migrations (sqlx), 2 migrations")
        .says("✅ 1 users (")
        .says("✅ 2 create orders (")
        .says("Applied 2 migrations in ")
        .says("; the schema is at 2.");
    assert_eq!(db.tables(), ["orders", "users"]);
    assert_eq!(db.value("SELECT count(*) FROM users"), "2");
    assert_eq!(db.versions(), ["1", "2"]);

    let before = db.snapshot();
    up(&project, db)
        .exits(0)
        .says("Nothing to do; the schema is at 2.");
    assert_eq!(db.snapshot(), before);

    let project = project.migration("20260101000000_notes.sql", "CREATE TABLE notes (id INT)");
    status(&project, db)
        .exits(0)
        .says("applied       1               users")
        .says("applied       2               create orders")
        .says("pending       20260101000000  notes")
        .says("3 migrations, 2 applied, 1 pending.");
    Migrate::new(&project)
        .on(db)
        .args(["status", "--exit-code"])
        .run()
        .exits(6);
    // No verb means `up`.
    Migrate::new(&project)
        .on(db)
        .run()
        .exits(0)
        .says("Applied 1 migration in ")
        .says("; the schema is at 20260101000000.")
        .does_not_say("1 users");
    Migrate::new(&project)
        .on(db)
        .args(["status", "--exit-code"])
        .run()
        .exits(0)
        .says("3 migrations, 3 applied, 0 pending.");
    assert_eq!(db.tables(), ["notes", "orders", "users"]);
}

fn status_changes_nothing(db: &Database) {
    let project = users_and_orders();
    if db.rolls_back() && db.url().starts_with("sqlite") {
        status(&project, db).exits(0).says("does not exist yet");
        assert!(!db.path().exists(), "only `up` creates a database file");
        db.run("SELECT 1");
    }
    status(&project, db)
        .exits(0)
        .says("_sqlx_migrations (not created yet)")
        .says("2 migrations, 0 applied, 2 pending.");
    assert_eq!(db.snapshot(), "");
}

fn reversible_pairs_are_applied_by_their_up_script(db: &Database) {
    let project = Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT)")
        .migration("1_a.down.sql", "DROP TABLE a")
        .migration("2_b.sql", "CREATE TABLE b (id INT)");
    up(&project, db)
        .exits(0)
        .says("✅ 1 a (")
        .says("Applied 2 migrations");
    assert_eq!(db.tables(), ["a", "b"]);
    assert_eq!(
        db.column("SELECT description FROM _sqlx_migrations ORDER BY version"),
        ["a", "b"]
    );
}

fn files_that_are_no_migrations_are_passed_over(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT)")
        .migration("README.md", "not SQL")
        .migration("notes.sql", "DROP TABLE a")
        .migration("3_c.down.sql", "DROP TABLE c")
        .migration("old/2_b.sql", "CREATE TABLE b (id INT)");
    up(&project, db)
        .exits(0)
        .says("⚠️  migrations/notes.sql is not named VERSION_NAME.sql")
        .says("⚠️  migrations/3_c.down.sql has no .up.sql")
        .does_not_say("README");
    assert_eq!(db.tables(), ["a"]);
}
