//! What happens in a run, as it happens. Listeners turn it into words.

use crate::diagnostic::Diagnostic;
use crate::limits::StopReason;
use crate::model::{Migration, Operation, Repeatable, Script, Subject, Version};
use crate::plan::revert::LeftAlone;
use std::time::Duration;

// What events are told with: a listener need not know the databases' room.
pub(crate) use crate::db::{Activity, BlockingSession, Lock};

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A migration is in, and recorded.
    Applied {
        migration: &'a Migration,
        /// Where it is known.
        took: Option<Duration>,
    },
    /// The other program begins with it.
    Beginning {
        operation: Operation<'a>,
    },
    /// Something holds a lock that what was sent waits for.
    Blocked {
        blocker: &'a BlockingSession,
    },
    /// What is recorded of a migration was changed, and nothing else.
    Changed {
        version: &'a Version,
        name: &'a str,
        before: &'static str,
        after: &'static str,
    },
    /// Another run has done it, or is at it.
    Claimed {
        operation: Operation<'a>,
    },
    /// So many runs were marked as live.
    Confirmed {
        runs: usize,
        /// Whether anything is applied.
        stands: bool,
    },
    /// The database answered.
    Connected {
        database: &'a str,
        server: &'a str,
        history: &'a str,
    },
    /// A database file is to be created.
    Creating {
        database: &'a str,
    },
    /// One of several databases is begun with.
    Database {
        name: &'a str,
    },
    /// There is one connection only, and the worker needs it.
    GuardGaveWay,
    /// Another program does the work.
    Delegating {
        command: &'a str,
    },
    /// What an unconfirmed run did is not taken back.
    LeftAlone {
        why: LeftAlone,
    },
    /// An applied file was changed, and what it is now is to be accepted.
    Edited {
        path: &'a str,
        recorded: &'a str,
        now: &'a str,
        /// In its line endings or byte order mark only.
        harmless: bool,
    },
    /// The other program said something.
    Output {
        line: &'a str,
    },
    /// A connection was lost; everything begins again from the history.
    Reconnecting,
    /// The migrations were read.
    Read {
        dir: &'a str,
        format: &'a str,
        count: usize,
        /// Whether the program carries them.
        embedded: bool,
    },
    /// It was done, and only the answer was lost with the connection.
    Recovered {
        subject: &'a Subject,
        /// Whether it was taken back.
        reverts: bool,
    },
    /// A file that had changed was run again, and is recorded.
    Repeated {
        repeatable: &'a Repeatable,
        took: Duration,
    },
    /// It waited for a table lock in vain, was rolled back, and will be tried
    /// again.
    Retrying {
        operation: Operation<'a>,
        /// How many tries have failed.
        failed: u32,
        pause: Duration,
    },
    /// A migration is out again, and its record with it.
    Reverted {
        migration: &'a Migration,
        down: &'a Script,
        /// Where it is known.
        took: Option<Duration>,
    },
    /// What was sent runs still; told some four times a second, of another program
    /// once.
    Running {
        /// `None` where the other program has not begun with any.
        operation: Option<Operation<'a>>,
        /// How many were sent with it: which of them runs, nobody knows.
        sent_with_it: usize,
        /// Since it was sent.
        elapsed: Duration,
        activity: &'a Activity,
    },
    /// A setting that is not the default.
    Setting {
        option: &'a str,
        value: &'a str,
        origin: &'a str,
    },
    /// The run is to end; what runs is being cancelled.
    Stopping {
        reason: StopReason,
    },
    /// The database does not answer yet.
    WaitingForDatabase {
        database: &'a str,
        limit: Duration,
    },
    /// Somebody else holds a lock of the run.
    WaitingForLock {
        lock: Lock,
        holder: Option<&'a BlockingSession>,
        limit: Duration,
    },
    Warning(Diagnostic),
}

/// Whoever wants to know.
pub(crate) trait Listener {
    fn event(&mut self, event: &Event<'_>);
}
