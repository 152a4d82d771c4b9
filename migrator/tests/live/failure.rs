//! SQL that a database refuses: where it was, and what stays.

use crate::support::{Database, Project, Server, stories, up};

stories! {
    on every {
        a_byte_order_mark_is_no_column,
        a_migrations_own_duplicate_is_not_taken_for_another_runs_claim,
        a_syntax_error_is_placed_wherever_it_is,
        an_error_behind_multibyte_text_is_placed_by_characters,
        the_first_failure_ends_the_run_and_the_next_run_goes_on,
        what_a_database_says_is_shown_without_its_control_characters,
    }
    on [Postgres, Sqlite] {
        a_constraint_that_fails_at_commit_leaves_nothing,
    }
    on [Mariadb, Mysql] {
        only_data_is_rolled_back,
        what_is_half_applied_goes_on_where_it_stopped,
        what_is_undone_by_hand_begins_anew,
    }
}
/// What the databases tell of one and the same mistake.
struct Told<'a> {
    postgres: &'a str,
    mysql: &'a str,
    sqlite: &'a str,
}

impl Told<'_> {
    fn by(&self, server: Server) -> &str {
        match server {
            Server::Mariadb | Server::Mysql => self.mysql,
            Server::Postgres => self.postgres,
            Server::Sqlite => self.sqlite,
        }
    }
}

fn after_a(second: &str) -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n")
        .migration("2_b.sql", second)
}

fn the_first_failure_ends_the_run_and_the_next_run_goes_on(db: &Database) {
    let project = after_a(
        "CREATE TABLE b (id INT);\nINSERT INTO b VALUES (1);\n\
         INSERT INTO nowhere VALUES (1);\nCREATE TABLE c (id INT);\n",
    )
    .migration("3_d.sql", "CREATE TABLE d (id INT);\n");
    let place = Told {
        postgres: "migrations/2_b.sql:3:13: relation \"nowhere\" does not exist (42P01)",
        mysql: "migrations/2_b.sql:3:13: Table ",
        sqlite: "migrations/2_b.sql:3:13: no such table: nowhere",
    };
    let output = up(&project, db)
        .says("✅ 1 a (")
        .ends(place.by(db.server))
        .ends("the migration that this run applied before it stays; one more was not started.")
        .complains("statement 3 of 4")
        .complains("INSERT INTO nowhere VALUES (1);");
    if db.rolls_back() {
        output
            .exits(8)
            .ends("State: nothing of migration 2 stays;")
            .complains("error[migration_failed]");
        assert_eq!(db.tables(), ["a"]);
        assert_eq!(db.versions(), ["1"]);
    } else {
        output
            .exits(9)
            .ends("State: migration 2 is half applied: 2 of its 4 statements stay;")
            .complains("error[migration_half_applied]");
        assert_eq!(db.tables(), ["a", "b"]);
        assert_eq!(db.value("SELECT count(*) FROM b"), "1");
        db.run("DROP TABLE b; DELETE FROM _sqlx_migrations WHERE version = 2");
    }
    project.write("migrations/2_b.sql", "CREATE TABLE b (id INT);\n");
    up(&project, db).exits(0).says("Applied 2 migrations");
    assert_eq!(db.tables(), ["a", "b", "d"]);
}

fn a_syntax_error_is_placed_wherever_it_is(db: &Database) {
    // SQLite names a token; where that stands twice, the statement is the place.
    for (text, place, in_sqlite) in [
        ("INSRT INTO a VALUES (1)", "1:1", "1:1"),
        (
            "\n\n  -- why\n  UPDATE a SET id = 2 WERE id = 1;\n",
            "4:23",
            "4:23",
        ),
        (
            "INSERT INTO a VALUES (2);\r\nSELECT id\r\nFROM (a;\r\n",
            "",
            "",
        ),
        ("SELECT 1 /* ; */ FROM FROM;\nSELECT 2;", "1:23", "1:1"),
        (
            "/* one\ntwo */ SELECT id\nFROM a\nWHERE id = 1 AND OR id = 2\n  AND id = 3; -- the end",
            "4:18",
            "4:18",
        ),
    ] {
        let project = after_a(text);
        let output = up(&project, db)
            .exits(8)
            .ends("nothing of migration 2 stays")
            .does_not_say("_migrate_journal");
        assert_eq!(db.versions(), ["1"], "{text}");
        let place = match db.server {
            Server::Sqlite => in_sqlite,
            _ => place,
        };
        if !place.is_empty() {
            output.ends(&format!("migrations/2_b.sql:{place}: "));
        }
    }
    assert_eq!(db.value("SELECT count(*) FROM a"), "0");
}

