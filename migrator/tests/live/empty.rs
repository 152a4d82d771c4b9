//! Files without a statement: what is written into them later does not run by
//! itself, so that it is said before and afterwards.

use crate::support::{Database, Project, migrate, status, stories, up};

stories! {
    on every {
        a_new_file_that_nobody_wrote_is_warned_of,
        what_is_filled_in_later_is_no_edit_and_can_be_run,
        what_was_only_comments_is_told_from_an_edit,
        an_empty_way_back_is_warned_of,
    }
}

const WARNING: &str = "has no statement";

fn a_new_file_that_nobody_wrote_is_warned_of(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    migrate(&project, db, ["new", "add b", "--reversible"]).exits(0);
    for (name, text) in [
        ("3_nothing.sql", ""),
        ("4_marked.sql", "\u{feff}\r\n"),
        ("5_comments.sql", "-- one\n/* two\n*/\n;\n"),
    ] {
        project.write(&format!("migrations/{name}"), text);
    }
    project.write("migrations/repeatable/r.sql", "-- later\n");
    let told = |output: crate::support::Output, count| {
        let said = format!("{}{}", output.stdout, output.stderr);
        assert_eq!(said.matches(WARNING).count(), count, "{output}");
        output
    };
    told(migrate(&project, db, ["check"]), 6)
        .says("warning[empty_migration]")
        .says("migrations/2_add_b.down.sql:1:1");
    told(migrate(&project, db, ["plan"]).exits(0), 5).complains(
        "warning[empty_migration]: migrations/3_nothing.sql has no statement: it counts as applied",
    );
    let plan = migrate(&project, db, ["plan", "--output", "json"])
        .exits(0)
        .stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let warnings = plan["warnings"].as_array().unwrap();
    assert!(
        warnings
            .iter()
            .all(|it| it["code"] == "empty_migration" && it["line"] == 1),
        "{plan}"
    );
    told(up(&project, db).exits(0), 5)
        .says("migrations/repeatable/r.sql has no statement: nothing runs");
    // Nobody can help it any more.
    told(migrate(&project, db, ["check"]), 1).says("repeatable/r.sql");
    told(up(&project, db).exits(0), 0);
}

fn what_is_filled_in_later_is_no_edit_and_can_be_run(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    migrate(&project, db, ["new", "add b"]).exits(0);
    up(&project, db).exits(0);
    project.write("migrations/2_add_b.sql", "CREATE TABLE b (id INT);\n");
    up(&project, db)
        .exits(7)
        .complains("error[filled_in_migration]")
        .ends("migrate repair --resolve 2=reverted");
    migrate(&project, db, ["check"])
        .exits(7)
        .says("error[filled_in_migration]");
    migrate(&project, db, ["repair"])
        .exits(0)
        .says("2  migrations/2_add_b.sql had no statement when it was applied")
        .says("migrate repair --resolve 2=reverted");
    status(&project, db).exits(0).says("1 changed");
    migrate(&project, db, ["repair", "--resolve", "2=reverted"])
        .exits(0)
        .says("2 add b: applied without a statement, now pending");
    up(&project, db).exits(0).says("✅ 2 add b");
    assert_eq!(db.tables(), ["a", "b"]);
    // By now it is a migration like any other.
    project.write(
        "migrations/2_add_b.sql",
        "CREATE TABLE b (id INT);\n-- more\n",
    );
    up(&project, db)
        .exits(7)
        .complains("error[edited_migration]");
    migrate(&project, db, ["repair", "--resolve", "2=reverted"])
        .exits(7)
        .complains("error[not_half_applied]");
}

fn what_was_only_comments_is_told_from_an_edit(db: &Database) {
    let cases = [
        ("", "CREATE TABLE t (id INT);\n", "filled_in_migration"),
        (
            "-- so\n\n",
            "-- so\n\nCREATE TABLE t (id INT);\n",
            "filled_in_migration",
        ),
        (
            "-- so",
            "-- so\r\n/* why */\r\nSELECT 1;\r\n",
            "filled_in_migration",
        ),
        (
            "/* a\n b */\n",
            "/* a\n b */\n-- c\nSELECT 1;\n",
            "filled_in_migration",
        ),
        (
            "-- Add migration script here\n",
            "SELECT 1;\n",
            "filled_in_migration",
        ),
        ("-- one\n", "-- two\nSELECT 1;\n", "edited_migration"),
        ("SELECT 1;\n", "SELECT 1;\nSELECT 2;\n", "edited_migration"),
        ("-- a\nSELECT 1;\n", "-- a\nSELECT 2;\n", "edited_migration"),
    ];
    for (number, (before, after, code)) in cases.into_iter().enumerate() {
        let project = Project::new();
        let path = format!("migrations/{}_t.sql", number + 1);
        for (other, (before, ..)) in cases.iter().take(number).enumerate() {
            project.write(&format!("migrations/{}_t.sql", other + 1), before);
        }
        project.write(&path, before);
        up(&project, db).exits(0);
        project.write(&path, after);
        up(&project, db)
            .exits(7)
            .complains(&format!("error[{code}]: {path}"));
    }
    // What a baseline records was there before, whatever its file says.
    let project = Project::new()
        .migration("1_t.sql", "")
        .migration("100_b.sql", "-- b\n");
    migrate(&project, db, ["baseline", "100", "--force"]).exits(0);
    project.write("migrations/100_b.sql", "-- b\nCREATE TABLE b (id INT);\n");
    migrate(&project, db, ["up", "--unknown-applied", "warn"])
        .exits(7)
        .complains("error[edited_migration]");
}

fn an_empty_way_back_is_warned_of(db: &Database) {
    let project = Project::new()
        .migration("1_a.up.sql", "CREATE TABLE a (id INT);\n")
        .migration("1_a.down.sql", "-- Down: a\n");
    up(&project, db).exits(0).does_not_say(WARNING);
    migrate(&project, db, ["down"])
        .exits(0)
        .says(WARNING)
        .says("migration 1 counts as reverted, and nothing is undone");
    assert_eq!(db.tables(), ["a"]);
}
