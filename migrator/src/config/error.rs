//! What can be wrong with settings.

use super::setting::Origin;
use crate::db::url::UrlError;
use crate::text::{SourceFile, Span};
use std::path::PathBuf;
use std::sync::Arc;

/// Why the settings are not to be used.
#[derive(Debug)]
pub enum ConfigError {
    /// A migration that the program brings, and that is for none of the databases.
    AdditionLost {
        label: String,
        /// The one that it names.
        database: Option<&'static str>,
        known: Vec<String>,
    },
    /// A certificate authority that is none.
    Authority {
        origin: Origin,
        problem: String,
    },
    /// A value that its setting does not take.
    BadValue {
        option: &'static str,
        origin: Origin,
        value: String,
        takes: String,
    },
    /// The configuration file is wrong.
    File {
        file: Arc<SourceFile>,
        span: Span,
        message: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// No database URL anywhere.
    NoDatabaseUrl {
        /// The variable that would have it.
        variable: String,
        /// The database's own name, if it has one.
        database: Option<String>,
        /// A variable that is set, and probably meant to be that one.
        misspelt: Option<String>,
    },
    /// A configuration file was named, and there is none.
    NoFile {
        origin: Origin,
        path: PathBuf,
    },
    /// A version was typed that is no number.
    NoVersion {
        /// What is wrong with it.
        why: &'static str,
        typed: String,
    },
    /// A variable that is no text.
    NotUnicode {
        name: String,
    },
    /// What only one database can have was said of several.
    OneForSeveral {
        origin: Origin,
        databases: Vec<String>,
    },
    /// A verb's own option was given as a variable, where it would do nothing.
    OnlyTyped {
        name: String,
        option: String,
    },
    /// Only one database can be meant, and none was picked.
    PickOne {
        databases: Vec<String>,
    },
    /// All migrations in one transaction, where a schema's statements commit by
    /// themselves.
    TransactionAll {
        origin: Origin,
    },
    /// The file has no such database.
    UnknownDatabase {
        origin: Origin,
        name: String,
        known: Vec<String>,
        nearest: Option<String>,
    },
    Url {
        origin: Origin,
        error: UrlError,
    },
}
