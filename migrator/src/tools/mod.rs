//! Programs that apply a project's migrations themselves: how they are asked, what
//! they are told to do, and what came of it.

mod alembic;
mod errand;

use crate::db::url::DatabaseUrl;
use crate::model::{Deed, Version};
use crate::project::AlembicProject;
use crate::python::Places;
pub(crate) use errand::Work;
use std::collections::HashSet;
use std::ffi::OsString;

/// The program of a project's own tool, and where its files are.
pub(crate) struct Tool {
    pub(crate) project: Box<AlembicProject>,
    /// Where its program may be.
    pub(crate) places: Places,
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
fn versions<'a>(deeds: &[Deed<'a>]) -> HashSet<&'a Version> {
    let migrations = deeds.iter().filter_map(|deed| deed.migration());
    migrations.map(|migration| &migration.version).collect()
}
