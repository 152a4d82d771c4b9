//! What a first reader of the documentation stumbled over.

use crate::support::{Database, Migrate, Project, Server, stories, up};

stories! {
    on [Sqlite] {
        a_folder_by_its_whole_path_has_the_same_history,
        a_half_applied_migration_is_a_disagreement,
        a_lock_file_that_points_elsewhere_harms_nothing,
        a_variable_that_was_not_set_is_no_folder,
    }
}

/// A second history would apply everything again.
fn a_folder_by_its_whole_path_has_the_same_history(db: &Database) {
    let project = Project::new()
        .file("sqlx.toml", "[migrate]\ntable-name = \"hist\"\n")
        .file("db/migrations/1_a.sql", "CREATE TABLE a (id INT);\n");
    let whole = project.root().join("db/migrations");
    for dir in [None, whole.to_str()] {
        let run = Migrate::new(&project).on(db).args(["up"]);
        let run = match dir {
            Some(dir) => run.args(["--dir", dir]),
            None => run,
        };
        run.run().exits(0).says("history in hist");
    }
    assert_eq!(db.value("SELECT count(*) FROM hist"), "1");
}

fn a_variable_that_was_not_set_is_no_folder(db: &Database) {
    let project = Project::new().file("1_a.sql", "CREATE TABLE a (id INT);\n");
    Migrate::new(&project)
        .on(db)
        .args(["up", "--dir", ""])
        .run()
        .exits(3)
        .complains("error[bad_setting]");
    assert!(!db.path().exists());
}

fn a_lock_file_that_points_elsewhere_harms_nothing(db: &Database) {
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .file("precious", "text");
    let precious = project.root().join("precious");
    let lock = format!("{}.migrate-lock", db.path().display());
    std::os::unix::fs::symlink(&precious, lock).unwrap();
    up(&project, db).exits(0);
    assert_eq!(std::fs::read_to_string(precious).unwrap(), "text");
}

fn a_half_applied_migration_is_a_disagreement(db: &Database) {
    assert_eq!(db.server, Server::Sqlite);
    let project = Project::new().migration(
        "1_a.sql",
        "-- no-transaction\nCREATE TABLE a (id INT);\nINSERT INTO nowhere VALUES (1);\n",
    );
    up(&project, db).exits(9);
    Migrate::new(&project)
        .on(db)
        .args(["status", "--exit-code"])
        .run()
        .exits(7)
        .says("half applied");
}
