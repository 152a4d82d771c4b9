//! A table of SQLite that is dropped and made anew, and the rows that refer to it.

use crate::support::{Database, Migrate, Project, migrate, status, stories, up};

stories! {
    on [Sqlite] {
        a_child_that_is_emptied_before_loses_nothing,
        a_child_without_rows_is_a_warning,
        a_child_that_is_dropped_after_it_may_go,
        a_file_may_say_that_it_means_it,
        a_file_that_only_sets_the_session_is_told,
        a_key_without_an_action_is_the_databases_to_refuse,
        a_line_that_allows_nothing_is_refused,
        a_loss_is_told_before_anything_is_sent,
        a_loss_that_only_the_run_can_see_is_not_sent,
        a_new_database_comes_up_by_published_files,
        a_rebuild_in_a_down_script_loses_nothing,
        a_rebuild_in_a_repeatable_file_loses_nothing,
        a_rebuild_without_its_indexes_is_told,
        a_table_named_by_a_variable_is_not_told,
        a_table_that_refers_to_itself_is_no_child,
        a_table_that_was_renamed_first_is_known,
        an_attached_database_has_children_too,
        every_action_and_every_spelling_is_known,
        foreign_keys_turned_off_elsewhere_save_nothing,
        foreign_keys_turned_off_in_a_transaction_are_a_warning,
        redo_loses_nothing,
        the_configuration_may_allow_a_published_file,
        the_safe_form_keeps_every_row,
        the_stored_schema_is_that_of_sqlx,
        what_does_not_exist_yet_has_a_status,
    }
}

const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n\
    CREATE TABLE passwords (user_id INTEGER REFERENCES users ON DELETE CASCADE, hash TEXT);\n";

const ROWS: &str = "INSERT INTO users VALUES (1, 'a'), (2, 'b');\n\
    INSERT INTO passwords VALUES (1, 'x'), (2, 'y');\n";

const REBUILD: &str = "CREATE TABLE users_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n\
    INSERT INTO users_new SELECT * FROM users;\n\
    DROP TABLE users;\n\
    ALTER TABLE users_new RENAME TO users;\n";

const LOSS: &str = "DROP TABLE users would delete 2 rows of passwords (ON DELETE CASCADE)";

/// A database that has users and their passwords, and its project.
fn filled(db: &Database) -> Project {
    let project = Project::new().migration("1_schema.sql", SCHEMA);
    up(&project, db).exits(0);
    db.run(ROWS);
    project
}

fn passwords(db: &Database) -> String {
    db.value("SELECT count(*) FROM passwords WHERE user_id IS NOT NULL")
}

fn a_loss_is_told_before_anything_is_sent(db: &Database) {
    let project = filled(db).migration("2_rebuild.sql", REBUILD);
    let before = db.snapshot();
    migrate(&project, db, ["check"])
        .exits(3)
        .says("error[drop_cascades]")
        .says(LOSS)
        .says("migrations/2_rebuild.sql:3:1")
        .says("-- no-transaction");
    migrate(&project, db, ["plan"])
        .exits(3)
        .complains("error[drop_cascades]")
        .complains(LOSS);
    up(&project, db)
        .exits(3)
        .complains("error[drop_cascades]")
        .ends(&format!("migrations/2_rebuild.sql:3:1: {LOSS}"))
        .ends("State: nothing was changed");
    assert_eq!(db.snapshot(), before);
    // Without a database only the files can tell.
    Migrate::new(&project)
        .args(["check", "--offline", "--database-url", "sqlite:none.db"])
        .run()
        .exits(0)
        .says("warning[drop_cascades]")
        .says("passwords (ON DELETE CASCADE)");
}

