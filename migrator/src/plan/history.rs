//! What a database says was done to it.

use crate::model::{Checksum, Version};
use std::time::Duration;

/// The rows of the history, in order of version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub applied: Vec<Applied>,
    /// The journal of what is not complete.
    pub marks: Vec<Mark>,
}

/// A statement of a migration that could not be one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub version: Version,
    /// 0-based; -1 says that the migration has begun.
    pub statement: i64,
    /// Of the statement's text.
    pub digest: String,
    /// False where it was begun and nobody recorded its end.
    pub done: bool,
    /// The run that began it.
    pub run: String,
    /// The database's number of the connection that it ran on.
    pub connection: i64,
}

/// Where a migration goes on that has begun and not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// How many statements are done.
    pub done: usize,
    /// The next one, if it was begun and nobody knows how it ended.
    pub begun: Option<Mark>,
}

/// One migration that the database knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub version: Version,
    pub name: String,
    pub checksum: Checksum,
    /// False where it began and nobody recorded its end.
    pub complete: bool,
    /// When, in UTC to the second, as the database words it.
    pub at: String,
    /// How long, where it was recorded.
    pub took: Option<Duration>,
    /// The number by which the journal knows the row of a migration that is
    /// applied statement by statement.
    pub claim: Option<i64>,
}

impl History {
    #[must_use]
    pub fn find(&self, version: Version) -> Option<&Applied> {
        self.applied
            .binary_search_by_key(&version, |applied| applied.version)
            .ok()
            .map(|at| &self.applied[at])
    }

    /// The marks of one migration.
    #[must_use]
    pub fn marks(&self, version: Version) -> Vec<&Mark> {
        self.marks
            .iter()
            .filter(|mark| mark.version == version)
            .collect()
    }

    /// Whether something of the history is not complete.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.applied.iter().any(|applied| !applied.complete)
    }

    /// The newest version that is applied in full.
    #[must_use]
    pub fn newest(&self) -> Option<Version> {
        self.applied
            .iter()
            .rev()
            .find(|applied| applied.complete)
            .map(|applied| applied.version)
    }
}
