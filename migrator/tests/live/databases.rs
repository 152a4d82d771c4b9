//! Several databases of one application.

use crate::support::{Database, Migrate, Output, Project, Server};
use serde_json::Value;

const FILE: &str = "[database.app]\nurl-env = \"APP_URL\"\n\n\
                    [database.a-second]\ndir = \"second/migrations\"\n";

/// Two folders, and the file that names them in this order.
fn project() -> Project {
    Project::new()
        .file("migrate.toml", FILE)
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .file("second/migrations/1_b.sql", "CREATE TABLE b (id INT);\n")
        .file("second/migrations/2_c.sql", "CREATE TABLE c (id INT);\n")
}

fn migrate(project: &Project, first: &Database, second: &Database) -> Migrate {
    Migrate::new(project)
        .env("APP_URL", first.url())
        .env("A_SECOND_DATABASE_URL", second.url())
}

fn sqlite() -> Database {
    Database::new(Server::Sqlite)
}

#[test]
fn two_files_are_brought_up_to_date() {
    each_database_is_brought_up_to_date(&sqlite(), &sqlite());
}

#[test]
#[ignore = "needs scripts/servers"]
fn a_server_and_a_file_are_brought_up_to_date() {
    each_database_is_brought_up_to_date(&Database::new(Server::Postgres), &sqlite());
    each_database_is_brought_up_to_date(&sqlite(), &Database::new(Server::Mysql));
}

fn each_database_is_brought_up_to_date(first: &Database, second: &Database) {
    let project = project();
    let migrate = || migrate(&project, first, second);
    let output = migrate().run().exits(0);
    assert_eq!(
        told(&output),
        [
            "── app",
            "✅ 1 a",
            "Applied 1 migration",
            "── a-second",
            "✅ 1 b",
            "✅ 2 c",
            "Applied 2 migrations",
            "✅ Migrations completed successfully!"
        ]
    );
    assert_eq!(first.tables(), ["a"]);
    assert_eq!(second.tables(), ["b", "c"]);

    let output = migrate().args(["status"]).run().exits(0);
    let heads: Vec<_> = output
        .stdout
        .lines()
        .filter_map(|line| {
            line.split_once(": ")
                .filter(|_| line.contains("history in"))
        })
        .map(|(name, _)| name)
        .collect();
    assert_eq!(heads, ["app", "a-second"], "{output}");

    let output = migrate().args(["status", "--output=json"]).run().exits(0);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let names = |document: &Value| -> Vec<Value> {
        let databases = document["databases"].as_array().unwrap().iter();
        databases.map(|database| database["name"].clone()).collect()
    };
    assert_eq!(names(&document), ["app", "a-second"]);
    for args in [&["plan", "--output=json"][..], &["check", "--output=json"]] {
        let output = args
            .iter()
            .fold(migrate(), |migrate, arg| migrate.args([*arg]))
            .run()
            .exits(0);
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(document["databases"].as_array().unwrap().len(), 2);
    }
    let offline = migrate().args(["check", "--offline", "--output=json"]);
    let document: Value = serde_json::from_str(&offline.run().exits(0).stdout).unwrap();
    assert_eq!(document["databases"].as_array().unwrap().len(), 2);
    // One of several is no list.
    let only = migrate().args(["status", "--database=app", "--output=json"]);
    let document: Value = serde_json::from_str(&only.run().exits(0).stdout).unwrap();
    assert_eq!(names(&document), ["app"]);
}

