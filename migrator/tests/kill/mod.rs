//! A migrator that is killed, or loses its connections, at any point: the next
//! run must end where an undisturbed one does, with every migration applied, or
//! taken back, exactly once, and nobody may have been told what is not true.
//!
//! Between messages: a proxy counts the messages of an undisturbed run, then
//! cuts at each of them, once when the server has half of it and once when it
//! has all of it and its answer is lost. At any time: after every part of the
//! time that an undisturbed run takes.
//!
//! A plain run is a small one; `scripts/race` runs the full counts.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod migrations;
mod run;

use crate::proxy::{After, Place, Proxy, Relay};
use crate::support::{Database, Migrate, Output, Project, Server, server_url};
use migrations::{in_transactions, without_transactions};
use run::{Blow, Ended, Run, Verb, done};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
#[ignore = "needs scripts/servers"]
fn postgres_between_messages() {
    between_messages(Verb::Up, Server::Postgres, in_transactions);
}

#[test]
#[ignore = "needs scripts/servers"]
fn postgres_at_any_time() {
    at_any_time(Verb::Up, Server::Postgres, in_transactions);
}

#[test]
fn sqlite_at_any_time() {
    at_any_time(Verb::Up, Server::Sqlite, in_transactions);
}

/// What was not rolled back, a run goes on with where the last one stopped.
mod journal {
    use super::*;

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mariadb_between_messages() {
        between_messages(Verb::Up, Server::Mariadb, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mariadb_at_any_time() {
        at_any_time(Verb::Up, Server::Mariadb, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mysql_between_messages() {
        between_messages(Verb::Up, Server::Mysql, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mysql_at_any_time() {
        at_any_time(Verb::Up, Server::Mysql, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres_between_messages() {
        between_messages(Verb::Up, Server::Postgres, without_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres_at_any_time() {
        at_any_time(Verb::Up, Server::Postgres, without_transactions);
    }

    #[test]
    fn sqlite_at_any_time() {
        at_any_time(Verb::Up, Server::Sqlite, without_transactions);
    }
}

/// The same on the way back.
mod down {
    use super::*;

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mariadb_between_messages() {
        between_messages(Verb::Down, Server::Mariadb, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mysql_between_messages() {
        between_messages(Verb::Down, Server::Mysql, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn mysql_at_any_time() {
        at_any_time(Verb::Down, Server::Mysql, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres_between_messages() {
        between_messages(Verb::Down, Server::Postgres, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres_at_any_time() {
        at_any_time(Verb::Down, Server::Postgres, in_transactions);
    }

    #[test]
    #[ignore = "needs scripts/servers"]
    fn postgres_journal_between_messages() {
        between_messages(Verb::Down, Server::Postgres, without_transactions);
    }

    #[test]
    fn sqlite_at_any_time() {
        at_any_time(Verb::Down, Server::Sqlite, in_transactions);
    }

    #[test]
    fn sqlite_journal_at_any_time() {
        at_any_time(Verb::Down, Server::Sqlite, without_transactions);
    }
}

/// What many disturbed runs came to.
struct Trial {
    verb: Verb,
    server: Server,
    project: Project,
    /// What an undisturbed run came to, and how many migrations that are.
    expected: String,
    all: usize,
    points: usize,
    /// How the disturbed processes ended; `None` for a killed one.
    exits: BTreeMap<(Blow, Option<i32>), usize>,
    /// What was wrong, by its first words.
    wrong: BTreeMap<(Blow, String), Vec<String>>,
}

fn count(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn between_messages(verb: Verb, server: Server, project: fn(Server, usize) -> Project) {
    let project = project(server, count("KILL_MIGRATIONS", 1));
    let address = address(server);
    let undisturbed = ready(verb, server, &project);
    let relay = Proxy::to(address).start().unwrap();
    let run = Run::start(verb, &project, &through(&relay, &undisturbed), "1m");
    assert_eq!(run.wait(Blow::Reset).code, Some(0));

    let mut trial = Trial::after(verb, project, &undisturbed);
    for (connection, messages) in relay.messages().iter().enumerate() {
        for (message, &bytes) in messages.iter().enumerate() {
            for after in [After::Bytes(bytes / 2), After::All { bytes }] {
                let place = Place {
                    connection,
                    message,
                    after,
                };
                for (blow, wait) in [(Blow::Isolate, "0"), (Blow::Kill, "0"), (Blow::Reset, "1m")] {
                    // To a client that is alone both are the same.
                    if blow == Blow::Isolate && matches!(after, After::Bytes(_)) {
                        continue;
                    }
                    let db = ready(verb, server, &trial.project);
                    let relay = Proxy::to(address).cut(place).start().unwrap();
                    let mut run = Run::start(verb, &trial.project, &through(&relay, &db), wait);
                    while !relay.wait_for_cut(Duration::from_millis(20)) && run.is_running() {}
                    trial.add(&place, &run.end(blow, relay), &db);
                }
            }
        }
    }
    trial.done();
}

fn at_any_time(verb: Verb, server: Server, project: fn(Server, usize) -> Project) {
    let project = project(server, count("KILL_MIGRATIONS", 5));
    let undisturbed = ready(verb, server, &project);
    let began = Instant::now();
    undisturbed_run(verb, &project, &undisturbed).exits(0);
    let whole = began.elapsed();

    let mut trial = Trial::after(verb, project, &undisturbed);
    let points = u32::try_from(count("KILL_TIMES", 20)).unwrap();
    for point in 0..points {
        let db = ready(verb, server, &trial.project);
        let moment = whole * point / points;
        let run = Run::start(verb, &trial.project, db.url(), "0");
        sleep(moment);
        trial.add(&moment, &run.kill(), &db);
    }
    trial.done();
}

impl Trial {
    fn after(verb: Verb, project: Project, undisturbed: &Database) -> Self {
        Self {
            all: finished(verb, &project, undisturbed).len(),
            verb,
            server: undisturbed.server,
            project,
            expected: state(undisturbed),
            points: 0,
            exits: BTreeMap::new(),
            wrong: BTreeMap::new(),
        }
    }

    fn add(&mut self, place: &dyn Debug, ended: &Ended, db: &Database) {
        self.points += 1;
        *self.exits.entry((ended.blow, ended.code)).or_default() += 1;
        if let Err(wrong) = self.check(ended, db) {
            let words = wrong.split([':', '[']).next().unwrap_or_default();
            let alike = self.wrong.entry((ended.blow, words.to_owned()));
            alike
                .or_default()
                .push(format!("At {place:?}: {wrong}\nThe disturbed run: {ended}"));
        }
    }

    /// What the disturbed run said is true, and the next one ends well.
    fn check(&self, ended: &Ended, db: &Database) -> Result<(), String> {
        let said = done(&ended.stdout);
        let before = finished(self.verb, &self.project, db);
        let next = undisturbed_run(self.verb, &self.project, db);
        if next.code != 0 {
            return Err(format!("the next run: {next}"));
        }
        if ended.stdout.contains("cannot be recorded") {
            return Err("it was not remembered".to_owned());
        }
        let now = state(db);
        if now != self.expected {
            let expected = &self.expected;
            return Err(format!("it came to:\n{now}\ninstead of:\n{expected}"));
        }
        if !said.iter().all(|version| before.contains(version)) {
            return Err(format!("it told of {said:?}, but there were {before:?}"));
        }
        match ended.code {
            Some(0) if before.len() != self.all => {
                Err(format!("exit 0, but there were {before:?}"))
            }
            // The database is there: it must be reached again, and the run go on.
            Some(code) if ended.blow == Blow::Reset && code != 0 => Err(format!("exit {code}")),
            Some(4) if !said.is_empty() => Err("exit 4, but it had applied some".to_owned()),
            // Whether what was sent last stays is unknown, which is 9.
            Some(code @ (4 | 8)) if said.len() + done(&next.stdout).len() != self.all => {
                Err(format!("exit {code}, but more stays than {said:?}"))
            }
            None | Some(0 | 4 | 8 | 9) => Ok(()),
            Some(other) => Err(format!("exit {other}")),
        }
    }

    #[expect(clippy::print_stderr, reason = "how much was tried")]
    fn done(self) {
        let Self {
            verb,
            server,
            points,
            exits,
            wrong,
            ..
        } = self;
        eprintln!(
            "{verb:?}, {server:?}: {points} points tried; exits of the disturbed runs: {exits:?}"
        );
        for ((blow, words), alike) in &wrong {
            let number = alike.len();
            eprintln!("\n{blow:?}: {number} times {words}, as here:\n{}", alike[0]);
        }
        assert!(wrong.is_empty(), "see above");
    }
}

// ---- the database

fn address(server: Server) -> SocketAddr {
    let url = server_url(server);
    let (_, host) = url.rsplit_once('@').unwrap();
    host.split('/').next().unwrap().parse().unwrap()
}

fn through(relay: &Relay, db: &Database) -> String {
    db.url().replace(
        &address(db.server).to_string(),
        &relay.address().to_string(),
    )
}

/// A database in which the verb finds something to do.
fn ready(verb: Verb, server: Server, project: &Project) -> Database {
    let db = Database::new(server);
    if verb == Verb::Down {
        undisturbed_run(Verb::Up, project, &db).exits(0);
    }
    db
}

fn undisturbed_run(verb: Verb, project: &Project, db: &Database) -> Output {
    let migrate = Migrate::new(project).on(db);
    match verb {
        Verb::Down => migrate.args(["down", "--to", "0"]).run(),
        Verb::Up => migrate.args(["up"]).run(),
    }
}

/// The versions that are applied in full by now, or wholly taken back.
fn finished(verb: Verb, project: &Project, db: &Database) -> Vec<String> {
    // There may be no history yet; and what was killed may still end in the server.
    let rows = |condition: &str| -> Vec<String> {
        let from = "SELECT version FROM _sqlx_migrations WHERE";
        let rows = db
            .open()
            .try_rows(&format!("{from} {condition} ORDER BY version"));
        rows.unwrap_or_default().concat()
    };
    match verb {
        Verb::Down => {
            let left = rows("version = version");
            let pairs = std::fs::read_dir(project.path("migrations")).unwrap();
            let files = pairs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            files
                .filter(|file| file.ends_with(".down.sql"))
                .map(|file| file.split('_').next().unwrap().to_owned())
                .filter(|version| !left.contains(version))
                .collect()
        }
        Verb::Up => rows("success"),
    }
}

/// Everything that two runs must agree on: all but when, how long, and what is
/// known of the runs themselves.
fn state(db: &Database) -> String {
    let mut lines: Vec<String> = db
        .snapshot()
        .lines()
        .filter(|line| !line.starts_with("_sqlx_migrations: ") && !line.contains("_migrate_"))
        .map(str::to_owned)
        .collect();
    for row in db.rows(
        "SELECT version, description, success, checksum FROM _sqlx_migrations ORDER BY version",
    ) {
        lines.push(row.join(" "));
    }
    lines.push(format!(
        "{:?}",
        db.column("SELECT version FROM log ORDER BY version")
    ));
    if db.server == Server::Postgres {
        lines.extend(db.column(
            "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index \
             WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) ORDER BY 1",
        ));
    }
    lines.join("\n")
}
