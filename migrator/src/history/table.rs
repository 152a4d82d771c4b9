//! What a tool's history table is: a trait that each tool's own file implements.
//! The statements are text; whoever sends them is not here.

use super::Applied;
use super::ledger::Ledger;
use crate::model::{Migration, Version};
use crate::sql::Dialect;
use std::fmt::Debug;
use std::path::PathBuf;

/// A row of a table, each column as text.
pub type Row = Vec<Option<String>>;

/// What a history table is to its tool.
pub trait Table: Debug + Sync {
    /// The tool's name, as a person knows it.
    fn tool(&self) -> &'static str;

    /// All rows of the table of this name in any order, every column as text.
    fn select(&self, table: &str, dialect: Dialect) -> String;

    /// The columns by which it is told from another table of its name.
    fn columns(&self) -> &'static [&'static str];

    /// Reads a row of [`Table::select`]; `None` where the table is not of this kind.
    fn row(&self, row: &Row) -> Option<Applied>;

    /// What the rows say beside the files: everything that is applied, in order, and
    /// whether that is all that can be known.
    fn read(&self, rows: Vec<Applied>, files: &[Migration]) -> Recorded;

    /// Creates the table where it is missing; `None` where only its tool does.
    fn create(&self, table: &str, dialect: Dialect) -> Option<String>;

    /// By what its tool excludes itself from a database of this name, where it does.
    fn lock(&self, dialect: Dialect, database: &str) -> Option<LockKey>;

    /// Whether its tool takes the first table of this name in the search path,
    /// whatever is in it.
    fn is_the_first_of_its_name(&self) -> bool;

    /// Its statements for whoever applies migrations; `None` where only its tool
    /// does, and writes the table.
    fn writes(&self) -> Option<&'static dyn Writes>;
}

impl PartialEq for dyn Table {
    fn eq(&self, other: &Self) -> bool {
        self.tool() == other.tool()
    }
}

impl Eq for dyn Table {}

/// What a history table says beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// In the order of the files.
    pub applied: Vec<Applied>,
    /// Whether a row is of a migration that no file has, and what that stands on
    /// cannot be known.
    pub is_partial: bool,
}

/// What is written to a history table by whoever applies its migrations.
pub trait Writes: Debug + Sync {
    /// The statement of a change.
    fn write(&self, ledger: &Ledger, dialect: Dialect, change: Change<'_>) -> String;
}

/// A change of a history table.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Takes a file as it is now for what was applied.
    Accept(&'a Migration),
    /// The row that claims a migration: the fence. `complete` is false where the row
    /// is committed before the migration's statements are.
    Begin {
        migration: &'a Migration,
        complete: bool,
    },
    /// The same, of one that is applied statement by statement: its journal knows the
    /// row by this number.
    Claim {
        migration: &'a Migration,
        claim: i64,
    },
    /// Marks a migration as complete whose file may have been corrected since its row
    /// was written; the time that it took is an SQL expression in nanoseconds.
    Complete {
        migration: &'a Migration,
        took: &'a str,
    },
    /// Takes a migration's row away.
    Delete(&'a Version),
    /// Marks a migration as complete.
    Finish { version: &'a Version, took: &'a str },
    /// A row for a migration that was applied before there was a history.
    Record(&'a Migration),
    /// Says of a row that it is not complete any more: the claim of whoever takes its
    /// migration back. It changes one row, or none where another was quicker.
    Reopen { version: &'a Version, claim: i64 },
    /// Takes a complete migration's row away: one row, or none where another was
    /// quicker.
    TakeBack(&'a Version),
}

/// The name of a lock; the forms are fixed for ever, so that two released versions
/// exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockKey {
    /// PostgreSQL's advisory lock.
    Id(i64),
    /// MySQL's and MariaDB's named lock.
    Name(String),
    /// SQLite's lock file.
    File(PathBuf),
}
