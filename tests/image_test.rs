//! The real thing: `pack build` with a real builder, and the image that it makes
//! against real databases. `scripts/` sets up all of it; each test is ignored in a
//! plain `cargo test`, as is the custom.
//!
//! A cold build compiles every dependency of the migrator, so there are few of them
//! here, and each test tells a story of builds that follow one another. One of them
//! compiles as for a user, [`a_build_image_without_rust_gets_one`]; the others do not
//! optimise.

// clippy.toml allows it in tests, which their helpers are not to clippy.
#![allow(clippy::unwrap_used)]

mod image;

use image::{Database, Run, STARTS, builder, config, quick_config, run};
use libcnb::data::layer_name;
use libcnb_test::{
    BuildConfig, BuildpackReference, ContainerConfig, PackResult, TestContext, TestRunner,
    assert_contains, assert_not_contains,
};
use std::fs;
use std::path::Path;

const APP: &str = "examples/plain-sql";
const PROGRAM: &str = "/layers/cnb-migrate_migrate/migrator/bin/migrate";

/// What only a compilation says.
const COMPILING: &str = "Running `cargo build";

#[test]
#[ignore = "integration test"]
fn an_image_is_built_rebuilt_and_run() {
    let app = quick_config(&builder("INTEGRATION_TEST_BUILDER", "builder"), APP);
    TestRunner::default().build(&app, |cold| {
        assert_contains!(cold.pack_stdout, "4 migrations in `migrations/`");
        assert_contains!(cold.pack_stdout, "Compiling, because no migrator is cached");
        assert_contains!(cold.pack_stdout, "Compiling sqlx-core");
        let program = digest(&cold);
        lists_what_it_is_made_of(&cold);
        migrates_a_postgres_database(&cold);
        migrates_a_mariadb_database(&cold);
        migrates_a_sqlite_database(&cold);
        starts_however_a_platform_starts_it(&cold);
        runs_without_the_launcher(&cold);
        fails_as_it_should_without_a_database(&cold);

        cold.rebuild(&app, |same| {
            assert_contains!(same.pack_stdout, "Using the cached migrator");
            assert_not_contains!(same.pack_stdout, COMPILING);
            assert_eq!(digest(&same), program);
            lists_what_it_is_made_of(&same);
            rebuilds_with_changed_migrations(same, &app, &program);
        });
    });
}

/// Only SQL changed: nothing is compiled, and the image migrates further.
fn rebuilds_with_changed_migrations(before: TestContext, app: &BuildConfig, program: &str) {
    let mut one_more = app.clone();
    one_more.app_dir_preprocessor(|app| {
        let file = app.join("migrations/20260301090000_broken.sql");
        fs::write(
            file,
            "CREATE TABLE tags (id INTEGER);\nINSERT INTO nowhere VALUES (1);\n",
        )
        .unwrap();
    });
    before.rebuild(&one_more, |image| {
        assert_contains!(image.pack_stdout, "5 migrations in `migrations/`");
        assert_contains!(image.pack_stdout, "Using the cached migrator");
        assert_not_contains!(image.pack_stdout, COMPILING);
        assert_eq!(digest(&image), program);
        reports_a_migration_that_fails(&image);
        rebuilds_with_other_options(image, app);
    });
}

/// The program is another, and its dependencies are not compiled again.
fn rebuilds_with_other_options(before: TestContext, app: &BuildConfig) {
    let mut fewer = app.clone();
    fewer.env("BP_MIGRATE_DATABASES", "postgres,sqlite");
    before.rebuild(&fewer, |image| {
        assert_contains!(
            image.pack_stdout,
            "Compiling, because the databases changed from `mysql,postgres,sqlite` to `postgres,sqlite`"
        );
        assert_contains!(image.pack_stdout, "Compiling cnb-migrate");
        assert_contains!(image.pack_stdout, "Migrator for PostgreSQL, SQLite");
        assert_not_contains!(image.pack_stdout, "Compiling sqlx-core");
        assert_not_contains!(image.pack_stdout, "Compiling libsqlite3-sys");
    });
}

fn lists_what_it_is_made_of(image: &TestContext) {
    let sbom = image::layer_sbom(image, &layer_name!("migrator"));
    for part in ["\"CycloneDX\"", "pkg:cargo/sqlx-core@", "pkg:cargo/tokio@"] {
        assert_contains!(sbom, part);
    }
    // Named in the lock for tests only, and not compiled.
    assert_not_contains!(sbom, "pkg:cargo/proptest@");
}

