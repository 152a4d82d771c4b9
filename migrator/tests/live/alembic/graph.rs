//! What is wrong with revisions is found before Python is started.

use super::app::{
    ENV, INI, at, by_hand, empty, in_environment, on, revision, table, tables, three, url,
};
use crate::support::{Database, Migrate, Project, Server, stories};
use std::process::Command;

stories! {
    on [SqliteWithPython] {
        a_configuration_that_does_not_say_where_its_revisions_are,
        a_database_of_another_version_is_no_success,
        a_missing_alembic_says_where_it_was_looked_for,
        a_revision_of_another_branch_is_not_taken_for_applied,
        what_cannot_be_redone_is_not_reverted,
        what_depends_on_a_revision_from_another_branch_stays,
        a_new_revision_is_made_by_alembic,
        a_program_that_brings_up_another_database_is_found_out,
        a_project_of_pyproject_alone,
        a_revision_of_a_branch_that_was_merged_late,
        a_virtual_environment_beside_the_project_is_found,
        an_application_beside_sql_migrations,
        branches_with_labels_need_no_merge,
        names_that_are_no_literals_are_asked_of_python,
        revisions_that_are_no_graph,
        two_heads,
        what_alembic_would_send_is_shown,
        a_database_that_grew_by_hand_is_adopted,
        what_fails_while_it_is_loaded_has_done_nothing,
        versions_that_are_typed_are_looked_up,
        urls_of_sqlite_mean_what_they_mean_to_sqlalchemy,
        what_fails_before_the_first_revision,
    }
}

/// Without a PATH: what needs no Python must not ask for one.
fn without_python(project: &Project, db: &Database) -> Migrate {
    Migrate::new(project).env("DATABASE_URL", &url(db))
}

fn two_heads(db: &Database) {
    let project = table(three(), "dddd", Some("bbbb"));
    for verb in ["up", "plan"] {
        without_python(&project, db)
            .args([verb])
            .run()
            .exits(3)
            .complains("error[alembic_several_heads]: there are 2 heads: cccc, dddd")
            .complains("dddd the dddd (api/alembic/versions/dddd_the_dddd.py)")
            .complains("`cd api && alembic merge -m \"merge heads\" cccc dddd`");
    }
    without_python(&project, db)
        .args(["check", "--offline"])
        .run()
        .exits(3);
    let merge = by_hand(&project, db, &["merge", "-m", "merge", "cccc", "dddd"]).output();
    assert!(merge.unwrap().status.success());
    on(&project, db).run().exits(0);
    assert_eq!(tables(db).len(), 4);
    on(&project, db).args(["status"]).run().exits(0);
    // Without the merge, both branches stand.
    on(&project, db)
        .args(["down"])
        .run()
        .exits(0)
        .says("the schema is at cccc, dddd");
}

