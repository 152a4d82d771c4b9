//! `examples/rust-app`, a project with a program of its own that carries its
//! migrations: built as a platform's Rust buildpack builds it, its sources
//! deleted, and run from where they were.
//!
//! It is compiled with its own lock into a folder that is kept, so that only the
//! first run takes a minute. Its sources stand in no other workspace: this
//! project's target folder may lie within the project's own.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use crate::support::{Database, Migrate, Project, Server};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One at a time: they share the folder in which they compile.
static WORKSHOP: Mutex<()> = Mutex::new(());

/// A copy of the example, at a place of its own.
struct App {
    root: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

/// What cargo came to.
struct Built {
    succeeded: bool,
    said: String,
}

impl App {
    fn new() -> Self {
        let alone = WORKSHOP.lock().unwrap_or_else(PoisonError::into_inner);
        let mut checkout = DefaultHasher::new();
        env!("CARGO_MANIFEST_DIR").hash(&mut checkout);
        let name = format!("cnb-migrate-rust-app-{:016x}", checkout.finish());
        let root = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&root);
        let app = Self {
            root: root.join("workspace"),
            _alone: alone,
        };
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        copy(&project.join("examples/rust-app"), &app.root);
        // What is published would be named by its repository.
        let manifest = app.read("Cargo.toml");
        let whole = project.canonicalize().unwrap();
        app.write(
            "Cargo.toml",
            &manifest.replace("path = \"../..", &format!("path = \"{}", whole.display())),
        );
        app
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the Rust buildpack of a platform runs for a package, but that it does
    /// not optimise.
    fn install(&self) -> Built {
        let layer = self.root.with_file_name("layer");
        self.cargo(&[
            "install",
            "--locked",
            "--color=never",
            "--debug",
            "--force",
            &format!("--root={}", layer.display()),
            &format!("--path={}", self.root.display()),
        ])
    }

    fn build(&self) -> Built {
        self.cargo(&["build", "--locked", "--color=never", "--bin=migrate"])
    }

    fn cargo(&self, arguments: &[&str]) -> Built {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", Self::target())
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_INCREMENTAL", "false")
            .output()
            .unwrap();
        Built {
            succeeded: output.status.success(),
            said: String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned(),
        }
    }

    fn target() -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-app/target")
    }

    /// The program that [`App::build`] made.
    fn compiled() -> PathBuf {
        Self::target().join("debug/migrate")
    }

    /// Deletes the sources and links the programs to where they were, as that
    /// buildpack does; the path of `migrate`.
    fn shipped(&self) -> PathBuf {
        fs::remove_dir_all(&self.root).unwrap();
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        for name in ["migrate", "web"] {
            let installed = self.root.with_file_name("layer").join("bin").join(name);
            assert!(installed.is_file(), "{name} was installed");
            symlink(installed, bin.join(name)).unwrap();
        }
        bin.join("migrate")
    }
}

impl Built {
    #[track_caller]
    fn succeeds(&self) {
        let said = &self.said;
        assert!(
            !said.contains("because --locked was passed"),
            "the migrator's dependencies have changed: run scripts/lock-examples\n{said}"
        );
        assert!(self.succeeded, "{said}");
    }

