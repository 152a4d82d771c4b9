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
pub use error::{AlembicError, Head, LocationError};
use graph::Graph;
pub use revision::{Revision, Unreadable, is_revision_file};

use super::{Format, FormatError, Reading};
use crate::history::alembic::{ALEMBIC, NAME};
use crate::history::ledger::Ledger;
use crate::model::{Migration, Version};
use crate::order::Rules;
use crate::sources::{Content, Listing};
use crate::text::SourceFile;
use std::cmp::Ordering;
use std::sync::Arc;

/// What Alembic calls the place before the first revision.
const BASE: &str = "base";

/// Alembic takes no shorter beginning of a name.
const SHORTEST: usize = 4;

/// The format of Alembic's revisions.
#[derive(Clone, Debug)]
pub struct Alembic {
    ledger: Ledger,
}

impl Alembic {
    /// The format with a version table of this name; `None` for the usual one.
    #[must_use]
    pub fn new(table: Option<String>) -> Self {
        Self {
            ledger: Ledger {
                kind: &ALEMBIC,
                table: table.unwrap_or_else(|| NAME.to_owned()),
                schemas: Vec::new(),
            },
        }
    }

    /// What revisions come to, however they were read.
    ///
    /// # Errors
    /// Revisions that are no graph.
    pub fn reading(revisions: Vec<Revision>) -> Result<Reading, FormatError> {
        let graph = Graph::of(revisions).map_err(FormatError::Graph)?;
        Ok(Reading {
            migrations: graph.migrations(),
            warnings: Vec::new(),
            is_ambiguous: graph.is_ambiguous(),
        })
    }
}

impl Format for Alembic {
    fn name(&self) -> &'static str {
        "alembic"
    }

    fn takes(&self, name: &str) -> bool {
        is_revision_file(name)
    }

    fn read(&self, folders: &[Listing]) -> Result<Reading, FormatError> {
        let mut revisions = Vec::new();
        let mut unreadable = Vec::new();
        for listing in folders {
            for entry in &listing.entries {
                let Content::File(bytes) = &entry.content else {
                    continue;
                };
                let file = SourceFile::new(
                    listing.path(&entry.name),
                    String::from_utf8_lossy(bytes).into_owned(),
                );
                if let Err(error) = std::str::from_utf8(bytes) {
                    return Err(FormatError::NotUtf8 {
                        file: Arc::new(file),
                        offset: error.valid_up_to(),
                    });
                }
                match Revision::read(&Arc::new(file)) {
                    Ok(revision) => revisions.push(revision),
                    Err(what) => unreadable.push(what),
                }
            }
        }
        if unreadable.is_empty() {
            Self::reading(revisions)
        } else {
            Err(FormatError::Unreadable(unreadable))
        }
    }

    /// By its name, or by the beginning of it that no other has, as Alembic's own
    /// commands take it.
    fn typed(&self, text: &str, files: &[Migration]) -> Option<Version> {
        if text == BASE {
            return Some(Version::zero());
        }
        let typed = Version::new(text);
        if text.len() < SHORTEST || files.iter().any(|file| file.version == typed) {
            return Some(typed);
        }
        let mut begin = files
            .iter()
            .filter(|file| file.version.as_str().starts_with(text));
        match (begin.next(), begin.next()) {
            (Some(only), None) => Some(only.version.clone()),
            (Some(_), Some(_)) => None,
            (None, _) => Some(typed),
        }
    }

    fn not_a_version(&self) -> &'static str {
        "several revisions begin with it"
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Rules for Alembic {
    fn compare(&self, _: &Version, _: &Version) -> Option<Ordering> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_that_no_other_has_is_enough() {
        let revision = |id: &str| {
            let text = format!("revision = '{id}'\ndown_revision = None\n");
            let file = SourceFile::new(format!("versions/{id}.py"), text);
            Revision::read(&Arc::new(file)).unwrap().migration()
        };
        let files = [revision("ae1027"), revision("ae1975"), revision("ae19751")];
        let typed = |text| Alembic::new(None).typed(text, &files);
        assert_eq!(typed("ae10"), Some(Version::new("ae1027")));
        assert_eq!(typed("ae1"), Some(Version::new("ae1")));
        assert_eq!(typed("ae1975"), Some(Version::new("ae1975")));
        assert_eq!(typed("ae19"), None);
        assert_eq!(typed("base"), Some(Version::zero()));
    }
}
