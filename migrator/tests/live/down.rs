//! `down`: back by the migrations' own down scripts, each exactly once.

use crate::support::{Database, Project, migrate, status, stories, up};
use sqlx::migrate::MigrateError;

stories! {
    on every {
        a_changed_file_can_be_reverted_and_is_warned_of,
        a_migration_of_version_zero_stays_like_any_other,
        a_version_that_is_not_applied_is_no_place_to_go_back_to,
        it_goes_back_one_some_to_a_version_or_all_the_way,
        nothing_is_reverted_where_one_has_no_way_back,
        nothing_to_revert_is_no_failure,
        sqlx_and_migrate_take_back_what_the_other_applied,
    }
    on [Mariadb, Mysql, Postgres] {
        sqlx_does_not_touch_what_is_half_reverted,
    }
}

/// Three pairs, whose down scripts leave a line in a table that stays.
pub(crate) fn three(db: &Database) -> Project {
    db.run("CREATE TABLE log (what VARCHAR(9))");
    ["a", "b", "c"].into_iter().zip(1..).fold(
        Project::new(),
        |project, (name, version): (_, u32)| {
            project
                .migration(
                    &format!("{version}_{name}.up.sql"),
                    format!("CREATE TABLE {name} (id INT);\n"),
                )
                .migration(
                    &format!("{version}_{name}.down.sql"),
                    format!("DROP TABLE {name};\nINSERT INTO log VALUES ('{name}');\n"),
                )
        },
    )
}

/// What the down scripts left, in order of its words.
pub(crate) fn log(db: &Database) -> Vec<String> {
    db.column("SELECT what FROM log ORDER BY what")
}

fn it_goes_back_one_some_to_a_version_or_all_the_way(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    migrate(&project, db, ["down"])
        .exits(0)
        .says("✅ 3 c reverted (")
        .says("Reverted 1 migration in ")
        .says("; the schema is at 2.")
        .does_not_say("2 b");
    assert_eq!(db.tables(), ["a", "b", "log"]);
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(log(db), ["c"]);
    status(&project, db)
        .exits(0)
        .says("3 migrations, 2 applied, 1 pending.");

    up(&project, db).exits(0).says("Applied 1 migration");
    let output = migrate(&project, db, ["down", "--steps", "2"])
        .exits(0)
        .says("Reverted 2 migrations in ")
        .says("; the schema is at 1.");
    assert!(output.stdout.find("3 c reverted") < output.stdout.find("2 b reverted"));
    assert_eq!(log(db), ["b", "c", "c"]);

    up(&project, db).exits(0).says("Applied 2 migrations");
    migrate(&project, db, ["down", "--to", "2"])
        .exits(0)
        .says("Reverted 1 migration in ");
    assert_eq!(db.versions(), ["1", "2"]);
    migrate(&project, db, ["down", "--to", "2"])
        .exits(0)
        .says("Nothing to do; the schema is at 2.");

    migrate(&project, db, ["down", "--to", "0"])
        .exits(0)
        .says("Reverted 2 migrations in ")
        .does_not_say("the schema is at");
    assert_eq!(db.tables(), ["log"]);
    assert_eq!(db.versions(), [""; 0]);
    assert_eq!(log(db), ["a", "b", "b", "c", "c", "c"]);
    up(&project, db).exits(0).says("Applied 3 migrations");
    // More than there are is all of them.
    migrate(&project, db, ["down", "--steps", "9"])
        .exits(0)
        .says("Reverted 3 migrations in ");
}

fn nothing_to_revert_is_no_failure(db: &Database) {
    let project = three(db);
    let before = db.snapshot();
    for args in [["--steps", "1"], ["--to", "0"]] {
        migrate(&project, db, ["down", args[0], args[1]])
            .exits(0)
            .says("Nothing to do.");
    }
    assert_eq!(db.snapshot(), before, "not even a history is begun");
    up(&project, db).exits(0);
    let before = db.snapshot();
    migrate(&project, db, ["down", "--steps", "0"])
        .exits(0)
        .says("Nothing to do; the schema is at 3.");
    assert_eq!(db.snapshot(), before);
}

fn a_version_that_is_not_applied_is_no_place_to_go_back_to(db: &Database) {
    let project = three(db);
    migrate(&project, db, ["up", "--to", "2"]).exits(0);
    let before = db.snapshot();
    for version in ["3", "17"] {
        migrate(&project, db, ["down", "--to", version])
            .exits(7)
            .complains("error[not_applied]")
            .ends("State: nothing was changed in the database.");
    }
    assert_eq!(db.snapshot(), before);
    for args in [
        ["--to", "1", "--steps", "1"],
        ["--to", "1", "--unconfirmed", "--yes"],
    ] {
        migrate(&project, db, ["down", args[0], args[1], args[2], args[3]]).exits(2);
    }
    migrate(&project, db, ["down", "--within", "5m"]).exits(2);
}

