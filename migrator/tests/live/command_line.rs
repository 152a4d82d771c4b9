//! What was typed.

use crate::support::{Database, Migrate, Output, Project, Server, stories, up};

stories! {
    on servers {
        a_question_needs_no_right_but_to_read,
    }
}

fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n")
}

fn run<const N: usize>(args: [&str; N]) -> Output {
    Migrate::new(&Project::new()).args(args).run()
}

#[test]
fn help_and_version_need_nothing() {
    for args in [["--help"], ["help"], ["-h"]] {
        run(args)
            .exits(0)
            .says("Usage: migrate")
            .says("--database-url");
    }
    run(["--version"])
        .exits(0)
        .says(&format!("migrate {}", env!("CARGO_PKG_VERSION")));
    run(["status", "--help"]).exits(0).says("--exit-code");
}

#[test]
fn a_verbs_own_options_come_first() {
    let help = run(["down", "--help"]).exits(0).stdout.clone();
    let (own, shared) = help.split_once("Options of every command:").unwrap();
    assert!(own.contains("--unconfirmed") && own.contains("--help"));
    assert!(!own.contains("--database-url") && shared.contains("--database-url"));
    assert!(!help.contains('`'), "Markdown in {help}");
}

/// Whoever asks for JSON reads nothing else.
#[test]
fn a_wrong_command_line_is_json_where_that_is_asked_for() {
    let of = |migrate: Migrate| {
        let output = migrate.run().exits(2);
        assert_eq!(output.stderr, "");
        let error: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(error["event"], "error");
        assert_eq!(
            (&error["code"], &error["exit_code"]),
            (&"usage".into(), &2.into())
        );
        error["message"].as_str().unwrap().to_owned()
    };
    let here = Project::new();
    assert_eq!(
        of(Migrate::new(&here).args(["up", "--stepz", "1", "--output", "json"])),
        "unexpected argument '--stepz' found"
    );
    assert_eq!(
        of(Migrate::new(&here).args(["--output=json", "nonsense"])),
        "unrecognized subcommand 'nonsense'"
    );
    let project = Project::new().file("migrate.toml", "output = \"json\"\n");
    of(Migrate::new(&project).args(["--nonsense"]));
    of(Migrate::new(&Project::new())
        .env("MIGRATE_OUTPUT", "json")
        .args(["baseline"]));
    // The last word counts.
    let human = ["--output", "json", "--output", "human", "--nonsense"];
    run(human).exits(2).complains("error: ");
}

#[test]
fn what_cannot_be_meant_is_a_wrong_command_line() {
    for args in [["--nonsense"], ["nonsense"], ["--dir"]] {
        run(args).exits(2).complains("error: ");
    }
    run(["up", "--exit-code"]).exits(2);
    run(["up", "status"]).exits(2);
    // Even a mistyped option may hold a password.
    run(["--databse-url", "postgres://user:hush-hush@host/db"]).exits(2);
    run(["postgres://user:hush-hush@host/db"]).exits(2);
}

#[test]
fn a_value_that_its_option_does_not_take_is_a_wrong_setting() {
    let db = Database::new(Server::Sqlite);
    for (option, variable, value) in [
        ("--wait", "MIGRATE_WAIT", "soon"),
        ("--lock-wait", "MIGRATE_LOCK_WAIT", "5"),
        ("--lock-timeout", "MIGRATE_LOCK_TIMEOUT", "-1s"),
        ("--out-of-order", "MIGRATE_OUT_OF_ORDER", "warn"),
        ("--unknown-applied", "MIGRATE_UNKNOWN_APPLIED", "newest"),
        ("--statement-timeout", "MIGRATE_STATEMENT_TIMEOUT", "1"),
        ("--deadline", "MIGRATE_DEADLINE", "never"),
        ("--transaction", "MIGRATE_TRANSACTION", "one"),
        ("--format", "MIGRATE_FORMAT", "goose"),
        ("--color", "MIGRATE_COLOR", "red"),
    ] {
        Migrate::new(&project())
            .on(&db)
            .args([&format!("{option}={value}")])
            .run()
            .exits(3)
            .ends(&format!(
                "the option {option} has the invalid value \"{value}\""
            ));
        Migrate::new(&project())
            .on(&db)
            .env(variable, value)
            .run()
            .exits(3)
            .ends(&format!(
                "the variable {variable} has the invalid value \"{value}\""
            ));
    }
    for variable in ["MIGRATE_QUIET", "MIGRATE_VERBOSE", "MIGRATE_YES"] {
        Migrate::new(&project())
            .on(&db)
            .env(variable, "on")
            .run()
            .exits(3)
            .ends(&format!(
                "the variable {variable} has the invalid value \"on\""
            ));
    }
    assert!(!db.path().exists());
}

