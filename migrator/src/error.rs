//! Everything that can go wrong, as values. `words` turns each into what a
//! person reads, `exit` into a code.

use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::db::dependents::Loss;
use crate::db::fault::{Fault, FaultKind};
use crate::db::url::without_user_info;
use crate::db::{BlockingSession, Lock};
use crate::formats::FormatError;
use crate::formats::alembic::{AlembicError, LocationError};
use crate::git::GitError;
use crate::limits::StopReason;
use crate::model::Subject;
use crate::plan::baseline::BaselineError;
use crate::plan::planner::PlanError;
use crate::plan::repair::RepairError;
use crate::plan::revert::RevertError;
pub(crate) use crate::platforms::TooLong;
use crate::sources::SourceError;
use crate::sql::SplitError;
use crate::sql::tables::OnDelete;
use crate::sql::variables::VariableError;
use crate::text::{SourceFile, Span};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Why something was not done.
#[derive(Debug)]
pub enum Error {
    /// An Alembic project that cannot be brought up.
    Alembic(AlembicError),
    /// An Alembic project of which it is not clear where it is.
    AlembicLocation(LocationError),
    /// A line `-- migrate:allow` that allows nothing.
    Allow(Box<BadAllow>),
    /// A history that is not to be adopted.
    Baseline(BaselineError),
    Bundle(BundleError),
    /// Code among the migrations of a run that is to be one transaction.
    CodeInOneTransaction {
        path: String,
    },
    Config(ConfigError),
    /// Somebody was asked, and did not agree.
    Declined,
    /// The database complained, of no migration.
    Database(Box<Fault>),
    /// A statement that a migration may not hold.
    Forbidden(Box<Forbidden>),
    /// A DROP TABLE that deletes or changes rows of other tables.
    DropCascades(Box<DropCascades>),
    /// The database has another tool's history, and none of ours.
    ForeignHistory {
        tool: &'static str,
        table: &'static str,
        create: String,
    },
    Format(FormatError),
    /// Nothing is applied by the history, and others know these files.
    HistoryElsewhere {
        /// Where they stand.
        tables: Vec<String>,
        /// Where none is.
        missing: String,
        /// Whether their tool takes the first table of its name in the search path.
        is_the_first: bool,
    },
    /// git has no answer.
    Git(GitError),
    /// Another migrator is at work.
    LockHeld(LockHeld),
    Migration(Box<MigrationFailure>),
    /// A file that asks for no transaction, in a run that is to be one.
    NeedsItsOwnTransaction {
        file: Arc<SourceFile>,
    },
    /// A migration without a transaction, and no connection for the lock.
    NeedsSecondConnection,
    /// The program carries this folder, which is not here to be written into.
    NoSourceTree {
        dir: String,
    },
    /// No folder of migrations where one is looked for.
    NoFolder {
        root: PathBuf,
        /// Where it was looked for, below the root.
        looked: &'static [&'static str],
        /// The folder of a configuration of Alembic that lies too deep to be meant
        /// for certain.
        deep: Option<String>,
    },
    Plan(PlanError),
    /// Nothing can be repaired as it was asked for.
    Repair(RepairError),
    /// A table that is made anew without its indexes and triggers.
    RebuildLoses(Box<RebuildLoses>),
    /// Nothing can be taken back as it was asked for.
    Revert(RevertError),
    Source(SourceError),
    /// A migration that is half applied, whose file no longer begins with what
    /// was applied.
    Rewritten {
        file: Arc<SourceFile>,
        /// Where its statement now is, if there is one.
        span: Span,
        /// 1-based.
        statement: usize,
    },
    /// A file that cannot be taken apart into statements.
    Split {
        file: Arc<SourceFile>,
        error: SplitError,
    },
    /// A variable of a file that cannot be filled in.
    Variable {
        file: Arc<SourceFile>,
        error: VariableError,
    },
    /// Somebody wanted the run to end, or its deadline did.
    Stopped(Stopped),
    /// The connection ended while what is recorded was being changed.
    Unrecorded(Box<Fault>),
    /// A platform does not wait for as long as a run may take.
    TooLong(Box<TooLong>),
    /// What was typed is no command of ours: what the command line's parser says of it.
    Usage {
        said: String,
    },
    /// The program itself failed.
    Unexpected {
        what: String,
    },
}

/// Somebody held a lock of the run for longer than was allowed.
#[derive(Debug)]
pub struct LockHeld {
    pub lock: Lock,
    /// Where the database tells.
    pub holder: Option<Box<BlockingSession>>,
    pub waited: Duration,
}

/// A run that ended before its time.
#[derive(Debug)]
pub struct Stopped {
    pub(crate) reason: StopReason,
    /// The migration that was running, and what is left of it.
    pub(crate) failure: Option<Box<MigrationFailure>>,
    pub(crate) not_started: usize,
    /// Whether it was taking back.
    pub(crate) reverts: bool,
}

/// A line `-- migrate:allow` that allows nothing.
#[derive(Debug)]
pub struct BadAllow {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Span,
    pub(crate) why: WhyNotAllowed,
}

/// Why such a line allows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WhyNotAllowed {
    NoReason,
    NoRule,
    NoStatement,
    UnknownRule { name: String },
}

