//! What a session is given to apply.

use crate::history::Resume;
use crate::history::ledger::Written;
use crate::history::record::{self, Record};
use crate::model::{Operation, Version};
use crate::sql::{Dialect, Statement};
use crate::text::SourceFile;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// One thing to do, with all that a session needs for it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    pub history: Written<'a>,
    pub operation: Operation<'a>,
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
    /// Whether the run is to end: code that waits for something else than the
    /// database must be told.
    pub ending: &'a AtomicBool,
}

impl<'a> Job<'a> {
    /// What it writes of itself.
    #[must_use]
    pub fn record(&self, dialect: Dialect) -> Record<'a> {
        Record {
            history: self.history,
            dialect,
            operation: self.operation,
            run: self.run,
        }
    }

    /// Whether it goes on in a session that holds what an earlier run of it has
    /// left: `held` is the migration whose statements that session has run last.
    #[must_use]
    pub fn goes_on_in(&self, held: Option<&Version>) -> bool {
        self.resume.is_some() && held == Some(&record::version(self.operation))
    }

    /// Whether it can be one transaction.
    #[must_use]
    pub fn is_transaction(&self) -> bool {
        self.operation.script().transaction && self.resume.is_none()
    }
}
