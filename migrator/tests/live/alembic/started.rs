//! Where Alembic is started: relative paths of a configuration are seen from there.

use super::app::{INI, at, by_hand, in_environment, on, revision, table, tables, three, url};
use crate::support::{Database, Migrate, Project, stories};

stories! {
    on [SqliteWithPython] {
        a_configuration_of_pyproject_is_run_at_the_root,
        a_folder_that_is_nowhere_is_told,
        a_package_is_found_where_python_looks_first,
        a_project_that_is_run_at_its_root,
        its_database_and_its_heads_are_seen_from_the_root,
        paths_that_lead_somewhere_from_both_are_the_configurations,
        revisions_that_only_the_root_sees,
        settings_that_alembic_does_without_are_told,
        the_database_that_is_told_is_the_one_that_is_used,
    }
}

/// Three revisions in `api/alembic`, whose configuration is for who starts at the
/// root.
fn at_the_root() -> Project {
    three().file("api/alembic.ini", ini("api/alembic"))
}

fn ini(location: &str) -> String {
    INI.replace("%(here)s/alembic", location)
}

fn a_project_that_is_run_at_its_root(db: &Database) {
    let project = at_the_root();
    on(&project, db)
        .args(["up", "--to", "bbbb"])
        .run()
        .exits(0)
        .says("migrations  api/alembic/versions (alembic), 3 migrations\n")
        .says("/alembic -c api/alembic.ini upgrade bbbb\n")
        .does_not_say("(in ");
    assert_eq!(at(db), "bbbb");
    on(&project, db)
        .args(["plan"])
        .run()
        .exits(0)
        .says("CREATE TABLE t_cccc (id INT);");
    on(&project, db).args(["down"]).run().exits(0);
    assert_eq!(tables(db), ["t_aaaa"]);
    // It is what Alembic does that is started there, and not elsewhere.
    let upgrade = |folder: &str, config: &str| {
        let mut alembic = by_hand(&project, db, &["-c", config, "upgrade", "head"]);
        alembic.current_dir(project.path(folder)).output().unwrap()
    };
    assert!(!upgrade("api", "alembic.ini").status.success());
    assert!(upgrade(".", "api/alembic.ini").status.success());
    assert_eq!(at(db), "cccc");
    let made = on(&project, db).args(["new", "notes"]).run().exits(0);
    let made = made.stdout.trim().to_owned();
    assert!(made.starts_with("api/alembic/versions/"), "{made}");
}

fn its_database_and_its_heads_are_seen_from_the_root(_: &Database) {
    let project = at_the_root();
    let run = |args: [&str; 1]| {
        let run = in_environment(&project).env("DATABASE_URL", "sqlite:///app.db");
        run.args(args).run()
    };
    run(["up"]).exits(0);
    run(["status"]).exits(0).says("3 applied");
    assert!(project.path("app.db").exists());
    assert!(!project.path("api/app.db").exists());
    let project = table(at_the_root(), "dddd", Some("bbbb"));
    in_environment(&project)
        .args(["check", "--offline"])
        .run()
        .exits(3)
        .says("`alembic -c api/alembic.ini merge -m \"merge heads\" cccc dddd`");
    // Python is asked with the same configuration.
    let computed = revision("dddd", Some("cccc"), "pass", "pass").replace("'cccc'", "'c' * 4");
    let project = at_the_root().file("api/alembic/versions/d.py", computed);
    in_environment(&project)
        .args(["check", "--offline"])
        .run()
        .exits(0);
}

fn the_database_that_is_told_is_the_one_that_is_used(_: &Database) {
    let project = three();
    in_environment(&project)
        .env("DATABASE_URL", "sqlite:///app.db")
        .args(["up", "--verbose"])
        .run()
        .exits(0)
        .says("api/app.db (the variable DATABASE_URL)");
    assert!(project.path("api/app.db").exists());
    assert!(!project.path("app.db").exists());
}

fn settings_that_alembic_does_without_are_told(db: &Database) {
    let project = three();
    let said = |verb: &'static str, option: &'static str, value: &'static str| {
        on(&project, db).args([verb, option, value]).run().exits(0)
    };
    for (option, value) in [
        ("--transaction", "all"),
        ("--out-of-order", "apply"),
        ("--lock-timeout", "1s"),
        ("--statement-timeout", "1s"),
    ] {
        let told = format!("{option} has no effect on Alembic migrations");
        said("plan", option, value).complains(&told);
        said("up", option, value).says(&told);
    }
    on(&project, db)
        .env("MIGRATE_LOCK_TIMEOUT", "1s")
        .args(["up", "--dry-run"])
        .run()
        .exits(0)
        .complains("MIGRATE_LOCK_TIMEOUT has no effect");
}

