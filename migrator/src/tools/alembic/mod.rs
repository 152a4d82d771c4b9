//! A project's own Alembic. The revisions are read and planned as any migrations
//! are; it applies them, under our lock and deadline.

mod ask;
mod new;
mod target;
pub(in crate::tools) mod verdict;

use super::Tool;
use crate::db::url::without_user_info;
use crate::error::Error;
use crate::formats::alembic::{AlembicError, Head};
use crate::order;
use crate::project::Project;
use crate::python::{AlembicProgram, NotFound};

impl Tool {
    /// What is wrong where the files end in several heads.
    pub(crate) fn several_heads(&self, project: &Project) -> AlembicError {
        let all: Vec<_> = project.migrations.iter().collect();
        let heads = order::heads(&all).into_iter().map(|head| Head {
            label: head.label(),
            id: head.version.to_string(),
            path: head.up.file.path().to_owned(),
        });
        AlembicError::SeveralHeads {
            heads: heads.collect(),
            folder: self.project.folder.clone(),
            options: self.project.options(),
        }
    }

    /// Whether its program can be started.
    ///
    /// # Errors
    /// Where it was looked for.
    pub(crate) fn must_be_there(&self) -> Result<(), Error> {
        self.program().map(drop)
    }

    /// The project's Alembic.
    pub(super) fn program(&self) -> Result<AlembicProgram, Error> {
        AlembicProgram::find(&self.search_paths)
            .map_err(|NotFound { looked, cause }| AlembicError::NoCommand { looked, cause }.into())
    }

    /// Alembic's own options before its verb.
    fn arguments(&self, verb: &[&str]) -> Vec<String> {
        let verb = verb.iter().map(|&it| it.to_owned());
        self.project.options().into_iter().chain(verb).collect()
    }

    /// What the server says of a secret is not to be said again.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let text = match &self.database {
            Some(url) => url.without_secrets(text),
            None => text.to_owned(),
        };
        without_user_info(&text)
    }
}
