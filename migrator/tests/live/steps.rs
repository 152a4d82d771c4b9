//! Less than all that is pending, and only a look at it.

use crate::support::{Database, Migrate, Output, Project, stories};
use serde_json::Value;

stories! {
    on every {
        up_goes_no_further_than_it_is_told,
        a_dry_run_shows_the_plan_and_changes_nothing,
        up_does_exactly_what_plan_has_shown,
        the_options_of_up_need_no_verb,
        what_cannot_be_a_version_is_told_alike_by_every_verb,
    }
    on [Sqlite] {
        nothing_is_taken_back_to_a_version_that_nobody_knows,
    }
}

fn project() -> Project {
    Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT PRIMARY KEY);\n")
        .migration("2_b.sql", "CREATE TABLE b (id INT PRIMARY KEY);\n")
        .migration("3_c.sql", "INSERT INTO a VALUES (1);\n")
        .migration("10_d.sql", "INSERT INTO a VALUES (2);\n")
}

fn migrate<const N: usize>(project: &Project, db: &Database, args: [&str; N]) -> Output {
    Migrate::new(project).on(db).args(args).run()
}

fn what_cannot_be_a_version_is_told_alike_by_every_verb(db: &Database) {
    let project = project();
    migrate(&project, db, ["up"]).exits(0);
    let before = db.snapshot();
    for args in [
        ["up", "--to", "banana"],
        ["down", "--to", "banana"],
        ["baseline", "banana", "--force"],
        ["repair", "--accept", "banana"],
        ["repair", "--resolve", "banana=applied"],
    ] {
        migrate(&project, db, args)
            .exits(2)
            .complains("error[bad_version_typed]: invalid version \"banana\"")
            .complains("run `migrate status` to list them");
        let [verb, option, value] = args;
        let json = migrate(&project, db, [verb, option, value, "--output", "json"]);
        json.exits(2).says("\"code\":\"bad_version_typed\"");
    }
    // What is written otherwise is the same version.
    migrate(&project, db, ["repair", "--accept", "0002"]).exits(0);
    migrate(
        &project,
        db,
        [
            "repair",
            "--resolve",
            "02=applied",
            "--resolve",
            "2=reverted",
        ],
    )
    .exits(2)
    .complains("--resolve has two answers");
    assert_eq!(db.snapshot(), before);
}

fn nothing_is_taken_back_to_a_version_that_nobody_knows(db: &Database) {
    let project = project();
    // Before there is a database, and when there is one.
    for is_there in [false, true] {
        migrate(&project, db, ["down", "--to", "999"])
            .exits(7)
            .complains("999");
        assert_eq!(db.path().exists(), is_there);
        migrate(&project, db, ["up", "--to", "1"]).exits(0);
    }
    std::fs::remove_file(db.path()).unwrap();
    migrate(&project, db, ["down", "--to", "0"]).exits(0);
    migrate(&project, db, ["down"]).exits(0);
    assert!(!db.path().exists());
}

fn the_options_of_up_need_no_verb(db: &Database) {
    let project = project();
    migrate(&project, db, ["--dry-run", "--to", "2"])
        .exits(0)
        .says("2 migrations to apply");
    assert_eq!(db.tables(), Vec::<String>::new());
    migrate(&project, db, ["--steps", "1", "--lock-wait", "5s"])
        .exits(0)
        .says("Applied 1 migration");
    migrate(&project, db, ["--to", "2"]).exits(0);
    assert_eq!(db.versions(), ["1", "2"]);
    // Before another verb they could mean anything.
    let before = db.snapshot();
    for args in [
        ["--steps", "1", "down"],
        ["--to", "1", "redo"],
        ["--dry-run", "-y", "down"],
    ] {
        migrate(&project, db, args)
            .exits(2)
            .complains("unexpected argument");
    }
    assert_eq!(db.snapshot(), before);
}

fn up_goes_no_further_than_it_is_told(db: &Database) {
    let project = project().file(
        "migrations/repeatable/count.sql",
        "INSERT INTO b SELECT count(*) FROM a;\n",
    );
    migrate(&project, db, ["up", "--to", "4"])
        .exits(3)
        .complains("error[unknown_version]")
        .complains("no file has the version 4");
    migrate(&project, db, ["up", "--to", "2"])
        .exits(0)
        .ends("✅ Migrations completed successfully!");
    assert_eq!(db.versions(), ["1", "2"]);
    migrate(&project, db, ["up", "--to", "1"])
        .exits(0)
        .says("Nothing to do; the schema is at 2.");
    migrate(&project, db, ["up", "--steps", "1"]).exits(0);
    assert_eq!(db.versions(), ["1", "2", "3"]);
    migrate(&project, db, ["up", "--steps", "0"]).exits(0);
    assert_eq!(db.versions(), ["1", "2", "3"]);
    assert_eq!(db.value("SELECT count(*) FROM b"), "0", "it waits for all");
    migrate(&project, db, ["up"])
        .exits(0)
        .says("Applied 1 migration and 1 repeatable file");
    assert_eq!(db.value("SELECT id FROM b"), "2");
}

fn a_dry_run_shows_the_plan_and_changes_nothing(db: &Database) {
    let project = project();
    migrate(&project, db, ["up", "--to", "1"]).exits(0);
    let before = db.snapshot();
    let planned = migrate(&project, db, ["plan"]).exits(0).stdout;
    let shown = migrate(&project, db, ["up", "--dry-run"]).exits(0).stdout;
    assert_eq!(shown, planned);
    assert!(shown.contains("    INSERT INTO a VALUES (2);"), "{shown}");
    migrate(&project, db, ["up", "--dry-run", "--to", "3"])
        .exits(0)
        .says("2 migrations to apply, 2 statements.")
        .does_not_say("10 d");
    migrate(&project, db, ["up", "--dry-run", "--to", "4"]).exits(3);
    assert_eq!(db.snapshot(), before);
}

fn up_does_exactly_what_plan_has_shown(db: &Database) {
    let project = project().file(
        "migrations/repeatable/count.sql",
        "INSERT INTO b SELECT count(*) FROM a;\n",
    );
    migrate(&project, db, ["up", "--to", "1"]).exits(0);
    let document = migrate(&project, db, ["plan", "--output", "json"]).exits(0);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    let planned = document["steps"].as_array().unwrap().iter().map(file);
    let planned: Vec<_> = planned.collect();
    assert_eq!(planned.len(), 4);
    let lines = migrate(&project, db, ["up", "--output", "json"]).exits(0);
    let done: Vec<_> = lines
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["event"] == "applied" || event["event"] == "repeated")
        .map(|event| file(&event))
        .collect();
    assert_eq!(done, planned);
}

fn file(value: &Value) -> String {
    value["file"].as_str().unwrap().to_owned()
}