fn branches_with_labels_need_no_merge(db: &Database) {
    let labelled = |id: &str, label: &str| {
        revision(
            id,
            None,
            &format!("op.execute('CREATE TABLE t_{id} (id INT)')"),
            "pass",
        )
        .replace(
            "branch_labels = None",
            &format!("branch_labels = ('{label}',)"),
        )
    };
    let path = |id: &str| format!("api/alembic/versions/{id}.py");
    let project = empty()
        .file(&path("aaaa"), labelled("aaaa", "users"))
        .file(&path("bbbb"), labelled("bbbb", "orders"));
    let project = table(project, "cccc", Some("aaaa"));
    on(&project, db).args(["plan"]).run().exits(0);
    on(&project, db)
        .run()
        .exits(0)
        .says("✅ aaaa the aaaa (")
        .says("✅ bbbb the bbbb (")
        .says("✅ cccc the cccc (");
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb", "t_cccc"]);
    on(&project, db).run().exits(0).says("Nothing to do");
    on(&project, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(0)
        .does_not_say("heads");
    on(&project, db).args(["check"]).run().exits(0);
    // A second head of one of them is not one of its own.
    let project = table(project, "dddd", Some("aaaa"));
    on(&project, db)
        .run()
        .exits(3)
        .complains("error[alembic_several_heads]: there are 3 heads");
}

fn revisions_that_are_no_graph(db: &Database) {
    let file = "api/alembic/versions/x.py";
    let again = revision("aaaa", None, "pass", "pass");
    for (text, complaint) in [
        (
            revision("xxxx", Some("nope"), "pass", "pass"),
            "error[alembic_missing_revision]: xxxx follows nope, which has no file\n  --> \
             api/alembic/versions/x.py:9:35",
        ),
        (again, "are both revision aaaa"),
        (
            revision("xxxx", Some("xxxx"), "pass", "pass"),
            "error[alembic_cycle]",
        ),
    ] {
        let project = three().file(file, text);
        without_python(&project, db)
            .run()
            .exits(3)
            .complains(complaint);
        assert_eq!(db.tables(), [""; 0]);
    }
}

fn a_database_of_another_version_is_no_success(db: &Database) {
    on(&three(), db).run().exits(0);
    let older = table(empty(), "aaaa", None);
    without_python(&older, db)
        .run()
        .exits(7)
        .complains("error[missing_migration]: migration cccc is applied, but has no file");
    without_python(&older, db).args(["check"]).run().exits(7);
    without_python(&older, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(7)
        .says("  unknown       aaaa  the aaaa\n")
        .says("  missing       cccc\n");
    without_python(&older, db)
        .args(["up", "--unknown-applied", "warn"])
        .run()
        .exits(0)
        .says("⚠️  migration cccc is applied, but has no file");
    on(&older, db)
        .args(["down"])
        .run()
        .exits(7)
        .complains("what comes before it is not known");
    assert_eq!(at(db), "cccc");
}

fn names_that_are_no_literals_are_asked_of_python(db: &Database) {
    let text = revision(
        "bbbb",
        Some("aaaa"),
        "op.execute('CREATE TABLE t_bbbb (id INT)')",
        "pass",
    );
    let computed = text.replace("= 'aaaa'", "= 'a' * 4");
    let project = table(empty(), "aaaa", None).file("api/alembic/versions/b.py", computed);
    on(&project, db).run().exits(0);
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb"]);
    on(&project, db)
        .args(["status"])
        .run()
        .says("  applied       bbbb  the bbbb\n");
    without_python(&project, db)
        .args(["status"])
        .run()
        .exits(3)
        .complains(
            "error[alembic_unreadable]: api/alembic/versions/b.py: cannot read `down_revision`",
        )
        .complains(" --> api/alembic/versions/b.py:9:35");
}

fn a_program_that_brings_up_another_database_is_found_out(db: &Database) {
    let other = Database::new(Server::Sqlite);
    let elsewhere = format!("os.environ.get(\"ELSEWHERE\", {:?})", url(&other));
    let project = three().file(
        "api/alembic/env.py",
        ENV.replace("os.environ[\"DATABASE_URL\"]", &elsewhere),
    );
    on(&project, db)
        .run()
        .exits(8)
        .complains(
            "error[alembic_unreached]: Alembic exited successfully, but alembic_version in sqlite:",
        )
        .complains("is at no revision; expected cccc");
    // Another name of the version table is another table, too.
    let project = three().file(
        "api/alembic/env.py",
        ENV.replace(
            "configure(connection=connection)",
            "configure(connection=connection, version_table=str('v'))",
        ),
    );
    on(&project, db)
        .run()
        .exits(8)
        .complains("--table names its version_table");
    on(&project, db)
        .args(["status", "--table", "v"])
        .run()
        .exits(0)
        .says("  applied       cccc");
    let named = three().file(
        "api/alembic/env.py",
        ENV.replace(
            "configure(connection=connection)",
            "configure(connection=connection, version_table='v')",
        ),
    );
    on(&named, db).run().exits(0).says("history in v");
}

fn what_fails_before_the_first_revision(db: &Database) {
    let project = three().file("api/alembic/env.py", "import nonesuch\n");
    on(&project, db)
        .run()
        .exits(8)
        .complains("error[alembic_failed]")
        .complains("ModuleNotFoundError: No module named 'nonesuch'")
        .complains("api/alembic/env.py:1")
        .ends("nothing was changed in the database");
    // Whatever its program says of the URL is not passed on.
    let db = Database::new(Server::Sqlite);
    let project = three().file(
        "api/alembic/env.py",
        "import os\nraise SystemExit(os.environ['SECRET_URL'])\n",
    );
    on(&project, &db)
        .env("SECRET_URL", "postgresql+asyncpg://app:hunter2-pw@db/app")
        .run()
        .exits(8)
        .says("postgresql+asyncpg://@db/app");
}

fn a_missing_alembic_says_where_it_was_looked_for(db: &Database) {
    Migrate::new(&three())
        .env("DATABASE_URL", &url(db))
        .env("PATH", "/nonexistent")
        .run()
        .exits(3)
        .complains("error[alembic_not_found]");
    assert_eq!(db.tables(), [""; 0]);
}

/// As a checkout has it, and as Heroku's classic buildpack and the Python of
/// DigitalOcean lay it.
fn a_virtual_environment_beside_the_project_is_found(_: &Database) {
    let environment = std::env::var("MIGRATE_TEST_ALEMBIC").unwrap();
    for place in [".venv", "api/.venv", ".heroku/python"] {
        let db = Database::new(Server::Sqlite);
        let project = three();
        std::fs::create_dir_all(project.path(place).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&environment, project.path(place)).unwrap();
        Migrate::new(&project)
            .env("DATABASE_URL", &url(&db))
            .env("PATH", "/usr/bin:/bin")
            .run()
            .exits(0)
            .says(&format!("{place}/bin/alembic upgrade cccc (in api)"));
    }
    // A module without its command.
    let db = Database::new(Server::Sqlite);
    let project = three().folder("bin");
    let python = project.path("bin/python3");
    std::fs::write(
        &python,
        format!("#!/bin/sh\nexec {environment}/bin/python3 \"$@\"\n"),
    )
    .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&python, mode).unwrap();
    Migrate::new(&project)
        .env("DATABASE_URL", &url(&db))
        .env("PATH", project.path("bin").to_str().unwrap())
        .run()
        .exits(0)
        .says("python3 -m alembic upgrade cccc (in api)");
}

fn a_new_revision_is_made_by_alembic(db: &Database) {
    let project = three();
    let made = on(&project, db).args(["new", "add notes"]).run().exits(0);
    let path = made.stdout.trim().to_owned();
    assert!(
        path.starts_with("api/alembic/versions/") && path.ends_with("_add_notes.py"),
        "{path}"
    );
    on(&project, db).run().exits(0).says("add notes");
    // It needs no database.
    in_environment(&project)
        .args(["new", "more"])
        .run()
        .exits(0)
        .says("_more.py");
}

fn what_alembic_would_send_is_shown(db: &Database) {
    let project = three();
    on(&project, db)
        .args(["plan"])
        .run()
        .exits(0)
        .says("\naaaa the aaaa (api/alembic/versions/aaaa_the_aaaa.py)\n  by its own tool\n")
        .says("    CREATE TABLE t_bbbb (id INT);\n")
        .ends("3 migrations to apply.");
    on(&project, db).args(["up", "--steps", "2"]).run().exits(0);
    let plan = on(&project, db)
        .args(["plan", "--output", "json"])
        .run()
        .exits(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["schema_version"], "bbbb");
    assert_eq!(plan["steps"][0]["how"], "delegated");
    assert_eq!(plan["steps"][0]["version"], "cccc");
    assert!(plan["sql"].to_string().contains("CREATE TABLE t_cccc"));
    // Where it cannot be had, the revisions can.
    without_python(&project, db)
        .args(["plan"])
        .run()
        .exits(0)
        .says("cccc the cccc (")
        .says("the SQL is not known");
}

fn a_revision_of_a_branch_that_was_merged_late(db: &Database) {
    let project = three();
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(args)
            .current_dir(project.root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "three"]);
    git(&["checkout", "-qb", "ours"]);
    let new = |id: &str, follows: &str| {
        project.write(
            &format!("api/alembic/versions/{id}.py"),
            revision(id, Some(follows), "pass", "pass"),
        );
    };
    new("oooo", "cccc");
    git(&["add", "."]);
    git(&["commit", "-qm", "ours"]);
    let check = || {
        let check = Migrate::new(&project).env("PATH", "/usr/bin:/bin");
        check.args(["check", "--offline", "--base", "main"]).run()
    };
    check().exits(0);
    git(&["checkout", "-q", "main"]);
    new("tttt", "cccc");
    git(&["add", "."]);
    git(&["commit", "-qm", "theirs"]);
    git(&["checkout", "-q", "ours"]);
    check().exits(7).says(
        "error[alembic_several_heads]: after a merge into main there would be 2 heads: oooo, \
             tttt",
    );
    project.write(
        "api/alembic/versions/aaaa_the_aaaa.py",
        revision("aaaa", None, "pass", "pass"),
    );
    check()
        .exits(7)
        .says("error[merged_edited]: api/alembic/versions/aaaa_the_aaaa.py");
    project.remove("api/alembic/versions/cccc_the_cccc.py");
    check().exits(3);
    let _ = db;
}

