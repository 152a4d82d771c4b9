//! `migrate.toml`, at a project's root: keys as the options are called.

use super::ConfigError;
use crate::text::{SourceFile, Span};
use serde::Deserialize;
use std::sync::Arc;

/// The file's name.
pub const NAME: &str = "migrate.toml";

/// What the file says; absent keys are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    pub database_ca_cert: Option<String>,
    pub database_url: Option<String>,
    pub deadline: Option<String>,
    pub dir: Option<String>,
    pub lock_timeout: Option<String>,
    pub lock_wait: Option<String>,
    pub out_of_order: Option<String>,
    pub table: Option<String>,
    pub unknown_applied: Option<String>,
    pub wait: Option<String>,
}

impl File {
    /// Reads the file's text.
    ///
    /// # Errors
    /// An unknown key or a wrong type, with its place.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::File {
            file: Arc::new(SourceFile::new(NAME, text)),
            span: error
                .span()
                .map_or_else(Span::default, |span| Span::new(span.start, span.end)),
            message: error.message().to_owned(),
        })
    }
}
