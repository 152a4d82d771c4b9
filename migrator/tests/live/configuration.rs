//! `migrate.toml` and the variables, seen from outside.

use crate::support::{Database, Migrate, Output, Project, Server, up};
use serde_json::Value;

fn project() -> Project {
    Project::new().migration("1_a.sql", "CREATE TABLE a (id INT);\n")
}

#[test]
fn the_file_is_obeyed_or_refused_with_the_place() {
    let db = Database::new(Server::Sqlite);
    let project = project().file("migrate.toml", "table = \"history\"\nwait = \"1s\"\n");
    up(&project, &db).exits(0).says("history in history");
    for (text, place, next) in [
        ("lock_wait = \"1s\"\n", "1:1", "did you mean `lock-wait`?"),
        ("wait = \"1s\"\ndir = 1\n", "2:7", ""),
        ("wait = \"soon\"\n", "1:8", ""),
        ("dir = \"\n", "1:8", ""),
        (
            "[database.a]\nurl_env = \"A\"\n",
            "2:1",
            "did you mean `url-env`?",
        ),
        ("[database.\"a b\"]\n", "1:11", ""),
    ] {
        project.write("migrate.toml", text);
        // Whatever is asked for: a mistake is one everywhere.
        Migrate::new(&project)
            .on(&db)
            .args(["status"])
            .run()
            .exits(3)
            .complains(&format!("migrate.toml:{place}"))
            .complains("error[bad_configuration_file]");
        up(&project, &db)
            .exits(3)
            .ends(&format!("migrate.toml:{place}: "))
            .ends(next);
    }
}