fn migrates_a_postgres_database(image: &TestContext) {
    let database = Database::postgres();
    let up = run(image, &database.container());
    up.succeeds();
    assert_contains!(up.stdout, "🚀 Starting database migrations...");
    assert_contains!(up.stdout, "✅ Migrations completed successfully!");
    assert_eq!(
        database.ask("SELECT count(*) FROM posts WHERE published_at IS NULL"),
        "0"
    );
    assert_eq!(database.ask("SELECT count(*) FROM _sqlx_migrations"), "4");
    // The same process with other arguments.
    let status = run(image, database.container().command(["status"]));
    status.succeeds();
    assert_contains!(status.stdout, "20260108101500");
}

fn migrates_a_mariadb_database(image: &TestContext) {
    let database = Database::mariadb();
    run(image, &database.container()).succeeds();
    assert_eq!(database.ask("SELECT count(*) FROM _sqlx_migrations"), "4");
    run(image, &database.container()).succeeds();
}

fn migrates_a_sqlite_database(image: &TestContext) {
    let database = Database::sqlite();
    run(image, &database.container()).succeeds();
    run(
        image,
        database.container().command(["status", "--exit-code"]),
    )
    .succeeds();
}

fn starts_however_a_platform_starts_it(image: &TestContext) {
    for (entrypoint, command) in STARTS {
        let database = Database::sqlite();
        let mut container = database.container();
        let command = command.iter().copied();
        container.entrypoint(entrypoint).command(command);
        let up = run(image, &container);
        up.succeeds();
        assert_contains!(up.stdout, "Applied 4 migrations");
    }
}

/// By the path alone, from a folder that is not the app's, as a platform may do.
fn runs_without_the_launcher(image: &TestContext) {
    let database = Database::postgres();
    let mut container = database.container();
    container.entrypoint(PROGRAM).command(["up"]);
    run(image, &container).succeeds();
    assert_eq!(database.ask("SELECT count(*) FROM _sqlx_migrations"), "4");
}

fn fails_as_it_should_without_a_database(image: &TestContext) {
    let unset = run(image, ContainerConfig::new().entrypoint("migrate"));
    assert_eq!(unset.code, 3, "{unset:?}");
    assert_contains!(unset.stderr, "DATABASE_URL");
    let unresolved = run(
        image,
        ContainerConfig::new()
            .entrypoint("migrate")
            .env("DATABASE_URL", "${db.DATABASE_URL}"),
    );
    assert_eq!(unresolved.code, 3, "{unresolved:?}");
    assert_contains!(unresolved.stderr, "${db.DATABASE_URL}");
}

fn reports_a_migration_that_fails(image: &TestContext) {
    let database = Database::postgres();
    let Run {
        code,
        stdout,
        stderr,
    } = run(image, &database.container());
    assert_eq!(code, 8, "{stdout}{stderr}");
    assert_contains!(stdout, "❌ Migration failed");
    assert_contains!(stdout, "migrations/20260301090000_broken.sql:2");
    assert_contains!(stderr, "nowhere");
    // The earlier ones stay, and of this one nothing.
    assert_eq!(database.ask("SELECT count(*) FROM _sqlx_migrations"), "4");
    assert_eq!(
        database.ask("SELECT count(*) FROM pg_class WHERE relname = 'tags'"),
        "0"
    );
}

/// Its migrations are compiled in, and one of them is written in Rust.
#[test]
#[ignore = "integration test"]
fn an_apps_own_program_is_built_rebuilt_and_run() {
    let builder = builder("INTEGRATION_TEST_BUILDER", "builder");
    let mut app = config(&builder, "examples/rust-app");
    app.app_dir_preprocessor(|app| image::own::make_workspace(&app));
    TestRunner::default().build(&app, |cold| {
        assert_contains!(
            cold.pack_stdout,
            "of the package `guestbook` in `guestbook/`"
        );
        assert_contains!(cold.pack_stdout, "Compiling sqlx-postgres");
        assert_not_contains!(cold.pack_stdout, "Compiling sqlx-mysql");
        assert_contains!(cold.pack_stdout, "4 migrations are inside the program");
        let database = Database::postgres();
        let up = run(&cold, &database.container());
        up.succeeds();
        assert_contains!(up.stdout, "✅ 20260301090000 fold names");
        assert_eq!(
            database.ask("SELECT folded FROM guest_names WHERE id = 1"),
            "ada lovelace"
        );
        assert_contains!(
            image::layer_sbom(&cold, &layer_name!("migrator")),
            "pkg:cargo/guestbook@0.1.0"
        );

        let mut one_more = app.clone();
        one_more.app_dir_preprocessor(|app| {
            image::own::make_workspace(&app);
            let file = app.join("guestbook/migrations/20260401090000_stamps.sql");
            fs::write(file, "CREATE TABLE stamps (id BIGINT);\n").unwrap();
        });
        cold.rebuild(&one_more, |warm| {
            assert_contains!(warm.pack_stdout, "Compiling, because its source changed");
            assert_contains!(warm.pack_stdout, "5 migrations are inside the program");
            assert_not_contains!(warm.pack_stdout, "Compiling sqlx-core");
            let up = run(&warm, &database.container());
            up.succeeds();
            assert_contains!(up.stdout, "✅ 20260401090000 stamps");

            warm.rebuild(&one_more, |same| {
                assert_contains!(same.pack_stdout, "Using the cached migrator");
                assert_not_contains!(same.pack_stdout, COMPILING);
                run(&same, &Database::sqlite().container()).succeeds();
            });
        });
    });
}

