//! Files that are right, and awkward.

use crate::support::{Database, Project, status, stories, up};

stories! {
    on every {
        a_byte_order_mark_is_no_sql,
        a_file_may_hold_no_statement,
        a_file_may_return_rows,
        a_nul_is_refused_and_leaves_nothing,
        a_line_of_any_length_is_shown_in_part,
        a_last_line_may_be_a_comment_without_an_end,
        five_megabytes_are_a_migration,
        line_endings_of_windows_are_white_space,
        names_and_texts_may_be_in_any_script,
        semicolons_stand_where_they_like,
    }
}

fn one(text: &str) -> Project {
    Project::new().migration("1_a.sql", text)
}

fn a_last_line_may_be_a_comment_without_an_end(db: &Database) {
    let project = one("CREATE TABLE a (id INT);\n-- the end")
        .migration(
            "2_b.sql",
            "CREATE TABLE b (id INT) -- without a semicolon, too",
        )
        .migration("3_c.sql", "CREATE TABLE c (id INT); /* and in a block */");
    up(&project, db).exits(0).says("Applied 3 migrations");
    assert_eq!(db.tables(), ["a", "b", "c"]);
    assert_eq!(db.versions(), ["1", "2", "3"]);
}

fn a_line_of_any_length_is_shown_in_part(db: &Database) {
    // That no line of it is longer than 8 KiB is checked of every output.
    let long = "é".repeat(100_000);
    for text in [
        format!("SELECT '{long}', nonsense FROM nowhere;\n"),
        format!("SELECT nonsense, '{long}' FROM nowhere;\n"),
        format!("SELECT 1 FROM \"{long}\";\n"),
    ] {
        up(&one(&text), db).exits(8).ends("migrations/1_a.sql:1:");
    }
}

fn a_nul_is_refused_and_leaves_nothing(db: &Database) {
    let project = one("CREATE TABLE a (id INT);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT);\n\0\nSELECT 1;\n");
    up(&project, db)
        .exits(3)
        .ends("migrations/2_b.sql:2:1: ")
        .complains("error[nul_character]");
    assert_eq!(db.snapshot(), "");
}

fn a_file_may_hold_no_statement(db: &Database) {
    let project = one("")
        .migration("2_b.sql", "-- later\n")
        .migration("3_c.sql", " ;\n;");
    up(&project, db).exits(0).says("Applied 3 migrations");
    up(&project, db)
        .exits(0)
        .says("Nothing to do; the schema is at 3.");
}

fn semicolons_stand_where_they_like(db: &Database) {
    let project = one(
        ";;CREATE TABLE a (t VARCHAR(99));;\n; INSERT INTO a VALUES (';'), ('it''s; -- fine');;\n\
         INSERT INTO a /* ; */ VALUES ('c') -- ;\n;",
    );
    up(&project, db).exits(0);
    assert_eq!(
        db.column("SELECT t FROM a ORDER BY t"),
        [";", "c", "it's; -- fine"]
    );
}

fn line_endings_of_windows_are_white_space(db: &Database) {
    let project = one(
        "-- a\r\nCREATE TABLE a (\r\n  t VARCHAR(99)\r\n);\r\nINSERT INTO a\r\nVALUES ('x');\r\n",
    );
    up(&project, db).exits(0);
    assert_eq!(db.value("SELECT t FROM a"), "x");
}

fn a_byte_order_mark_is_no_sql(db: &Database) {
    up(&one("\u{feff}CREATE TABLE a (id INT);\n"), db).exits(0);
    assert_eq!(db.tables(), ["a"]);
}

fn names_and_texts_may_be_in_any_script(db: &Database) {
    let project = Project::new().migration(
        "1_größe_и_数.sql",
        "CREATE TABLE a (t VARCHAR(99));\nINSERT INTO a VALUES ('größe и 数 ✅');\n",
    );
    up(&project, db).exits(0).says("✅ 1 größe и 数 (");
    assert_eq!(db.value("SELECT t FROM a"), "größe и 数 ✅");
    status(&project, db)
        .exits(0)
        .says("applied       1  größe и 数  20");
}

fn a_file_may_return_rows(db: &Database) {
    let project =
        one("SELECT 1;\nCREATE TABLE a (id INT);\nSELECT * FROM a;\nSELECT 1 UNION SELECT 2;\n");
    up(&project, db).exits(0).does_not_say("UNION");
    assert_eq!(db.tables(), ["a"]);
}

fn five_megabytes_are_a_migration(db: &Database) {
    // A few long statements and many short ones, of which one is wrong at first.
    let long = format!("INSERT INTO a VALUES ('{}');\n", "x".repeat(500_000)).repeat(8);
    let short = "INSERT INTO a VALUES ('short');\n".repeat(200);
    let kind = if db.rolls_back() { "TEXT" } else { "LONGTEXT" };
    let text = format!("CREATE TABLE a (t {kind});\n{long}{short}");
    let project = one("SELECT 1;\n").migration(
        "2_b.sql",
        format!("{text}INSERT INTO nowhere VALUES (1);\n"),
    );
    up(&project, db)
        .ends("migrations/2_b.sql:210:")
        .ends(if db.rolls_back() {
            "nothing of migration 2 stays"
        } else {
            "209 of its 210 statements stay"
        });
    if !db.rolls_back() {
        db.run("DROP TABLE a; DELETE FROM _sqlx_migrations WHERE version = 2");
    }
    project.write("migrations/2_b.sql", &text);
    assert!(text.len() > 4_000_000);
    up(&project, db).exits(0);
    assert_eq!(db.value("SELECT count(*) FROM a"), "208");
}
