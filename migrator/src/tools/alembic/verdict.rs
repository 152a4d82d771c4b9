//! What an errand of Alembic's came to: the version table says what was done, and
//! what was heard says why no more was.

use crate::db::fault::{Fault, FaultKind};
use crate::engine::event::{Event, Listener};
use crate::engine::{ChildOutput, Delegated, Outcome};
use crate::error::{Error, MigrationFailure, MigrationState, Stopped};
use crate::formats::alembic::AlembicError;
use crate::history::History;
use crate::model::{Migration, Operation, Subject, Version};
use crate::order;
use crate::python::{Frame, Traceback, traceback};
use crate::sql::Dialect;
use crate::tools::Aim;
use crate::tools::Tool;
use crate::words;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// What was to be done.
pub(in crate::tools) struct Intended<'a> {
    /// In the order in which it was to be done.
    pub(in crate::tools) operations: Vec<Operation<'a>>,
    /// What was to be applied then.
    pub(in crate::tools) expected: HashSet<Version>,
    pub(in crate::tools) aim: Aim,
    pub(in crate::tools) files: &'a [Migration],
    /// The history table.
    pub(in crate::tools) table: &'a str,
    pub(in crate::tools) database: &'a str,
    pub(in crate::tools) dialect: Dialect,
}

impl<'a> Intended<'a> {
    fn reverts(&self) -> bool {
        self.aim == Aim::Revert
    }

    /// In the order in which they were to be done.
    fn migrations(&self) -> impl DoubleEndedIterator<Item = &'a Migration> {
        self.operations
            .iter()
            .filter_map(|operation| operation.migration())
    }

    /// Where a schema is that has exactly these.
    fn tips(&self, applied: &HashSet<Version>) -> Vec<String> {
        let is_applied = |it: &&Migration| applied.contains(&it.version);
        let known: Vec<_> = self.files.iter().filter(is_applied).collect();
        let unknown = applied.iter().filter(|version| {
            let mut files = self.files.iter();
            !files.any(|file| file.version == **version)
        });
        let mut tips: Vec<_> = order::tips(&known).into_iter().chain(unknown).collect();
        tips.sort_by_key(|version| version.as_str());
        tips.into_iter().map(ToString::to_string).collect()
    }
}

/// Tells what was done, and what is to be said of it.
pub(in crate::tools) struct Verdict {
    pub(in crate::tools) did: Vec<Subject>,
    /// What was done, and what the history says now.
    pub(in crate::tools) result: Result<(Outcome, History), Error>,
}

impl Tool {
    pub(in crate::tools) fn judge(
        &self,
        plan: &Intended<'_>,
        delegated: Delegated,
        took: Duration,
        listener: &mut dyn Listener,
    ) -> Verdict {
        let Delegated {
            before,
            after,
            output,
        } = delegated;
        let after = match after {
            Ok(after) => after,
            Err(fault) => {
                let error = match self.failure(plan, &output, &[], MigrationState::Unknown) {
                    Some(failure) => failure.into(),
                    None => fault.into(),
                };
                return Verdict {
                    did: Vec::new(),
                    result: Err(error),
                };
            }
        };
        if self.is_overtaken(plan, &output, &after, listener) {
            return Verdict {
                did: Vec::new(),
                result: Ok((Outcome::default(), after)),
            };
        }
        let done = done(plan, &before, &after);
        for operation in &done {
            tell(plan, *operation, &output, listener);
        }
        let did: Vec<_> = done.iter().map(|operation| operation.subject()).collect();
        let result = match self.error(plan, &output, &after, &done) {
            Some(error) => Err(error),
            None => Ok((Outcome::of(did.clone(), took), after)),
        };
        Verdict { did, result }
    }

