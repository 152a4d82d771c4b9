//! How far some migrations came, and what is left of one that failed.

use super::fault::Fault;
use std::time::Duration;

/// How far some migrations came.
#[derive(Clone, Debug)]
pub struct Progress {
    /// How long each of the first ones took: those are applied.
    pub applied: Vec<Duration>,
    /// The number of the one that failed among those that were sent: the first
    /// that is not applied, or in one transaction any of them.
    pub failed: usize,
    /// Why it was not applied.
    pub setback: Option<Failure>,
}

/// Why a migration was not applied, and what is left of it.
#[derive(Clone, Debug)]
pub struct Failure {
    pub fault: Fault,
    /// The 0-based number of the script's statement that failed; `None` where
    /// it was none of them.
    pub statement: Option<usize>,
    /// The byte of the script at which it failed, where the database told.
    pub offset: Option<usize>,
    pub left: Remainder,
}

impl Failure {
    /// One at none of the script's statements.
    #[must_use]
    pub fn unplaced(fault: Fault, left: Remainder) -> Self {
        Self {
            fault,
            statement: None,
            offset: None,
            left,
        }
    }
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
    pub fn none(setback: Failure) -> Self {
        Self {
            applied: Vec::new(),
            failed: 0,
            setback: Some(setback),
        }
    }
}

impl From<Result<Duration, Failure>> for Progress {
    fn from(result: Result<Duration, Failure>) -> Self {
        match result {
            Ok(took) => Self::all(vec![took]),
            Err(setback) => Self::none(setback),
        }
    }
}

/// What a failed migration left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remainder {
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
