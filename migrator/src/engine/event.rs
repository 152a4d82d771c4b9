//! What happens in a run, as it happens. Listeners turn it into words.

use super::stop::Reason;
use crate::db::Blocker;
use crate::diagnostic::Diagnostic;
use crate::model::{Migration, Version};
use std::time::Duration;

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
    /// One of several databases is begun with.
    Database {
        name: &'a str,
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
    /// A setting that is not the default.
    Setting {
        option: &'a str,
        value: &'a str,
        origin: &'a str,
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
    /// Another migrator holds the lock.
    WaitingForLock {
        limit: Duration,
    },
    Warning(Diagnostic),
}

/// Whoever wants to know.
pub(crate) trait Listener {
    fn event(&mut self, event: &Event<'_>);
}