fn paths_that_lead_somewhere_from_both_are_the_configurations(db: &Database) {
    let project = three()
        .file("api/alembic.ini", ini("alembic"))
        .file("alembic/env.py", "raise SystemExit('not this one')\n");
    on(&project, db)
        .run()
        .exits(0)
        .says("api/alembic/versions (alembic), 3 migrations\n")
        .says("/alembic upgrade cccc (in api)\n");
    // Nor is a folder that only looks like it.
    let project = at_the_root();
    project.remove("api/alembic/env.py");
    let db = &Database::new(db.server);
    on(&project, db)
        .run()
        .exits(3)
        .complains("error[missing_folder]")
        .complains("api/api/alembic/versions does not exist");
}

fn a_folder_that_is_nowhere_is_told(db: &Database) {
    let project = three().file("api/alembic.ini", ini("db/alembic"));
    on(&project, db)
        .run()
        .exits(3)
        .complains("error[missing_folder]")
        .complains("api/db/alembic/versions does not exist");
}

fn revisions_that_only_the_root_sees(db: &Database) {
    let more = "version_locations = api/alembic/versions api/more\n";
    let project = three()
        .file(
            "api/alembic.ini",
            INI.replace("[loggers]", &format!("{more}\n[loggers]")),
        )
        .file(
            "api/more/d.py",
            revision("dddd", Some("cccc"), "pass", "pass"),
        );
    on(&project, db)
        .run()
        .exits(0)
        .says("api/alembic/versions, api/more (alembic), 4 migrations\n")
        .says("/alembic -c api/alembic.ini upgrade dddd\n");
    assert_eq!(at(db), "dddd");
}

fn a_package_is_found_where_python_looks_first(db: &Database) {
    let move_to = |package: &str, prepend: &str| {
        let project = three()
            .folder("api/src/shop")
            .file("src/shop/__init__.py", "");
        let ini = ini("shop:db:alembic").replace("= .\n", &format!("= {prepend}\n"));
        project.write("api/alembic.ini", ini);
        std::fs::create_dir_all(project.path(package)).unwrap();
        let to = project.path(package).join("db");
        std::fs::create_dir(&to).unwrap();
        std::fs::rename(project.path("api/alembic"), to.join("alembic")).unwrap();
        project
    };
    let project = move_to("api/src/shop", "src");
    project.write("api/src/shop/__init__.py", "");
    on(&project, db)
        .args(["up", "--to", "aaaa"])
        .run()
        .exits(0)
        .says("api/src/shop/db/alembic/versions (alembic), 3 migrations\n")
        .says("/alembic upgrade aaaa (in api)\n");
    let project = move_to("src/shop", "src");
    on(&project, db)
        .run()
        .exits(0)
        .says("migrations  src/shop/db/alembic/versions (alembic), 3 migrations\n")
        .says("/alembic -c api/alembic.ini upgrade cccc\n");
    assert_eq!(at(db), "cccc");
}

fn a_configuration_of_pyproject_is_run_at_the_root(db: &Database) {
    let project = three().file(
        "api/pyproject.toml",
        "[project]\nclassifiers = [\n]\n\n[tool.alembic]\nscript_location = \"api/alembic\"\n",
    );
    project.remove("api/alembic.ini");
    on(&project, db)
        .args(["up", "--to", "bbbb"])
        .run()
        .exits(0)
        .says("/alembic -c api/pyproject.toml upgrade bbbb\n");
    on(&project, db)
        .args(["up", "--dir", "api/pyproject.toml", "--format", "alembic"])
        .run()
        .exits(0)
        .says("/alembic -c api/pyproject.toml upgrade cccc\n");
    // What Alembic would read there first says something else.
    project.write("alembic.ini", "[alembic]\nscript_location = other\n");
    Migrate::new(&project)
        .env("DATABASE_URL", &url(db))
        .args(["status", "--dir", "api", "--format", "alembic"])
        .run()
        .exits(3)
        .complains("api/api/alembic/versions does not exist");
}