/// The rows come by the file before it, in the same run.
fn a_loss_that_only_the_run_can_see_is_not_sent(db: &Database) {
    let project = Project::new()
        .migration("1_schema.sql", SCHEMA)
        .migration("2_rows.sql", ROWS)
        .migration("3_rebuild.sql", REBUILD);
    up(&project, db)
        .exits(8)
        .says("✅ 2 rows (")
        .complains("error[drop_cascades]")
        .complains("statement 3 of 4")
        .complains("PRAGMA foreign_keys = OFF;")
        .ends(&format!("migrations/3_rebuild.sql:3:1: {LOSS}"));
    assert_eq!(passwords(db), "2");
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(db.tables(), ["passwords", "users"]);

    // All of it as one transaction, and in the same file.
    for name in ["one", "same"] {
        let project = match name {
            "one" => Project::new()
                .migration(
                    "4_schema.sql",
                    SCHEMA.replace("users", "u").replace("pass", "p"),
                )
                .migration(
                    "5_rows.sql",
                    ROWS.replace("users", "u").replace("pass", "p"),
                )
                .migration("6_rebuild.sql", REBUILD.replace("users", "u")),
            _ => Project::new().migration(
                "6_all.sql",
                format!("{SCHEMA}{ROWS}{REBUILD}")
                    .replace("users", "u")
                    .replace("pass", "p"),
            ),
        };
        Migrate::new(&project)
            .on(db)
            .args(["--transaction", "all", "--unknown-applied", "warn"])
            .run()
            .exits(8)
            .complains("would delete 2 rows of pwords");
        assert_eq!(db.tables(), ["passwords", "users"], "{name}");
    }
}

