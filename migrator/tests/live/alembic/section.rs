//! Several sections of one `alembic.ini`, as `alembic -n` has them.

use super::app::{ENV, INI, at, by_hand, in_environment, on, revision, table, tables, three, url};
use crate::support::{Database, Migrate, Project, stories};

stories! {
    on [SqliteWithPython] {
        a_section_alone_is_named_where_it_is_missed,
        a_section_that_does_not_exist_is_told,
        a_sections_heads_and_names_are_asked_of_its_own,
        each_database_has_its_section,
        one_section_is_for_one_database,
        pyproject_is_read_whatever_the_section,
    }
}

/// The program of the billing database.
fn env() -> String {
    ENV.replace("\"DATABASE_URL\"", "\"BILLING_DATABASE_URL\"")
}

/// Three revisions of `[alembic]`, and two of `[billing]`.
fn both() -> Project {
    let billing = "[billing]\nscript_location = %(here)s/billing\n\n[loggers]";
    let mako = std::fs::read(three().path("api/alembic/script.py.mako")).unwrap();
    let made = |id: &str| format!("op.execute('CREATE TABLE t_{id} (id INT)')");
    three()
        .file("api/alembic.ini", INI.replacen("[loggers]", billing, 1))
        .file("api/billing/script.py.mako", mako)
        .file("api/billing/env.py", env())
        .file(
            "api/billing/versions/b1.py",
            revision(
                "b100",
                None,
                &made("b100"),
                "op.execute('DROP TABLE t_b100')",
            ),
        )
        .file(
            "api/billing/versions/b2.py",
            revision(
                "b200",
                Some("b100"),
                &made("b200"),
                "op.execute('DROP TABLE t_b200')",
            ),
        )
}

/// The billing database alone.
fn billing(project: &Project, db: &Database) -> Migrate {
    in_environment(project)
        .env("DATABASE_URL", &url(db))
        .env("BILLING_DATABASE_URL", &url(db))
        .env("MIGRATE_ALEMBIC_SECTION", "billing")
}

fn each_database_has_its_section(db: &Database) {
    let other = Database::new(db.server);
    let project = both().file(
        "migrate.toml",
        "[database.app]\nurl-env = \"DATABASE_URL\"\n\
         [database.billing]\nalembic-section = \"billing\"\n",
    );
    let run = || on(&project, db).env("BILLING_DATABASE_URL", &url(&other));
    run()
        .args(["up", "--verbose"])
        .run()
        .exits(0)
        .says("/alembic upgrade cccc (in api)\n")
        .says("alembic-section   billing (`alembic-section` in migrate.toml)\n")
        .says("api/billing/versions (alembic), 2 migrations\n")
        .says("/alembic -n billing upgrade b200 (in api)\n");
    assert_eq!(tables(db), ["t_aaaa", "t_bbbb", "t_cccc"]);
    assert_eq!(tables(&other), ["t_b100", "t_b200"]);
    run().args(["down", "--database", "billing"]).run().exits(0);
    assert_eq!((at(db), at(&other)), ("cccc".to_owned(), "b100".to_owned()));
    run()
        .args(["plan", "--database", "billing"])
        .run()
        .exits(0)
        .says("CREATE TABLE t_b200 (id INT);");
    // Alembic by hand goes on from there.
    let mut by_hand = by_hand(&project, db, &["-n", "billing", "upgrade", "head"]);
    let by_hand = by_hand.env("BILLING_DATABASE_URL", url(&other)).output();
    assert!(by_hand.unwrap().status.success());
    run().args(["status", "--exit-code"]).run().exits(0);
}

