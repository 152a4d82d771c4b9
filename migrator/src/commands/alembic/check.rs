//! `check`: whether the revisions may be merged and deployed. It lists all that it
//! finds, and changes nothing.

use super::{AlembicSources, AlembicTask, Known, heads, known};
use crate::commands::check::{Base, code};
use crate::db::Look;
use crate::diagnostic::Diagnostic;
use crate::error::{self, Error};
use crate::formats::alembic::{AlembicError, Graph, Revision, is_revision_file};
use crate::git::{Commit, Git};
use crate::plan::branches;
use crate::plan::planner::Request;
use crate::project::AlembicProject;
use crate::text::SourceFile;
use std::sync::Arc;

/// What was found.
pub(crate) struct Findings {
    /// What the database said, if it was asked and is there.
    pub look: Option<Look>,
    pub base: Option<Base>,
    pub count: usize,
    pub files: Vec<Diagnostic>,
    pub history: Vec<Diagnostic>,
    /// Each pending revision's name and label; `None` where no database was asked.
    pub pending: Option<Vec<(String, String)>>,
}

impl Findings {
    /// The exit code: wrong files, else a disagreement, else what is pending.
    pub(crate) fn code(&self) -> u8 {
        let has_pending = self.pending.as_ref().is_some_and(|all| !all.is_empty());
        code(&self.files, &self.history, has_pending)
    }
}

/// Checks the revisions, and against a branch.
///
/// # Errors
/// Why they could not be compared.
pub(crate) async fn offline(
    sources: &AlembicSources,
    base: Option<&str>,
) -> Result<Findings, Error> {
    of_graph(sources, &sources.graph().await?, base)
}

/// The same, of a graph that was read: Python may have been asked for it.
fn of_graph(
    sources: &AlembicSources,
    graph: &Graph,
    base: Option<&str>,
) -> Result<Findings, Error> {
    let project = &sources.project;
    let merged = base.map(|base| merged(project, base)).transpose()?;
    let divergences = merged.iter().flat_map(|merged| {
        let found = branches::find(graph, &merged.fork, &merged.tip);
        let reference = merged.base.reference.clone();
        found
            .into_iter()
            .map(move |it| error::divergence(&it, &reference))
    });
    Ok(Findings {
        look: None,
        count: graph.revisions().len(),
        files: heads(graph, project)
            .err()
            .map(|error| error.diagnostic())
            .into_iter()
            .collect(),
        history: divergences.collect(),
        pending: None,
        base: merged.map(|merged| merged.base),
    })
}

/// The same, and against the database.
///
/// # Errors
/// Why they could not be compared.
pub(crate) async fn check(task: &AlembicTask, base: Option<&str>) -> Result<Findings, Error> {
    let graph = task.sources.graph().await?;
    let mut findings = of_graph(&task.sources, &graph, base)?;
    let look = task.read().await?;
    let request = &task.config.request;
    let history = &mut findings.history;
    let pending = against(&task.sources, request, &graph, look.as_ref(), history)?;
    Ok(Findings {
        pending: Some(pending),
        look,
        ..findings
    })
}

/// What is pending, and what the database is at that no file has.
pub(in crate::commands) fn against(
    sources: &AlembicSources,
    request: &Request,
    graph: &Graph,
    look: Option<&Look>,
    history: &mut Vec<Diagnostic>,
) -> Result<Vec<(String, String)>, Error> {
    let table = &sources.project.ledger.table;
    let current = look.map_or(&[][..], |look| look.past.current());
    if let Some(look) = look {
        match known(graph, &look.past, table, request) {
            Ok(Known::All) => {}
            Ok(Known::Newer(ids)) => {
                let table = table.clone();
                let error = AlembicError::UnknownCurrent { ids, table };
                history.push(error::as_warning(&error.into()));
                return Ok(Vec::new());
            }
            Err(error @ Error::Alembic(_)) => history.push(error.diagnostic()),
            Err(error) => return Err(error),
        }
    }
    let heads = graph.heads();
    let pending = graph.pending(heads.iter().map(|head| head.id.as_str()), current);
    Ok(pending
        .iter()
        .map(|revision| (revision.id.clone(), revision.label()))
        .collect())
}

/// What is merged: the revisions of the branch, and those where this one left it.
struct Merged {
    base: Base,
    tip: Vec<Revision>,
    fork: Vec<Revision>,
}

fn merged(project: &AlembicProject, reference: &str) -> Result<Merged, Error> {
    let mut tip = Vec::new();
    let mut at_fork = Vec::new();
    let mut base = None;
    for dir in &project.dirs {
        let git = Git::of(&project.root.join(dir))?;
        let commit = git.commit(reference)?;
        let fork = git.fork(reference, &commit)?;
        tip.extend(revisions(&git, &commit, dir)?);
        at_fork.extend(revisions(&git, &fork, dir)?);
        base = Some((commit, fork));
    }
    let Some((commit, fork)) = base else {
        return Err(AlembicError::NoLocation {
            path: project.config_path(),
            section: project.section().to_owned(),
            others: Vec::new(),
        }
        .into());
    };
    Ok(Merged {
        tip,
        fork: at_fork,
        base: Base {
            reference: reference.to_owned(),
            commit,
            fork,
        },
    })
}

/// What can be read of them: this branch may be there to mend the rest.
fn revisions(git: &Git, commit: &Commit, dir: &str) -> Result<Vec<Revision>, Error> {
    let files = git.files(commit, is_revision_file)?;
    Ok(files
        .into_iter()
        .filter_map(|file| {
            let text = String::from_utf8(file.content).ok()?;
            let file = SourceFile::new(format!("{dir}/{}", file.name), text);
            Revision::read(&Arc::new(file)).ok()
        })
        .collect())
}
