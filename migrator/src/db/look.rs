//! What one look at a database tells.

use crate::history::ledger::Ledger;
use crate::history::{History, Run};
use crate::model::{Checksum, Migration, Version};
use crate::sql::Quoting;

/// What one look at a database tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The server's name and version.
    pub server: String,
    /// The history table under the name by which it is found wherever a
    /// migration leaves the search path.
    pub ledger: Ledger,
    pub past: Past,
    /// Other tables of the history's name, which an unqualified name may mean, with
    /// what they hold: asked for where nothing is applied, and where another one
    /// stands in the search path.
    pub elsewhere: Vec<Elsewhere>,
    /// Where nothing is applied: whether there are tables all the same.
    pub has_tables: bool,
    /// How its sessions read quotes.
    pub quoting: Quoting,
    /// What two migrators of this history exclude each other by.
    pub lock: LockKey,
    /// What the format's own tool excludes itself by, where it does.
    pub tools_lock: Option<LockKey>,
}

/// A table of the history's name in another schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its name in full.
    pub table: String,
    /// Whether its schema is one of the search path; of Alembic's, whether it is the
    /// one that the name alone means there.
    pub is_in_path: bool,
    pub applied: Vec<(Version, Checksum)>,
    /// Alembic's revisions, of which no other applied one stands on any.
    pub current: Vec<String>,
}

/// What a database knows of its migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Past {
    /// No history table, neither ours nor another tool's.
    Fresh,
    /// Another tool's history table and none of ours.
    Foreign {
        tool: &'static str,
        table: &'static str,
    },
    Known(History),
    /// Alembic's version table.
    Revisions {
        /// Those that no other applied one stands on, in any order.
        current: Vec<String>,
        /// Read only where they are asked for.
        runs: Vec<Run>,
    },
}

impl Elsewhere {
    /// Whether it is the history of these files: one of them was applied by it.
    #[must_use]
    pub fn knows(&self, migrations: &[Migration]) -> bool {
        let mut applied = self.applied.iter();
        applied.any(|(version, checksum)| is_one_of(migrations, version, checksum))
    }
}

/// Whether one of these files is the one that was applied.
fn is_one_of(migrations: &[Migration], version: &Version, checksum: &Checksum) -> bool {
    let mut files = migrations.iter();
    files.any(|file| file.version == *version && file.checksum == *checksum)
}

impl Past {
    /// Whether it is the history of these files: one of them was applied by it.
    #[must_use]
    pub fn knows(&self, migrations: &[Migration]) -> bool {
        let Self::Known(history) = self else {
            return false;
        };
        let mut applied = history.applied.iter();
        applied.any(|applied| is_one_of(migrations, &applied.version, &applied.checksum))
    }

    /// Whether nothing is applied, as far as we know.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Known(history) => history.applied.is_empty(),
            Self::Revisions { current, .. } => current.is_empty(),
            Self::Foreign { .. } | Self::Fresh => true,
        }
    }

    /// Alembic's current revisions; none where there is no version table.
    #[must_use]
    pub fn current(&self) -> &[String] {
        match self {
            Self::Revisions { current, .. } => current,
            Self::Foreign { .. } | Self::Fresh | Self::Known(_) => &[],
        }
    }

    /// What is applied of numbered migrations; nothing where there is no history
    /// of ours.
    #[must_use]
    pub fn history(&self) -> History {
        match self {
            Self::Known(history) => history.clone(),
            Self::Revisions { runs, .. } => History {
                runs: runs.clone(),
                ..History::default()
            },
            Self::Foreign { .. } | Self::Fresh => History::default(),
        }
    }
}

/// The name of a lock; the forms are fixed for ever, so that two released
/// versions exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockKey {
    /// PostgreSQL's advisory lock.
    Id(i64),
    /// MySQL's and MariaDB's named lock.
    Name(String),
    /// SQLite's lock file.
    File(std::path::PathBuf),
}

/// What is to be read beside the history itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What was run of the repeatable files.
    pub repeated: bool,
    /// The runs.
    pub runs: bool,
}
