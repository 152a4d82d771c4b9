//! `new`: delegated to `alembic revision`, which knows the project's template.

use crate::error::Error;
use crate::formats::alembic::{AlembicError, is_revision_file};
use crate::project::Project;
use crate::sources;
use crate::tools::Tool;
use std::collections::BTreeSet;

impl Tool {
    /// Lets Alembic make a revision; its path, as a person knows it.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn new_revision(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<Vec<String>, Error> {
        let before = files(project)?;
        let message = name.replace('_', " ");
        let arguments = self.arguments(&["revision", "-m", &message]);
        let alembic = self.program()?;
        alembic
            .answer(&arguments, &self.variables)
            .await
            .map_err(|said| AlembicError::Refused {
                command: format!("{} {}", alembic.shown(), arguments.join(" ")),
                said: self.without_secrets(&said),
            })?;
        Ok(files(project)?.difference(&before).cloned().collect())
    }
}

fn files(project: &Project) -> Result<BTreeSet<String>, Error> {
    let mut files = BTreeSet::new();
    for dir in &project.dirs {
        if project.root.join(dir).is_dir() {
            let texts = sources::texts(&project.root, dir, true, is_revision_file)?;
            files.extend(texts.into_iter().map(|(path, _)| path));
        }
    }
    Ok(files)
}