    #[track_caller]
    fn fails_with(&self, words: &[&str]) {
        assert!(!self.succeeded, "{}", self.said);
        for word in words {
            assert!(self.said.contains(word), "no {word:?} in:\n{}", self.said);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_name() == "target" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every verb of it, in a folder where there is nothing else.
fn migrates(program: &Path, db: &Database) {
    let elsewhere = Project::new();
    let run = |args: [&str; 2]| Migrate::of(program, &elsewhere).on(db).args(args).run();
    run(["plan", "--yes"])
        .exits(0)
        .says("20260201090000 guests (migrations/20260201090000_guests.sql)")
        .says("20260301090000 fold names (src/migrate.rs:");
    run(["up", "--verbose"])
        .exits(0)
        .says("dir               migrations (the program itself)")
        .says("✅ 20260301090000 fold names (")
        .says("Applied 4 migrations and 1 repeatable file");
    assert_eq!(
        db.column("SELECT folded FROM guest_names ORDER BY id"),
        ["ada lovelace", "émilie du châtelet"]
    );
    run(["status", "--exit-code"]).exits(0).says("0 pending");
    run(["down", "--yes"])
        .exits(0)
        .says("20260315090000 visits");
    run(["check", "--yes"]).exits(6);
    run(["up", "--yes"])
        .exits(0)
        .says("Applied 1 migration and 1 repeatable file");
    // Where there is no source tree, none is begun.
    run(["new", "more"])
        .exits(3)
        .complains("error[no_source_tree]");
    assert_eq!(fs::read_dir(elsewhere.root()).unwrap().count(), 0);
}

#[test]
fn it_runs_where_its_sources_were_deleted() {
    let app = App::new();
    app.install().succeeds();
    let program = app.shipped();
    migrates(&program, &Database::new(Server::Sqlite));
}

#[test]
#[ignore = "needs scripts/servers"]
fn it_runs_against_postgres() {
    let app = App::new();
    app.build().succeeds();
    migrates(&App::compiled(), &Database::new(Server::Postgres));
}

/// Nobody touches a source file: the folder alone has changed.
#[test]
fn what_changes_in_the_folder_is_compiled_in() {
    let app = App::new();
    app.build().succeeds();
    let elsewhere = Project::new();
    let db = Database::new(Server::Sqlite);
    let up = || {
        Migrate::of(&App::compiled(), &elsewhere)
            .on(&db)
            .args(["up"])
            .run()
    };
    up().exits(0).says("Applied 4 migrations");

    app.write(
        "migrations/20260401090000_stamps.sql",
        "CREATE TABLE stamps (id BIGINT);\n",
    );
    app.build().succeeds();
    up().exits(0).says("✅ 20260401090000 stamps");

    app.write(
        "migrations/repeatable/guest_names.sql",
        "DROP VIEW IF EXISTS guest_names;\nCREATE VIEW guest_names AS SELECT id FROM guests;\n",
    );
    app.build().succeeds();
    up().exits(0).says("✅ repeatable guest_names");

    app.write(
        "migrations/20260501090000_moved.sql",
        "CREATE TABLE moved (id BIGINT);\n",
    );
    app.build().succeeds();
    fs::remove_file(app.path("migrations/20260501090000_moved.sql")).unwrap();
    app.build().succeeds();
    up().exits(0).says("Nothing to do");

    // And where nothing has changed, nothing is compiled.
    let same = app.build();
    same.succeeds();
    assert!(!same.said.contains("Compiling"), "{}", same.said);
}

#[test]
fn its_settings_are_carried_with_it() {
    let app = App::new();
    app.write("migrate.toml", "lock-wait = \"7m\"\ntable = \"history\"\n");
    app.build().succeeds();
    let elsewhere = Project::new();
    let db = Database::new(Server::Sqlite);
    Migrate::of(&App::compiled(), &elsewhere)
        .on(&db)
        .args(["up", "--verbose"])
        .run()
        .exits(0)
        .says("history in history")
        .says("`lock-wait` in migrate.toml of the program");

    fs::remove_file(app.path("migrate.toml")).unwrap();
    app.write("sqlx.toml", "[migrate]\ntable-name = \"of_sqlx\"\n");
    app.write("build.rs", &(app.read("build.rs") + "\n"));
    app.build().succeeds();
    Migrate::of(&App::compiled(), &elsewhere)
        .env("DATABASE_URL", "sqlite:other.db")
        .args(["plan"])
        .run()
        .exits(0)
        .says("history in of_sqlx");
}

/// As it is developed: nothing that cargo sets is taken for an option.
#[test]
fn cargo_run_is_the_program() {
    let app = App::new();
    let ran = app.cargo(&[
        "run",
        "--locked",
        "--quiet",
        "--bin=migrate",
        "--",
        "check",
        "--offline",
        "--database-url=sqlite:x.db",
    ]);
    ran.succeeds();
    assert_eq!(ran.said, "4 migrations checked, 0 errors, 0 warnings.\n");
}

/// An option, the environment and a named file come first.
#[test]
fn a_folder_that_is_named_comes_first() {
    let app = App::new();
    app.build().succeeds();
    let project = Project::new()
        .file("db/1_a.sql", "CREATE TABLE a (id INT);\n")
        .file("dir.toml", "dir = \"db\"\n")
        .file("other.toml", "lock-wait = \"1m\"\n");
    let plan = |args: [&str; 3]| {
        Migrate::of(&App::compiled(), &project)
            .env("DATABASE_URL", "sqlite:app.db")
            .args(args)
            .run()
            .exits(0)
    };
    // The program's code is part of it wherever its files are.
    plan(["plan", "--dir", "db"])
        .says("1 a (db/1_a.sql)")
        .says("20260301090000 fold names (src/migrate.rs:")
        .does_not_say("guests");
    plan(["plan", "--config", "dir.toml"])
        .says("1 a (db/1_a.sql)")
        .does_not_say("guests");
    plan(["plan", "--config", "other.toml"]).says("20260201090000 guests");
}

#[test]
fn what_is_forgotten_fails_the_build_and_is_named() {
    let app = App::new();
    let build_rs = app.read("build.rs");
    let manifest = app.read("Cargo.toml");

    fs::remove_file(app.path("build.rs")).unwrap();
    app.build().fails_with(&[
        "needs a build.rs that calls migrate_build::embed",
        "a new migration would not be compiled in",
    ]);
    app.write("build.rs", "fn main() {}\n");
    app.build()
        .fails_with(&["needs a build.rs that calls migrate_build::embed"]);
    app.write("build.rs", &build_rs.replace("migrations", "db"));
    app.build()
        .fails_with(&["the migrations folder `db` does not exist: /"]);
    fs::create_dir(app.path("db")).unwrap();
    app.build()
        .fails_with(&["migrate::main! and the build.rs name different folders"]);
    app.write("build.rs", &build_rs);
    app.write("Cargo.toml", &manifest.replace("[workspace]", ""));
    app.build().succeeds();
}

#[test]
fn each_of_several_databases_has_its_own_folder_and_code() {
    let app = App::new();
    app.write(
        "migrate.toml",
        "[database.app]\ndir = \"migrations\"\n\n[database.billing]\ndir = \"billing\"\n",
    );
    app.write("billing/1_bills.sql", "CREATE TABLE bills (id INT);\n");
    app.write(
        "build.rs",
        "fn main() {\n    migrate_build::embed_all(&[\"migrations\", \"billing\"]);\n}\n",
    );
    let program = app.read("src/migrate.rs");
    let program = program.replace("\"migrations\"", "\"migrations\", \"billing\"");
    app.write("src/migrate.rs", &program);
    app.build().succeeds();
    let elsewhere = Project::new();
    let up = || {
        Migrate::of(&App::compiled(), &elsewhere)
            .env("APP_DATABASE_URL", "sqlite:app.db")
            .env("BILLING_DATABASE_URL", "sqlite:billing.db")
            .args(["up"])
            .run()
    };
    up().exits(3)
        .complains("error[code_without_database]")
        .complains("does not say which of the databases it is for: app, billing");
    assert_eq!(fs::read_dir(elsewhere.root()).unwrap().count(), 0);

    let program = program.replace(".rust(", ".database(\"app\")\n        .rust(");
    app.write("src/migrate.rs", &program);
    app.build().succeeds();
    up().exits(0)
        .says("✅ 20260301090000 fold names")
        .says("✅ 1 bills");
    let status = Migrate::of(&App::compiled(), &elsewhere)
        .env("BILLING_DATABASE_URL", "sqlite:billing.db")
        .args(["status", "--database", "billing"])
        .run();
    status.exits(0).says("1 migration, 1 applied");
}

/// cargo compiles a member in the workspace's folder, not in the member's.
#[test]
fn a_member_of_a_workspace_carries_its_own_folder() {
    let app = App::new();
    let manifest = app.read("Cargo.toml").replace("[workspace]", "");
    for part in ["build.rs", "migrations", "src"] {
        fs::create_dir_all(app.path("database")).unwrap();
        fs::rename(app.path(part), app.path("database").join(part)).unwrap();
    }
    app.write("database/Cargo.toml", &manifest);
    app.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"database\"]\nresolver = \"3\"\n",
    );
    // As short as it can be.
    app.write(
        "database/src/migrate.rs",
        "fn main() -> std::process::ExitCode {\n    migrate::main!(\"migrations\")\n}\n",
    );
    // A folder of the same name above it is none of its own.
    app.write("migrations/1_wrong.sql", "SELECT 1;\n");
    app.build().succeeds();
    let elsewhere = Project::new();
    let db = Database::new(Server::Sqlite);
    Migrate::of(&App::compiled(), &elsewhere)
        .on(&db)
        .args(["up"])
        .run()
        .exits(0)
        .says("✅ 20260201090000 guests");
}
