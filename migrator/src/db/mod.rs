//! Databases: the only room with a driver's types and a dialect's own SQL. What
//! leaves it are values.

pub mod fault;
pub mod hints;
pub mod url;

#[cfg(feature = "cli")]
mod connection;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "cli")]
mod stepwise;
#[cfg(feature = "cli")]
mod wire;

#[cfg(feature = "cli")]
pub use connection::{Connection, Guard, Reader, connect, connect_reader};

use crate::formats::ledger::Ledger;
#[cfg(feature = "cli")]
use crate::model::Script;
use crate::model::{Migration, Version};
use crate::plan::history::{History, Resume};
#[cfg(feature = "cli")]
use crate::sql::Dialect;
use crate::sql::Statement;
use fault::Fault;
use std::time::Duration;

/// What one look at a database tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The server's name and version.
    pub server: String,
    /// The history table under the name by which it is found wherever a
    /// migration leaves the search path.
    pub ledger: Ledger,
    pub past: Past,
    /// What two migrators of this history exclude each other by.
    pub lock: LockKey,
}

/// What a database knows of its migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// No history table, neither ours nor another tool's.
    Fresh,
    /// Another tool's history table and none of ours.
    Foreign {
        tool: &'static str,
        table: &'static str,
    },
    Known(History),
}

impl Past {
    /// What is applied; nothing where there is no history of ours.
    #[must_use]
    pub fn history(&self) -> History {
        match self {
            Self::Known(history) => history.clone(),
            Self::Foreign { .. } | Self::Fresh => History::default(),
        }
    }
}

/// The name of a lock; the forms are fixed for ever, so that two released
/// versions exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockKey {
    /// PostgreSQL's advisory lock.
    Id(i64),
    /// MySQL's and MariaDB's named lock.
    Name(String),
    /// SQLite's lock file.
    File(std::path::PathBuf),
}

/// One migration to apply, with all that a session needs for it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub ledger: &'a Ledger,
    pub migration: &'a Migration,
    /// The statements of its up script.
    pub statements: &'a [Statement],
    /// Where it goes on, if it has begun before.
    pub resume: Option<&'a Resume>,
    /// How long the fence may wait for another migrator.
    pub lock_wait: Duration,
    /// How long a statement may wait for a table lock; zero is for ever.
    pub lock_timeout: Duration,
    /// Whether its commit must wait for the disk.
    pub durable: bool,
    /// By which the run is known in the server.
    pub run: &'a str,
}

/// How far some migrations came.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How long each of the first ones took: those are applied.
    pub applied: Vec<Duration>,
    /// Why the next one was not.
    pub setback: Option<Setback>,
}

/// Why a migration was not applied, and what is left of it.
#[derive(Clone, Debug)]
pub struct Setback {
    pub fault: Fault,
    /// The 0-based number of the script's statement that failed; `None` where
    /// it was none of them.
    pub statement: Option<usize>,
    /// The byte of the script at which it failed, where the database told.
    pub offset: Option<usize>,
    pub left: Left,
}

impl Progress {
    /// All of them were applied.
    #[must_use]
    pub fn all(took: Vec<Duration>) -> Self {
        Self {
            applied: took,
            setback: None,
        }
    }

    /// Already the first was not applied.
    #[must_use]
    pub fn none(setback: Setback) -> Self {
        Self {
            applied: Vec::new(),
            setback: Some(setback),
        }
    }
}

impl From<Result<Duration, Setback>> for Progress {
    fn from(result: Result<Duration, Setback>) -> Self {
        match result {
            Ok(took) => Self::all(vec![took]),
            Err(setback) => Self::none(setback),
        }
    }
}

/// What only a person can answer: whether a statement happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub ran: usize,
    /// The SQL that records that it happened, and that it did not.
    pub happened: String,
    pub did_not_happen: String,
}

/// Whether a migration that has not begun is applied as one transaction.
#[cfg(feature = "cli")]
#[must_use]
pub fn is_one_transaction(dialect: Dialect, script: &Script, statements: &[Statement]) -> bool {
    // Only MySQL and MariaDB look at them.
    let _ = statements;
    match dialect {
        #[cfg(feature = "mysql")]
        Dialect::Mysql => mysql::is_one_transaction(&script.file, statements),
        _ => script.transaction,
    }
}

/// What a failed migration left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it was rolled back.
    Nothing,
    /// Its first `ran` statements stay, and the history marks it as half
    /// applied. Where it is resumable, another run goes on after them.
    Part { ran: usize, resumable: bool },
    /// Its first `ran` statements stay, and the next may have happened.
    Unsettled(Box<Question>),
    /// Another run has claimed it first.
    Claimed,
    /// The connection ended: only the history knows.
    Unknown,
}

/// By what a session's running statement is found and cancelled.
#[derive(Clone, Debug)]
pub enum Handle {
    /// By the run's name alone: a pooler may change the process behind it.
    Name,
    /// MySQL's and MariaDB's number of the connection.
    Connection(u64),
    /// SQLite asks this while it works.
    Flag(std::sync::Arc<std::sync::atomic::AtomicBool>),
}

/// Somebody who holds a lock that a migration waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    pub process: String,
    pub application: String,
    pub state: String,
    /// How long its transaction has been open.
    pub age: Duration,
    /// What it runs or ran last, cut short.
    pub query: String,
}

/// A connection that applies migrations.
#[expect(
    async_fn_in_trait,
    reason = "the program runs on one thread; no future of these is sent anywhere"
)]
pub trait Session {
    /// Reads the server's facts and the history; writes nothing.
    ///
    /// # Errors
    /// What the database complained of.
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault>;

    /// Creates the history table where it is missing.
    ///
    /// # Errors
    /// What the database complained of; nothing was created then.
    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault>;

    /// By what its running statement is cancelled.
    fn handle(&self) -> Handle;

    /// How many migrations may travel together.
    fn together(&self) -> usize {
        1
    }

    /// Applies migrations in order and records each, its record first, up to the
    /// first that fails. No more than [`Session::together`], and one without a
    /// transaction alone; fewer than all may be tried.
    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress;

    /// Waits until what was applied up to a version is on the disk.
    ///
    /// # Errors
    /// What the database complained of.
    async fn flush(&mut self, _ledger: &Ledger, _version: Version) -> Result<(), Fault> {
        Ok(())
    }
}

/// A connection that holds the run's lock.
#[expect(
    async_fn_in_trait,
    reason = "the program runs on one thread; no future of these is sent anywhere"
)]
pub trait GuardSession {
    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// What the database complained of.
    async fn try_lock(&mut self, key: &LockKey, run: &str) -> Result<bool, Fault>;

    /// Cancels what a worker runs, if it runs anything.
    ///
    /// # Errors
    /// What the database complained of.
    async fn cancel(&mut self, worker: &Handle, run: &str) -> Result<(), Fault>;

    /// Who is in the way of what a worker runs; nobody where the database does
    /// not tell.
    ///
    /// # Errors
    /// What the database complained of.
    async fn blockers(&mut self, worker: &Handle, run: &str) -> Result<Vec<Blocker>, Fault>;

    /// Gives the lock back.
    async fn release(&mut self);
}
