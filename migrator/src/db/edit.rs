//! What a session is given to record, beside what it applies.

use crate::history::{Ending, Run};
use crate::model::{Migration, Subject, Version};

/// What a run is remembered by.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    Begin(&'a Run),
    End {
        run: &'a str,
        ending: Ending,
        did: &'a [Subject],
        error: Option<&'a str>,
    },
}

/// A change of what is recorded, and of nothing else.
#[derive(Clone, Debug)]
pub enum Edit<'a> {
    /// The file as it is now is what was applied.
    Accept(&'a Migration),
    /// It is applied in full, whatever the history says of it.
    Complete(&'a Migration),
    /// What stands is live.
    Confirm,
    /// Drops the index that this CREATE INDEX CONCURRENTLY has left invalid, if
    /// it has; before all others, for it can be part of no transaction, and the
    /// ruin of an index is worth nothing whatever becomes of them.
    DropInvalidIndex(&'a str),
    /// It is not applied, whatever the history says of it.
    Forget(Version),
    /// All repeatables are to be run again: what they made may be gone.
    ForgetRepeated,
    /// It was applied before there was a history.
    Record(&'a Migration),
    /// Remembers a run that changed no schema.
    Remember(&'a Run),
    /// Whether the statement has happened whose end nobody recorded.
    Settle {
        version: Version,
        /// 0-based.
        statement: i64,
        happened: bool,
    },
}

impl Edit<'_> {
    /// Whether another run that is at the same migration would be misled by it.
    #[must_use]
    pub fn needs_lock(&self) -> bool {
        matches!(
            self,
            Self::Complete(_) | Self::DropInvalidIndex(_) | Self::Forget(_) | Self::Settle { .. }
        )
    }
}
