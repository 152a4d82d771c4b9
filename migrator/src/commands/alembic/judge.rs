//! What an errand of Alembic's came to: the version table says what was done, and
//! what was heard says why no more was.

use super::AlembicTask;
use crate::commands::Done;
use crate::db::Past;
use crate::db::fault::{Fault, FaultKind};
use crate::engine::event::{Event, Listener};
use crate::engine::{Delegated, Heard, Outcome};
use crate::error::{self, Error, MigrationFailure, State, Stopped};
use crate::formats::alembic::{AlembicError, Graph, Revision};
use crate::model::Subject;
use crate::python::{Essence, Frame, essence};
use crate::sql::Dialect;
use std::sync::Arc;
use std::time::Duration;

/// What was to be done.
pub(super) struct Plan<'a> {
    pub(super) graph: &'a Graph,
    /// In the order in which it was to be done.
    pub(super) revisions: Vec<&'a Revision>,
    /// What the version table was to say then, sorted.
    pub(super) expected: Vec<String>,
    pub(super) reverts: bool,
}

/// Tells what was done, and what is to be said of it.
pub(super) struct Verdict {
    pub(super) did: Vec<Subject>,
    pub(super) result: Result<Done, Error>,
}

impl AlembicTask {
    pub(super) fn judge(
        &self,
        plan: &Plan<'_>,
        delegated: Delegated,
        took: Duration,
        listener: &mut dyn Listener,
    ) -> Verdict {
        let Delegated {
            before,
            after,
            heard,
        } = delegated;
        let after = match after {
            Ok(after) => after,
            Err(fault) => {
                let error = match self.failure(plan, &heard, &[], State::Unknown) {
                    Some(failure) => failure.into(),
                    None => fault.into(),
                };
                return Verdict {
                    did: Vec::new(),
                    result: Err(error),
                };
            }
        };
        if let Some(done) = self.overtaken(plan, &heard, &after, listener) {
            return Verdict {
                did: Vec::new(),
                result: Ok(done),
            };
        }
        let done = done(plan, &before, &after);
        for revision in &done {
            let time = heard.ran.iter().rev().find(|(it, _)| it.id == revision.id);
            listener.event(&Event::Revised {
                id: &revision.id,
                label: &revision.label(),
                path: revision.file.path(),
                took: time.map(|(_, took)| *took),
                reverts: plan.reverts,
            });
        }
        let did: Vec<_> = done
            .iter()
            .map(|revision| Subject::Revision(revision.id.clone()))
            .collect();
        Verdict {
            result: self.result(plan, &heard, &after, &done, took),
            did,
        }
    }

    /// Whether another Alembic, which does not know the lock, has done it all while
    /// ours, which says what it begins with, had not begun with anything.
    fn overtaken(
        &self,
        plan: &Plan<'_>,
        heard: &Heard,
        after: &Past,
        listener: &mut dyn Listener,
    ) -> Option<Done> {
        let failed = heard.status.is_some_and(|status| !status.success());
        let mut current = after.current().to_vec();
        current.sort();
        let may_be = failed && heard.stopped.is_none() && heard.ran.is_empty();
        if !may_be || current != plan.expected {
            return None;
        }
        let exception = self.essence(heard).exception;
        let logs = heard
            .last_lines
            .iter()
            .any(|line| line.contains("alembic.runtime"));
        // One that logs nothing may have begun; but not where another was quicker to
        // make the version table.
        let table = self.ledger().table.rsplit('.').next().unwrap_or_default();
        let is_beaten = exception.contains(table)
            && ["already exists", "duplicate", "UniqueViolation"]
                .iter()
                .any(|word| exception.contains(word));
        (logs || is_beaten).then(|| {
            listener.event(&Event::Warning(error::overtaken(&exception)));
            Done {
                outcome: Some(Outcome::default()),
                newest: newest(&current),
            }
        })
    }

    fn result(
        &self,
        plan: &Plan<'_>,
        heard: &Heard,
        after: &Past,
        done: &[&Revision],
        took: Duration,
    ) -> Result<Done, Error> {
        let mut current = after.current().to_vec();
        current.sort();
        let ended_well = heard.status.is_some_and(|status| status.success());
        if ended_well && current == plan.expected {
            let did = done.iter().map(|it| Subject::Revision(it.id.clone()));
            return Ok(Done {
                outcome: Some(Outcome::of(did.collect(), took)),
                newest: newest(&current),
            });
        }
        let state = self.state(plan, heard, done);
        let failure = self.failure(plan, heard, done, state);
        if let Some(reason) = heard.stopped {
            return Err(Stopped {
                reason,
                not_started: match &failure {
                    Some(failure) => failure.not_started,
                    None => plan.revisions.len() - done.len(),
                },
                failure: failure.map(Box::new),
                reverts: plan.reverts,
            }
            .into());
        }
        if ended_well {
            return Err(AlembicError::Unreached {
                table: self.ledger().table.clone(),
                database: self.config.database.value.to_string(),
                expected: plan.expected.clone(),
                found: current,
            }
            .into());
        }
        if let Some(failure) = failure {
            return Err(failure.into());
        }
        let essence = self.essence(heard);
        Err(AlembicError::Failed {
            is_after: !done.is_empty(),
            place: place(&essence),
            exception: essence.exception,
            sql: essence.sql,
        }
        .into())
    }

