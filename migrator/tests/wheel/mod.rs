//! The wheel: installed by Poetry into an application as `DigitalOcean`'s build for
//! Python installs it, and started as a job is started there.
//!
//! `scripts/python` and `scripts/wheel` make what is needed; without them the tests
//! are ignored.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod workspace;

use crate::support::{Database, Migrate, Output, Server};
use std::fs;
use std::path::Path;
use std::process::Command;
use workspace::Workspace;

/// The example's newest revision.
const HEAD: &str = "e94b6072f3ad";

/// The ways in which a platform may start `run_command: migrate`.
const STARTS: [&[&str]; 6] = [
    // No shell.
    &["migrate"],
    &["bash", "-c", "migrate"],
    &["bash", "-c", "exec \"$@\"", "launcher", "migrate"],
    // As the arguments of an entry point that is the program already.
    &["migrate", "migrate"],
    &["migrate", "migrate", "up"],
    &["sh", "-c", "exec migrate up"],
];

/// One test, since what Poetry lays takes far longer than what is asked of it.
#[test]
#[ignore = "needs scripts/wheel and scripts/servers"]
fn it_is_installed_and_run_as_a_job() {
    let workspace = Workspace::build();
    the_wheel_holds_the_program_and_no_python(&workspace);
    a_job_without_its_variables_says_so(&workspace);
    a_job_needs_no_path(&workspace);
    a_job_applies_the_revisions_however_it_is_started(&workspace);
}

fn a_job_applies_the_revisions_however_it_is_started(workspace: &Workspace) {
    for start in STARTS {
        for server in [Server::Postgres, Server::Sqlite] {
            let database = Database::new(server);
            job(workspace, start, &database).exits(0).says(HEAD);
            assert_eq!(heads(&database), [HEAD], "{start:?}");
            assert_eq!(kinds(&database), ["asset", "liability", "income"]);
            // The next deploy has nothing to apply.
            let before = database.snapshot();
            job(workspace, start, &database)
                .exits(0)
                .does_not_say("3f1c9a5d7e20");
            assert_eq!(database.snapshot(), before, "{start:?}");
        }
    }
}

/// Where nothing has put the environment on the PATH, it is found all the same: below
/// the application's folder, or by where the program itself is.
fn a_job_needs_no_path(workspace: &Workspace) {
    let absolute = workspace.path(".heroku/python/bin/migrate");
    let elsewhere = workspace.source_alone();
    for (program, folder) in [
        (Path::new(".heroku/python/bin/migrate"), workspace.root()),
        (&absolute, workspace.root()),
        (&absolute, elsewhere.path()),
    ] {
        let database = Database::new(Server::Sqlite);
        Migrate::by(Command::new(program), folder)
            .env("PATH", "/usr/bin:/bin")
            .env("DATABASE_URL", &url(&database))
            .run()
            .exits(0);
        assert_eq!(heads(&database), [HEAD]);
    }
}

fn the_wheel_holds_the_program_and_no_python(workspace: &Workspace) {
    let packages = workspace.packages();
    let installed: Vec<_> = fs::read_dir(&packages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("migrate"))
        .collect();
    let version = env!("CARGO_PKG_VERSION");
    let info = format!("cnb_migrate-{version}.dist-info");
    assert_eq!(installed, std::slice::from_ref(&info));
    assert!(packages.join(&info).join("licenses/LICENSE").exists());
    let metadata = fs::read_to_string(packages.join(&info).join("METADATA")).unwrap();
    assert!(metadata.contains("License-Expression: Apache-2.0\n"));
    // The tag promises glibc's version, and not only an architecture.
    let wheel = fs::read_to_string(packages.join(&info).join("WHEEL")).unwrap();
    assert!(wheel.contains("Tag: py3-none-manylinux_2_"), "{wheel}");

    let program = fs::read(workspace.path(".heroku/python/bin/migrate")).unwrap();
    assert!(program.starts_with(b"\x7fELF"), "it is no script");
    let said = run(&["migrate", "--version"], workspace, |migrate| migrate);
    said.exits(0).says(&format!("migrate {version}"));
}

fn a_job_without_its_variables_says_so(workspace: &Workspace) {
    let unset = run(&["migrate"], workspace, |migrate| migrate);
    unset.exits(3).ends("DATABASE_URL");
    let unresolved = run(&["migrate"], workspace, |migrate| {
        migrate.env("DATABASE_URL", "${db.DATABASE_URL}")
    });
    unresolved.exits(3).ends("${db.DATABASE_URL}");
}

fn job(workspace: &Workspace, start: &[&str], database: &Database) -> Output {
    run(start, workspace, |migrate| {
        migrate
            .env("DATABASE_URL", &url(database))
            .env("SECRET_KEY", "not the migrator's business")
    })
}

/// In the app's folder, with what the platform sets and the job's own variables.
fn run(start: &[&str], workspace: &Workspace, set: impl Fn(Migrate) -> Migrate) -> Output {
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        workspace.path(".heroku/python/bin").display()
    );
    let mut command = Command::new(start[0]);
    command.args(&start[1..]);
    let migrate = Migrate::by(command, workspace.root())
        .env("HOME", &workspace.root().display().to_string())
        .env("PATH", &path)
        .env("PYTHONUNBUFFERED", "true");
    set(migrate).run()
}

/// As `SQLAlchemy` writes it, or as the platform does.
fn url(database: &Database) -> String {
    match database.server {
        Server::Sqlite => format!("sqlite+aiosqlite:///{}", database.path().display()),
        _ => database.url().to_owned(),
    }
}

fn heads(database: &Database) -> Vec<String> {
    database.column("SELECT version_num FROM alembic_version")
}

/// What the data migration has made of the accounts' numbers.
fn kinds(database: &Database) -> Vec<String> {
    database.column("SELECT kind FROM accounts ORDER BY number")
}
