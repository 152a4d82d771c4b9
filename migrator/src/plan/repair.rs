//! After an accident: what of the history can be set right, and what each answer
//! of a person changes in it.

use super::drift::{self, Drift};
use super::resume;
use crate::history::{Applied, History, Mark};
use crate::model::{Checksum, Direction, Migration, Version};
use crate::order::Rules;

/// Something that can be repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// An applied file was changed; `harmless` in its line endings only.
    Edited {
        version: Version,
        path: String,
        recorded: Checksum,
        now: Checksum,
        harmless: bool,
    },
    /// A file had no statement when it was applied, and has one now.
    FilledIn { version: Version, path: String },
    /// Something began, and nobody recorded its end.
    Unfinished(Unfinished),
}

/// A migration that is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    pub version: Version,
    pub name: String,
    /// In which direction it goes on by itself, if it does.
    pub direction: Option<Direction>,
    /// How many of its statements are known to have happened.
    pub done: usize,
    /// The 0-based number of the statement of which nobody knows.
    pub in_doubt: Option<i64>,
}

/// What a person says of an unfinished migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// All of it is in the database.
    Applied,
    /// Nothing of it is.
    Reverted,
    /// The statement in doubt happened.
    Done,
    /// The statement in doubt did not happen.
    NotDone,
}

/// Why nothing is repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairError {
    /// It is not all in the database: this index of it is no index.
    InvalidIndex { version: Version, index: String },
    /// The tool keeps no checksum that could be another.
    NoChecksum { version: Version },
    /// No file has the version whose checksum is to be accepted.
    NoFile { version: Version },
    /// No statement of it is in doubt.
    NotInDoubt { version: Version },
    /// Nothing of the version is recorded.
    NotRecorded { version: Version },
    /// It is complete: there is nothing to settle.
    NotUnfinished { version: Version },
    /// It is not complete: that is to be settled first.
    StillUnfinished { version: Version },
}

/// A change of what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair<'a> {
    Accept(&'a Migration),
    Complete {
        migration: &'a Migration,
        unfinished: Unfinished,
    },
    Forget(Unfinished),
    /// Nothing of it has ever run: it is pending.
    Reopen(&'a Migration),
    Settle {
        unfinished: Unfinished,
        statement: i64,
        happened: bool,
    },
}

/// All that can be repaired, in order of version.
#[must_use]
pub fn damages(rules: &dyn Rules, migrations: &[Migration], history: &History) -> Vec<Damage> {
    drift::find(rules, migrations, history)
        .into_iter()
        .filter_map(|drift| match drift {
            Drift::Edited { version, path } => edited(migrations, history, version, path, false),
            Drift::LineEndings { version, path } => {
                edited(migrations, history, version, path, true)
            }
            Drift::FilledIn { version, path } => Some(Damage::FilledIn { version, path }),
            Drift::HalfApplied { version, .. }
            | Drift::HalfReverted { version, .. }
            | Drift::Resumable { version, .. } => history
                .find(&version)
                .map(|applied| Damage::Unfinished(unfinished(applied, history))),
            Drift::Missing { .. } | Drift::OutOfOrder { .. } | Drift::Unknown { .. } => None,
        })
        .collect()
}

fn edited(
    migrations: &[Migration],
    history: &History,
    version: Version,
    path: String,
    harmless: bool,
) -> Option<Damage> {
    Some(Damage::Edited {
        recorded: history.find(&version)?.checksum.clone()?,
        now: of(migrations, &version)?.checksum.clone()?,
        version,
        path,
        harmless,
    })
}

fn of<'a>(migrations: &'a [Migration], version: &Version) -> Option<&'a Migration> {
    migrations
        .iter()
        .find(|migration| migration.version == *version)
}

