//! Many migrators at once, as when every replica of an application starts one.

use crate::support::{Database, Migrate, Project, Running, Server, eventually, stories, up};

stories! {
    on every {
        a_failure_is_everybodys_and_leaves_nothing_behind,
        eight_at_once_apply_each_migration_once,
    }
    on servers {
        what_another_migrator_is_at_is_not_half_applied,
    }
    on [Postgres] {
        a_claim_that_nobody_finishes_is_waited_for_as_long_as_allowed,
        a_fence_holds_where_the_lock_does_not,
    }
}

const MIGRATIONS: usize = 20;

/// Every migration leaves a line, so that one applied twice is seen.
fn twenty() -> Project {
    (1..=MIGRATIONS).fold(Project::new(), |project, number| {
        let log = if number == 1 {
            "CREATE TABLE log (version INT);\n"
        } else {
            ""
        };
        project.migration(
            &format!("{number}_step.sql"),
            format!("{log}CREATE TABLE t{number} (id INT);\nINSERT INTO log VALUES ({number});\n"),
        )
    })
}

fn each_once(db: &Database) {
    let expected: Vec<String> = (1..=MIGRATIONS).map(|number| number.to_string()).collect();
    assert_eq!(
        db.column("SELECT version FROM log ORDER BY version"),
        expected
    );
    assert_eq!(db.versions(), expected);
    let unfinished =
        "SELECT count(*) FROM _sqlx_migrations WHERE NOT success OR execution_time < 0";
    assert_eq!(db.value(unfinished), "0");
}

/// No session of a migrator is left, and with that no lock of a session's. The
/// server ends a session a moment after its client has ended.
#[track_caller]
fn leaves_no_trace(db: &Database) {
    let traces = match db.server {
        Server::Postgres => {
            "SELECT application_name || ' ' || coalesce(state, '') FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend' \
             UNION ALL SELECT locktype || ' lock' FROM pg_locks WHERE locktype = 'advisory' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        }
        Server::Mariadb | Server::Mysql => {
            "SELECT CONCAT(id, ' ', command) AS s FROM information_schema.processlist \
             WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        Server::Sqlite => return,
    };
    eventually("no trace is left", || db.column(traces).is_empty());
}

fn eight_at_once_apply_each_migration_once(db: &Database) {
    let project = twenty();
    let all: Vec<Running> = (0..8)
        .map(|_| Migrate::new(&project).on(db).args(["up"]).spawn())
        .collect();
    let reported: usize = all
        .into_iter()
        .map(|running| running.wait().exits(0).stdout.matches(" step (").count())
        .sum();
    assert_eq!(reported, MIGRATIONS, "each is somebody's, and only one's");
    each_once(db);

    leaves_no_trace(db);
}

fn a_failure_is_everybodys_and_leaves_nothing_behind(db: &Database) {
    let project = twenty();
    project.write("migrations/15_step.sql", "SELECT nonsense;\n");
    let all: Vec<Running> = (0..4)
        .map(|_| Migrate::new(&project).on(db).args(["up"]).spawn())
        .collect();
    for running in all {
        running.wait().exits(8).ends("migrations/15_step.sql:1:");
    }
    assert_eq!(db.versions().len(), 14);
    leaves_no_trace(db);
    project.write(
        "migrations/15_step.sql",
        "CREATE TABLE t15 (id INT);\nINSERT INTO log VALUES (15);\n",
    );
    up(&project, db).exits(0).says("Applied 6 migrations");
    each_once(db);
}

fn what_another_migrator_is_at_is_not_half_applied(db: &Database) {
    // On MySQL every migration shows in the history before it is done, on
    // PostgreSQL one without a transaction.
    let sleep = match db.server {
        Server::Postgres => "SELECT pg_sleep(1)",
        _ => "SELECT SLEEP(1)",
    };
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT);\n")
        .migration(
            "2_b.sql",
            format!("-- no-transaction\nCREATE TABLE b (id INT);\n{sleep};\n"),
        );
    let first = Migrate::new(&project)
        .on(db)
        .args(["up"])
        .spawn()
        .until("✅ 1 a (");
    let unfinished = "SELECT count(*) FROM _sqlx_migrations WHERE version = 2 AND NOT success";
    eventually("the first is at it", || db.value(unfinished) == "1");
    up(&project, db)
        .exits(0)
        .says("another migrator is at work")
        .does_not_say("✅ 2 b (");
    first.wait().exits(0).says("✅ 2 b (");
}

fn a_fence_holds_where_the_lock_does_not(db: &Database) {
    up(
        &Project::new().migration("1_a.sql", "CREATE TABLE a (id INT)"),
        db,
    )
    .exits(0);
    // A migrator of whatever kind that has no lock, and is at migration 2.
    let other = db.open();
    other.run(
        "BEGIN; INSERT INTO _sqlx_migrations VALUES (2, 'b', now(), true, \
         decode(encode(sha384('CREATE TABLE b (id INT)'), 'hex'), 'hex'), 1); CREATE TABLE b (id INT)",
    );
    let project = Project::new()
        .migration("1_a.sql", "CREATE TABLE a (id INT)")
        .migration("2_b.sql", "CREATE TABLE b (id INT)")
        .migration("3_c.sql", "CREATE TABLE c (id INT)");
    let running = Migrate::new(&project).on(db).args(["up"]).spawn();
    let waits = "SELECT count(*) FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event = 'transactionid'";
    eventually("somebody waits at the fence", || db.value(waits) == "1");
    other.run("COMMIT");
    running
        .wait()
        .exits(0)
        .says("another run has taken 2 b; checking again")
        .says("Applied 1 migration ");
    assert_eq!(db.tables(), ["a", "b", "c"]);
}

fn a_claim_that_nobody_finishes_is_waited_for_as_long_as_allowed(db: &Database) {
    let project = Project::new().migration("1_a.sql", "CREATE TABLE a (id INT)");
    up(&project, db).exits(0);
    let other = db.open();
    other.run("BEGIN; INSERT INTO _sqlx_migrations VALUES (2, 'b', now(), true, 'x', 1)");
    let project = project.migration("2_b.sql", "CREATE TABLE b (id INT)");
    for lock_wait in ["300ms", "0"] {
        Migrate::new(&project)
            .on(db)
            .args(["up", "--lock-wait", lock_wait, "--lock-timeout", "200ms"])
            .run()
            .exits(5)
            .complains("error[lock_held]");
    }
    other.run("ROLLBACK");
    up(&project, db).exits(0);
}
