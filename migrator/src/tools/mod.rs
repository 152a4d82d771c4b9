//! Programs that apply a project's migrations themselves: how they are asked, what
//! they are told to do, and what came of it.

mod alembic;
mod external_run;

use crate::db::url::DatabaseUrl;
use crate::model::{Operation, Version};
use crate::project::AlembicProject;
use crate::python::SearchPaths;
pub(crate) use external_run::Work;
use std::collections::HashSet;
use std::ffi::OsString;

/// The program of a project's own tool, and where its files are.
pub(crate) struct Tool {
    pub(crate) project: Box<AlembicProject>,
    /// Where its program may be.
    pub(crate) search_paths: SearchPaths,
    /// What it is to find in its environment beside what we do.
    pub(crate) variables: Vec<(String, OsString)>,
    /// Of which nothing secret may be said.
    pub(crate) database: Option<DatabaseUrl>,
}

/// What it is to do with migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    Apply,
    /// Records them without running them.
    Record,
    Revert,
}

/// The versions of what is to be done.
fn versions<'a>(operations: &[Operation<'a>]) -> HashSet<&'a Version> {
    let migrations = operations
        .iter()
        .filter_map(|operation| operation.migration());
    migrations.map(|migration| &migration.version).collect()
}
