//! How long things may take, and what ends them.

use std::time::Duration;

/// The bounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the database to answer.
    pub wait: Duration,
    /// For the whole run.
    pub deadline: Duration,
    /// For another migrator to finish.
    pub lock_wait: Duration,
    /// For a table lock; zero is for ever.
    pub lock_timeout: Duration,
    /// For a statement of a migration; zero is for ever.
    pub statement_timeout: Duration,
}

/// How much of a run is one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// All that it does.
    All,
    /// Each migration, where the database can do that.
    #[default]
    Each,
}

/// Why a run is to end before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    Deadline {
        limit: Duration,
    },
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: the platform wants its process back.
    Terminate,
}
