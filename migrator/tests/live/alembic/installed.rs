//! Revisions in a package of Python that is installed, and not in the project.

use super::app::{ENV, INI, at, in_environment, on, revision, tables, three, url};
use crate::support::{Database, Migrate, Project, stories};

stories! {
    on [SqliteWithPython] {
        a_package_that_hangs_ends_with_the_run,
        a_package_that_nobody_finds_is_told,
        a_package_that_prints_and_a_name_that_only_python_knows,
        a_project_has_revisions_beside_those_of_a_package,
        an_installed_package_has_the_revisions,
    }
}

/// A project whose revisions are in a package, and the folder where that is.
fn installed() -> (Project, Project) {
    let project = three();
    let elsewhere = Project::new()
        .file("shop/__init__.py", "")
        .file("shop/db/__init__.py", "");
    let from = project.path("api/alembic");
    std::fs::rename(from, elsewhere.path("shop/db/alembic")).unwrap();
    let ini = INI.replace("%(here)s/alembic", "shop.db:alembic");
    project.write("api/alembic.ini", ini);
    (project, elsewhere)
}

/// The program in the project, where Python finds the package.
fn with(project: &Project, elsewhere: &Project, db: &Database) -> Migrate {
    let path = elsewhere.root().to_str().unwrap();
    on(project, db).env("PYTHONPATH", path)
}

fn an_installed_package_has_the_revisions(db: &Database) {
    let (project, elsewhere) = installed();
    // What env.py says of the version table is obeyed there as well.
    let env = ENV.replace(
        "configure(connection=connection)",
        "configure(connection=connection, version_table='v')",
    );
    elsewhere.write("shop/db/alembic/env.py", env);
    let versions = elsewhere.path("shop/db/alembic/versions");
    let versions = versions.canonicalize().unwrap();
    with(&project, &elsewhere, db)
        .args(["up", "--to", "bbbb"])
        .run()
        .exits(0)
        .says(&format!(
            "migrations  {} (alembic), 3 migrations\n",
            versions.display()
        ))
        .says("/alembic upgrade bbbb (in api)\n")
        .says("history in v\n");
    assert_eq!(db.value("SELECT version_num FROM v"), "bbbb");
    with(&project, &elsewhere, db)
        .args(["plan"])
        .run()
        .exits(0)
        .says("CREATE TABLE t_cccc (id INT);");
    with(&project, &elsewhere, db)
        .args(["status", "--exit-code"])
        .run()
        .exits(6)
        .says("  pending       cccc  the cccc\n");
    with(&project, &elsewhere, db).args(["down"]).run().exits(0);
    assert_eq!(tables(db), ["t_aaaa"]);
    let run = |args: [&str; 2]| with(&project, &elsewhere, db).args(args).run();
    run(["check", "--offline"])
        .exits(0)
        .says("3 migrations checked, 0 errors");
    run(["doctor", "--verbose"]).says("versions: 3 migrations\n");
    let made = run(["new", "notes"]).exits(0);
    assert!(
        made.stdout.contains("shop/db/alembic/versions/"),
        "{made:?}"
    );
}

fn a_project_has_revisions_beside_those_of_a_package(db: &Database) {
    let (project, elsewhere) = installed();
    let more = "version_locations = shop.db:alembic:versions %(here)s/more\n\n[loggers]";
    let ini = std::fs::read_to_string(project.path("api/alembic.ini")).unwrap();
    project.write("api/alembic.ini", ini.replacen("[loggers]", more, 1));
    let text = revision("dddd", Some("cccc"), "pass", "pass");
    project.write("api/more/d.py", text);
    with(&project, &elsewhere, db)
        .run()
        .exits(0)
        .says("/shop/db/alembic/versions, api/more (alembic), 4 migrations\n");
    assert_eq!(at(db), "dddd");
}

fn a_package_that_prints_and_a_name_that_only_python_knows(db: &Database) {
    let (project, elsewhere) = installed();
    elsewhere.write("shop/__init__.py", "print('hello')\n");
    let text = revision("dddd", Some("cccc"), "pass", "pass");
    elsewhere.write(
        "shop/db/alembic/versions/d.py",
        text.replace("'cccc'", "'c' * 4"),
    );
    with(&project, &elsewhere, db).run().exits(0);
    assert_eq!(at(db), "dddd");
}

fn a_package_that_nobody_finds_is_told(db: &Database) {
    let (project, elsewhere) = installed();
    let title = "error[alembic_package_not_found]: api/alembic.ini names shop.db:alembic, which is not in \
         this project, and Python could not find it";
    for args in [["up", "--yes"], ["status", "--exit-code"], ["new", "notes"]] {
        on(&project, db)
            .args(args)
            .run()
            .exits(3)
            .complains(title)
            .complains("Python: ModuleNotFoundError: No module named 'shop'");
    }
    on(&project, db).args(["doctor"]).run().exits(3).says(title);
    // Without a Python, nothing can be asked.
    Migrate::new(&project)
        .env("DATABASE_URL", &url(db))
        .env("PATH", "/nonexistent")
        .args(["check", "--offline"])
        .run()
        .exits(3)
        .complains(title)
        .complains("Python: Alembic cannot be started: neither `alembic` nor `python3` exists");
    assert_eq!(db.tables(), [""; 0]);
    // A package of the project whose folder is missing is no other one's.
    project.write("api/shop/__init__.py", "");
    with(&project, &elsewhere, db)
        .run()
        .exits(3)
        .complains("error[missing_folder]")
        .complains("api/shop/db/alembic/versions does not exist");
}

fn a_package_that_hangs_ends_with_the_run(db: &Database) {
    let (project, elsewhere) = installed();
    elsewhere.write("shop/__init__.py", "import time\ntime.sleep(600)\n");
    for verb in ["up", "plan", "doctor"] {
        with(&project, &elsewhere, db)
            .args([verb, "--deadline", "2s"])
            .run()
            .exits(10)
            .complains("error[deadline]");
    }
    let running = in_environment(&project)
        .env("PYTHONPATH", elsewhere.root().to_str().unwrap())
        .args(["check", "--offline"])
        .spawn();
    std::thread::sleep(std::time::Duration::from_secs(1));
    running.signal("TERM");
    running.wait().exits(143);
}