    /// What stays of the revision that failed.
    fn state(&self, plan: &Plan<'_>, heard: &Heard, done: &[&Revision]) -> State {
        let running = running(plan, heard, done);
        let takes_back = self.config.database.value.dialect() == Dialect::Postgres;
        let commits_early = |revision: &Revision| revision.commits_early;
        if takes_back && !running.is_some_and(commits_early) {
            State::RolledBack
        } else {
            State::Uncertain
        }
    }

    /// The revision that failed, if one had begun.
    fn failure(
        &self,
        plan: &Plan<'_>,
        heard: &Heard,
        done: &[&Revision],
        state: State,
    ) -> Option<MigrationFailure> {
        let revision = running(plan, heard, done)?;
        let essence = self.essence(heard);
        let mut fault = Fault::new(FaultKind::Statement, essence.exception.clone());
        fault.detail = essence
            .sql
            .as_ref()
            .map(|sql| format!("its SQL was: {sql}"));
        let begun = heard.ran.len().saturating_sub(done.len());
        let at = plan.revisions.iter().position(|it| it.id == revision.id);
        Some(MigrationFailure {
            is_code: false,
            subject: Subject::Revision(revision.id.clone()),
            reverts: plan.reverts,
            table: self.ledger().table.clone(),
            offset: Some(offset(revision, &essence, plan.reverts)),
            file: Arc::clone(&revision.file),
            statement: None,
            statements: 0,
            fault,
            as_one: (state == State::RolledBack && begun > 1).then_some(begun),
            state,
            sent_with_it: 0,
            applied: done
                .iter()
                .map(|it| Subject::Revision(it.id.clone()))
                .collect(),
            not_started: at.map_or(0, |at| plan.revisions.len() - at - 1),
        })
    }

    fn essence(&self, heard: &Heard) -> Essence {
        let found = essence(&heard.last_lines).unwrap_or_else(|| Essence {
            exception: match heard.status {
                Some(status) => format!("Alembic ended with {status} and said nothing of why"),
                None => "how Alembic ended is not known".to_owned(),
            },
            ..Essence::default()
        });
        Essence {
            exception: self.sources.without_secrets(&found.exception),
            sql: found.sql.map(|sql| self.sources.without_secrets(&sql)),
            frames: found.frames,
        }
    }
}

/// What the version table says was done of the plan.
fn done<'a>(plan: &Plan<'a>, before: &Past, after: &Past) -> Vec<&'a Revision> {
    let lineage = |past: &Past| {
        plan.graph
            .lineage(past.current().iter().map(String::as_str))
    };
    let (before, after) = (lineage(before), lineage(after));
    let is_in = |all: &[&Revision], id: &str| all.iter().any(|it| it.id == id);
    plan.revisions
        .iter()
        .filter(|it| {
            is_in(&before, &it.id) == plan.reverts && is_in(&after, &it.id) != plan.reverts
        })
        .copied()
        .collect()
}

/// The revision that was begun with last, unless it is done: by what was heard, or
/// by the traceback where a project logs nothing.
fn running<'a>(plan: &Plan<'a>, heard: &Heard, done: &[&Revision]) -> Option<&'a Revision> {
    let by_log = heard
        .ran
        .last()
        .and_then(|(running, _)| plan.graph.find(&running.id));
    let by_traceback = || {
        let essence = essence(&heard.last_lines)?;
        let mut frames = essence.frames.iter().rev();
        // What fails while it is loaded has not begun.
        frames.find_map(|Frame { path, function, .. }| {
            let is_run = !matches!(function.as_str(), "" | "<module>");
            let is_its = |it: &&&Revision| is_run && is_file_of(path, it);
            plan.revisions.iter().find(is_its).copied()
        })
    };
    by_log
        .or_else(by_traceback)
        .filter(|revision| !done.iter().any(|it| it.id == revision.id))
}

/// The innermost line that is nobody else's: what fails in a library was caused
/// outside of it.
fn place(essence: &Essence) -> Option<String> {
    let is_own = |Frame { path, .. }: &&Frame| {
        !path.contains("-packages/") && !path.starts_with('<') && !path.contains("/lib/python")
    };
    let mut frames = essence.frames.iter().rev();
    let own = frames.find(is_own).or_else(|| essence.frames.last());
    own.map(|Frame { path, line, .. }| format!("{path}:{line}"))
}

/// Whether a path of a traceback is a revision's file.
fn is_file_of(path: &str, revision: &Revision) -> bool {
    let shown = revision.file.path().trim_start_matches("./");
    path == shown || path.ends_with(&format!("/{shown}"))
}

/// Where in its file it failed: the innermost line of the traceback there, else
/// the function that was called.
fn offset(revision: &Revision, essence: &Essence, reverts: bool) -> usize {
    let text = revision.file.text();
    let mut frames = essence.frames.iter().rev();
    if let Some(Frame { line, .. }) = frames.find(|it| is_file_of(&it.path, revision)) {
        let start: usize = text
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let rest = &text[start..];
        return start + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
    }
    let function = if reverts {
        "def downgrade"
    } else {
        "def upgrade"
    };
    text.find(function).unwrap_or_default()
}

/// What a database is at, in words.
pub(super) fn newest(current: &[String]) -> Option<String> {
    (!current.is_empty()).then(|| current.join(", "))
}