#[test]
#[ignore = "integration test"]
fn a_build_image_without_rust_gets_one() {
    let bare = builder("INTEGRATION_TEST_BUILDER_BARE", "builder-bare");
    let mut app = config(&bare, APP);
    app.env("BP_MIGRATE_DATABASES", "sqlite");
    TestRunner::default().build(&app, |cold| {
        assert_contains!(cold.pack_stdout, "because there is no cargo on the PATH");
        assert_contains!(cold.pack_stdout, "Downloading");
        assert_contains!(cold.pack_stdout, COMPILING);
        // Rust is for the build alone.
        let container = ContainerConfig::new()
            .entrypoint("launcher")
            .command(["ls /layers/cnb-migrate_migrate"])
            .clone();
        assert_eq!(run(&cold, &container).stdout, "migrations\nmigrator\n");
        let database = Database::sqlite();
        run(&cold, &database.container()).succeeds();

        cold.rebuild(&app, |same| {
            assert_contains!(same.pack_stdout, "Using the cached migrator");
            assert_not_contains!(same.pack_stdout, "Downloading");
            // Mentioned again, or the next build would have to download it.
            assert_contains!(
                same.pack_stdout,
                "Reusing cache layer 'cnb-migrate/migrate:toolchain'"
            );
        });
    });
}

#[test]
#[ignore = "integration test"]
fn an_app_without_migrations_is_not_detected() {
    let mut app = config(
        &builder("INTEGRATION_TEST_BUILDER", "builder"),
        "tests/fixtures/not_migrations",
    );
    app.expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&app, |image| {
        assert_contains!(image.pack_stdout, "fail: cnb-migrate/migrate");
        assert_not_contains!(image.pack_stdout, "Database Migrations");
    });
}

#[test]
#[ignore = "integration test"]
fn a_build_that_cannot_go_well_says_why() {
    let goose = Path::new("tests/fixtures/goose");
    let mut app = config(&builder("INTEGRATION_TEST_BUILDER", "builder"), goose);
    app.expected_pack_result(PackResult::Failure);
    app.env("BP_MIGRATE_DIR", "migrations");
    TestRunner::default().build(&app, |image| {
        assert_contains!(image.pack_stdout, "The migrations cannot be used");
        assert_contains!(image.pack_stdout, "goose");
    });

    let mut app = config(&builder("INTEGRATION_TEST_BUILDER", "builder"), APP);
    app.expected_pack_result(PackResult::Failure);
    app.env("BP_MIGRATE_DATABASE", "postgres");
    TestRunner::default().build(&app, |image| {
        assert_contains!(image.pack_stdout, "Did you mean `BP_MIGRATE_DATABASES`?");
    });

    let mut app = config(
        &builder("INTEGRATION_TEST_BUILDER_ALPINE", "builder-alpine"),
        APP,
    );
    app.expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&app, |image| {
        assert_contains!(image.pack_stdout, "The run image is alpine 3.22");
        assert_not_contains!(image.pack_stdout, COMPILING);
    });
}

/// Its programs only act as Rust: what counts is that they are asked.
#[test]
#[ignore = "integration test"]
fn the_rust_of_an_earlier_buildpack_is_taken() {
    let bare = builder("INTEGRATION_TEST_BUILDER_BARE", "builder-bare");
    let mut app = config(&bare, APP);
    let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rust_buildpack");
    app.buildpacks([
        BuildpackReference::Other(format!("file://{}", earlier.display())),
        BuildpackReference::CurrentCrate,
    ]);
    app.expected_pack_result(PackResult::Failure);
    TestRunner::default().build(&app, |image| {
        assert_contains!(image.pack_stdout, "rustc 1.99.0 (of an earlier buildpack)");
        assert_contains!(image.pack_stdout, "The migrator could not be compiled");
    });
}

/// Which program the image holds, whatever its file's time.
fn digest(image: &TestContext) -> String {
    let output = image.run_shell_command(format!("sha256sum {PROGRAM}"));
    output.stdout
}