fn a_migration_of_version_zero_stays_like_any_other(db: &Database) {
    let project = three(db).migration("0_zero.sql", "CREATE TABLE zero (id INT);\n");
    up(&project, db).exits(0);
    migrate(&project, db, ["down", "--to", "0"])
        .exits(0)
        .says("Reverted 3 migrations")
        .says("; the schema is at 0.");
    assert_eq!(db.tables(), ["log", "zero"]);
}

fn nothing_is_reverted_where_one_has_no_way_back(db: &Database) {
    let project = three(db);
    project.remove("migrations/2_b.down.sql");
    up(&project, db).exits(0);
    let before = db.snapshot();
    migrate(&project, db, ["down", "--to", "0"])
        .exits(3)
        .complains("error[irreversible]: no down script for 2 b")
        .complains("would have been reverted: 3, 2, 1")
        .ends("State: nothing was changed in the database.")
        .does_not_say("reverted (");
    assert_eq!(db.snapshot(), before);
    // Nor where a file is gone altogether.
    project.remove("migrations/2_b.up.sql");
    project.remove("migrations/1_a.down.sql");
    migrate(&project, db, ["down", "--steps", "3"])
        .exits(3)
        .complains("no down script for 2 b, 1 a");
    assert_eq!(db.snapshot(), before);
    // What stays needs none.
    migrate(&project, db, ["down"])
        .exits(0)
        .says("✅ 3 c reverted");
    assert_eq!(db.versions(), ["1", "2"]);
}

fn a_changed_file_can_be_reverted_and_is_warned_of(db: &Database) {
    let project = three(db);
    up(&project, db).exits(0);
    project.write("migrations/3_c.up.sql", "CREATE TABLE c (id BIGINT);\n");
    up(&project, db).exits(7);
    migrate(&project, db, ["down"])
        .exits(0)
        .says("⚠️  migrations/3_c.up.sql was changed after migration 3 was applied")
        .says("✅ 3 c reverted");
    up(&project, db).exits(0).says("✅ 3 c (");
}

fn sqlx_and_migrate_take_back_what_the_other_applied(db: &Database) {
    let project = three(db);
    let folder = project.path("migrations");
    let sqlx = db.open();
    sqlx.sqlx(&folder).unwrap();
    migrate(&project, db, ["down", "--to", "1"])
        .exits(0)
        .says("Reverted 2 migrations");
    sqlx.sqlx(&folder).unwrap();
    assert_eq!(db.tables(), ["a", "b", "c", "log"]);

    migrate(&project, db, ["down"]).exits(0);
    up(&project, db).exits(0);
    sqlx.sqlx_undo(&folder, 1).unwrap();
    assert_eq!(db.versions(), ["1"]);
    assert_eq!(log(db), ["b", "b", "c", "c", "c"]);
    up(&project, db).exits(0).says("Applied 2 migrations");
    sqlx.sqlx_undo(&folder, 0).unwrap();
    migrate(&project, db, ["down"])
        .exits(0)
        .says("Nothing to do.");
    sqlx.sqlx(&folder).unwrap();
    migrate(&project, db, ["down", "--to", "0"])
        .exits(0)
        .says("Reverted 3 migrations");
    assert_eq!(db.tables(), ["log"]);
}

fn sqlx_does_not_touch_what_is_half_reverted(db: &Database) {
    let project = three(db);
    let folder = project.path("migrations");
    up(&project, db).exits(0);
    project.write(
        "migrations/3_c.down.sql",
        "-- no-transaction\nDROP TABLE c;\nDROP TABLE nowhere;\n",
    );
    migrate(&project, db, ["down"]).exits(9);
    // A connection each, for sqlx keeps its lock after an error.
    let refused = db.open().sqlx(&folder);
    assert!(matches!(refused, Err(MigrateError::Dirty(3))));
    let refused = db.open().sqlx_undo(&folder, 0);
    assert!(matches!(refused, Err(MigrateError::Dirty(3))));
    project.write(
        "migrations/3_c.down.sql",
        "-- no-transaction\nDROP TABLE c;\nSELECT 1;\n",
    );
    migrate(&project, db, ["down"]).exits(0);
    db.open().sqlx(&folder).unwrap();
    assert_eq!(db.versions(), ["1", "2", "3"]);
}
