//! What can be wrong with an Alembic project, as data.

use super::Unreadable;
use std::path::PathBuf;

/// Why a project's revisions cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlembicError {
    /// Alembic failed, and none of its revisions did.
    Failed {
        /// After it had done some of them, and before it began with one otherwise.
        is_after: bool,
        exception: String,
        sql: Option<String>,
        /// The innermost line of its traceback.
        place: Option<String>,
    },
    /// Neither the command nor the module can be started.
    NoCommand { looked: Vec<String>, cause: String },
    /// Python was asked for what no file says by a literal, and had no answer.
    NoAnswer {
        unreadable: Vec<Unreadable>,
        said: String,
    },
    /// There is no command by which Alembic does what is to be done and nothing else.
    NotAlone {
        command: String,
        /// What it would do beside.
        others: Vec<String>,
    },
    /// A command of Alembic's that makes a file did not.
    Refused { command: String, said: String },
    /// Nothing says which of them `head` is.
    SeveralHeads {
        heads: Vec<Head>,
        /// In which Alembic's commands run, and with which options.
        folder: String,
        options: Vec<String>,
    },
    /// Alembic ended well, and the version table is not where it should be.
    Unreached {
        table: String,
        database: String,
        expected: Vec<String>,
        found: Vec<String>,
    },
}

/// Why it is not clear where a project's revisions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocationError {
    /// There is a folder of SQL migrations, too, and nothing says which is meant.
    BesideSql { config: String, dir: String },
    /// The configuration cannot be read.
    Configuration { path: String, message: String },
    /// The configuration does not say where the revisions are: a program does.
    NoLocation {
        path: String,
        section: String,
        /// The sections that do say it.
        others: Vec<String>,
    },
    /// A section was named that the configuration does not have.
    NoSection {
        path: String,
        section: String,
        /// Who named it.
        origin: String,
        known: Vec<String>,
        nearest: Option<String>,
    },
    /// The configuration that was asked for is not there.
    NoConfiguration { dir: String },
    /// Python was asked where packages of the configuration are, and had no answer.
    NoPackage {
        path: String,
        packages: Vec<String>,
        said: String,
    },
    /// There are several configurations, and nothing says which is meant.
    SeveralConfigurations { paths: Vec<String> },
    /// A versions folder that is not there.
    NoVersions { path: PathBuf },
}

/// One of several heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub label: String,
    pub id: String,
    pub path: String,
}
