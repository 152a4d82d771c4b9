//! Files and history that do not tell the same story.

use crate::support::{Database, Migrate, Output, Project, status, stories, up};

stories! {
    on every {
        a_byte_order_mark_added_later_is_a_warning,
        a_changed_file_changes_nothing,
        a_half_applied_migration_stops_everything,
        a_late_migration_is_refused_unless_it_may_come_late,
        a_missing_file_in_the_middle_is_refused,
        all_disagreements_are_named_at_once,
        line_endings_changed_later_are_a_warning,
        newer_applied_migrations_are_an_older_image,
        those_of_another_folder_are_one_warning,
        what_is_half_applied_is_counted_alike_everywhere,
    }
}

const A: &str = "CREATE TABLE a (id INT);\n";
const B: &str = "CREATE TABLE b (id INT);\n";
const C: &str = "CREATE TABLE c (id INT);\n";

/// A project of three migrations, all applied.
fn three_applied(db: &Database) -> Project {
    let project = Project::new()
        .migration("1_a.sql", A)
        .migration("2_b.sql", B)
        .migration("3_c.sql", C);
    up(&project, db).exits(0);
    project
}

fn up_with(project: &Project, db: &Database, option: &str, value: &str) -> Output {
    Migrate::new(project)
        .on(db)
        .args(["up", option, value])
        .run()
}

fn status_code(project: &Project, db: &Database) -> Output {
    Migrate::new(project)
        .on(db)
        .args(["status", "--exit-code"])
        .run()
}

/// Neither `up` nor anything else changes the database.
fn refused(project: &Project, db: &Database, code: i32) -> Output {
    let before = db.snapshot();
    let output = up(project, db).exits(code);
    assert_eq!(db.snapshot(), before);
    output.ends("State: nothing was changed in the database.")
}

fn a_changed_file_changes_nothing(db: &Database) {
    let project = three_applied(db).migration("4_d.sql", "CREATE TABLE d (id INT)");
    project.write("migrations/2_b.sql", "CREATE TABLE b (id BIGINT);\n");
    refused(&project, db, 7)
        .ends("migrations/2_b.sql was changed after migration 2 was applied")
        .complains("error[edited_migration]");
    status_code(&project, db)
        .exits(7)
        .says("changed       2  b")
        .says("4 migrations, 2 applied, 1 pending, 1 changed.");
    status(&project, db).exits(0);
}

fn line_endings_changed_later_are_a_warning(db: &Database) {
    let project = three_applied(db);
    project.write("migrations/1_a.sql", A.replace('\n', "\r\n"));
    up(&project, db)
        .exits(0)
        .says("⚠️  migrations/1_a.sql differs from the applied migration 1 in line endings")
        .says("Nothing to do");
    status_code(&project, db)
        .exits(0)
        .says("3 applied, 0 pending.");
}

fn a_byte_order_mark_added_later_is_a_warning(db: &Database) {
    let project = three_applied(db);
    project.write("migrations/3_c.sql", format!("\u{feff}{C}"));
    up(&project, db)
        .exits(0)
        .says("⚠️  migrations/3_c.sql differs from the applied migration 3");
}

fn newer_applied_migrations_are_an_older_image(db: &Database) {
    let project = three_applied(db);
    project.remove("migrations/2_b.sql");
    project.remove("migrations/3_c.sql");
    up(&project, db)
        .exits(0)
        .says("⚠️  2 migrations are applied, but have no file: 2 b, 3 c\n")
        .says("Nothing to do; the schema is at 3.");
    status_code(&project, db)
        .exits(0)
        .says("missing       2  b")
        .says("3 migrations, 1 applied, 0 pending, 2 missing.");
    let before = db.snapshot();
    up_with(&project, db, "--unknown-applied", "error")
        .exits(7)
        .ends("2 migrations are applied, but have no file: 2 b, 3 c");
    Migrate::new(&project)
        .on(db)
        .args(["status", "--exit-code"])
        .env("MIGRATE_UNKNOWN_APPLIED", "error")
        .run()
        .exits(7);
    assert_eq!(db.snapshot(), before);
}

