//! The real bin/detect and bin/build, without Docker: a folder, some variables and
//! a PATH are all that a phase needs. The PATH here holds a cargo that only acts as
//! one, so that a whole build takes milliseconds; `tests/image_test.rs` has the real.

// clippy.toml allows it in tests, which their helpers are not to clippy.
#![allow(clippy::unwrap_used)]

mod phases;

use phases::{Phase, entries, server};
use std::fs;

const USERS: (&str, &str) = (
    "migrations/0001_users.sql",
    "CREATE TABLE users (id int);\n",
);
const GOOSE: (&str, &str) = (
    "migrations/0001_users.sql",
    "-- +goose Up\nCREATE TABLE users (id int);\n-- +goose Down\nDROP TABLE users;\n",
);

#[test]
fn migrations_are_detected_with_a_plan_that_takes_rust_where_it_is_offered() {
    let phase = Phase::new(&[USERS]);
    phase.detect().succeeds();
    assert_eq!(
        phase.read("plan-out.toml"),
        "[[provides]]\nname = \"migrate\"\n\n\
         [[requires]]\nname = \"migrate\"\n\n[requires.metadata]\n\n\
         [[requires]]\nname = \"rust\"\n\n[requires.metadata]\n\n\
         [[or]]\n\n[[or.provides]]\nname = \"migrate\"\n\n\
         [[or.requires]]\nname = \"migrate\"\n\n[or.requires.metadata]\n"
    );
}

#[test]
fn an_app_without_migrations_is_passed_over_with_one_line() {
    for files in [&[("README.md", "hello")][..], &[GOOSE]] {
        let outcome = Phase::new(files).detect();
        assert_eq!(outcome.code, Some(100));
        assert_eq!(outcome.said.lines().count(), 1, "{}", outcome.said);
    }
}

#[test]
fn who_asks_for_the_buildpack_hears_what_is_wrong() {
    let phase = Phase::new(&[GOOSE]).set("BP_MIGRATE_DIR", "migrations");
    phase.detect().succeeds();
    phase
        .build()
        .fails_with(&["The migrations cannot be used", "goose"]);

    let phase = Phase::new(&[]).set("BP_MIGRATE_DIR", "db/sql");
    phase.detect().succeeds();
    phase
        .build()
        .fails_with(&["The migrations cannot be used", "db/sql"]);
}

#[test]
fn a_misspelt_setting_fails_the_build_and_names_the_right_one() {
    let phase = Phase::new(&[USERS]).set("BP_MIGRATE_DATABSES", "postgres");
    phase.detect().succeeds();
    phase.build().fails_with(&[
        "BP_MIGRATE_DATABSES",
        "Did you mean `BP_MIGRATE_DATABASES`?",
    ]);
    Phase::new(&[USERS])
        .set("BP_MIGRATE_DATABASES", "postgrse")
        .build()
        .fails_with(&["`postgrse`", "Did you mean `postgres`?"]);
}

#[test]
fn a_folder_outside_the_app_is_refused() {
    let phase = Phase::new(&[]).set("BP_MIGRATE_DIR", "../elsewhere");
    fs::create_dir(phase.folder.path().join("elsewhere")).unwrap();
    let file = phase.folder.path().join("elsewhere/0001_users.sql");
    fs::write(file, USERS.1).unwrap();
    phase
        .build()
        .fails_with(&["outside the app", "../elsewhere"]);
    assert_eq!(entries(&phase.layer("")), 0);
}

