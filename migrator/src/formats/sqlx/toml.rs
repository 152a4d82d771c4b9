//! `sqlx.toml`, its `[migrate]` table (sqlx-core 0.9, `src/config/migrate.rs`).
//! The other tables are for sqlx's macros and drivers and are not read.

use crate::formats::FormatError;
use crate::text::{SourceFile, Span};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What `sqlx.toml` says of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    pub create_schemas: BTreeSet<String>,
    pub table_name: Option<String>,
    pub migrations_dir: Option<String>,
    /// Left out of checksums.
    pub ignored_chars: BTreeSet<char>,
    pub(super) defaults: Defaults,
}

/// How new files are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Defaults {
    pub(super) migration_type: MigrationType,
    pub(super) migration_versioning: Versioning,
}

/// Whether a new migration has a way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MigrationType {
    #[default]
    Inferred,
    Reversible,
    Simple,
}

/// What a new version is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Versioning {
    #[default]
    Inferred,
    Sequential,
    Timestamp,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    migrate: Settings,
}

impl Settings {
    /// Reads the text of a `sqlx.toml`.
    ///
    /// # Errors
    /// An unknown key or a wrong type, with its place: a setting that is passed
    /// over could mean another history table.
    pub fn parse(file: &Arc<SourceFile>) -> Result<Self, FormatError> {
        toml::from_str::<File>(file.text())
            .map(|parsed| parsed.migrate)
            .map_err(|error| FormatError::Configuration {
                file: Arc::clone(file),
                span: error
                    .span()
                    .map_or_else(Span::default, |span| Span::new(span.start, span.end)),
                message: error.message().to_owned(),
            })
    }
}
