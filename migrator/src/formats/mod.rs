//! The formats that migrations are written in. A format turns listings into
//! migrations and knows the table in which its tool keeps the history; it reads
//! no file and asks no database.

pub mod alembic;
pub mod foreign;
pub mod naming;
pub mod repeatable;
pub mod sqlx;

use crate::diagnostic::Diagnostic;
use crate::history::ledger::Ledger;
use crate::model::{Migration, Version};
use crate::order::Rules;
use crate::sources::Listing;
use crate::text::{SourceFile, Span};
use alembic::Unreadable;
use naming::{Draft, NewMigration};
use std::fmt::Debug;
use std::sync::Arc;

/// What a tool's format must tell.
pub trait Format: Debug + Rules {
    /// The tool's name, as a person knows it.
    fn name(&self) -> &'static str;

    /// Whether a file of this name is one of its migrations, or may be.
    fn takes(&self, name: &str) -> bool;

    /// The migrations of its folders, in the order in which they are applied, each
    /// version once.
    ///
    /// # Errors
    /// The first thing that the format's own tool would reject, or would run
    /// wrongly.
    fn read(&self, folders: &[Listing]) -> Result<Reading, FormatError>;

    /// The version that a person means who types this; `None` where it cannot be
    /// one.
    fn typed(&self, text: &str, files: &[Migration]) -> Option<Version>;

    /// What is wrong with a text that [`Format::typed`] does not take, as a sentence's
    /// end.
    fn not_a_version(&self) -> &'static str;

    /// The history table.
    fn ledger(&self) -> &Ledger;
}

/// A format of which new files can be made here.
pub trait Drafts {
    /// The files of a new migration, named as the folder's are, and sorting after
    /// all of them.
    ///
    /// # Errors
    /// A folder in which nothing can be added in good order.
    fn draft(&self, listing: &Listing, wanted: &NewMigration<'_>) -> Result<Draft, FormatError>;
}

/// The formats that there are, by their tools' names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatName {
    Alembic,
    Sqlx,
}

/// What was read from a folder.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub migrations: Vec<Migration>,
    pub warnings: Vec<Diagnostic>,
    /// Whether there are several ends, and nothing says which is meant.
    pub is_ambiguous: bool,
}

/// Why a folder is no set of migrations.
#[derive(Debug)]
pub enum FormatError {
    /// A name that the format's tool rejects.
    BadVersion { path: String, prefix: String },
    /// A configuration file of the format's tool that cannot be obeyed.
    Configuration {
        file: Arc<SourceFile>,
        span: Span,
        message: String,
    },
    /// Two files claim one version.
    DuplicateVersion {
        version: Version,
        first: String,
        second: String,
    },
    /// The folder is another tool's.
    Foreign {
        path: String,
        tool: &'static str,
        because: String,
    },
    /// Files that name each other cannot be put in order.
    Graph(GraphError),
    /// Nothing in the folder is a migration.
    NoMigrations { dir: String, sql_files: Vec<String> },
    /// No version sorts after this file's.
    NoVersionLeft { path: String },
    /// Not text: the file with what can be read of it, whose first bytes up to the
    /// offset are right.
    NotUtf8 {
        file: Arc<SourceFile>,
        offset: usize,
    },
    /// What only the tool's own program can tell.
    Unreadable(Vec<Unreadable>),
}

/// Why files that name each other cannot be put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// Each of them needs another of them.
    Cycle { ids: Vec<String> },
    /// Two files have one name.
    Duplicate {
        id: String,
        first: Arc<SourceFile>,
        second: Arc<SourceFile>,
        /// In the second.
        span: Span,
    },
    /// One follows another that no file has.
    MissingParent {
        id: String,
        parent: String,
        file: Arc<SourceFile>,
        span: Span,
    },
}
