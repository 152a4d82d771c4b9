//! The engine against a scripted session: the faults that a real server gives only
//! by luck.

mod bookkeeping;
mod failure;
mod lock;
mod loss;
mod script;
mod stop;

use super::stop::Stop;
use super::{Outcome, Run, Step, run};
use crate::db::{Look, Past, ReadScope};
use crate::error::{Error, Stopped};
use crate::exit;
use crate::history::ledger::Ledger;
use crate::history::sqlx::SQLX;
use crate::history::table::LockKey;
use crate::history::{History, Who};
use crate::limits::StopReason;
use crate::limits::{Limits, Transaction};
use crate::model::{Body, Checksum, Migration, Needs, Operation, Script, Subject, Version};
use crate::sql::{self, Dialect, Quoting};
use crate::text::SourceFile;
use script::Database;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How many migrations travel together to begin with.
const TOGETHER: usize = 3;

const SECOND: Duration = Duration::from_secs(1);

/// A run that is to be, and its database.
struct Scene {
    database: Database,
    migrations: Vec<Migration>,
    limits: Limits,
    transaction: Transaction,
    lock: LockKey,
    tools_lock: Option<LockKey>,
    /// What ends the run, and when.
    stop: (Duration, StopReason),
}

/// What came of it.
struct Ran {
    result: Result<Outcome, Error>,
    /// What was sent by which connection, and what was told, in this order.
    log: Vec<String>,
    took: Duration,
}

impl Scene {
    /// So many migrations are pending, of one statement each.
    fn of(count: i64) -> Self {
        let limits = Limits {
            wait: 10 * SECOND,
            deadline: 1000 * SECOND,
            lock_wait: 60 * SECOND,
            lock_timeout: 4 * SECOND,
            statement_timeout: Duration::ZERO,
        };
        Self {
            database: Database::default(),
            migrations: (1..=count).map(migration).collect(),
            limits,
            transaction: Transaction::Each,
            lock: LockKey::Name("lock".to_owned()),
            tools_lock: None,
            stop: (
                limits.deadline,
                StopReason::Deadline {
                    limit: limits.deadline,
                },
            ),
        }
    }

    async fn run(&self) -> Ran {
        let began = Instant::now();
        let database = &self.database;
        let look = Look {
            lock: self.lock.clone(),
            tools_lock: self.tools_lock.clone(),
            ..look(ledger())
        };
        let name = "a-run";
        let run_of = Run {
            name,
            verb: "up",
            who: &Who::default(),
            limits: self.limits,
            transaction: self.transaction,
            wanted: ReadScope::default(),
            look: &look,
            files: &self.migrations,
        };
        let (after, reason) = self.stop;
        let mut stop = Stop::scripted(after, reason);
        let mut listener = database.clone();
        let result = run(
            &run_of,
            database.open().await.unwrap(),
            async || database.open().await,
            |session| session,
            |history| Ok(self.pending(history)),
            &mut stop,
            &mut listener,
        );
        let result = timeout(10_000 * SECOND, result).await;
        Ran {
            result: result.expect("the run ends"),
            log: database.log(),
            took: began.elapsed(),
        }
    }

    fn pending(&self, history: &History) -> Vec<Step<'_>> {
        let migrations = self.migrations.iter();
        migrations
            .filter(|migration| history.find(&migration.version).is_none())
            .map(|migration| Step {
                operation: Operation::Apply(migration),
                file: Arc::clone(&migration.up.file),
                statements: sql::split(&migration.up.file, Dialect::Postgres).unwrap(),
                resume: None,
            })
            .collect()
    }
}

impl Ran {
    /// The versions that the run says to have applied.
    fn done(&self) -> Vec<i64> {
        let outcome = self.result.as_ref().unwrap();
        let versions = outcome.done.iter().filter_map(Subject::version);
        versions.map(|version| version.number().unwrap()).collect()
    }

    fn error(&self) -> &Error {
        self.result.as_ref().unwrap_err()
    }

    #[track_caller]
    fn stopped(&self) -> &Stopped {
        match self.error() {
            Error::Stopped(stopped) => stopped,
            other => panic!("{other:?}"),
        }
    }

    fn code(&self) -> u8 {
        self.result.as_ref().err().map_or(exit::DONE, exit::code)
    }

    /// The log has these lines, in this order, and others between them.
    #[track_caller]
    fn has(&self, lines: &[&str]) {
        let mut log = self.log.iter();
        for line in lines {
            assert!(log.any(|it| it == line), "no `{line}` in {:#?}", self.log);
        }
    }

    /// How often a line is in the log.
    fn count(&self, line: &str) -> usize {
        self.log.iter().filter(|it| *it == line).count()
    }
}

fn migration(version: i64) -> Migration {
    let text = format!("CREATE TABLE t{version} (id INT);\n");
    Migration {
        version: Version::from(version),
        name: format!("t{version}"),
        up: Script {
            file: Arc::new(SourceFile::new(format!("{version}_t.sql"), text)),
            transaction: true,
            body: Body::Sql,
            allow: Vec::new(),
        },
        down: None,
        checksum: Some(Checksum(Vec::new())),
        needs: Needs::AllBefore,
    }
}

fn ledger() -> Ledger {
    Ledger {
        kind: &SQLX,
        table: "_sqlx_migrations".to_owned(),
        schemas: Vec::new(),
    }
}

fn look(ledger: Ledger) -> Look {
    Look {
        server: "a script".to_owned(),
        ledger,
        past: Past::Fresh,
        elsewhere: Vec::new(),
        has_tables: false,
        quoting: Quoting::default(),
        lock: LockKey::Name("lock".to_owned()),
        tools_lock: None,
    }
}