    /// Whether another Alembic, which does not know the lock, has done it all while
    /// ours, which says what it begins with, had not begun with anything.
    fn is_overtaken(
        &self,
        plan: &Intended<'_>,
        output: &ChildOutput,
        after: &History,
        listener: &mut dyn Listener,
    ) -> bool {
        let failed = output.status.is_some_and(|status| !status.success());
        let may_be = failed && output.stopped.is_none() && output.ran.is_empty();
        if !may_be || applied(after) != plan.expected {
            return false;
        }
        let exception = self.traceback(output).exception;
        let logs = output
            .last_lines
            .iter()
            .any(|line| line.contains("alembic.runtime"));
        // One that logs nothing may have begun; but not where another was quicker to
        // make the version table.
        let table = plan.table.rsplit('.').next().unwrap_or_default();
        let is_beaten = exception.contains(table)
            && ["already exists", "duplicate", "UniqueViolation"]
                .iter()
                .any(|word| exception.contains(word));
        let is_overtaken = logs || is_beaten;
        if is_overtaken {
            listener.event(&Event::Warning(words::overtaken(&exception)));
        }
        is_overtaken
    }

    /// Why it is no success, if it is none.
    fn error(
        &self,
        plan: &Intended<'_>,
        output: &ChildOutput,
        after: &History,
        done: &[Operation<'_>],
    ) -> Option<Error> {
        let now = applied(after);
        let ended_well = output.status.is_some_and(|status| status.success());
        if ended_well && now == plan.expected {
            return None;
        }
        let state = state(plan, output, done);
        let failure = self.failure(plan, output, done, state);
        if let Some(reason) = output.stopped {
            return Some(
                Stopped {
                    reason,
                    not_started: match &failure {
                        Some(failure) => failure.not_started,
                        None => plan.operations.len() - done.len(),
                    },
                    failure: failure.map(Box::new),
                    reverts: plan.reverts(),
                }
                .into(),
            );
        }
        if ended_well {
            return Some(
                AlembicError::Unreached {
                    table: plan.table.to_owned(),
                    database: plan.database.to_owned(),
                    expected: plan.tips(&plan.expected),
                    found: plan.tips(&now),
                }
                .into(),
            );
        }
        if let Some(failure) = failure {
            return Some(failure.into());
        }
        let traceback = self.traceback(output);
        Some(
            AlembicError::Failed {
                is_after: !done.is_empty(),
                place: place(&traceback),
                exception: traceback.exception,
                sql: traceback.sql,
            }
            .into(),
        )
    }

    /// The revision that failed, if one had begun.
    fn failure(
        &self,
        plan: &Intended<'_>,
        output: &ChildOutput,
        done: &[Operation<'_>],
        state: MigrationState,
    ) -> Option<MigrationFailure> {
        let migration = running(plan, output, done)?;
        let traceback = self.traceback(output);
        let mut fault = Fault::new(FaultKind::Statement, traceback.exception.clone());
        fault.detail = traceback
            .sql
            .as_ref()
            .map(|sql| format!("its SQL was: {sql}"));
        let begun = output.ran.len().saturating_sub(done.len());
        let at = plan
            .migrations()
            .position(|it| it.version == migration.version);
        Some(MigrationFailure {
            is_code: false,
            subject: Subject::Migration(migration.version.clone()),
            reverts: plan.reverts(),
            table: plan.table.to_owned(),
            offset: Some(offset(migration, &traceback, plan.reverts())),
            file: Arc::clone(&migration.up.file),
            statement: None,
            statements: 0,
            fault,
            as_one: (state == MigrationState::RolledBack && begun > 1).then_some(begun),
            state,
            sent_with_it: 0,
            applied: done.iter().map(|operation| operation.subject()).collect(),
            not_started: at.map_or(0, |at| plan.operations.len() - at - 1),
        })
    }

    fn traceback(&self, output: &ChildOutput) -> Traceback {
        let found = traceback(&output.last_lines).unwrap_or_else(|| Traceback {
            exception: match output.status {
                Some(status) => format!("Alembic ended with {status} and did not say why"),
                None => "how Alembic ended is not known".to_owned(),
            },
            ..Traceback::default()
        });
        Traceback {
            exception: self.without_secrets(&found.exception),
            sql: found.sql.map(|sql| self.without_secrets(&sql)),
            frames: found.frames,
        }
    }
}

/// What stays of the revision that failed.
fn state(plan: &Intended<'_>, output: &ChildOutput, done: &[Operation<'_>]) -> MigrationState {
    let running = running(plan, output, done);
    let takes_back = plan.dialect == Dialect::Postgres;
    if takes_back && running.is_none_or(|migration| migration.up.transaction) {
        MigrationState::RolledBack
    } else {
        MigrationState::Uncertain
    }
}

fn applied(history: &History) -> HashSet<Version> {
    let applied = history.applied.iter();
    applied.map(|applied| applied.version.clone()).collect()
}

/// What the history says was done of the plan.
fn done<'a>(plan: &Intended<'a>, before: &History, after: &History) -> Vec<Operation<'a>> {
    let (before, after) = (applied(before), applied(after));
    let is_done = |operation: &&Operation<'_>| {
        let version = operation.migration().map(|migration| &migration.version);
        version.is_some_and(|version| {
            before.contains(version) == plan.reverts() && after.contains(version) != plan.reverts()
        })
    };
    plan.operations.iter().filter(is_done).copied().collect()
}