/// As the buildpack lays it: the program finds every folder from its own place.
#[test]
fn an_image_has_the_folders_of_all() {
    use migrate::bundle::{BundledFolder, MANIFEST, MIGRATIONS_LAYER, MIGRATOR_LAYER, Manifest};
    use migrate::config::Overrides;
    use migrate::project::Workspace;
    let (first, second) = (sqlite(), sqlite());
    let project = project();
    let workspace = Workspace::open(project.root()).unwrap();
    let found = workspace.projects(&Overrides::default()).unwrap();
    let projects: Vec<_> = found.iter().filter_map(|found| found.bundled()).collect();
    let folders = projects.iter().map(|project| BundledFolder {
        database: project.database.clone(),
        dir: project.dir(),
    });
    let mut files: Vec<_> = projects.iter().flat_map(|project| &project.files).collect();
    files.sort();
    files.dedup();
    let contents: Vec<_> = files
        .iter()
        .map(|file| (file.as_str(), std::fs::read(project.path(file)).unwrap()))
        .collect();
    let layers = Project::new();
    for (file, content) in &contents {
        layers.write(&format!("{MIGRATIONS_LAYER}/{file}"), content);
    }
    let contents = contents.iter().map(|(file, content)| (*file, &content[..]));
    let manifest = Manifest::new(folders.collect(), contents)
        .to_toml()
        .unwrap();
    layers.write(&format!("{MIGRATIONS_LAYER}/{MANIFEST}"), manifest);
    let program = layers.path(&format!("{MIGRATOR_LAYER}/bin/migrate"));
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    // By another process: a file that this one writes may still be open in the
    // child of another test's, and then cannot be started.
    let copied = std::process::Command::new("cp")
        .args([env!("CARGO_BIN_EXE_migrate").as_ref(), program.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
    let output = std::process::Command::new(program)
        .current_dir(Project::new().root())
        .env_clear()
        .env("APP_URL", first.url())
        .env("A_SECOND_DATABASE_URL", second.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(first.tables(), ["a"]);
    assert_eq!(second.tables(), ["b", "c"]);
}

/// The lines that a run of two is about, without their times.
fn told(output: &Output) -> Vec<String> {
    let is_told = |line: &&str| {
        ["──", "✅", "Applied", "Nothing"]
            .iter()
            .any(|word| line.starts_with(word))
    };
    let lines = output.stdout.lines().filter(is_told);
    lines
        .map(|line| {
            let end = line
                .find(" (")
                .or_else(|| line.find(" in "))
                .unwrap_or(line.len());
            line[..end].to_owned()
        })
        .collect()
}

#[test]
fn a_failure_of_the_first_file_leaves_the_second() {
    a_failure_of_the_first_leaves_the_second(&sqlite(), &sqlite());
}

#[test]
#[ignore = "needs scripts/servers"]
fn a_failure_of_the_server_leaves_the_file() {
    a_failure_of_the_first_leaves_the_second(&Database::new(Server::Postgres), &sqlite());
}

fn a_failure_of_the_first_leaves_the_second(first: &Database, second: &Database) {
    let project = project().migration("2_bad.sql", "INSERT INTO nowhere VALUES (1);\n");
    let migrate = || migrate(&project, first, second);
    migrate()
        .run()
        .exits(8)
        .ends("❌ Migration failed: database app: migrations/2_bad.sql:1:")
        .ends("databases that were not run: a-second")
        .complains("databases that were not run: a-second");
    assert!(!second.path().exists());

    let output = migrate().args(["--output", "json"]).run().exits(8);
    let error = last(&output);
    assert_eq!(error["event"], "error");
    assert_eq!(error["database"], "app");
    assert_eq!(error["databases_not_run"], serde_json::json!(["a-second"]));
    assert!(!second.path().exists());

    // The second alone goes its way.
    migrate()
        .args(["--database", "a-second"])
        .run()
        .exits(0)
        .says("── a-second")
        .does_not_say("── app");
    assert_eq!(second.tables(), ["b", "c"]);
}

#[test]
fn a_failure_of_the_last_names_those_that_are_done() {
    let (first, second) = (sqlite(), sqlite());
    let project = project().file("second/migrations/3_bad.sql", "SELECT nonsense;\n");
    migrate(&project, &first, &second)
        .run()
        .exits(8)
        .ends("database a-second: second/migrations/3_bad.sql:1:")
        .ends("the 2 migrations that this run applied before it stay")
        .ends("databases that are done: app")
        .does_not_say("completed successfully");
    let output = migrate(&project, &first, &second)
        .args(["--output=json"])
        .run()
        .exits(8);
    assert_eq!(last(&output)["databases_done"], serde_json::json!(["app"]));
}

#[test]
fn json_tells_each_and_all() {
    let (first, second) = (sqlite(), sqlite());
    let output = migrate(&project(), &first, &second)
        .args(["--output=json"])
        .run()
        .exits(0);
    let events: Vec<Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|event: &Value| {
            event["event"].as_str().unwrap().contains("database") || event["event"] == "completed"
        })
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "database",
            "database_completed",
            "database",
            "database_completed",
            "completed"
        ]
    );
    assert_eq!(events[2]["name"], "a-second");
    assert_eq!(events[3]["database"], "a-second");
    assert_eq!(events[3]["schema_version"], "2");
    assert_eq!(events[4]["applied"], 3);
    assert_eq!(events[4]["databases"], 2);
}

