//! Alembic's revisions, read without Python: their files are programs, but what
//! they say of themselves is literals. Applying them is Alembic's own; so are its
//! version table's rows, one for each revision that no other one stands on.

mod config;
mod error;
mod graph;
mod ini;
mod literals;
mod revision;

pub use config::{
    Configuration, ConfigurationError, INI, IniFile, Location, PYPROJECT, SECTION, version_table,
};
pub use error::{AlembicError, Head};
pub use graph::{Graph, GraphError};
pub use revision::{Revision, Unreadable, is_revision_file};

use crate::text::SourceFile;
use std::sync::Arc;

/// The version table, where env.py names no other.
pub const TABLE: &str = "alembic_version";

/// The revisions of a project.
#[derive(Clone, Debug)]
pub enum Revisions {
    /// Something of them only Python can tell.
    AskPython(Vec<Unreadable>),
    Read(Graph),
}

impl Revisions {
    /// Reads the files of the versions folders.
    ///
    /// # Errors
    /// Revisions that are no graph.
    pub fn read(files: &[Arc<SourceFile>]) -> Result<Self, GraphError> {
        let mut revisions = Vec::new();
        let mut unreadable = Vec::new();
        for file in files {
            match Revision::read(file) {
                Ok(revision) => revisions.push(revision),
                Err(what) => unreadable.push(what),
            }
        }
        if unreadable.is_empty() {
            Graph::of(revisions).map(Self::Read)
        } else {
            Ok(Self::AskPython(unreadable))
        }
    }
}
