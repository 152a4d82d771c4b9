//! What can be wrong with an Alembic project, as data.

use super::{GraphError, Unreadable};
use std::path::PathBuf;

/// Why a project's revisions cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlembicError {
    /// There is a folder of SQL migrations, too, and nothing says which is meant.
    BesideSql {
        config: String,
        dir: String,
    },
    /// The configuration cannot be read.
    Configuration {
        path: String,
        message: String,
    },
    /// Alembic failed, and none of its revisions did.
    Failed {
        /// After it had done some of them, and before it began with one otherwise.
        is_after: bool,
        exception: String,
        sql: Option<String>,
        /// The innermost line of its traceback.
        place: Option<String>,
    },
    Graph(GraphError),
    /// Neither the command nor the module can be started.
    NoCommand {
        looked: Vec<String>,
        cause: String,
    },
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
    NoConfiguration {
        dir: String,
    },
    /// Python was asked for what no file says by a literal, and had no answer.
    NoAnswer {
        unreadable: Vec<Unreadable>,
        said: String,
    },
    /// Python was asked where packages of the configuration are, and had no answer.
    NoPackage {
        path: String,
        packages: Vec<String>,
        said: String,
    },
    /// What only numbered migrations know.
    NotOfAlembic {
        what: &'static str,
        instead: &'static str,
    },
    /// A command of Alembic's that makes a file did not.
    Refused {
        command: String,
        said: String,
    },
    /// There are several configurations, and nothing says which is meant.
    SeveralConfigurations {
        paths: Vec<String>,
    },
    /// Nothing says which of them `head` is.
    SeveralHeads {
        heads: Vec<Head>,
        /// In which Alembic's commands run, and with which options.
        folder: String,
        options: Vec<String>,
    },
    /// The database is at a revision that no file has.
    UnknownCurrent {
        ids: Vec<String>,
        table: String,
    },
    /// A revision was typed that no file has, or that more than one has.
    UnknownTarget {
        typed: String,
    },
    /// It is not what `down` could take back to.
    NotApplied {
        id: String,
    },
    /// There is nothing to take back.
    NothingApplied,
    /// Alembic ended well, and the version table is not where it should be.
    Unreached {
        table: String,
        database: String,
        expected: Vec<String>,
        found: Vec<String>,
    },
    /// A versions folder that is not there.
    NoVersions {
        path: PathBuf,
    },
}

/// One of several heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub label: String,
    pub id: String,
    pub path: String,
}