fn a_project_of_pyproject_alone(db: &Database) {
    let project = three().file(
        "pyproject.toml",
        "[tool.alembic]\nscript_location = \"%(here)s/api/alembic\"\n",
    );
    project.remove("api/alembic.ini");
    on(&project, db)
        .run()
        .exits(0)
        .says("migrations  api/alembic/versions (alembic), 3 migrations");
    assert_eq!(at(db), "cccc");
}

fn a_configuration_that_does_not_say_where_its_revisions_are(db: &Database) {
    let project = three().file("api/alembic.ini", "[loggers]\nkeys = root\n");
    without_python(&project, db).run().exits(3).complains(
        "error[no_script_location]: api/alembic.ini has no script_location in [alembic]",
    );
    let project = three().file("worker/alembic.ini", INI);
    without_python(&project, db)
        .run()
        .exits(3)
        .complains("error[several_alembic_configurations]")
        .complains("api/alembic.ini, worker/alembic.ini");
    on(&project, db).args(["--dir", "api"]).run().exits(0);
    on(&project, db)
        .args(["status", "--dir", "api/alembic/versions"])
        .run()
        .exits(0);
    on(&project, db)
        .args(["status", "--dir", "api/alembic.ini"])
        .run()
        .exits(0);
}

fn an_application_beside_sql_migrations(db: &Database) {
    let project = three().migration("1_a.sql", "CREATE TABLE a (id INT);\n");
    without_python(&project, db).run().exits(3).complains(
        "error[two_formats]: api/alembic.ini configures Alembic, but migrations contains SQL",
    );
    on(&project, db)
        .args(["--format", "alembic"])
        .run()
        .exits(0);
    let other = Database::new(Server::Sqlite);
    on(&project, &other)
        .args(["--format", "sqlx"])
        .run()
        .exits(0);
    assert_eq!(other.versions(), ["1"]);
    // A folder that was named is meant.
    on(&project, db)
        .args(["status", "--dir", "api"])
        .run()
        .exits(0)
        .says("3 migrations");
}