fn tell(
    plan: &Intended<'_>,
    operation: Operation<'_>,
    output: &ChildOutput,
    listener: &mut dyn Listener,
) {
    let Some(migration) = operation.migration() else {
        return;
    };
    let mut ran = output.ran.iter().rev();
    let took = ran.find(|(it, _)| it.id == migration.version.as_str());
    let took = took.map(|(_, took)| *took);
    listener.event(&match (plan.aim, operation) {
        (Aim::Record, _) => Event::Changed {
            version: &migration.version,
            name: &migration.name,
            before: "pending",
            after: "recorded as applied",
        },
        (_, Operation::Revert(_, down)) => Event::Reverted {
            migration,
            down,
            took,
        },
        (_, Operation::Apply(_) | Operation::Repeat(_)) => Event::Applied { migration, took },
    });
}

/// The revision that was begun with last, unless it is done: by what was heard, or
/// by the traceback where a project logs nothing.
fn running<'a>(
    plan: &Intended<'a>,
    output: &ChildOutput,
    done: &[Operation<'_>],
) -> Option<&'a Migration> {
    let by_log = output.ran.last().and_then(|(running, _)| {
        let mut files = plan.files.iter();
        files.find(|it| it.version.as_str() == running.id)
    });
    let by_traceback = || {
        let traceback = traceback(&output.last_lines)?;
        let mut frames = traceback.frames.iter().rev();
        // What fails while it is loaded has not begun.
        frames.find_map(|Frame { path, function, .. }| {
            let is_run = !matches!(function.as_str(), "" | "<module>");
            let is_its = |it: &&Migration| is_run && is_file_of(path, it);
            plan.migrations().find(is_its)
        })
    };
    let is_done = |migration: &Migration| {
        let mut done = done.iter().filter_map(|operation| operation.migration());
        done.any(|it| it.version == migration.version)
    };
    by_log
        .or_else(by_traceback)
        .filter(|migration| !is_done(migration))
}

/// The innermost line that is nobody else's: what fails in a library was caused
/// outside of it.
fn place(traceback: &Traceback) -> Option<String> {
    let is_own = |Frame { path, .. }: &&Frame| {
        !path.contains("-packages/") && !path.starts_with('<') && !path.contains("/lib/python")
    };
    let mut frames = traceback.frames.iter().rev();
    let own = frames.find(is_own).or_else(|| traceback.frames.last());
    own.map(|Frame { path, line, .. }| format!("{path}:{line}"))
}

/// Whether a path of a traceback is a revision's file.
fn is_file_of(path: &str, migration: &Migration) -> bool {
    let shown = migration.up.file.path().trim_start_matches("./");
    path == shown || path.ends_with(&format!("/{shown}"))
}

/// Where in its file it failed: the innermost line of the traceback there, else
/// the function that was called.
fn offset(migration: &Migration, traceback: &Traceback, reverts: bool) -> usize {
    let text = migration.up.file.text();
    let mut frames = traceback.frames.iter().rev();
    if let Some(Frame { line, .. }) = frames.find(|it| is_file_of(&it.path, migration)) {
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