fn those_of_another_folder_are_one_warning(db: &Database) {
    let other = (1..=28).fold(Project::new(), |other, number| {
        other.migration(&format!("{number}_other.sql"), "SELECT 1;\n")
    });
    up(&other, db).exits(0);
    let project = Project::new()
        .migration("100_a.up.sql", A)
        .migration("100_a.down.sql", "DROP TABLE a;\n");
    let said = "28 migrations are applied, but have no file: 1 other, 2 other, 3 other and 25 more";
    let run = |verb: &str| up_or(&project, db, verb);
    run("up")
        .exits(7)
        .ends(said)
        .ends("give this folder its own history table with --table");
    for verb in ["plan", "check", "up", "down"] {
        let output = Migrate::new(&project)
            .on(db)
            .args([verb])
            .env("MIGRATE_UNKNOWN_APPLIED", "warn")
            .run();
        let both = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(both.matches("no file").count(), 1, "{verb}: {output}");
        assert!(both.contains(said), "{verb}: {output}");
    }
    let refused = run("check").exits(7);
    assert_eq!(refused.stdout.matches("no file").count(), 1, "{refused}");
}

fn up_or(project: &Project, db: &Database, verb: &str) -> Output {
    Migrate::new(project).on(db).args([verb]).run()
}

fn what_is_half_applied_is_counted_alike_everywhere(db: &Database) {
    let project = three_applied(db).migration("4_d.sql", "CREATE TABLE d (id INT)");
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    let counted = "1 pending, 1 half applied";
    status(&project, db).exits(0).says(counted);
    up_or(&project, db, "check")
        .exits(7)
        .says(counted)
        .says("  pending  4 d\n")
        .does_not_say("pending  2 b");
    let document = Migrate::new(&project)
        .on(db)
        .args(["check", "--output", "json"])
        .run()
        .stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["pending"], serde_json::json!(["4"]));
    assert_eq!(document["half_applied"], 1);
    // One that goes on by itself.
    db.run("UPDATE _sqlx_migrations SET success = TRUE WHERE version = 2");
    project.write(
        "migrations/4_d.sql",
        "-- no-transaction\nCREATE TABLE d (id INT);\nSELECT none;\n",
    );
    up(&project, db).exits(9);
    let counted = "0 pending, 1 half applied";
    status(&project, db).exits(0).says(counted);
    up_or(&project, db, "check").says(counted);
}

fn a_missing_file_in_the_middle_is_refused(db: &Database) {
    let project = three_applied(db).migration("4_d.sql", "CREATE TABLE d (id INT)");
    project.remove("migrations/2_b.sql");
    refused(&project, db, 7)
        .ends("migration 2 b is applied, but has no file")
        .complains("error[missing_migration]")
        .complains("--unknown-applied warn");
    let before = db.snapshot();
    up_with(&project, db, "--unknown-applied", "error").exits(7);
    assert_eq!(db.snapshot(), before);
    up_with(&project, db, "--unknown-applied", "warn")
        .exits(0)
        .says("⚠️  migration 2 b is applied, but has no file")
        .says("✅ 4 d (");
    assert_eq!(db.versions(), ["1", "2", "3", "4"]);
}

fn a_late_migration_is_refused_unless_it_may_come_late(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", A)
        .migration("3_c.sql", C);
    up(&project, db).exits(0);
    let project = project
        .migration("2_b.sql", B)
        .migration("4_d.sql", "CREATE TABLE d (id INT)");
    refused(&project, db, 7)
        .ends("migrations/2_b.sql is pending, but sorts before 3, which is applied")
        .complains("error[out_of_order]");
    status_code(&project, db)
        .exits(7)
        .says("out of order  2  b");
    up_with(&project, db, "--out-of-order", "apply")
        .exits(0)
        .says("✅ 2 b (")
        .says("✅ 4 d (")
        .says("the schema is at 4.");
    assert_eq!(db.tables(), ["a", "b", "c", "d"]);
    // Applied late is applied: nobody is reminded of it.
    up(&project, db)
        .exits(0)
        .says("Nothing to do")
        .does_not_say("⚠️");
}

fn all_disagreements_are_named_at_once(db: &Database) {
    let project = three_applied(db);
    project.write("migrations/1_a.sql", "CREATE TABLE other (id INT)");
    project.remove("migrations/2_b.sql");
    refused(&project, db, 7)
        .complains("migrations/1_a.sql was changed")
        .complains("and migration 2 b is applied, but has no file");
}

fn a_half_applied_migration_stops_everything(db: &Database) {
    let project = three_applied(db).migration("4_d.sql", "CREATE TABLE d (id INT)");
    db.run("UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2");
    refused(&project, db, 7)
        .ends("migration 2 b began, but its end was not recorded")
        .complains("error[half_applied]");
    status_code(&project, db)
        .exits(7)
        .says("half applied  2  b");
    // What the message tells to do helps.
    db.run("UPDATE _sqlx_migrations SET success = TRUE WHERE version = 2");
    up(&project, db).exits(0).says("✅ 4 d (");
}