fn versions_that_are_typed_are_looked_up(db: &Database) {
    let project = three();
    on(&project, db)
        .args(["up", "--to", "zzzz"])
        .run()
        .exits(3)
        .complains("error[unknown_version]: no file has the version zzzz");
    on(&project, db).args(["up", "--to", "bbbb"]).run().exits(0);
    on(&project, db)
        .args(["down", "--to", "cccc"])
        .run()
        .exits(7);
}

fn a_database_that_grew_by_hand_is_adopted(db: &Database) {
    let project = three();
    db.run("CREATE TABLE t_aaaa (id INT)");
    db.run("CREATE TABLE t_bbbb (id INT)");
    on(&project, db)
        .args(["baseline", "bbbb", "--yes"])
        .run()
        .exits(0)
        .says("✅ aaaa the aaaa: pending, now recorded as applied\n")
        .ends("✅ Baseline recorded; nothing was run.");
    assert_eq!(at(db), "bbbb");
    on(&project, db)
        .args(["baseline", "bbbb", "--force", "--yes"])
        .run()
        .exits(0)
        .ends("✅ The baseline was already recorded.");
    on(&project, db)
        .args(["baseline", "cccc", "--yes"])
        .run()
        .exits(7)
        .complains("error[history_not_empty]");
    on(&project, db)
        .args(["baseline", "zzzz", "--force"])
        .run()
        .exits(3)
        .complains("error[unknown_version]");
    on(&project, db).run().exits(0).says("✅ cccc the cccc (");
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb", "t_cccc"]);
    // Alembic knows no half applied migration, and no checksum.
    on(&project, db).args(["repair"]).run().exits(0);
    on(&project, db)
        .args(["repair", "--accept", "cccc"])
        .run()
        .exits(7)
        .complains("error[no_checksum]");
    on(&project, db)
        .args(["repair", "--resolve", "cccc=applied"])
        .run()
        .exits(7)
        .complains("error[not_half_applied]");
    assert_eq!(at(db), "cccc");
}

