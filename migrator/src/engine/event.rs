//! What happens in a run, as it happens. Listeners turn it into words.

use super::stop::Reason;
use crate::diagnostic::Diagnostic;
use crate::model::{Migration, Version};
use std::time::Duration;

// What events are told with: a listener need not know the databases' room.
pub(crate) use crate::db::{Blocker, Lock, Sight};

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// A migration is in, and recorded.
    Applied {
        migration: &'a Migration,
        took: Duration,
    },
    /// Something holds a lock that what was sent waits for.
    Blocked {
        blocker: &'a Blocker,
    },
    /// Another run has applied it, or is at it.
    Claimed {
        migration: &'a Migration,
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
    /// There is one connection only, and the worker needs it.
    GuardGaveWay,
    /// A connection was lost; everything begins again from the history.
    Reconnecting,
    /// The migrations were read.
    Read {
        dir: &'a str,
        format: &'a str,
        count: usize,
    },
    /// It was applied, and only the answer was lost with the connection.
    Recovered {
        version: Version,
    },
    /// It waited for a table lock in vain, was rolled back, and will be tried
    /// again.
    Retrying {
        migration: &'a Migration,
        /// How many tries have failed.
        failed: u32,
        pause: Duration,
    },
    /// What was sent runs still; told some four times a second.
    Running {
        migration: &'a Migration,
        /// How many were sent with it: which of them runs, nobody knows.
        sent_with_it: usize,
        /// Since it was sent.
        elapsed: Duration,
        sight: &'a Sight,
    },
    /// The run is to end; what runs is being cancelled.
    Stopping {
        reason: Reason,
    },
    /// The database does not answer yet.
    WaitingForDatabase {
        database: &'a str,
        limit: Duration,
    },
    /// Somebody else holds a lock of the run.
    WaitingForLock {
        lock: Lock,
        holder: Option<&'a Blocker>,
        limit: Duration,
    },
    Warning(Diagnostic),
}

/// Whoever wants to know.
pub(crate) trait Listener {
    fn event(&mut self, event: &Event<'_>);
}