fn every_action_and_every_spelling_is_known(db: &Database) {
    db.run(
        "CREATE TABLE \"Odd \"\"name\" (id TEXT PRIMARY KEY, a INT, b INT, UNIQUE (a, b));
         CREATE TABLE c (p TEXT REFERENCES \"odd \"\"NAME\" (id) ON DELETE CASCADE);
         CREATE TABLE n (p TEXT REFERENCES \"Odd \"\"name\" ON DELETE SET NULL, q INT UNIQUE);
         CREATE TABLE d (a INT DEFAULT 0, b INT DEFAULT 0,
           FOREIGN KEY (a, b) REFERENCES \"Odd \"\"name\" (a, b) ON DELETE SET DEFAULT);
         CREATE TABLE g (c INT REFERENCES cc (id) ON DELETE SET NULL);
         CREATE TABLE cc (id INT PRIMARY KEY, p TEXT REFERENCES \"Odd \"\"name\" ON DELETE CASCADE);
         INSERT INTO \"Odd \"\"name\" VALUES ('x', 1, 2), ('0', 0, 0);
         INSERT INTO c VALUES ('x'), (NULL), ('0');
         INSERT INTO n VALUES ('x', 1);
         INSERT INTO d VALUES (1, 2);
         INSERT INTO cc VALUES (7, 'x');
         INSERT INTO g VALUES (7), (7);",
    );
    let rows = || {
        let of = |table: &str| db.rows(&format!("SELECT * FROM {table} ORDER BY 1"));
        ["\"Odd \"\"name\"", "c", "n", "d", "cc", "g"].map(of)
    };
    let before = rows();
    for drop in [
        "DROP TABLE \"Odd \"\"name\"",
        "drop table if exists [odd \"name]",
        "DROP TABLE main.`ODD \"NAME`",
        "DROP TABLE /* all */ IF EXISTS 'main' . 'Odd \"name'",
    ] {
        let text = format!("SELECT 1;\n  {drop};\n");
        let project = Project::new().migration("1_drop.sql", &text);
        let losses = [
            "delete 2 rows of c (ON DELETE CASCADE)",
            "change the foreign key in 1 row of n (ON DELETE SET NULL)",
            "change the foreign key in 1 row of d (ON DELETE SET DEFAULT)",
            "delete 1 row of cc (ON DELETE CASCADE)",
            "change the foreign key in 2 rows of g (ON DELETE SET NULL)",
        ];
        let said = up(&project, db).exits(3).ends("1_drop.sql:2:3: ");
        for loss in losses {
            assert!(said.stderr.contains(loss), "{loss}: {said}");
        }

        // What the files do before it makes it uncertain; the run itself looks.
        let project = Project::new().migration("1_drop.sql", format!("UPDATE c SET p = p;\nUPDATE n SET q = 2;\nUPDATE d SET a = 1;\nDELETE FROM cc WHERE id = 8;\n{text}"));
        let said = up(&project, db).exits(8).ends("1_drop.sql:6:3: ");
        for loss in losses {
            assert!(said.stderr.contains(loss), "{loss}: {said}");
        }
    }
    assert_eq!(rows(), before);
}

fn an_attached_database_has_children_too(db: &Database) {
    let project = Project::new();
    let other = project.path("other.db");
    let attach = format!("ATTACH '{}' AS o;\n", other.display());
    db.run(&format!(
        "ATTACH 'file:{}?mode=rwc' AS o; CREATE TABLE o.users (id INTEGER PRIMARY KEY);
         CREATE TABLE o.passwords (u INTEGER REFERENCES users ON DELETE CASCADE);
         INSERT INTO o.users VALUES (1); INSERT INTO o.passwords VALUES (1);",
        other.display()
    ));
    let rows = || db.rows(&format!("{attach}SELECT count(*) FROM o.passwords"));
    let project = project.migration("1_a.sql", format!("{attach}DROP TABLE O.users;\n"));
    up(&project, db)
        .exits(8)
        .ends("1_a.sql:2:1: DROP TABLE users would delete 1 row of passwords");
    // By its name alone, too.
    project.write("migrations/1_a.sql", format!("{attach}DROP TABLE users;\n"));
    up(&project, db).exits(8).ends("1 row of passwords");
    project.write(
        "migrations/1_a.sql",
        format!("-- no-transaction\n{attach}DROP TABLE users;\n"),
    );
    up(&project, db).exits(9).ends("1 row of passwords");
    assert_eq!(rows(), [["1"]]);
}

fn a_table_that_was_renamed_first_is_known(db: &Database) {
    let project = filled(db).migration(
        "2_rebuild.sql",
        "ALTER TABLE users RENAME TO users_old;\n\
         CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n\
         INSERT INTO users SELECT * FROM users_old;\nDROP TABLE users_old;\n",
    );
    up(&project, db)
        .exits(3)
        .ends("2_rebuild.sql:4:1: DROP TABLE users_old would delete 2 rows of passwords");
    assert_eq!(passwords(db), "2");
}

fn a_child_without_rows_is_a_warning(db: &Database) {
    let project = filled(db).migration("2_rebuild.sql", REBUILD);
    db.run("DELETE FROM passwords");
    migrate(&project, db, ["check"])
        .exits(6)
        .says("warning[drop_cascades]")
        .says("0 errors, 1 warning");
    up(&project, db)
        .exits(0)
        .says("⚠️  DROP TABLE users also deletes or changes the rows that refer to it");
    assert_eq!(db.value("SELECT count(*) FROM users"), "2");
}

fn a_child_that_is_emptied_before_loses_nothing(db: &Database) {
    for before in [
        "DELETE FROM passwords;\n",
        "DROP TABLE passwords;\n",
        "UPDATE \"passwords\" SET user_id = NULL;\n",
        "DELETE FROM users;\n",
    ] {
        let db = &Database::new(db.server);
        let project = filled(db).migration("2_rebuild.sql", format!("{before}{REBUILD}"));
        up(&project, db).exits(0);
        let in_its_own_file = &Database::new(db.server);
        let project = filled(in_its_own_file)
            .migration("2_empty.sql", before)
            .migration("3_rebuild.sql", REBUILD);
        up(&project, in_its_own_file).exits(0).says("Applied 2");
    }
}

/// What a variable holds is in no output; the loss is told all the same.
/// The file says that the child goes, too; but a child's child is not named.
fn a_child_that_is_dropped_after_it_may_go(db: &Database) {
    let project = filled(db).migration(
        "2_drop.sql",
        "DROP TABLE users;\nDROP TABLE IF EXISTS \"Passwords\";\n",
    );
    migrate(&project, db, ["check"])
        .exits(6)
        .says("0 errors, 0 warnings");
    up(&project, db).exits(0).does_not_say("⚠️");
    assert_eq!(db.tables(), [""; 0]);

    for more in ["", "DELETE FROM passwords WHERE user_id = 9;\n"] {
        let db = &Database::new(db.server);
        let project = filled(db);
        db.run(
            "CREATE TABLE codes (hash TEXT REFERENCES passwords (hash) ON DELETE CASCADE);
             CREATE UNIQUE INDEX hashes ON passwords (hash); INSERT INTO codes VALUES ('x');",
        );
        let project = project.migration(
            "2_drop.sql",
            format!("{more}DROP TABLE users;\nDROP TABLE passwords;\n"),
        );
        up(&project, db)
            .exits(if more.is_empty() { 3 } else { 8 })
            .ends("DROP TABLE users would delete 1 row of codes (ON DELETE CASCADE)");
        assert_eq!(db.value("SELECT count(*) FROM codes"), "1");
    }

    // Rebuilt after it, it would be rebuilt without its rows.
    let db = &Database::new(db.server);
    let project = filled(db).migration(
        "2_rebuild.sql",
        format!("{REBUILD}{}", REBUILD.replace("users", "passwords")),
    );
    up(&project, db).exits(3).ends(LOSS);
}

fn a_table_named_by_a_variable_is_not_told(db: &Database) {
    let secret = "q7_secret_users";
    let of = |text: &str| text.replace("users", secret);
    db.run(&of(SCHEMA));
    db.run(&of(ROWS));
    for (exit, before) in [(3, ""), (8, "DELETE FROM passwords WHERE user_id = 9;\n")] {
        let text = format!(
            "-- migrate:env T\n{before}{}",
            REBUILD.replace("users", "${T}")
        );
        let project = Project::new().migration("1_a.sql", text);
        let said = Migrate::new(&project)
            .on(db)
            .env("T", secret)
            .run()
            .exits(exit)
            .complains("DROP TABLE ${T} would delete 2 rows of passwords")
            .to_string();
        assert!(!said.contains(secret), "{said}");
    }
    let remembered = db.value("SELECT error FROM _migrate_runs");
    assert!(remembered.contains("DROP TABLE ${T}"), "{remembered}");
    assert!(!remembered.contains(secret), "{remembered}");
    assert_eq!(passwords(db), "2");
}

fn a_table_that_refers_to_itself_is_no_child(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, up INT REFERENCES a ON DELETE CASCADE);\n\
             INSERT INTO a VALUES (1, NULL), (2, 1);\n",
        )
        .migration(
            "2_rebuild.sql",
            "CREATE TABLE b (id INTEGER PRIMARY KEY, up INT REFERENCES b ON DELETE CASCADE);\n\
             INSERT INTO b SELECT * FROM a;\nDROP TABLE a;\nALTER TABLE b RENAME TO a;\n",
        );
    up(&project, db).exits(0).does_not_say("⚠️");
    assert_eq!(db.value("SELECT count(*) FROM a"), "2");
    assert!(
        db.value("SELECT sql FROM sqlite_master WHERE name = 'a'")
            .contains("REFERENCES \"a\"")
    );
}

fn a_key_without_an_action_is_the_databases_to_refuse(db: &Database) {
    let project = Project::new()
        .migration(
            "1_a.sql",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n\
             CREATE TABLE b (u INT REFERENCES users);\n\
             INSERT INTO users VALUES (1, 'a');\nINSERT INTO b VALUES (1);\n",
        )
        .migration("2_rebuild.sql", REBUILD);
    up(&project, db)
        .exits(8)
        .ends("2_rebuild.sql:3:1: FOREIGN KEY constraint failed");
}

fn a_new_database_comes_up_by_published_files(db: &Database) {
    let project = Project::new()
        .migration("1_schema.sql", SCHEMA)
        .migration("2_rebuild.sql", REBUILD);
    up(&project, db).exits(0).says("⚠️  DROP TABLE users");
    db.run(ROWS);
    // What is applied is nobody's concern any more.
    migrate(&project, db, ["check"])
        .exits(0)
        .says("0 errors, 0 warnings");
}

fn the_safe_form_keeps_every_row(db: &Database) {
    let project = filled(db).migration(
        "2_rebuild.sql",
        format!(
            "-- no-transaction\nPRAGMA foreign_keys = OFF;\n{REBUILD}PRAGMA foreign_keys = ON;\n"
        ),
    );
    migrate(&project, db, ["check"])
        .exits(6)
        .says("0 errors, 0 warnings");
    up(&project, db).exits(0).does_not_say("⚠️");
    assert_eq!(passwords(db), "2");
    db.run("DELETE FROM users WHERE id = 1");
    assert_eq!(passwords(db), "1", "the key is still there");
}

/// What our help once led into.
fn foreign_keys_turned_off_elsewhere_save_nothing(db: &Database) {
    let project = filled(db)
        .migration(
            "2_off.sql",
            "-- no-transaction\nPRAGMA foreign_keys = OFF;\n",
        )
        .migration("3_rebuild.sql", REBUILD)
        .migration("4_on.sql", "-- no-transaction\nPRAGMA foreign_keys = ON;\n");
    migrate(&project, db, ["check"])
        .exits(3)
        .says("warning[session_only]")
        .says("migrations/2_off.sql:2:1")
        .says(LOSS);
    up(&project, db).exits(3);
    // Without a transaction, and with the keys on all the same.
    project.write(
        "migrations/3_rebuild.sql",
        format!("-- no-transaction\n{REBUILD}"),
    );
    up(&project, db).exits(3).ends(LOSS);
    project.write(
        "migrations/3_rebuild.sql",
        format!("-- no-transaction\nDELETE FROM passwords WHERE user_id = 9;\n{REBUILD}"),
    );
    up(&project, db)
        .exits(9)
        .complains("PRAGMA foreign_keys = OFF;")
        .ends(LOSS);
    assert_eq!(passwords(db), "2");
    // It goes on with the file corrected after what was done.
    project.write(
        "migrations/3_rebuild.sql",
        format!(
            "-- no-transaction\nDELETE FROM passwords WHERE user_id = 9;\n{}",
            REBUILD.replace("DROP", "PRAGMA foreign_keys = 0;\nDROP")
        ),
    );
    up(&project, db).exits(0);
    assert_eq!(passwords(db), "2");
}

fn foreign_keys_turned_off_in_a_transaction_are_a_warning(db: &Database) {
    for on in ["ON", "1", "'on'", "true", "YES"] {
        let db = &Database::new(db.server);
        let text = format!(
            "PRAGMA foreign_keys = {on};\nPRAGMA defer_foreign_keys = ON;\nPRAGMA main.foreign_keys({on});\n"
        );
        let project = Project::new().migration("1_a.sql", text);
        up(&project, db).exits(0).does_not_say("⚠️");
    }
    let text = format!("PRAGMA foreign_keys = off;\n{REBUILD}PRAGMA foreign_keys = on;\n");
    let project = filled(db).migration("2_rebuild.sql", text);
    migrate(&project, db, ["check"])
        .exits(3)
        .says("warning[ignored_in_transaction]")
        .says("error[drop_cascades]");
    up(&project, db).exits(3).ends(LOSS);
    assert_eq!(passwords(db), "2");
    let new = &Database::new(db.server);
    up(&project, new)
        .exits(0)
        .says("⚠️  PRAGMA foreign_keys = OFF has no effect inside a transaction");
}

fn a_rebuild_in_a_down_script_loses_nothing(db: &Database) {
    let project = filled(db)
        .migration("2_a.up.sql", "CREATE TABLE a (id INT);\n")
        .migration("2_a.down.sql", format!("DROP TABLE a;\n{REBUILD}"));
    up(&project, db).exits(0);
    migrate(&project, db, ["down", "--yes"])
        .exits(8)
        .complains("error[drop_cascades]")
        .ends(&format!("migrations/2_a.down.sql:4:1: {LOSS}"));
    assert_eq!(passwords(db), "2");
    assert_eq!(db.tables(), ["a", "passwords", "users"]);
    project.write(
        "migrations/2_a.down.sql",
        format!("-- no-transaction\nDROP TABLE a;\nPRAGMA foreign_keys = OFF;\n{REBUILD}"),
    );
    migrate(&project, db, ["down", "--yes"]).exits(0);
    assert_eq!(passwords(db), "2");
    assert_eq!(db.tables(), ["passwords", "users"]);
}

fn redo_loses_nothing(db: &Database) {
    let project = Project::new().migration("1_a.up.sql", SCHEMA).migration(
        "1_a.down.sql",
        "DROP TABLE users;\nUPDATE passwords SET hash = '';\nDROP TABLE passwords;\n",
    );
    up(&project, db).exits(0);
    db.run(ROWS);
    let before = db.snapshot();
    migrate(&project, db, ["redo", "--yes"]).exits(3).ends(LOSS);
    assert_eq!(db.snapshot(), before);
    // What only the run can see is not sent either.
    project.write(
        "migrations/1_a.down.sql",
        "DELETE FROM passwords WHERE user_id = 9;\nDROP TABLE users;\n\
         UPDATE passwords SET hash = '';\nDROP TABLE passwords;\n",
    );
    migrate(&project, db, ["redo", "--yes"]).exits(8).ends(LOSS);
    assert_eq!(passwords(db), "2");
    // A child that goes first costs nothing that is not named.
    project.write(
        "migrations/1_a.down.sql",
        "DROP TABLE passwords;\nDROP TABLE users;\n",
    );
    migrate(&project, db, ["redo", "--yes"]).exits(0);

    // What cannot be applied again is not taken back.
    let project = project
        .migration("2_b.up.sql", REBUILD)
        .migration("2_b.down.sql", "SELECT 1;\n");
    up(&project, db).exits(0);
    db.run(ROWS);
    migrate(&project, db, ["redo", "--yes"]).exits(3).ends(LOSS);
    assert_eq!(db.versions(), ["1", "2"]);
    assert_eq!(passwords(db), "2");
}

fn a_rebuild_in_a_repeatable_file_loses_nothing(db: &Database) {
    let project = filled(db).migration("repeatable/r.sql", REBUILD);
    up(&project, db).exits(3).ends(LOSS);
    let unseen = format!("DELETE FROM passwords WHERE user_id = 9;\n{REBUILD}");
    project.write("migrations/repeatable/r.sql", &unseen);
    up(&project, db).exits(8).ends(LOSS);
    project.write(
        "migrations/repeatable/r.sql",
        format!("-- no-transaction\n{unseen}"),
    );
    up(&project, db).exits(9).ends(LOSS);
    assert_eq!(passwords(db), "2");
}

fn a_file_may_say_that_it_means_it(db: &Database) {
    let meant = REBUILD.replace(
        "DROP",
        "-- the users are new\n-- migrate:allow drop_cascades all passwords are reset\nDROP",
    );
    let project = filled(db).migration("2_rebuild.sql", &meant);
    migrate(&project, db, ["check"])
        .exits(6)
        .says("0 errors, 0 warnings");
    up(&project, db).exits(0).does_not_say("⚠️");
    assert_eq!(passwords(db), "0");
    assert_eq!(db.value("SELECT count(*) FROM users"), "2");
    // Before another statement it says nothing of this one.
    let db = &Database::new(db.server);
    let before = format!("-- migrate:allow drop_cascades all passwords are reset\n{REBUILD}");
    let project = filled(db).migration("2_rebuild.sql", before);
    up(&project, db).exits(3).ends(LOSS);
}

fn a_line_that_allows_nothing_is_refused(db: &Database) {
    for (line, place, said) in [
        (
            "drop_cascade it may",
            "2:18",
            "did you mean `drop_cascades`?",
        ),
        ("drop_cascades", "2:1", "gives no reason"),
        ("", "2:1", "names no rule"),
        ("drop_cascades,all it may", "2:32", "unknown rule: all"),
    ] {
        let text = format!("CREATE TABLE a (id INT);\n-- migrate:allow {line}\nDROP TABLE a;\n");
        up(&Project::new().migration("1_a.sql", text), db)
            .exits(3)
            .complains("error[bad_allow]")
            .complains(said)
            .ends(&format!("migrations/1_a.sql:{place}: "));
    }
    let late = "CREATE TABLE a (id INT);\n-- migrate:allow drop_cascades it may\n";
    let project = Project::new().migration("1_a.sql", late);
    migrate(&project, db, ["check"])
        .exits(3)
        .says("no statement follows");
    assert!(!db.path().exists());
}

fn the_configuration_may_allow_a_published_file(db: &Database) {
    let allow = "[migration.0002]\nallow = [\"drop_cascades\"]\nreason = \"they are reset\"\n";
    let project = filled(db).migration("2_rebuild.sql", REBUILD);
    up(&project, db).exits(3);
    // Of another migration it says nothing, and that it is not there.
    project.write("migrate.toml", allow.replace("0002", "3"));
    up(&project, db)
        .exits(3)
        .says("⚠️  no migration has the version 3");
    project.write("migrate.toml", allow.replace("cascades", "cascade"));
    up(&project, db).exits(3).complains("drop_cascades");
    project.write("migrate.toml", allow);
    migrate(&project, db, ["check"])
        .exits(6)
        .says("0 errors, 0 warnings");
    up(&project, db).exits(0);
    assert_eq!(passwords(db), "0");
    migrate(&project, db, ["check"])
        .exits(0)
        .says("0 errors, 0 warnings");
}

fn a_rebuild_without_its_indexes_is_told(db: &Database) {
    let objects = [
        "CREATE INDEX users_name ON users (name);\n",
        "CREATE UNIQUE INDEX \"Users Id\" ON users (id, name) WHERE name <> '';\n",
        "CREATE TRIGGER users_new_name AFTER UPDATE ON users BEGIN SELECT 1; END;\n",
    ];
    let safe =
        |after: &str| format!("-- no-transaction\nPRAGMA foreign_keys = OFF;\n{REBUILD}{after}");
    let project = filled(db).migration("2_objects.sql", objects.concat());
    up(&project, db).exits(0);
    let project = project.migration("3_rebuild.sql", safe(""));
    for verb in ["check", "plan"] {
        let said = migrate(&project, db, [verb]).to_string();
        assert!(
            said.contains(
                "rebuild of users does not create these again: index Users Id, index users_name, \
                 trigger users_new_name"
            ),
            "{said}"
        );
    }
    // The one under its own name, the other by its columns, the third is not wanted.
    project.write(
        "migrations/3_rebuild.sql",
        safe(
            "CREATE INDEX IF NOT EXISTS main.\"USERS_NAME\" ON users (name);\n\
             CREATE UNIQUE INDEX other ON [users] (\"id\", NAME) where name <> '';\n",
        ),
    );
    up(&project, db)
        .exits(0)
        .says("⚠️  the rebuild of users does not create these again: trigger users_new_name");
    let db = &Database::new(db.server);
    let project = filled(db).migration("2_objects.sql", objects.concat());
    up(&project, db).exits(0);
    let project = project.migration("3_rebuild.sql", safe(&objects.concat()));
    up(&project, db).exits(0).does_not_say("⚠️");
    assert_eq!(passwords(db), "2");
}

fn a_file_that_only_sets_the_session_is_told(db: &Database) {
    for (text, is_told) in [
        (
            "PRAGMA foreign_keys = ON;\nPRAGMA cache_size = 100;\n",
            true,
        ),
        ("ATTACH ':memory:' AS a;\n", true),
        ("PRAGMA user_version = 9;\n", false),
        (
            "PRAGMA cache_size = 100;\nCREATE TABLE a (id INT);\n",
            false,
        ),
    ] {
        let db = &Database::new(db.server);
        let text = format!("-- no-transaction\n{text}");
        let project = Project::new().migration("1_a.sql", text.clone());
        let said = up(&project, db).exits(0);
        let found = said
            .stdout
            .contains("⚠️  this file only changes settings of the session");
        assert_eq!(found, is_told, "{text}{said}");
    }
}

/// SQLite keeps the text of a schema, with what stands before the delimiter.
fn the_stored_schema_is_that_of_sqlx(db: &Database) {
    let text = "-- one\nCREATE TABLE a (x INT) /* c */ ; -- not this\nCREATE TABLE b (x INT)\n\
                -- d; and\n  ;\nCREATE VIEW v AS SELECT 1 -- e\n;\nCREATE INDEX i ON a (x) /* f; */;\n\
                CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END -- g\n;\n\
                CREATE TABLE z (x INT)\n-- h\n";
    let schema = "SELECT name, sql FROM sqlite_master WHERE name IN \
                  ('a', 'b', 'v', 'i', 't', 'z') ORDER BY name";
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
    ] {
        let (ours, theirs) = (&Database::new(db.server), &Database::new(db.server));
        let project = Project::new().migration("1_a.sql", &text);
        up(&project, ours).exits(0);
        theirs.open().sqlx(&project.path("migrations")).unwrap();
        assert_eq!(ours.rows(schema), theirs.rows(schema));
        let no_transaction = &Database::new(db.server);
        let project = Project::new().migration("1_a.sql", format!("-- no-transaction\n{text}"));
        up(&project, no_transaction).exits(0);
        assert_eq!(no_transaction.rows(schema), theirs.rows(schema));
    }
}

fn what_does_not_exist_yet_has_a_status(db: &Database) {
    let project = Project::new().migration("1_schema.sql", SCHEMA);
    status(&project, db)
        .exits(0)
        .says("(does not exist yet), history in _sqlx_migrations (not created yet)")
        .says("pending")
        .says("1 migration, 0 applied, 1 pending.");
    migrate(&project, db, ["status", "--exit-code"]).exits(6);
    migrate(&project, db, ["status", "--output", "json"])
        .exits(0)
        .says("\"server\": null");
    assert!(!db.path().exists());
    let url = format!("{}?mode=rw", db.url());
    for verb in ["status", "plan"] {
        Migrate::new(&project)
            .args([verb, "--database-url", &url])
            .run()
            .exits(4);
    }
}
