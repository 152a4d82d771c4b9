//! The history: what was applied, the marks of what is not complete, the runs, and
//! the tables in which they stand. The tables' statements are text; whoever sends
//! them is not here.

pub mod alembic;
pub mod foreign;
pub mod journal;
pub mod ledger;
pub mod record;
pub mod repeatables;
pub mod runs;
pub mod side_table;
pub mod sqlx;
pub mod table;

use crate::model::{Checksum, Migration, Subject, Version};
use std::collections::HashMap;
use std::time::Duration;
use table::{Recorded, Table};

/// What the tables say, each row by itself: what it means, the files tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    pub applied: Vec<Applied>,
    pub marks: Vec<Mark>,
    pub repeated: Vec<Repeated>,
    pub runs: Vec<Run>,
}

/// What the history says beside the files, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub applied: Vec<Applied>,
    /// Whether a migration is applied that no file has, and what it stands on cannot be
    /// known.
    pub is_partial: bool,
    /// The journal of what is not complete.
    pub marks: Vec<Mark>,
    /// What was run of the repeatable files; read only where there are some.
    pub repeated: Vec<Repeated>,
    /// The newest runs, the newest first; read only where they are asked for.
    pub runs: Vec<Run>,
}

/// A repeatable file as it was run last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    pub name: String,
    pub checksum: Checksum,
    /// When, in UTC to the second, as the database words it.
    pub at: String,
    pub run: String,
}

/// A run that changed something, or was to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// By which it is known in the server.
    pub name: String,
    pub verb: String,
    /// When, in UTC to the second, as the database words it.
    pub began: String,
    pub ended: Option<String>,
    pub ending: Ending,
    /// What it did; of one that has not ended, what it was to do.
    pub did: Vec<Subject>,
    /// The version of the program.
    pub tool: String,
    pub who: Who,
    pub error: Option<String>,
    /// When it was said that what stands is live.
    pub confirmed: Option<String>,
    /// How long ago it began, by the database's own clock.
    pub age: Duration,
}

/// The verb of the runs that apply.
pub const UP: &str = "up";

/// The verb of a confirmation. The first one remembers what was applied before any
/// run was.
pub const CONFIRM: &str = "confirm";

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    Failed,
    /// It runs, or was killed.
    #[default]
    Running,
    Stopped,
    Succeeded,
}

/// What the environment tells of a run's reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    pub commit: Option<String>,
    pub deployment: Option<String>,
    pub host: Option<String>,
}

impl Who {
    /// Whether it may be the same deployment: what only one of them names tells
    /// nothing.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        same(&self.commit, &other.commit) && same(&self.deployment, &other.deployment)
    }

    /// Whether it is the same deployment: something names both, and nothing tells
    /// them apart.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let both = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
        let named = both(&self.commit, &other.commit) || both(&self.deployment, &other.deployment);
        named && self.may_be(other)
    }
}

impl Ending {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Succeeded => "succeeded",
        }
    }

    /// A word of a later version counts as a failure: it says nothing good.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            "succeeded" => Self::Succeeded,
            _ => Self::Failed,
        }
    }
}

/// A statement of a migration that could not be one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub version: Version,
    /// 0-based; -1 says that the migration has begun, -2 that it is being taken
    /// back.
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
    /// The run that was at it last, by its claim.
    pub run: Option<String>,
}

/// One migration that the database knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub version: Version,
    pub name: String,
    /// `None` where the tool keeps none.
    pub checksum: Option<Checksum>,
    /// False where it began and nobody recorded its end.
    pub complete: bool,
    /// When, in UTC to the second, as the database words it; `None` where the tool
    /// does not say.
    pub at: Option<String>,
    /// How long, where it was recorded.
    pub took: Option<Duration>,
    /// The number by which the journal knows the row of a migration that is
    /// applied statement by statement.
    pub claim: Option<i64>,
}

impl Records {
    /// What they say beside the files, as the tool of the table has it.
    #[must_use]
    pub fn read(self, table: &dyn Table, files: &[Migration]) -> History {
        let Recorded {
            applied,
            is_partial,
        } = table.read(self.applied, files);
        History {
            applied,
            is_partial,
            marks: self.marks,
            repeated: self.repeated,
            runs: self.runs,
        }
    }

    /// Whether something is not complete.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.applied.iter().any(|applied| !applied.complete)
    }
}

impl History {
    #[must_use]
    pub fn find(&self, version: &Version) -> Option<&Applied> {
        self.applied
            .iter()
            .find(|applied| applied.version == *version)
    }

    /// The same for whoever looks for many.
    #[must_use]
    pub fn by_version(&self) -> HashMap<&Version, &Applied> {
        let applied = self.applied.iter();
        applied.map(|applied| (&applied.version, applied)).collect()
    }

    /// The marks of one migration.
    #[must_use]
    pub fn marks(&self, version: &Version) -> Vec<&Mark> {
        self.marks
            .iter()
            .filter(|mark| mark.version == *version)
            .collect()
    }

    /// Whether it is remembered as applied: by the run that did it, or by the first
    /// confirmation, of what was there before.
    #[must_use]
    pub fn was_applied(&self, version: &Version) -> bool {
        let did = |run: &&Run| run.did.iter().any(|did| did.version() == Some(version));
        self.runs
            .iter()
            .filter(|run| [UP, CONFIRM].contains(&run.verb.as_str()))
            .any(|run| did(&run))
    }

    /// What is known of a repeatable file.
    #[must_use]
    pub fn repeated(&self, name: &str) -> Option<&Repeated> {
        self.repeated.iter().find(|repeated| repeated.name == name)
    }

    /// Whether something is not complete.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.applied.iter().any(|applied| !applied.complete)
    }

    /// The newest version that is applied in full.
    #[must_use]
    pub fn newest(&self) -> Option<&Version> {
        self.applied
            .iter()
            .rev()
            .find(|applied| applied.complete)
            .map(|applied| &applied.version)
    }
}
