//! What of a project is said elsewhere than in its file, and wins over it.

use super::ConfigError;
use super::file::Settings;
use super::lookup::Lookup;
use super::setting::{Origin, Setting};
use super::value::Folder;
use crate::formats::FormatName;

/// What the options and the environment say of where migrations are.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The section of Alembic's ini file.
    pub alembic_section: Option<Setting<String>>,
    /// The folder of the migrations, relative to the root.
    pub dir: Option<Setting<Folder>>,
    pub format: Option<Setting<FormatName>>,
    /// The history table.
    pub table: Option<Setting<String>>,
}

impl Overrides {
    /// Finds them.
    ///
    /// # Errors
    /// A folder or a table without a name, or a format that does not exist.
    pub fn of(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            alembic_section: lookup.find("alembic-section", None)?,
            dir: lookup.find("dir", None)?,
            format: lookup.find("format", None)?,
            table: lookup.find("table", None)?,
        })
    }
}

impl Settings {
    /// What the file says, and over it what is said elsewhere.
    #[must_use]
    pub fn with(self, overrides: &Overrides) -> Self {
        let Overrides {
            alembic_section,
            dir,
            format,
            table,
        } = overrides.clone();
        Self {
            alembic_section: alembic_section.or(self.alembic_section),
            dir: dir.or(self.dir),
            format: format.or(self.format),
            table: table.or(self.table),
            ..self
        }
    }

    /// The folder that somebody names over the file.
    #[must_use]
    pub fn dir_elsewhere(&self) -> Option<&str> {
        let is_elsewhere = |dir: &&Setting<Folder>| !matches!(dir.origin, Origin::File { .. });
        let dir = self.dir.as_ref().filter(is_elsewhere)?;
        Some(&dir.value.0)
    }
}
