//! What a connection can do that applies migrations.

use super::fault::Fault;
use super::{Edit, Entry, Job, Look, Progress, ReadScope};
use crate::history::ledger::Ledger;

/// By what a session's running statement is found and cancelled.
#[derive(Clone, Debug)]
pub enum Handle {
    /// By the run's name alone: a pooler may change the process behind it.
    Name,
    /// MySQL's and MariaDB's number of the connection.
    Connection(u64),
    /// SQLite asks this while it works.
    Flag(std::sync::Arc<std::sync::atomic::AtomicBool>),
    /// Another program's sessions.
    Outside(Outside),
}

/// By what the sessions of a program are known that a run has started: by the
/// run's name where its driver takes one from the environment, by what they
/// lock, or by their connections' ports.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// The history table, in full.
    pub table: String,
    /// Local ports of the program's connections.
    pub ports: Vec<u16>,
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
    async fn look(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Look, Fault>;

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

    /// Makes the session as if freshly opened, unless the job goes on with what was
    /// begun in it. Its handle may be another one afterwards.
    ///
    /// # Errors
    /// What the database complained of; a connection that is to be made anew is a
    /// lost one.
    async fn prepare(&mut self, _job: &Job<'_>) -> Result<(), Fault> {
        Ok(())
    }

    /// Makes the session as if freshly opened, for our own statements.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    async fn refresh(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// By what its running statement is cancelled.
    fn handle(&self) -> Handle;

    /// How many migrations may travel together to begin with; more do while that
    /// is quick, but for one, which always goes alone.
    fn batch_size(&self) -> usize {
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
