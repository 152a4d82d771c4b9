//! What a database says was done to it.

use crate::model::{Checksum, Version};
use std::time::Duration;

/// The rows of the history, in order of version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub applied: Vec<Applied>,
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
}

impl History {
    #[must_use]
    pub fn find(&self, version: Version) -> Option<&Applied> {
        self.applied
            .binary_search_by_key(&version, |applied| applied.version)
            .ok()
            .map(|at| &self.applied[at])
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
