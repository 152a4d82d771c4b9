//! The road by the image, for an application in Python: its workflow builds and
//! publishes the image, and a platform's job runs it.

// clippy.toml allows it in tests, which their helpers are not to clippy.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "tests/image_test.rs uses the rest")]
mod image;
mod published;
#[allow(dead_code, reason = "tests/workflow_test.rs uses the rest")]
mod workflow;

use image::{Database, STARTS};
use libcnb_test::{assert_contains, assert_not_contains};
use published::{Published, Registry, Runner};

/// The example's newest revision.
const HEAD: &str = "e94b6072f3ad";

#[test]
#[ignore = "integration test"]
fn an_image_is_published_and_run_as_a_job() {
    let registry = Registry::start();
    let runner = Runner::new(&registry);
    let image = runner.publish("0000000000000000000000000000000000000001");
    assert_contains!(image.log, "Running 'poetry sync --only main'");
    assert_contains!(
        image.log,
        "4 revisions of Alembic in `api/alembic/versions`"
    );
    assert_contains!(image.log, "Compiling, because no migrator is cached");
    for start in STARTS {
        applies_the_revisions(&image, start, &Database::sqlite());
    }
    applies_the_revisions(&image, STARTS[0], &Database::postgres());
    tells_what_is_where(&image);
    runs_without_the_launcher(&image);

    // The next push: a machine that has nothing but what the registry has.
    let next = runner.publish("0000000000000000000000000000000000000002");
    assert_contains!(next.log, "Using cached virtual environment");
    assert_contains!(next.log, "Using the cached migrator");
    assert_not_contains!(next.log, "Running `cargo build");
    applies_the_revisions(&next, STARTS[0], &Database::postgres());
}

fn applies_the_revisions(image: &Published, (entry, args): (&str, &[&str]), database: &Database) {
    let up = image.start(database, entry, args);
    assert_eq!(up.code, 0, "{entry} {args:?}: {up:?}");
    assert_contains!(up.stdout, "🚀 Starting database migrations...");
    assert_contains!(up.stdout, HEAD);
    assert_contains!(up.stdout, "✅ Migrations completed successfully!");
    // By the application's own words.
    let heads = image.start(
        database,
        "launcher",
        &["cd api && alembic current 2>/dev/null"],
    );
    assert_eq!(heads.stdout, format!("{HEAD} (head)\n"), "{heads:?}");
    let again = image.start(database, entry, args);
    again.succeeds();
    assert_not_contains!(again.stdout, "3f1c9a5d7e20");
}

fn tells_what_is_where(image: &Published) {
    let database = Database::postgres();
    let status = ["status", "--exit-code"];
    let pending = image.start(&database, "migrate", &status);
    assert_eq!(pending.code, 6, "{pending:?}");
    assert_contains!(pending.stdout, HEAD);
    image.start(&database, "migrate", &[]).succeeds();
    image.start(&database, "migrate", &status).succeeds();
    // The data migration has seen the rows of the first one.
    let kinds = "SELECT string_agg(kind, ' ' ORDER BY number) FROM accounts";
    assert_eq!(database.ask(kinds), "asset liability income");
}

/// The image has no Python but that of the layers, which the launcher would have named.
fn runs_without_the_launcher(image: &Published) {
    let program = "/layers/cnb-migrate_migrate/migrator/bin/migrate";
    applies_the_revisions(image, (program, &[]), &Database::postgres());
}