fn unfinished(applied: &Applied, history: &History) -> Unfinished {
    let marks = history.marks(&applied.version);
    let direction = resume::direction(applied, &marks);
    let ours = |mark: &&&Mark| direction.is_some() && mark.statement >= 0;
    Unfinished {
        version: applied.version.clone(),
        name: applied.name.clone(),
        direction,
        done: marks.iter().filter(ours).filter(|mark| mark.done).count(),
        in_doubt: marks
            .iter()
            .filter(ours)
            .find(|mark| !mark.done)
            .map(|mark| mark.statement),
    }
}

/// What accepting a file's text changes; nothing where it is what was applied.
///
/// # Errors
/// Why it cannot be accepted.
pub fn accept<'a>(
    migrations: &'a [Migration],
    history: &History,
    version: &Version,
) -> Result<Option<Repair<'a>>, RepairError> {
    let applied = history.find(version).ok_or(RepairError::NotRecorded {
        version: version.clone(),
    })?;
    if !applied.complete {
        return Err(RepairError::StillUnfinished {
            version: version.clone(),
        });
    }
    let migration = of(migrations, version).ok_or(RepairError::NoFile {
        version: version.clone(),
    })?;
    if migration.checksum.is_none() {
        return Err(RepairError::NoChecksum {
            version: version.clone(),
        });
    }
    let is_same = migration.checksum == applied.checksum;
    Ok((!is_same).then_some(Repair::Accept(migration)))
}

/// What an answer changes.
///
/// # Errors
/// An answer to a question that nobody asks.
pub fn resolve<'a>(
    rules: &dyn Rules,
    migrations: &'a [Migration],
    history: &History,
    version: &Version,
    resolution: Resolution,
) -> Result<Repair<'a>, RepairError> {
    let applied = history.find(version).ok_or(RepairError::NotRecorded {
        version: version.clone(),
    })?;
    if applied.complete {
        let migration = of(migrations, version);
        if let (Some(migration), Resolution::Reverted) = (migration, resolution)
            && drift::is_filled_in(rules, migration, applied)
        {
            return Ok(Repair::Reopen(migration));
        }
        return Err(RepairError::NotUnfinished {
            version: version.clone(),
        });
    }
    let unfinished = unfinished(applied, history);
    let happened = match resolution {
        Resolution::Applied => {
            let migration = of(migrations, version).ok_or(RepairError::NoFile {
                version: version.clone(),
            })?;
            return Ok(Repair::Complete {
                migration,
                unfinished,
            });
        }
        Resolution::Reverted => return Ok(Repair::Forget(unfinished)),
        Resolution::Done => true,
        Resolution::NotDone => false,
    };
    let statement = unfinished.in_doubt.ok_or(RepairError::NotInDoubt {
        version: version.clone(),
    })?;
    Ok(Repair::Settle {
        unfinished,
        statement,
        happened,
    })
}

impl Unfinished {
    /// What it is, as a person reads it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.direction {
            Some(Direction::Down) => "half reverted",
            Some(Direction::Up) | None => "half applied",
        }
    }
}

impl Repair<'_> {
    #[must_use]
    pub fn version(&self) -> &Version {
        match self {
            Self::Accept(migration)
            | Self::Complete { migration, .. }
            | Self::Reopen(migration) => &migration.version,
            Self::Forget(unfinished) | Self::Settle { unfinished, .. } => &unfinished.version,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Accept(migration)
            | Self::Complete { migration, .. }
            | Self::Reopen(migration) => &migration.name,
            Self::Forget(unfinished) | Self::Settle { unfinished, .. } => &unfinished.name,
        }
    }

    /// What is recorded before and after.
    #[must_use]
    pub fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Accept(_) => ("changed since it was applied", "accepted as it is"),
            Self::Complete { unfinished, .. } => (unfinished.word(), "applied"),
            Self::Forget(unfinished) => (unfinished.word(), "pending"),
            Self::Reopen(_) => ("applied without a statement", "pending"),
            Self::Settle { happened: true, .. } => {
                ("one statement in doubt", "known: that statement was done")
            }
            Self::Settle { .. } => (
                "one statement in doubt",
                "known: that statement was not done",
            ),
        }
    }
}
