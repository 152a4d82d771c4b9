//! What one look at a database tells.

use crate::history::ledger::Ledger;
use crate::history::table::LockKey;
use crate::history::{Applied, History, Records};
use crate::model::Migration;
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
    /// Whether its schema is one of the search path; of a tool that takes the first
    /// table of its name, whether it is that one.
    pub is_in_path: bool,
    pub applied: Vec<Applied>,
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
    Known(Records),
}

impl Elsewhere {
    /// Whether it is the history of these files: one of them was applied by it.
    #[must_use]
    pub fn knows(&self, migrations: &[Migration]) -> bool {
        are_of(&self.applied, migrations)
    }
}

/// Whether one of the files was applied by one of these rows.
fn are_of(rows: &[Applied], files: &[Migration]) -> bool {
    rows.iter().any(|row| {
        let is_same =
            |file: &Migration| file.version == row.version && file.checksum == row.checksum;
        files.iter().any(is_same)
    })
}

impl Look {
    /// What the history says beside the files; nothing where there is none that is
    /// ours to read.
    #[must_use]
    pub fn history(&self, files: &[Migration]) -> History {
        self.past.clone().history(&self.ledger, files)
    }
}

impl Past {
    /// Whether it is the history of these files: one of them was applied by it.
    #[must_use]
    pub fn knows(&self, migrations: &[Migration]) -> bool {
        match self {
            Self::Known(rows) => are_of(&rows.applied, migrations),
            Self::Foreign { .. } | Self::Fresh => false,
        }
    }

    /// Whether nothing is applied, as far as we know.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Known(rows) => rows.applied.is_empty(),
            Self::Foreign { .. } | Self::Fresh => true,
        }
    }

    /// What it says beside the files, as the tool of the table has it.
    #[must_use]
    pub fn history(self, ledger: &Ledger, files: &[Migration]) -> History {
        match self {
            Self::Known(rows) => rows.read(ledger.kind, files),
            Self::Foreign { .. } | Self::Fresh => History::default(),
        }
    }
}

/// What is to be read beside the history itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadScope {
    /// What was run of the repeatable files.
    pub repeated: bool,
    /// The runs.
    pub runs: bool,
}
