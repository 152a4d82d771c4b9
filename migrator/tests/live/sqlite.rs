//! What only SQLite has, and does to a migrator. All of it runs anywhere.

use crate::support::{Database, Migrate, Project, stories, up};

stories! {
    on [Sqlite] {
        a_folder_that_may_not_be_written_is_named,
        a_table_is_rebuilt_as_its_manual_says,
        foreign_keys_are_enforced,
        the_file_may_have_any_name,
        transactions_of_its_own_are_refused,
        triggers_hold_semicolons,
        what_does_nothing_in_a_transaction_is_refused,
    }
}

fn one(text: &str) -> Project {
    Project::new().migration("1_a.sql", text)
}

fn triggers_hold_semicolons(db: &Database) {
    let project = one(
        "CREATE TABLE a (n INT);\nCREATE TABLE log (n INT);\nCREATE TRIGGER g AFTER INSERT ON a\n\
         WHEN NEW.n > 0\nBEGIN\n  INSERT INTO log VALUES (NEW.n); -- ;\n  \
         INSERT INTO log VALUES (CASE WHEN NEW.n > 1 THEN 10 ELSE 20 END);\nEND;\n\
         INSERT INTO a VALUES (0), (1), (2);\n",
    );
    up(&project, db).exits(0);
    assert_eq!(
        db.column("SELECT n FROM log ORDER BY n"),
        ["1", "2", "10", "20"]
    );
}

fn what_does_nothing_in_a_transaction_is_refused(db: &Database) {
    for (text, place, code) in [
        (
            "CREATE TABLE a (n INT);\nVACUUM;\n",
            "2:1",
            "needs_no_transaction",
        ),
        (
            "PRAGMA journal_mode = WAL;\n",
            "1:1",
            "needs_no_transaction",
        ),
    ] {
        up(&one(text), db)
            .exits(3)
            .ends(&format!("migrations/1_a.sql:{place}: "))
            .complains(&format!("error[{code}]"))
            .complains("-- no-transaction");
        assert_eq!(db.snapshot(), "");
    }
}

fn transactions_of_its_own_are_refused(db: &Database) {
    for (text, place) in [
        (
            "BEGIN;\nCREATE TABLE a (n INT);\nCOMMIT;\nSELECT 1;\n",
            "1:1",
        ),
        ("CREATE TABLE a (n INT);\nEND TRANSACTION;\n", "2:1"),
    ] {
        up(&one(text), db)
            .exits(3)
            .ends(&format!("migrations/1_a.sql:{place}: "))
            .complains("error[transaction_control]");
        assert_eq!(db.snapshot(), "");
    }
}

fn foreign_keys_are_enforced(db: &Database) {
    let project =
        one("CREATE TABLE a (n INT PRIMARY KEY);\nCREATE TABLE b (a INT REFERENCES a (n));\n")
            .migration("2_b.sql", "INSERT INTO b VALUES (1);\n");
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:1:1: FOREIGN KEY constraint failed (787)");
}

fn a_table_is_rebuilt_as_its_manual_says(db: &Database) {
    let project = one("CREATE TABLE a (n INT PRIMARY KEY);\n\
         CREATE TABLE b (a INT REFERENCES a (n) ON DELETE CASCADE);\n\
         INSERT INTO a VALUES (1);\nINSERT INTO b VALUES (1);\n")
    .migration(
        "2_rebuild.sql",
        "-- no-transaction\nPRAGMA foreign_keys = OFF;\nCREATE TABLE a2 (n BIGINT PRIMARY KEY);\n\
         INSERT INTO a2 SELECT n FROM a;\nDROP TABLE a;\nALTER TABLE a2 RENAME TO a;\n\
         PRAGMA foreign_keys = ON;\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.value("SELECT count(*) FROM b"), "1");
}

fn the_file_may_have_any_name(db: &Database) {
    let folder = db.path();
    let folder = folder.parent().unwrap();
    for (name, url) in [
        ("größe 1.db", "gr%C3%B6%C3%9Fe%201.db"),
        ("a+b.db", "a+b.db"),
        ("c%d.db", "c%25d.db"),
        ("e#f.db", "e%23f.db"),
    ] {
        let url = format!("sqlite:{}/{url}", folder.display());
        let project = one("CREATE TABLE a (n INT)");
        for said in ["Applied 1 migration", "Nothing to do"] {
            Migrate::new(&project)
                .args(["--database-url", &url])
                .run()
                .exits(0)
                .says(said);
        }
        assert!(folder.join(name).exists(), "{name}");
        assert!(
            folder.join(format!("{name}.migrate-lock")).exists(),
            "{name}"
        );
    }
}

fn a_folder_that_may_not_be_written_is_named(db: &Database) {
    let missing = db.path().join("no/such/folder.db");
    Migrate::new(&one("SELECT 1"))
        .args(["--database-url", &format!("sqlite:{}", missing.display())])
        .run()
        .exits(4)
        .ends("State: nothing was changed in the database.");
}