#[test]
fn a_build_makes_the_layers_and_the_process() {
    let phase = Phase::new(&[USERS]).rust();
    let outcome = phase.build();
    outcome.succeeds().says(&[
        "1 migration in `migrations/`: 1 users",
        "rustc 1.95.0 (abc)",
        "Compiling, because no migrator is cached",
        "Compiling cnb-migrate",
        "Added 1 file as they are",
    ]);
    let program = phase.layer("migrator/bin/migrate");
    assert!(program.is_file());
    let launch = phase.read("layers/launch.toml");
    assert!(launch.contains("type = \"migrate\""), "{launch}");
    assert!(launch.contains(program.to_str().unwrap()), "{launch}");
    assert!(launch.contains("args = [\"up\"]"), "{launch}");
    assert!(!launch.contains("default = true"), "{launch}");
    assert_eq!(
        phase.read("layers/migrations/migrations/0001_users.sql"),
        USERS.1
    );
    assert!(
        phase
            .read("layers/migrations/manifest.toml")
            .contains("migrations/0001_users.sql")
    );
    assert!(
        phase
            .read("layers/migrator.sbom.cdx.json")
            .contains("\"name\":\"cnb-migrate\"")
    );
    assert!(!phase.layer("toolchain").exists());
    let runs = phase.cargo_runs();
    assert_eq!(runs[0], "--version");
    assert!(runs[1].starts_with(
        "build --release --locked --bin migrate --target x86_64-unknown-linux-gnu \
         --no-default-features --features mysql,postgres,sqlite"
    ));
    // The workspace's own profile came with the source.
    assert!(
        runs[1].contains("--config profile.release.opt-level = \"s\""),
        "{runs:?}"
    );
}

#[test]
fn a_platform_finds_the_process_by_the_names_that_are_asked_for() {
    let phase = Phase::new(&[USERS])
        .rust()
        .set("BP_MIGRATE_PROCESS_TYPES", "migrate,release");
    phase
        .build()
        .succeeds()
        .says(&["Added the process `migrate`", "Added the process `release`"]);
    let launch: toml::Table = phase.read("layers/launch.toml").parse().unwrap();
    let processes = launch["processes"].as_array().unwrap();
    let types: Vec<_> = processes
        .iter()
        .map(|process| process["type"].as_str())
        .collect();
    assert_eq!(types, [Some("migrate"), Some("release")]);
    assert_eq!(processes[0]["command"], processes[1]["command"]);
    assert!(!phase.read("layers/launch.toml").contains("default = true"));
}

#[test]
fn the_migrator_is_never_what_a_platform_takes_for_the_application() {
    for (types, words) in [
        (
            "migrate,web",
            ["cannot be the process `web`", "`migrate,release`"],
        ),
        (
            "re/lease",
            [
                "`re/lease` cannot be the name of a process",
                "`migrate,release`",
            ],
        ),
    ] {
        Phase::new(&[USERS])
            .set("BP_MIGRATE_PROCESS_TYPES", types)
            .build()
            .fails_with(&words);
    }
}