#[test]
fn the_redundant_word_of_platforms_is_ignored() {
    let db = Database::new(Server::Sqlite);
    let project = project();
    for (args, said) in [
        (&["migrate", "up"][..], "Applied 1 migration"),
        (&["migrate"], "Nothing to do"),
        (&["migrate", "status"], "1 applied, 0 pending."),
    ] {
        args.iter()
            .fold(Migrate::new(&project).on(&db), |migrate, arg| {
                migrate.args([arg])
            })
            .run()
            .exits(0)
            .says(said);
    }
}

#[test]
fn the_folder_may_be_named_in_every_way() {
    let db = Database::new(Server::Sqlite);
    let project = Project::new()
        .file("sql/a/1_a.sql", "CREATE TABLE a (id INT)")
        .file("sql/b/1_a.sql", "CREATE TABLE a (id INT)")
        .file("migrate.toml", "dir = \"sql/a\"\n");
    let migrate = || Migrate::new(&project).on(&db);
    migrate().run().exits(0).says("migrations  sql/a (sqlx)");
    migrate()
        .env("MIGRATE_DIR", "sql/b")
        .run()
        .exits(0)
        .says("migrations  sql/b (sqlx)");
    migrate()
        .env("MIGRATE_DIR", "sql/none")
        .args(["--dir", "./sql/a/"])
        .run()
        .exits(0)
        .says("migrations  sql/a (sqlx)");
    let absolute = project.path("sql/b").display().to_string();
    migrate()
        .args(["--dir", &absolute])
        .run()
        .exits(0)
        .says("Nothing to do");
    // An empty variable is what a platform leaves of nothing.
    migrate()
        .env("MIGRATE_DIR", "")
        .run()
        .exits(0)
        .says("migrations  sql/a (sqlx)");
}

#[test]
fn quiet_says_only_how_it_ended() {
    let db = Database::new(Server::Sqlite);
    let output = Migrate::new(&project())
        .on(&db)
        .args(["up", "-q"])
        .run()
        .exits(0);
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
    let failing = project().migration("2_b.sql", "SELECT nonsense");
    let output = Migrate::new(&failing)
        .on(&db)
        .args(["--quiet"])
        .run()
        .exits(8);
    assert_eq!(output.stdout.lines().count(), 2, "{output}");
}

fn a_question_needs_no_right_but_to_read(db: &Database) {
    up(&project(), db).exits(0);
    let user = db.name();
    let (created, dropped) = match db.server {
        Server::Mysql => (
            format!(
                "CREATE USER {user} IDENTIFIED WITH mysql_native_password BY 'hush-hush'; \
                 GRANT SELECT ON {user}.* TO {user}"
            ),
            format!("DROP USER {user}"),
        ),
        Server::Mariadb => (
            format!(
                "CREATE USER {user} IDENTIFIED BY 'hush-hush'; GRANT SELECT ON {user}.* TO {user}"
            ),
            format!("DROP USER {user}"),
        ),
        _ => (
            format!(
                "CREATE USER {user} PASSWORD 'hush-hush'; \
                 GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}"
            ),
            format!("DROP OWNED BY {user}; DROP USER {user}"),
        ),
    };
    db.run(&created);
    let (scheme, _) = db.url().split_once("://").unwrap();
    let (_, host) = db.url().rsplit_once('@').unwrap();
    let url = format!("{scheme}://{user}:hush-hush@{host}");
    let project = project().migration("2_b.sql", "CREATE TABLE b (id INT)");
    let as_reader = |verb: &str| {
        Migrate::new(&project)
            .env("DATABASE_URL", &url)
            .args([verb])
            .run()
    };
    as_reader("status").exits(0).says("1 applied, 1 pending.");
    let before = db.snapshot();
    as_reader("up")
        .exits(8)
        .ends("State: nothing of migration 2 stays");
    assert_eq!(db.snapshot(), before);
    db.run(&dropped);
}