#[test]
fn a_password_in_the_file_is_not_shown_with_the_line() {
    let project = project();
    for line in [
        "database_url = \"postgres://me:hush-hush@127.0.0.1:1/d\"\n",
        "database-url = \"postgres://me:hush-hush@127.0.0.1:1/d?sslmode=verify-ca\"\n",
        "database-url = \"postgres://me:hush-hush@127.0.0.1:1/d\n",
        "wait = \"postgres://me:hush-hush@127.0.0.1:1/d\"\n",
    ] {
        project.write("migrate.toml", line);
        let output = Migrate::new(&project).run().exits(3);
        let said = output.stdout + &output.stderr;
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn a_file_elsewhere_has_its_own_folder_as_root() {
    let db = Database::new(Server::Sqlite);
    let project = Project::new()
        .file(
            "service/migrate.toml",
            "dir = \"sql\"\ntable = \"history\"\n",
        )
        .file("service/sql/1_a.sql", "CREATE TABLE a (id INT);\n")
        .file("plain/settings.toml", "")
        .file("plain/migrations/1_a.sql", "CREATE TABLE a (id INT);\n");
    let with = |path: &str| {
        Migrate::new(&project)
            .on(&db)
            .args(["--config", path])
            .run()
    };
    with("service/migrate.toml")
        .exits(0)
        .says("migrations  service/sql (sqlx)")
        .says("history in history");
    with("./service/migrate.toml")
        .exits(0)
        .says("Nothing to do");
    let absolute = project.path("service/migrate.toml").display().to_string();
    with(&absolute).exits(0).says("Nothing to do");
    with("plain/settings.toml")
        .exits(8)
        .says("migrations  plain/migrations (sqlx)");
    Migrate::new(&project)
        .on(&db)
        .env("MIGRATE_CONFIG", "service/none.toml")
        .run()
        .exits(3)
        .ends("the variable MIGRATE_CONFIG names service/none.toml, which does not exist")
        .complains("error[missing_configuration_file]");
}

#[test]
fn a_variable_that_is_none_of_ours_is_a_warning_with_the_right_name() {
    let db = Database::new(Server::Sqlite);
    let project = project();
    let misspelt = || {
        Migrate::new(&project)
            .on(&db)
            .env("MIGRATE_LOCKWAIT", "1s")
            .env("MIGRATE_TEST_ANYTHING", "1")
    };
    misspelt()
        .run()
        .exits(0)
        .says("⚠️  the variable MIGRATE_LOCKWAIT is unknown to migrate, and has no effect")
        .says("did you mean MIGRATE_LOCK_WAIT?")
        .does_not_say("MIGRATE_TEST_ANYTHING");
    misspelt()
        .args(["status"])
        .run()
        .exits(0)
        .complains("warning[unknown_variable]");
    let output = misspelt()
        .args(["status", "--output", "json"])
        .run()
        .exits(0);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(document["warnings"][0]["code"], "unknown_variable");
    // One that asks for less than is done is no mere warning.
    Migrate::new(&project)
        .on(&db)
        .env("MIGRATE_DRY_RUN", "true")
        .run()
        .exits(3)
        .complains("error[only_typed]")
        .complains("unset MIGRATE_DRY_RUN, and put --dry-run after the command");
    // What a run is told of its reason is no option.
    Migrate::new(&project)
        .on(&db)
        .env("MIGRATE_COMMIT", "abc")
        .env("MIGRATE_DEPLOYMENT", "7")
        .run()
        .exits(0)
        .does_not_say("no effect");
    // A database's variable may be called so, too.
    let other = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .file(
            "migrate.toml",
            "[database.a]\nurl-env = \"MIGRATE_A_URL\"\n",
        );
    Migrate::new(&other)
        .env("MIGRATE_A_URL", db.url())
        .run()
        .exits(0)
        .does_not_say("MIGRATE_A_URL");
    // The URL itself under a wrong name is why there is none.
    Migrate::new(&project)
        .env("MIGRATE_DATABSE_URL", db.url())
        .run()
        .exits(3)
        .ends("did you mean MIGRATE_DATABASE_URL?")
        .complains("error[no_database_url]");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_an_error_and_not_unset() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    for name in [
        "DATABASE_URL",
        "MIGRATE_LOCK_WAIT",
        "MIGRATE_DIR",
        "MIGRATE_OUTPUT",
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_migrate"))
            .current_dir(project().root())
            .env_clear()
            .env("MIGRATE_DATABASE_URL", "")
            .env("DATABASE_URL", "sqlite:a.db")
            .env(name, OsStr::from_bytes(b"sqlite:\xff"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains(&format!("the variable {name} is not valid UTF-8")),
            "{said}"
        );
    }
}

#[test]
fn verbose_tells_every_setting_and_where_it_came_from() {
    let db = Database::new(Server::Sqlite);
    let project = project().file("migrate.toml", "lock-timeout = \"2s\"\n");
    let verbose = || {
        Migrate::new(&project)
            .on(&db)
            .env("MIGRATE_LOCK_WAIT", "3m")
            .args(["--wait", "5s"])
    };
    for output in [
        verbose().args(["-v"]).run(),
        verbose()
            .env("MIGRATE_VERBOSE", "true")
            .args(["status"])
            .run(),
    ] {
        output
            .exits(0)
            .says("(the variable DATABASE_URL)")
            .says("   lock-wait         3m (the variable MIGRATE_LOCK_WAIT)\n")
            .says("   lock-timeout      2s (`lock-timeout` in migrate.toml)\n")
            .says("   wait              5s (the option --wait)\n");
    }
    verbose().run().exits(0).does_not_say("lock-timeout");
    let output = verbose()
        .args(["--verbose", "--output=json"])
        .run()
        .exits(0);
    assert!(output.stdout.contains(r#""event":"setting""#), "{output}");
    verbose().args(["-v", "-q"]).run().exits(2);
}

#[test]
fn how_it_talks_may_stand_in_the_file_and_in_the_environment() {
    let db = Database::new(Server::Sqlite);
    let project = project().file("migrate.toml", "quiet = true\n");
    let migrate = || Migrate::new(&project).on(&db);
    let lines = |output: Output| output.exits(0).stdout.lines().count();
    assert_eq!(lines(migrate().run()), 2);
    assert!(lines(migrate().env("MIGRATE_QUIET", "false").run()) > 2);
    assert_eq!(lines(migrate().env("MIGRATE_QUIET", "1").run()), 2);
    project.write("migrate.toml", "output = \"json\"\n");
    let output = migrate().run().exits(0);
    assert!(
        output.stdout.starts_with("{\"event\":\"started\""),
        "{output}"
    );
    migrate()
        .env("MIGRATE_OUTPUT", "human")
        .run()
        .exits(0)
        .says("Nothing to do");
    // Colours would be control characters, of which there may be none.
    migrate()
        .env("MIGRATE_OUTPUT", "human")
        .env("MIGRATE_COLOR", "never")
        .env("MIGRATE_DIR", "none")
        .run()
        .exits(3);
}

#[test]
fn one_transaction_over_all_is_refused_where_it_cannot_be() {
    let project = project().file("migrate.toml", "transaction = \"all\"\n");
    let on_mysql = || Migrate::new(&project).env("DATABASE_URL", "mysql://127.0.0.1:1/d");
    on_mysql()
        .run()
        .exits(3)
        .ends("migrate.toml:1:15: ")
        .complains("error[transaction_all_refused]");
    on_mysql()
        .env("MIGRATE_TRANSACTION", "each")
        .args(["--transaction", "all"])
        .run()
        .exits(3)
        .ends("the option --transaction asks for one transaction");
    on_mysql()
        .args(["--transaction", "each", "--wait", "0"])
        .run()
        .exits(4);
}
