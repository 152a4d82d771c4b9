//! `new`: delegated to `alembic revision`, which knows the project's template.

use super::AlembicSources;
use crate::error::Error;
use crate::formats::alembic::{AlembicError, is_revision_file};
use crate::sources as folders;
use std::collections::BTreeSet;

/// Lets Alembic make a revision; its path, as a person knows it.
///
/// # Errors
/// Why there is none.
pub(crate) async fn new(sources: &AlembicSources, name: &str) -> Result<Vec<String>, Error> {
    let before = files(sources)?;
    let message = name.replace('_', " ");
    let arguments = sources.arguments(&["revision", "-m", &message]);
    let alembic = sources.alembic()?;
    alembic
        .answer(&arguments, &sources.variables)
        .await
        .map_err(|said| AlembicError::Refused {
            command: format!("{} {}", alembic.shown(), arguments.join(" ")),
            said: sources.without_secrets(&said),
        })?;
    Ok(files(sources)?.difference(&before).cloned().collect())
}

fn files(sources: &AlembicSources) -> Result<BTreeSet<String>, Error> {
    let mut files = BTreeSet::new();
    for dir in &sources.project.dirs {
        if sources.project.root.join(dir).is_dir() {
            let texts = folders::texts(&sources.project.root, dir, true, is_revision_file)?;
            files.extend(texts.into_iter().map(|(path, _)| path));
        }
    }
    Ok(files)
}