#[test]
fn every_database_of_the_file_is_detected_and_laid() {
    let phase = Phase::new(&[
        (
            "migrate.toml",
            "[database.app]\n[database.billing]\ndir = \"billing/migrations\"\n",
        ),
        USERS,
        ("billing/migrations/0001_bills.sql", "SELECT 1;\n"),
        ("billing/migrations/0002_items.sql", "SELECT 2;\n"),
    ])
    .rust();
    phase.detect().succeeds();
    phase.build().succeeds().says(&[
        "1 migration in `migrations/` for the database `app`: 1 users",
        "2 migrations in `billing/migrations/` for the database `billing`, from 1 bills to 2 items",
        "Added 4 files as they are",
    ]);
    let manifest: toml::Table = phase
        .read("layers/migrations/manifest.toml")
        .parse()
        .unwrap();
    let folders: Vec<_> = manifest["folders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|folder| (folder["database"].as_str(), folder["dir"].as_str()))
        .collect();
    assert_eq!(
        folders,
        [
            (Some("app"), Some("migrations")),
            (Some("billing"), Some("billing/migrations"))
        ]
    );
    for file in ["migrate.toml", "billing/migrations/0002_items.sql"] {
        assert!(phase.layer("migrations").join(file).is_file(), "{file}");
    }
    // What is wrong with any of them fails the build.
    phase.write("billing/migrations/0003_more.sql", "-- +goose Up\n");
    phase
        .build()
        .fails_with(&["The migrations cannot be used", "goose"]);
}

#[test]
fn one_folder_for_several_databases_is_refused() {
    let file = "[database.app]\n[database.billing]\n";
    let phase = Phase::new(&[("migrate.toml", file), USERS]).set("BP_MIGRATE_DIR", "migrations");
    phase.detect().succeeds();
    phase.build().fails_with(&[
        "the variable BP_MIGRATE_DIR is for one database",
        "2: app, billing",
    ]);
}

#[test]
fn the_builds_own_variable_wins_over_the_file() {
    Phase::new(&[
        ("migrate.toml", "dir = \"elsewhere\"\n"),
        ("db/sql/0001_users.sql", "SELECT 1;\n"),
    ])
    .rust()
    .set("BP_MIGRATE_DIR", "db/sql")
    .build()
    .succeeds()
    .says(&["1 migration in `db/sql/`"]);
}

#[test]
fn a_mistake_in_the_file_fails_the_build_with_its_place_and_the_nearest_key() {
    for (text, said) in [
        ("dir = \"migrations\"\nlock_wait = \"1m\"\n", "lock-wait"),
        ("\nwait = \"soon\"\n", "a duration such as 30s"),
        ("[database.a]\nurl_env = \"A\"\n", "url-env"),
    ] {
        let phase = Phase::new(&[("migrate.toml", text), USERS]);
        phase.detect().succeeds();
        phase
            .build()
            .fails_with(&["The migrations cannot be used", "migrate.toml:2:", said]);
        assert_eq!(entries(&phase.layer("")), 0);
    }
}

#[test]
fn a_build_with_nothing_or_only_sql_changed_does_not_start_cargo() {
    let phase = Phase::new(&[USERS]).rust();
    phase.build().succeeds();
    phase.cargo_runs();
    let sbom = phase.read("layers/migrator.sbom.cdx.json");
    phase.write(
        "migrations/0002_posts.sql",
        "CREATE TABLE posts (id int);\n",
    );
    phase.build().succeeds().says(&[
        "2 migrations in `migrations/`, from 1 users to 2 posts",
        "Using the cached migrator",
    ]);
    // Asked for its version, to see that it is the same; not started.
    assert_eq!(phase.cargo_runs(), ["--version"]);
    assert_eq!(phase.read("layers/migrator.sbom.cdx.json"), sbom);
    assert!(
        phase
            .layer("migrations/migrations/0002_posts.sql")
            .is_file()
    );
    // What the next compilation can use stays in the cache.
    assert!(phase.read("layers/cargo.toml").contains("cache = true"));
}

#[test]
fn other_options_compile_again_and_say_why() {
    let phase = Phase::new(&[USERS]).rust();
    phase.build().succeeds();
    let phase = phase
        .set("BP_MIGRATE_DATABASES", "sqlite")
        .set("RUSTFLAGS", "-g");
    phase.build().succeeds().says(&[
        "the databases changed from `mysql,postgres,sqlite` to `sqlite`",
        "and the compiler's settings in the environment changed",
    ]);
    let runs = phase.cargo_runs();
    assert!(
        runs.last().unwrap().contains("--features sqlite "),
        "{runs:?}"
    );
}

#[test]
fn a_failed_compilation_is_explained_and_leaves_nothing_to_reuse() {
    let script = "test \"$1\" = --version && echo 'cargo 1.95.0' && exit\n\
                  echo 'error: failed to download from `https://example.com`' >&2; exit 101";
    let phase = Phase::new(&[USERS]).rust().program("cargo", script);
    phase.build().fails_with(&[
        "error: failed to download from",
        "The migrator could not be compiled",
        "A crate could not be downloaded from the Rust registry",
    ]);
    // The next build starts with a good cargo, in the same folders.
    let phase = phase.rust();
    phase.build().succeeds().says(&["Compiling cnb-migrate"]);
}

#[test]
fn a_build_image_without_a_c_compiler_is_told_before_cargo_starts() {
    let phase = Phase::new(&[USERS]).rust();
    fs::remove_file(phase.folder.path().join("path/cc")).unwrap();
    phase
        .build()
        .fails_with(&["No C compiler in the build image"]);
    assert_eq!(phase.cargo_runs(), ["--version"]);
}

#[test]
fn a_run_image_that_cannot_run_the_migrator_is_told() {
    Phase::new(&[USERS])
        .rust()
        .set("CNB_TARGET_DISTRO_NAME", "alpine")
        .build()
        .fails_with(&["The run image has no glibc"]);
    Phase::new(&[USERS])
        .rust()
        .set("CNB_TARGET_DISTRO_NAME", "ubuntu")
        .set("CNB_TARGET_DISTRO_VERSION", "20.04")
        .build()
        .fails_with(&["ubuntu 20.04, which has glibc 2.31", "needs glibc 2.34"]);
}

#[test]
fn a_mirror_that_gives_another_file_fails_and_leaves_no_toolchain() {
    let phase = Phase::new(&[USERS])
        .program("cc", "exit 0")
        .set("BP_MIGRATE_RUST_MIRROR", &server("200 OK", "please log in"));
    let outcome = phase.build();
    outcome.fails_with(&[
        "there is no cargo on the PATH",
        "A downloaded part of the Rust toolchain is not the expected one",
        "http://127.0.0.1:",
        "BP_MIGRATE_RUST_MIRROR",
    ]);
    assert!(!outcome.said.contains("secret"), "{}", outcome.said);
    assert_eq!(entries(&phase.layer("toolchain")), 0);
    assert!(!phase.read("layers/toolchain.toml").contains("components"));
}

#[test]
fn a_mirror_that_does_not_answer_fails_with_what_to_do() {
    let phase = Phase::new(&[USERS])
        .program("cc", "exit 0")
        .set("BP_MIGRATE_RUST_MIRROR", &server("404 Not Found", ""));
    phase.build().fails_with(&[
        "The Rust toolchain could not be downloaded",
        "404 Not Found",
        "HTTPS_PROXY",
    ]);
    assert_eq!(entries(&phase.layer("toolchain")), 0);
}

#[test]
fn a_database_that_is_named_for_the_build_is_left_alone_and_said_so() {
    let outcome = Phase::new(&[USERS])
        .rust()
        .set("DATABASE_URL", "postgres://me:hunter2@db/app")
        .build();
    outcome
        .succeeds()
        .says(&["DATABASE_URL is set for the build"]);
    assert!(!outcome.said.contains("hunter2"), "{}", outcome.said);
}

/// An app whose migrations are inside a program of its own.
const OWN: [(&str, &str); 4] = [
    (
        "Cargo.toml",
        "[package]\nname = \"guestbook\"\nversion = \"0.1.0\"\n\n\
         [[bin]]\nname = \"migrate\"\npath = \"src/migrate.rs\"\n\n\
         [dependencies]\ncnb-migrate = \"0.1\"\n",
    ),
    (
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"guestbook\"\nversion = \"0.1.0\"\n",
    ),
    ("src/migrate.rs", "fn main() {}\n"),
    USERS,
];

#[test]
fn an_apps_own_program_is_compiled_in_place_of_the_carried_one() {
    let phase = Phase::new(&OWN).rust();
    phase.detect().succeeds();
    phase.build().succeeds().says(&[
        "Inside the app's own program `migrate`, of the package `guestbook`",
        "Migrator of the package `guestbook`",
        "Compiling, because no migrator is cached",
        "3 migrations are inside the program, and checked",
        "Added the process `migrate`",
    ]);
    let runs = phase.cargo_runs();
    assert!(
        runs[1].starts_with(
            "build --release --locked --bin migrate --target x86_64-unknown-linux-gnu \
             --package guestbook --message-format"
        ),
        "{runs:?}"
    );
    // Its release profile is its own.
    assert!(!runs[1].contains("profile.release"), "{runs:?}");
    let launch = phase.read("layers/launch.toml");
    let program = phase.layer("migrator/bin/migrate");
    assert!(launch.contains("type = \"migrate\""), "{launch}");
    assert!(launch.contains(program.to_str().unwrap()), "{launch}");
    assert!(!phase.layer("migrations").exists());
    assert!(
        phase
            .read("layers/migrator.sbom.cdx.json")
            .contains("\"name\":\"guestbook\"")
    );
    // The app is as it was.
    for (path, text) in OWN {
        assert_eq!(phase.read(&format!("app/{path}")), text);
    }
    assert_eq!(entries(&phase.folder.path().join("app")), 4);
}

#[test]
fn an_apps_own_program_is_compiled_again_when_anything_of_the_app_changes() {
    let phase = Phase::new(&OWN).rust();
    phase.build().succeeds();
    phase.cargo_runs();
    phase.write("target/CACHEDIR.TAG", "");
    phase.write("target/release/other", "");
    phase.build().succeeds().says(&[
        "Using the cached migrator",
        "3 migrations are inside the program, and checked",
    ]);
    assert_eq!(phase.cargo_runs(), ["--version"]);
    phase.write("migrations/0002_posts.sql", "SELECT 1;\n");
    phase
        .build()
        .succeeds()
        .says(&["Compiling, because its source changed"]);
    assert_eq!(phase.cargo_runs().len(), 2);
}

#[test]
fn a_folder_that_is_named_is_for_the_carried_program() {
    let phase = Phase::new(&OWN).rust();
    phase.build().succeeds();
    let phase = phase.set("BP_MIGRATE_DIR", "migrations");
    phase.build().succeeds().says(&[
        "1 migration in `migrations/`: 1 users",
        "Compiling, because the program is `cnb-migrate` now, not `guestbook`",
    ]);
}

#[test]
fn what_is_wrong_with_an_apps_own_program_is_told() {
    let phase = Phase::new(&[OWN[0], OWN[2], OWN[3]]).rust();
    phase.detect().succeeds();
    phase
        .build()
        .fails_with(&["The app has no Cargo.lock", "cargo generate-lockfile"]);
    assert_eq!(entries(&phase.layer("")), 0);

    let script = "test \"$1\" = --version && echo 'cargo 1.95.0 (abc)' && exit\n\
                  echo 'error[E0425]: cannot find value' >&2\nexit 101";
    Phase::new(&OWN)
        .rust()
        .program("cargo", script)
        .build()
        .fails_with(&[
            "error[E0425]: cannot find value",
            "The app's own program `migrate` could not be compiled",
            "cargo build --release --locked --bin migrate",
        ]);

    let outcome = Phase::new(&OWN)
        .rust()
        .set("BP_MIGRATE_DATABASES", "sqlite")
        .build();
    outcome
        .succeeds()
        .says(&["BP_MIGRATE_DATABASES has no effect"]);
}

#[test]
fn an_own_program_that_finds_its_migrations_wrong_fails_the_build() {
    let phase = Phase::new(&OWN).rust();
    phase.build().succeeds();
    // The next build finds it in the cache, and asks it again.
    let program = phase.layer("migrator/bin/migrate");
    fs::write(
        &program,
        "#!/bin/sh\n# made of GLIBC_2.34\necho 'error[duplicate_version]'\nexit 3\n",
    )
    .unwrap();
    phase.build().fails_with(&[
        "The migrations inside the app's own program cannot be used",
        "error[duplicate_version]",
    ]);
}