fn a_section_that_does_not_exist_is_told(db: &Database) {
    let project = both();
    for args in [["up", "--yes"], ["check", "--offline"], ["new", "notes"]] {
        on(&project, db)
            .env("MIGRATE_ALEMBIC_SECTION", "biling")
            .args(args)
            .run()
            .exits(3)
            .complains(
                "error[unknown_alembic_section]: the variable MIGRATE_ALEMBIC_SECTION names the \
                 section [biling], but api/alembic.ini has [alembic], [billing]\n",
            )
            .complains(" = help: did you mean `billing`?");
    }
    // Neither Python's defaults nor a name in other letters is one.
    for section in ["DEFAULT", "Billing"] {
        on(&project, db)
            .args(["up", "--alembic-section", section])
            .run()
            .exits(3)
            .complains("the option --alembic-section names the section [");
    }
    // One of Python's logging is there, and is none of Alembic's.
    on(&project, db)
        .args(["up", "--alembic-section", "logger_root"])
        .run()
        .exits(3)
        .complains(
            "error[no_script_location]: api/alembic.ini has no script_location in [logger_root]",
        )
        .complains("it has one in [alembic], [billing]");
    assert_eq!(db.tables(), [""; 0]);
}

fn a_section_alone_is_named_where_it_is_missed(db: &Database) {
    let project = both();
    let ini = INI.replace("[alembic]", "[app]");
    project.write("api/alembic.ini", ini);
    on(&project, db)
        .run()
        .exits(3)
        .complains("error[no_script_location]: api/alembic.ini has no script_location in [alembic]")
        .complains("it has one in [app]")
        .complains("--alembic-section");
    on(&project, db)
        .args(["up", "--alembic-section", "app"])
        .run()
        .exits(0);
    assert_eq!(at(db), "cccc");
}

fn a_sections_heads_and_names_are_asked_of_its_own(db: &Database) {
    let project = both();
    let text = revision("b300", Some("b200"), "pass", "pass");
    project.write(
        "api/billing/versions/b3.py",
        text.replace("= 'b200'", "= 'b' + '200'"),
    );
    billing(&project, db)
        .run()
        .exits(0)
        .says("/alembic -n billing upgrade b300 (in api)\n");
    assert_eq!(at(db), "b300");
    let made = billing(&project, db).args(["new", "notes"]).run().exits(0);
    let made = made.stdout.trim().to_owned();
    assert!(made.starts_with("api/billing/versions/"), "{made}");
    let project = both();
    let second = revision("b300", Some("b100"), "pass", "pass");
    project.write("api/billing/versions/b3.py", second);
    billing(&project, db)
        .args(["check", "--offline"])
        .run()
        .exits(3)
        .says("`cd api && alembic -n billing merge -m \"merge heads\" b200 b300`");
    // The other section's are none of its heads.
    on(&project, &Database::new(db.server)).run().exits(0);
    assert!(
        table(both(), "dddd", Some("cccc"))
            .path("api/billing")
            .exists()
    );
}

fn one_section_is_for_one_database(db: &Database) {
    let project = both().file(
        "migrate.toml",
        "[database.app]\nurl-env = \"DATABASE_URL\"\n[database.billing]\n",
    );
    billing(&project, db)
        .run()
        .exits(3)
        .complains("MIGRATE_ALEMBIC_SECTION");
    assert_eq!(db.tables(), [""; 0]);
}

fn pyproject_is_read_whatever_the_section(db: &Database) {
    let project = both().file(
        "api/pyproject.toml",
        "[tool.alembic]\nscript_location = \"%(here)s/billing\"\n",
    );
    project.write(
        "api/alembic.ini",
        INI.replace("[alembic]\nscript_location = %(here)s/alembic", "[other]"),
    );
    let run = || {
        let run = in_environment(&project).env("BILLING_DATABASE_URL", &url(db));
        run.env("DATABASE_URL", &url(db))
    };
    run()
        .args(["up", "--steps", "1", "--alembic-section", "other"])
        .run()
        .exits(0)
        .says("/alembic -n other upgrade b100 (in api)\n");
    project.remove("api/alembic.ini");
    run()
        .args([
            "up",
            "--alembic-section",
            "other",
            "--dir",
            "api",
            "--format",
            "alembic",
        ])
        .run()
        .exits(0)
        .says("/alembic -n other upgrade b200 (in api)\n");
    assert_eq!(at(db), "b200");
}