#[test]
fn whatever_is_wrong_with_one_is_told_before_any_is_touched() {
    let (first, second) = (sqlite(), sqlite());
    let project = project();
    project.write("second/migrations/no_version.sql", "SELECT 1;\n");
    migrate(&project, &first, &second)
        .run()
        .exits(3)
        .complains("error[bad_version]");
    project.remove("second/migrations/no_version.sql");
    Migrate::new(&project)
        .env("APP_URL", first.url())
        .env("DATABASE_URL", second.url())
        .run()
        .exits(3)
        .ends("the database a-second has no URL: A_SECOND_DATABASE_URL is not set")
        .ends("`url-env` in [database.a-second] of migrate.toml");
    assert!(!first.path().exists() && !second.path().exists());
}

#[test]
fn what_is_for_one_is_refused_for_several() {
    let (first, second) = (sqlite(), sqlite());
    let project = project();
    let migrate = || migrate(&project, &first, &second);
    for (option, value) in [("--dir", "migrations"), ("--database-url", "sqlite:x.db")] {
        migrate()
            .args([option, value])
            .run()
            .exits(3)
            .ends(&format!("the option {option} is for one database"))
            .ends("migrate.toml has 2: app, a-second")
            .complains("error[one_for_several]");
    }
    migrate()
        .env("MIGRATE_DATABASE_URL", "sqlite:x.db")
        .run()
        .exits(3)
        .ends("the variable MIGRATE_DATABASE_URL is for one database");
    assert!(!first.path().exists() && !second.path().exists());
    // With one that is picked it has a meaning.
    migrate()
        .env("MIGRATE_DATABASE", "app")
        .args(["--dir", "second/migrations"])
        .run()
        .exits(0)
        .says("── app");
    assert_eq!(first.tables(), ["b", "c"]);
    assert!(!second.path().exists());
}

#[test]
fn a_name_that_the_file_has_not_is_answered_with_the_nearest() {
    let project = project();
    let pick = |name: &str| {
        Migrate::new(&project)
            .args(["--database", name])
            .run()
            .exits(3)
    };
    pick("a-secnod")
        .ends("migrate.toml has app, a-second")
        .ends("did you mean `a-second`?")
        .complains("error[unknown_database]");
    pick("xyz").ends("correct the option --database");
    pick("postgres://me:hush-hush@h/d").ends("for a URL, use --database-url");
    project.remove("migrate.toml");
    pick("app").ends("migrate.toml has no table [database.NAME]");
}

fn last(output: &Output) -> Value {
    serde_json::from_str(output.last_line()).unwrap()
}

/// A version is one database's own, and the last migration of all is nobody's wish.
#[test]
fn what_is_about_versions_is_for_one_database() {
    let (first, second) = (sqlite(), sqlite());
    let project = project();
    let migrate = || migrate(&project, &first, &second);
    migrate().run().exits(0);
    let refused = |migrate: Migrate| {
        migrate
            .run()
            .exits(3)
            .complains("error[one_for_several]")
            .complains("choose one with --database");
    };
    refused(migrate().args(["down"]));
    refused(migrate().args(["redo"]));
    refused(migrate().args(["baseline", "1"]));
    refused(migrate().args(["repair", "--accept", "1"]));
    assert_eq!(first.tables(), ["a"]);
    assert_eq!(second.tables(), ["b", "c"]);
    migrate().args(["repair"]).run().exits(0);
    migrate().args(["confirm"]).run().exits(0);
}
