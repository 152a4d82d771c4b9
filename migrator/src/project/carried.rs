//! What a project's own program brings: the folder that it carries, and migrations
//! that are no files.

use super::Workspace;
use crate::config::ConfigError;
use crate::config::file::{self, File};
use crate::embedded::Embedded;
use crate::error::Error;
use crate::formats::sqlx::Settings;
use crate::formats::{FormatError, Reading};
use crate::model::{Addition, Migration, Version};
use crate::text::{SourceFile, tidy};
use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

/// How a person knows the `migrate.toml` that the program carries.
const CARRIED: &str = "migrate.toml of the program";

impl Workspace {
    /// The project that the program carries.
    ///
    /// # Errors
    /// A `migrate.toml` that is wrong, with the place.
    pub fn embedded(embedded: Embedded) -> Result<Self, Error> {
        let here = Path::new(".");
        let text = embedded.text(file::NAME)?.unwrap_or_default();
        Ok(Self {
            root: here.to_owned(),
            file: File::parse(CARRIED, here, text)?,
            manifest: None,
            embedded: Some((embedded, true)),
            additions: Vec::new(),
        })
    }

    /// The same project, where it names no folder with the one that the program
    /// carries.
    #[must_use]
    pub fn or_embedded(mut self, embedded: Option<Embedded>) -> Self {
        self.embedded = self.embedded.or(embedded.map(|embedded| (embedded, false)));
        self
    }

    /// The same project, with migrations that are no files.
    ///
    /// # Errors
    /// One that does not say which of several databases it is for.
    pub fn with(mut self, additions: Vec<Addition>) -> Result<Self, Error> {
        let databases = self.databases();
        let lost = |addition: &&Addition| !databases.contains(&addition.database);
        if let Some(lost) = additions.iter().find(lost) {
            return Err(ConfigError::AdditionLost {
                label: lost.migration.label(),
                database: lost.database,
                known: databases.into_iter().flatten().map(str::to_owned).collect(),
            }
            .into());
        }
        self.additions = additions;
        Ok(self)
    }

    /// Whether the program brings migrations: they are SQL, or code among SQL.
    pub(super) fn is_programs_own(&self) -> bool {
        self.embedded.is_some() || !self.additions.is_empty()
    }

    /// What the program carries of a database's migrations, with their folder,
    /// unless somebody or a file on the disk names another.
    pub(super) fn carried(&self, settings: &file::Settings) -> Option<(Embedded, String)> {
        let is_named = settings.dir_elsewhere().is_some();
        let (embedded, is_whole) = self.embedded.filter(|_| !is_named)?;
        match &settings.dir {
            Some(dir) => is_whole.then(|| (embedded, tidy(&dir.value.0).to_owned())),
            None => Some((embedded, embedded.first_folder().to_owned())),
        }
    }
}

/// A folder's migrations, and in order among them those that are no files.
///
/// # Errors
/// A folder that cannot be used, or a version that is there twice.
pub(super) fn with_additions<'a>(
    reading: Result<Reading, FormatError>,
    additions: impl Iterator<Item = &'a Addition>,
    compare: impl Fn(&Version, &Version) -> Ordering,
) -> Result<Reading, FormatError> {
    let mut additions = additions.peekable();
    let mut reading = match reading {
        // All of them may be code.
        Err(FormatError::NoMigrations { sql_files, .. })
            if sql_files.is_empty() && additions.peek().is_some() =>
        {
            Reading::default()
        }
        reading => reading?,
    };
    for Addition { migration, .. } in additions {
        let version = &migration.version;
        match reading
            .migrations
            .binary_search_by(|it| compare(&it.version, version))
        {
            Ok(at) => {
                let path = |migration: &Migration| migration.up.file.path().to_owned();
                return Err(FormatError::DuplicateVersion {
                    version: version.clone(),
                    first: path(&reading.migrations[at]),
                    second: path(migration),
                });
            }
            Err(at) => reading.migrations.insert(at, migration.clone()),
        }
    }
    Ok(reading)
}

/// The `sqlx.toml` that counts for a folder that the program carries.
pub(super) fn carried_settings(embedded: &Embedded, dir: &str) -> Result<Settings, Error> {
    let Some(path) = embedded.sqlx_toml(dir) else {
        return Ok(Settings::default());
    };
    let text = embedded.text(path)?.unwrap_or_default();
    let file = Arc::new(SourceFile::new(path, text));
    Ok(Settings::parse(&file)?)
}
