//! Many migrators at once on a fresh database, as when every replica of an
//! application starts one: each migration is applied exactly once, everybody
//! says so, and nothing is left behind, not even behind a pooler.
//!
//! A plain run is a small one; `scripts/race` runs the full counts.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use crate::support::{Database, Migrate, Project, Running, Server};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Row};
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// How long a server may take to end the session of a client that has ended.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

#[test]
#[ignore = "needs scripts/servers"]
fn mariadb() {
    race(Server::Mariadb, None);
}

#[test]
#[ignore = "needs scripts/servers"]
fn mysql() {
    race(Server::Mysql, None);
}

#[test]
#[ignore = "needs scripts/servers"]
fn postgres() {
    race(Server::Postgres, None);
}

#[test]
fn sqlite() {
    race(Server::Sqlite, None);
}

#[test]
#[ignore = "needs scripts/servers"]
fn pool_of_two() {
    race(
        Server::Postgres,
        Some(&Pool {
            url: "MIGRATE_TEST_PGBOUNCER_URL",
            size: 2,
        }),
    );
}

#[test]
#[ignore = "needs scripts/servers"]
fn pool_of_one() {
    race(
        Server::Postgres,
        Some(&Pool {
            url: "MIGRATE_TEST_PGBOUNCER1_URL",
            size: 1,
        }),
    );
}

/// A pooler in front of the database.
struct Pool {
    /// The variable that has its URL.
    url: &'static str,
    /// How many server connections it has for a database.
    size: usize,
}

fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn race(server: Server, pool: Option<&Pool>) {
    let migrators = count("RACE_MIGRATORS", 8);
    let migrations = count("RACE_MIGRATIONS", 20);
    let project = project(migrations);
    for round in 0..count("RACE_ROUNDS", 1) {
        let db = Database::new(server);
        let url = pool.map_or_else(|| db.url().to_owned(), |pool| db.url_through(pool.url));
        let began = Instant::now();
        let all: Vec<Running> = (0..migrators)
            .map(|_| {
                Migrate::new(&project)
                    .env("DATABASE_URL", &url)
                    .args(["up"])
                    .spawn()
            })
            .collect();
        let said: usize = all
            .into_iter()
            .map(|running| running.wait().exits(0).stdout.matches(" step (").count())
            .sum();
        eprint_round(server, round, began.elapsed());
        assert_eq!(said, migrations, "each is reported by exactly one migrator");
        each_once(&db, migrations);
        leaves_no_trace(&db, pool);
        if let Some(pool) = pool {
            pool.is_as_it_was(&url);
        }
    }
}

/// Every migration leaves a line, so that one applied twice is seen.
fn project(migrations: usize) -> Project {
    (1..=migrations).fold(Project::new(), |project, number| {
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

#[track_caller]
fn each_once(db: &Database, migrations: usize) {
    let expected: Vec<String> = (1..=migrations).map(|number| number.to_string()).collect();
    let log = "SELECT version FROM log ORDER BY version";
    assert_eq!(db.column(log), expected);
    assert_eq!(db.versions(), expected);
    let unfinished =
        "SELECT count(*) FROM _sqlx_migrations WHERE NOT success OR execution_time < 0";
    assert_eq!(db.value(unfinished), "0");
}

/// No session of a migrator is left, and with that no lock of a session's; a
/// pooler's sessions stay, but hold no lock and have a migrator's name no more.
#[track_caller]
fn leaves_no_trace(db: &Database, pool: Option<&Pool>) {
    let sessions = match (db.server, pool) {
        (Server::Postgres, None) => {
            "SELECT application_name || ' ' || coalesce(state, '') FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend'"
        }
        (Server::Postgres, Some(_)) => {
            "SELECT application_name || ' ' || coalesce(state, '') FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() \
             AND backend_type = 'client backend' \
             AND (application_name LIKE 'migrate%' OR state <> 'idle')"
        }
        (Server::Mariadb | Server::Mysql, _) => {
            "SELECT CONCAT(id, ' ', command) AS s FROM information_schema.processlist \
             WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        (Server::Sqlite, _) => return,
    };
    nothing_is_left(db, sessions);
    if db.server == Server::Postgres {
        nothing_is_left(
            db,
            "SELECT locktype || ' lock' FROM pg_locks WHERE locktype = 'advisory' \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
    }
}

#[track_caller]
fn nothing_is_left(db: &Database, traces: &str) {
    let deadline = Instant::now() + SERVER_PATIENCE;
    loop {
        let left = db.column(traces);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {left:?}");
        sleep(Duration::from_millis(10));
    }
}

impl Pool {
    /// No setting of any server connection is changed. What the pooler itself
    /// sets for each client is not looked at.
    #[track_caller]
    fn is_as_it_was(&self, url: &str) {
        // Poolers refuse sqlx's own start for this setting.
        let options = PgConnectOptions::from_str(url)
            .unwrap()
            .extra_float_digits(None);
        let changed: Vec<Vec<String>> = Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(async {
                let mut connections = Vec::new();
                let mut changed = Vec::new();
                for _ in 0..self.size {
                    let mut connection = options.connect().await.unwrap();
                    changed.push(changed_settings(&mut connection).await);
                    // In its open transaction it keeps its server connection, so
                    // that the next one gets another.
                    connections.push(connection);
                }
                changed
            });
        assert_eq!(changed, vec![Vec::<String>::new(); self.size]);
    }
}

async fn changed_settings(connection: &mut PgConnection) -> Vec<String> {
    sqlx::raw_sql(
        "BEGIN; SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'session' \
         AND name NOT IN ('client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')",
    )
    .fetch_all(connection)
    .await
    .unwrap()
    .iter()
    .map(|row| row.get_unchecked(0))
    .collect()
}

#[expect(clippy::print_stderr, reason = "the figures of a long run")]
fn eprint_round(server: Server, round: usize, took: Duration) {
    eprintln!(
        "{server:?}, round {}: {:.1} s",
        round + 1,
        took.as_secs_f64()
    );
}
