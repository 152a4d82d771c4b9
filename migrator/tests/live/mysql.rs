//! What only MySQL and MariaDB have, and do to a migrator.

use crate::support::{Database, Project, stories, up};

stories! {
    on [Mariadb, Mysql] {
        a_dump_that_locks_tables_is_a_migration,
        a_failure_under_locked_tables_is_told_truthfully,
        a_file_may_leave_the_database,
        a_files_own_commit_is_no_more_than_any_ddl,
        a_mode_set_by_a_file_is_its_own_affair,
        comments_that_are_executed_are_statements,
        routines_and_triggers_need_no_delimiter,
        routines_may_have_a_delimiter,
        what_is_left_open_is_refused_with_its_place,
    }
}

fn one(text: &str) -> Project {
    Project::new().migration("1_a.sql", text)
}

fn routines_may_have_a_delimiter(db: &Database) {
    let project = one(
        "CREATE TABLE a (n INT);\n\nDELIMITER //\nCREATE PROCEDURE fill(IN upto INT)\nBEGIN\n  \
         DECLARE i INT DEFAULT 0;\n  WHILE i < upto DO\n    INSERT INTO a VALUES (i);\n    \
         SET i = i + 1;\n  END WHILE;\nEND //\nCREATE TRIGGER twice BEFORE INSERT ON a FOR EACH ROW\n\
         BEGIN\n  SET NEW.n = NEW.n * 2;\nEND//\nDELIMITER ;\n\nCALL fill(3);\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.column("SELECT n FROM a ORDER BY n"), ["0", "2", "4"]);
}

fn routines_and_triggers_need_no_delimiter(db: &Database) {
    let project = one(
        "CREATE TABLE a (n INT);\nCREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW\nBEGIN\n  \
         IF NEW.n > 9 THEN SET NEW.n = 9; END IF;\nEND;\n\
         CREATE PROCEDURE p() BEGIN INSERT INTO a VALUES (100); INSERT INTO a VALUES (1); END;\n\
         CALL p();\nCREATE FUNCTION f(x INT) RETURNS INT DETERMINISTIC RETURN IF(x > 1, 2, 3);\n\
         INSERT INTO a VALUES (f(5));\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.column("SELECT n FROM a ORDER BY n"), ["1", "2", "9"]);
}

fn comments_that_are_executed_are_statements(db: &Database) {
    let project = one(
        "/*!40101 SET @old = @@sql_mode */;\n/*!40101 CREATE TABLE a (n INT) */;\n# a comment\n\
         INSERT INTO a VALUES (5--1), (1 -- 2;\n);\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.column("SELECT n FROM a ORDER BY n"), ["1", "6"]);
}

fn a_dump_that_locks_tables_is_a_migration(db: &Database) {
    let project = one("CREATE TABLE a (n INT);\nLOCK TABLES a WRITE;\nINSERT INTO a VALUES (1);\n")
        .migration("2_b.sql", "CREATE TABLE b (n INT);\n");
    up(&project, db).exits(0).says("Applied 2 migrations");
    assert_eq!(db.tables(), ["a", "b"]);
}

fn a_failure_under_locked_tables_is_told_truthfully(db: &Database) {
    let project = one(
        "CREATE TABLE a (n INT);\nLOCK TABLES a WRITE;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1, 2);\n",
    );
    up(&project, db)
        .exits(9)
        .ends("migrations/1_a.sql:4:1: Column count doesn't match value count")
        .ends("migration 1 is half applied: 3 of its 4 statements stay");
}

fn a_file_may_leave_the_database(db: &Database) {
    let other = format!("{}_other", db.name());
    db.run(&format!("CREATE DATABASE {other}"));
    let project = one(&format!("USE {other};\nCREATE TABLE elsewhere (n INT);\n"));
    let output = up(&project, db);
    let tables = db.column(&format!(
        "SELECT table_name AS t FROM information_schema.tables WHERE table_schema = '{other}'"
    ));
    db.run(&format!("DROP DATABASE {other}"));
    output.exits(0);
    assert_eq!(tables, ["elsewhere"]);
    assert_eq!(db.versions(), ["1"]);
}

fn a_files_own_commit_is_no_more_than_any_ddl(db: &Database) {
    let project =
        one("START TRANSACTION;\nCREATE TABLE a (n INT);\nINSERT INTO a VALUES (1);\nCOMMIT;\n")
            .migration(
                "2_b.sql",
                "SET autocommit = 0;\nINSERT INTO a VALUES (2);\n",
            )
            .migration("3_c.sql", "INSERT INTO a VALUES (3);\n");
    up(&project, db).exits(0).says("Applied 3 migrations");
    assert_eq!(db.value("SELECT count(*) FROM a"), "3");
    assert_eq!(
        db.value("SELECT count(*) FROM _sqlx_migrations WHERE success AND execution_time > 0"),
        "3"
    );
}

fn a_mode_set_by_a_file_is_its_own_affair(db: &Database) {
    let project = one("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';\nSET NAMES latin1;\nSET time_zone = '+05:00';\nCREATE TABLE a (n INT);\n")
        .migration("2_größe_\\_'quoted'.sql", "CREATE TABLE b (n INT);\n");
    up(&project, db).exits(0).says("Applied 2 migrations");
    let names = db.column("SELECT description FROM _sqlx_migrations ORDER BY version");
    assert_eq!(names, ["a", "größe \\ 'quoted'"]);
}

fn what_is_left_open_is_refused_with_its_place(db: &Database) {
    for (text, place) in [
        ("SELECT 1;\nSELECT 'abc;\n", "2:8"),
        ("SELECT 1; /* and\n", "1:11"),
        ("CREATE PROCEDURE p()\nBEGIN\n  SELECT 1;\n", "2:1"),
    ] {
        let project = one("CREATE TABLE first (n INT)").migration("2_b.sql", text);
        up(&project, db)
            .exits(3)
            .ends(&format!("migrations/2_b.sql:{place}: "))
            .complains("error[unterminated_sql]");
        assert_eq!(db.snapshot(), "", "{text}");
    }
}
