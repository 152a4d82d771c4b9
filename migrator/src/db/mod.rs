//! Databases: the only room with a driver's types and a dialect's own SQL. What
//! leaves it are values.

pub mod fault;
mod guard;
pub mod hints;
pub mod url;

#[cfg(feature = "cli")]
mod certificates;
#[cfg(feature = "cli")]
mod connection;
#[cfg(feature = "cli")]
mod memory;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "cli")]
mod names;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "cli")]
mod repeat;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "cli")]
mod stepwise;
#[cfg(feature = "cli")]
mod wire;

#[cfg(feature = "cli")]
pub use connection::{
    Connection, Guard, Reader, answers, connect, connect_and_look, read_and_look,
};
pub use guard::{Attempt, Blocker, GuardSession, Lock, Sight, Work};

use crate::formats::ledger::Ledger;
use crate::formats::record::Record;
#[cfg(feature = "cli")]
use crate::model::Script;
use crate::model::{Deed, Migration, Subject, Version};
use crate::plan::history::{Ending, History, Resume, Run};
use crate::sql::{Dialect, Statement};
use crate::text::SourceFile;
use fault::{Fault, FaultKind};
use std::time::Duration;

/// Refuses a history table whose name is anything else: it stands in statements
/// as the user wrote it.
///
/// # Errors
/// [`FaultKind::Name`] with the name.
pub fn check_names(ledger: &Ledger, dialect: Dialect) -> Result<(), Fault> {
    match ledger.bad_name(dialect) {
        None => Ok(()),
        Some(name) => Err(Fault::new(
            FaultKind::Name,
            format!("`{name}` is not the name of a table or a schema"),
        )),
    }
}

/// What one look at a database tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The server's name and version.
    pub server: String,
    /// The history table under the name by which it is found wherever a
    /// migration leaves the search path.
    pub ledger: Ledger,
    pub past: Past,
    /// Where nothing is applied: whether there are tables all the same.
    pub has_tables: bool,
    /// What two migrators of this history exclude each other by.
    pub lock: LockKey,
    /// What the format's own tool excludes itself by, where it does.
    pub tools_lock: Option<LockKey>,
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
    /// Whether nothing is applied, as far as we know.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Known(history) => history.applied.is_empty(),
            Self::Foreign { .. } | Self::Fresh => true,
        }
    }

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

/// What is to be read beside the history itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What was run of the repeatable files.
    pub repeated: bool,
    /// The runs.
    pub runs: bool,
}

/// One thing to do, with all that a session needs for it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub ledger: &'a Ledger,
    pub deed: Deed<'a>,
    /// Its script as it is sent, its variables filled in.
    pub file: &'a SourceFile,
    pub statements: &'a [Statement],
    /// Where it goes on, if it has begun before.
    pub resume: Option<&'a Resume>,
    /// How long the fence may wait for another migrator.
    pub lock_wait: Duration,
    /// How long a statement may wait for a table lock; zero is for ever.
    pub lock_timeout: Duration,
    /// How long a statement may take; zero is for ever.
    pub statement_timeout: Duration,
    /// Whether its commit must wait for the disk.
    pub durable: bool,
    /// By which the run is known in the server.
    pub run: &'a str,
}

impl Edit<'_> {
    /// Whether another run that is at the same migration would be misled by it.
    #[must_use]
    pub fn needs_lock(&self) -> bool {
        matches!(
            self,
            Self::Complete(_) | Self::DropInvalidIndex(_) | Self::Forget(_) | Self::Settle { .. }
        )
    }
}

impl<'a> Job<'a> {
    /// What it writes of itself.
    #[must_use]
    pub fn record(&self, dialect: Dialect) -> Record<'a> {
        Record {
            ledger: self.ledger,
            dialect,
            deed: self.deed,
            run: self.run,
        }
    }

    /// Whether it can be one transaction.
    #[must_use]
    pub fn is_transaction(&self) -> bool {
        self.deed.script().transaction && self.resume.is_none()
    }
}

/// What a run is remembered by.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    Begin(&'a Run),
    End {
        run: &'a str,
        ending: Ending,
        did: &'a [Subject],
        error: Option<&'a str>,
    },
}

/// A change of what is recorded, and of nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'a> {
    /// The file as it is now is what was applied.
    Accept(&'a Migration),
    /// It is applied in full, whatever the history says of it.
    Complete(&'a Migration),
    /// What stands is live.
    Confirm,
    /// Drops the index that this CREATE INDEX CONCURRENTLY has left invalid, if
    /// it has; before all others, for it can be part of no transaction, and the
    /// ruin of an index is worth nothing whatever becomes of them.
    DropInvalidIndex(&'a str),
    /// It is not applied, whatever the history says of it.
    Forget(Version),
    /// All repeatables are to be run again: what they made may be gone.
    ForgetRepeated,
    /// It was applied before there was a history.
    Record(&'a Migration),
    /// Remembers a run that changed no schema.
    Remember(&'a Run),
    /// Whether the statement has happened whose end nobody recorded.
    Settle {
        version: Version,
        /// 0-based.
        statement: i64,
        happened: bool,
    },
}

/// How far some migrations came.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How long each of the first ones took: those are applied.
    pub applied: Vec<Duration>,
    /// The number of the one that failed among those that were sent: the first
    /// that is not applied, or in one transaction any of them.
    pub failed: usize,
    /// Why it was not applied.
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
            failed: 0,
            setback: None,
        }
    }

    /// Already the first was not applied.
    #[must_use]
    pub fn none(setback: Setback) -> Self {
        Self {
            applied: Vec::new(),
            failed: 0,
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

/// Whether a script that has not begun is run as one transaction.
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
    /// The first `ran` statements of a repeatable, which is run again as a whole.
    Repeatable { ran: usize },
    /// Its first `ran` statements stay, and only a person can tell whether the
    /// next has happened.
    Unsettled { ran: usize },
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
    async fn look(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault>;

    /// Creates the history table where it is missing.
    ///
    /// # Errors
    /// What the database complained of; nothing was created then.
    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault>;

    /// Remembers a run; its table is created where it is missing.
    ///
    /// # Errors
    /// What the database complained of.
    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault>;

    /// Changes what is recorded: all of it, or nothing.
    ///
    /// # Errors
    /// What the database complained of; nothing was changed then.
    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault>;

    /// The names of the indexes that these CREATE INDEX CONCURRENTLY have left
    /// invalid; none where there is no such thing.
    ///
    /// # Errors
    /// What the database complained of.
    async fn invalid_indexes(&mut self, _statements: &[&str]) -> Result<Vec<String>, Fault> {
        Ok(Vec::new())
    }

    /// By what its running statement is cancelled.
    fn handle(&self) -> Handle;

    /// How many migrations may travel together to begin with; more do while that
    /// is quick, but for one, which always goes alone.
    fn together(&self) -> usize {
        1
    }

    /// Applies migrations in order and records each, its record first, up to the
    /// first that fails. One without a transaction goes alone; fewer than all may
    /// be tried.
    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress;

    /// Applies all of them in one transaction, or none.
    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress;

    /// Waits until all that was done is on the disk.
    ///
    /// # Errors
    /// What the database complained of.
    async fn flush(&mut self, _ledger: &Ledger) -> Result<(), Fault> {
        Ok(())
    }
}