fn a_byte_order_mark_is_no_column(db: &Database) {
    let project = after_a("\u{feff}UPDAT a SET id = 2; -- one\nSELECT 1;\n");
    up(&project, db).exits(8).ends("migrations/2_b.sql:1:1: ");
    project.write(
        "migrations/2_b.sql",
        "\u{feff}SELECT 1;\nUPDAT a SET id = 2;\n",
    );
    up(&project, db).ends("migrations/2_b.sql:2:1: ");
}

fn an_error_behind_multibyte_text_is_placed_by_characters(db: &Database) {
    let project = after_a("-- ünïcödé ✅\nSELECT 'é€😀';\nSELECT 'é€😀' AS x FROM nowhere;\n");
    let place = Told {
        postgres: "migrations/2_b.sql:3:24: ",
        mysql: "migrations/2_b.sql:3:24: ",
        sqlite: "migrations/2_b.sql:3:24: ",
    };
    up(&project, db).exits(8).ends(place.by(db.server));
    project.write("migrations/2_b.sql", "SELECT 'é€😀' AS x FRM a;\n");
    up(&project, db).exits(8).ends("migrations/2_b.sql:1:");
}

fn a_migrations_own_duplicate_is_not_taken_for_another_runs_claim(db: &Database) {
    let project = after_a("INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);\n");
    let code = Told {
        postgres: "(23505)",
        mysql: "(1062)",
        sqlite: "(1555)",
    };
    up(&project, db)
        .exits(8)
        .ends("migrations/2_b.sql:2:1: ")
        .ends(code.by(db.server))
        .ends("nothing of migration 2 stays")
        .does_not_say("another");
    assert_eq!(db.value("SELECT count(*) FROM a"), "0");
    // Not even when it violates the history's own key.
    project.write(
        "migrations/2_b.sql",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         SELECT version, description, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1;\n",
    );
    up(&project, db).exits(8).ends(code.by(db.server));
}

fn a_constraint_that_fails_at_commit_leaves_nothing(db: &Database) {
    let project = after_a(
        "CREATE TABLE b (a INT REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO b VALUES (1);\n",
    )
    .migration("3_c.sql", "CREATE TABLE c (id INT);\n");
    up(&project, db)
        .exits(8)
        .ends("❌ Migration failed: migrations/2_b.sql: ")
        .ends("nothing of migration 2 stays");
    assert_eq!(db.tables(), ["a"]);
    assert_eq!(db.versions(), ["1"]);
}

fn what_a_database_says_is_shown_without_its_control_characters(db: &Database) {
    // The column's name comes back in the message, and the line in the snippet.
    let text = "INSERT INTO a (id, \"\u{1b}[31mred\u{7}\") VALUES (1, 2);\n";
    let text = match db.server {
        Server::Mariadb | Server::Mysql => text.replace('"', "`"),
        Server::Postgres | Server::Sqlite => text.to_owned(),
    };
    // That there are none is checked of every output.
    up(&after_a(&text), db).exits(8).ends("[31mred");
    let project = after_a("SELECT 1").migration("3_\u{1b}[31mred.sql", "SELECT FROM WHERE");
    up(&project, db).exits(8).ends("[31mred");
}

fn only_data_is_rolled_back(db: &Database) {
    let project = after_a("INSERT INTO a VALUES (1);\nINSERT INTO nowhere VALUES (1);\n");
    up(&project, db)
        .exits(8)
        .ends("nothing of migration 2 stays");
    assert_eq!(db.value("SELECT count(*) FROM a"), "0");
    assert_eq!(db.versions(), ["1"]);
}

fn what_is_half_applied_goes_on_where_it_stopped(db: &Database) {
    let project = after_a("CREATE TABLE b (id INT);\nALTER TABLE nowhere ADD x INT;\nSELECT 1;\n");
    for _ in 0..2 {
        up(&project, db)
            .exits(9)
            .ends("migrations/2_b.sql:2:13: ")
            .ends("correct migrations/2_b.sql after statement 1 and run migrate up again");
    }
    // Not so if what is done already is another thing now.
    project.write("migrations/2_b.sql", "CREATE TABLE c (id INT);\n");
    up(&project, db).exits(7);
    project.write(
        "migrations/2_b.sql",
        "CREATE TABLE b (id INT);\nALTER TABLE b ADD x INT;\n",
    );
    up(&project, db).exits(0).says("✅ 2 b (");
    assert_eq!(db.tables(), ["a", "b"]);
    up(&project, db).exits(0).says("Nothing to do");
}

fn what_is_undone_by_hand_begins_anew(db: &Database) {
    let project = after_a("CREATE TABLE b (id INT);\nALTER TABLE nowhere ADD x INT;\n");
    up(&project, db).exits(9);
    // As sqlx tells its users to.
    db.run("DROP TABLE b; DELETE FROM _sqlx_migrations WHERE version = 2");
    project.write("migrations/2_b.sql", "CREATE TABLE b (id BIGINT);\n");
    up(&project, db).exits(0).says("✅ 2 b (");
}