/// A DROP TABLE that SQLite begins with a deletion of all rows.
#[derive(Debug)]
pub struct DropCascades {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Span,
    pub(crate) table: String,
    /// What would be lost by what is in the database now; empty where that is not
    /// known.
    pub(crate) losses: Vec<Loss>,
    /// The tables that refer to it.
    pub(crate) children: Vec<(String, OnDelete)>,
}

/// A rebuild of a table after which something is missing.
#[derive(Debug)]
pub struct RebuildLoses {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) span: Span,
    pub(crate) table: String,
    /// Kind and name of each.
    pub(crate) objects: Vec<(String, String)>,
}

/// A statement that would undo what a migration is promised.
#[derive(Debug)]
pub struct Forbidden {
    pub file: Arc<SourceFile>,
    pub span: Span,
    pub why: Why,
}

/// Why a statement is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It would wait for data that nobody sends.
    Copy,
    /// It does nothing in a transaction, and does not say so.
    IgnoredInTransaction { what: &'static str },
    /// The server refuses it inside a transaction.
    NoTransaction { what: &'static str },
    /// It holds a NUL character.
    Nul,
    /// It is no SQL but psql's.
    PsqlCommand,
    /// It sets the session, and its file does nothing else.
    SessionOnly,
    /// It sets what later files may have been written for, and ends with the file.
    SetsForItself,
    /// It would end the migration's own transaction.
    TransactionControl,
}

/// A migration that failed.
#[derive(Debug)]
pub struct MigrationFailure {
    pub subject: Subject,
    /// Whether it was being taken back.
    pub reverts: bool,
    /// Whether it is code of the program, and `file` its place there.
    pub is_code: bool,
    /// The history table.
    pub table: String,
    pub file: Arc<SourceFile>,
    /// The statement that failed: its 1-based number and its place.
    pub statement: Option<(usize, Span)>,
    /// How many statements the file has.
    pub statements: usize,
    /// The byte of the file at which it failed, where the database told.
    pub offset: Option<usize>,
    pub fault: Fault,
    pub state: MigrationState,
    /// How many more were sent with it, of which nothing is known either.
    pub sent_with_it: usize,
    /// What this run had done before.
    pub applied: Vec<Subject>,
    /// How many were one transaction with it, where the run was one.
    pub as_one: Option<usize>,
    pub not_started: usize,
}

/// The database's state after a migration failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// Its first `ran` statements stay; where it is resumable, the next run goes
    /// on after them.
    HalfApplied { ran: usize, resumable: bool },
    /// The first `ran` statements of a repeatable were run; the next run begins
    /// again with the first.
    HalfRepeated { ran: usize },
    /// Nothing of it stays.
    RolledBack,
    /// Another program failed at it, on a database that does not take back what
    /// DDL has done.
    Uncertain,
    /// The connection ended before the answer came.
    Unknown,
    /// Its first statements stay, and the next may have happened.
    Unsettled { ran: usize },
}

impl Error {
    /// Whether a connection was lost, so that what was sent may have happened or
    /// not.
    #[must_use]
    pub fn is_lost_connection(&self) -> bool {
        match self {
            Self::Database(fault) => fault.kind == FaultKind::Lost,
            Self::Migration(failure) => failure.fault.kind == FaultKind::Lost,
            _ => false,
        }
    }

    /// Whether another program has said that all is done, and it is not where it was to
    /// be: in another database, or not committed.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Alembic(AlembicError::Unreached { .. }))
    }

    /// What nobody knows the outcome of: a migration that was sent when its
    /// connection was lost.
    pub(crate) fn in_doubt(self) -> Option<Box<MigrationFailure>> {
        match self {
            Self::Migration(failure) => Some(failure),
            _ => None,
        }
    }

    /// The same, but for what is still in doubt: that must be told above all.
    pub(crate) fn or_in_doubt(self, in_doubt: Option<Box<MigrationFailure>>) -> Self {
        match (self, in_doubt) {
            (error, None) | (error @ Self::Migration(_), _) => error,
            (Self::Stopped(stopped), Some(failure)) => Self::Stopped(Stopped {
                failure: Some(failure),
                ..stopped
            }),
            (_, Some(failure)) => Self::Migration(failure),
        }
    }

    /// What the database complained of, if it was the database, without the users
    /// and passwords of the URLs in it.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let fault = match self {
            Self::Database(fault) | Self::Unrecorded(fault) => fault,
            Self::Migration(failure) => &failure.fault,
            _ => return None,
        };
        Some(fault.clone().in_other_words(without_user_info))
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),* $(,)?) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(error.into())
            }
        }
    )*};
}

from! {
    AlembicError => Alembic,
    LocationError => AlembicLocation,
    BaselineError => Baseline,
    BundleError => Bundle,
    ConfigError => Config,
    Fault => Database,
    Forbidden => Forbidden,
    FormatError => Format,
    LockHeld => LockHeld,
    MigrationFailure => Migration,
    PlanError => Plan,
    RepairError => Repair,
    RevertError => Revert,
    SourceError => Source,
}

from! { GitError => Git, Stopped => Stopped }