/// Another branch's image: what it brings is not in the database, whatever is.
fn a_revision_of_another_branch_is_not_taken_for_applied(db: &Database) {
    let both = table(table(empty(), "aaaa", None), "bbbb", Some("aaaa"));
    on(&both, db).run().exits(0);
    on(&both, db).args(["confirm"]).run().exits(0);
    on(&table(both, "dddd", Some("bbbb")), db).run().exits(0);
    let both = table(table(empty(), "aaaa", None), "bbbb", Some("aaaa"));
    // The older image knows all but the newest: that is a rollback.
    on(&both, db)
        .run()
        .exits(0)
        .ends("✅ Nothing was applied: the database is at a version that these files do not have.");
    on(&both, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(0)
        .says("  applied       bbbb  the bbbb\n");
    let other = table(both, "eeee", Some("bbbb"));
    for args in [
        ["up", "--yes"],
        ["status", "--exit-code"],
        ["up", "--to=eeee"],
    ] {
        on(&other, db).args(args).run().exits(7);
    }
    on(&other, db).args(["check"]).run().exits(7);
    // Whoever passes over it is told that nothing was done, and a version that was
    // asked for is no success.
    let warn = ["--unknown-applied", "warn"];
    on(&other, db)
        .args(["up", warn[0], warn[1]])
        .run()
        .exits(0)
        .ends("✅ Nothing was applied: the database is at a version that these files do not have.");
    on(&other, db)
        .args(["up", "--to", "eeee", warn[0], warn[1]])
        .run()
        .exits(7);
    assert_eq!(at(db), "dddd");
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb", "t_dddd"]);
}

fn what_cannot_be_redone_is_not_reverted(db: &Database) {
    let project = table(table(empty(), "aaaa", None), "bbbb", Some("aaaa"));
    on(&project, db).run().exits(0);
    let project = table(project, "cccc", Some("aaaa"));
    on(&project, db)
        .args(["redo"])
        .run()
        .exits(3)
        .complains("error[alembic_several_heads]");
    assert_eq!(at(db), "bbbb");
}

/// It stays because what it depends on stays.
fn what_depends_on_a_revision_from_another_branch_stays(db: &Database) {
    let labelled = |text: String, label: &str| {
        text.replace(
            "branch_labels = None",
            &format!("branch_labels = '{label}'"),
        )
    };
    let root = labelled(revision("aaaa", None, "pass", "pass"), "one");
    let other = labelled(revision("xxxx", None, "pass", "pass"), "two")
        .replace("depends_on = None", "depends_on = 'aaaa'");
    let project = empty()
        .file("api/alembic/versions/a.py", root)
        .file("api/alembic/versions/x.py", other);
    let project = table(project, "bbbb", Some("aaaa"));
    on(&project, db).run().exits(0);
    assert_eq!(tables(db), ["t_bbbb"]);
    on(&project, db)
        .args(["down", "--to", "aaaa"])
        .run()
        .exits(0)
        .says("✅ bbbb the bbbb reverted")
        .does_not_say("✅ xxxx");
    assert_eq!(tables(db), [""; 0]);
}

fn what_fails_while_it_is_loaded_has_done_nothing(db: &Database) {
    for text in ["import nonesuch", "this is no Python", "1 / 0"] {
        let broken = revision("bbbb", Some("aaaa"), "pass", "pass") + text + "\n";
        let project = table(empty(), "aaaa", None).file("api/alembic/versions/b.py", broken);
        on(&project, db)
            .run()
            .exits(8)
            .complains("error[alembic_failed]: Alembic failed before its first revision")
            .ends("nothing was changed in the database");
        assert_eq!(tables(db), [""; 0]);
    }
    // What fails on the way back is as it was, or not; it is recorded as it was.
    let raises = revision("bbbb", Some("aaaa"), "pass", "raise ValueError('no')");
    let project = table(empty(), "aaaa", None).file("api/alembic/versions/b.py", raises);
    on(&project, db).run().exits(0);
    on(&project, db)
        .args(["down"])
        .run()
        .exits(9)
        .complains("may be gone: the history still has it");
    assert_eq!(at(db), "bbbb");
}

fn urls_of_sqlite_mean_what_they_mean_to_sqlalchemy(_: &Database) {
    let project = three();
    for (url, file) in [
        ("sqlite:///app.db".to_owned(), project.path("api/app.db")),
        (
            format!("sqlite:///{}", project.path("whole.db").display()),
            project.path("whole.db"),
        ),
    ] {
        let run = |args: [&str; 1]| {
            let run = in_environment(&project).env("DATABASE_URL", &url);
            run.args(args).run().exits(0)
        };
        run(["up"]).says("the schema is at cccc");
        run(["status"]).says("3 applied");
        run(["doctor"]);
        assert!(file.exists(), "{url}");
    }
}
