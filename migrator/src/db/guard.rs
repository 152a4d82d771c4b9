//! What a guard can do: hold a run's locks, look on, and end what runs.

use super::fault::Fault;
use super::{Handle, Look};
use crate::history::table::LockKey;
use std::time::Duration;

/// One of the two locks that a run holds, or what it waits for beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// By which our own migrators exclude each other.
    Own,
    /// None: another program is in a transaction with the history.
    Program,
    /// By which the format's own tool excludes itself: an application that
    /// migrates when it starts holds it.
    Tools,
}

/// What an attempt to take both locks came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Somebody else has this one; none is held now.
    Held(Lock),
    Locked,
}

/// Somebody who holds a lock that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockingSession {
    pub process: String,
    pub application: String,
    pub state: String,
    /// How long its transaction has been open; of a session without one, how
    /// long it has been in its state.
    pub age: Duration,
    /// What it runs or ran last, cut short.
    pub query: String,
}

/// What a guard sees of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Who is in the way of what it runs; nobody where the database does not
    /// tell.
    pub blockers: Vec<BlockingSession>,
    /// Whether one of those waits, at the end of the chain, for the guard: then
    /// neither of them ever ends, and the database does not notice.
    pub waits_for_guard: bool,
    /// How far the server is, where it reports on what it does.
    pub work: Option<Work>,
    /// Whether a session of the worker's runs something; of another program, or on
    /// PostgreSQL, whether it is in a transaction.
    pub is_at_work: bool,
}

/// What a server says of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What it is at, in its own words.
    pub phase: String,
    /// How much of the phase is done, in whatever it counts.
    pub done: u64,
    /// How much there is; zero where it does not count.
    pub total: u64,
}

/// A connection that holds the run's locks.
#[expect(
    async_fn_in_trait,
    reason = "the program runs on one thread; no future of these is sent anywhere"
)]
pub trait GuardSession {
    /// Takes both locks if nobody holds either.
    ///
    /// # Errors
    /// What the database complained of.
    async fn try_lock(&mut self, look: &Look, run: &str) -> Result<Attempt, Fault>;

    /// Who holds a lock; nobody where the database does not tell.
    ///
    /// # Errors
    /// What the database complained of.
    async fn holder(&mut self, _key: &LockKey) -> Result<Option<BlockingSession>, Fault> {
        Ok(None)
    }

    /// Gives the tool's lock back for a while, and keeps our own.
    ///
    /// # Errors
    /// What the database complained of.
    async fn yield_lock(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// Takes the tool's lock again if nobody holds it.
    ///
    /// # Errors
    /// What the database complained of.
    async fn try_reacquire_lock(&mut self, _key: &LockKey) -> Result<bool, Fault> {
        Ok(true)
    }

    /// Cancels what a worker runs, if it runs anything.
    ///
    /// # Errors
    /// What the database complained of.
    async fn cancel(&mut self, worker: &Handle, run: &str) -> Result<(), Fault>;

    /// What becomes of what a worker runs.
    ///
    /// # Errors
    /// What the database complained of.
    async fn observe(&mut self, _worker: &Handle, _run: &str) -> Result<Activity, Fault> {
        Ok(Activity::default())
    }

    /// The server's number of the connection, where it is known by one.
    fn number(&self) -> Option<u64> {
        None
    }

    /// Ends the session of a guard of this run that was lost, where the server has
    /// not noticed: its lock would be waited for. By its number, where it has one.
    ///
    /// # Errors
    /// What the database complained of.
    async fn end_lost(
        &mut self,
        _number: Option<u64>,
        _look: &Look,
        _run: &str,
    ) -> Result<(), Fault> {
        Ok(())
    }

    /// What holds the lock for another process, too, for as long as that lives,
    /// where such a thing is: it may outlive us.
    fn inherited_lock(&self) -> Option<std::fs::File> {
        None
    }

    /// Gives both locks back.
    async fn release(&mut self);
}
