//! `down`: takes migrations back by their own down scripts.

use super::execute::Execution;
use super::{Done, Start, Task, preflight};
use crate::db::{Connection, Look, ReadScope};
use crate::engine::Outcome;
use crate::engine::event::Event;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::history::{History, Run, Who};
use crate::model::Version;
use crate::plan::planner::Plan;
use crate::plan::revert::{self, LeftAlone, RevertError, RevertTarget, Unconfirmed};
use crate::report::Report;
use crate::tools::Aim;
use crate::words;
use std::cell::Cell;
use std::time::Duration;

/// What is to be taken back.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    RevertTarget(RevertTarget),
    /// What the newest run applied, if its deploy has failed.
    Unconfirmed {
        within: Duration,
    },
}

/// Takes migrations back.
///
/// # Errors
/// Why it stopped; the report was told what had been taken back.
pub(crate) async fn down(
    task: &Task,
    start: &Start,
    choice: Choice,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    preflight::announce(task, report);
    let files = &task.project.migrations;
    let mut wanted = task.wanted();
    wanted.runs |= matches!(choice, Choice::Unconfirmed { .. });
    if !super::is_there(task) {
        let nothing_applied = History::default();
        if let Choice::RevertTarget(wish) = &choice {
            revert::targets(files, &nothing_applied, wish)?;
        }
        return Ok(nothing(task, &nothing_applied));
    }
    let (connection, look) = preflight::look(task, wanted, stop, report).await?;
    let history = task.history(&look);
    let (targets, run) = match &choice {
        Choice::RevertTarget(wish) => (revert::targets(files, &history, wish)?, None),
        Choice::Unconfirmed { within } => match unconfirmed(task, &history, *within, &start.who) {
            Ok(Unconfirmed { run, stand }) => (stand, Some(run)),
            // Until it has ended, nobody knows what it will have applied.
            Err(LeftAlone::NothingStands) if revert::may_be_at_work(&history) => (
                Vec::new(),
                revert::newest_run(&history).map(|run| run.name.clone()),
            ),
            Err(why) => {
                report.event(&Event::LeftAlone { why });
                return Ok(nothing(task, &history));
            }
        },
    };
    let left_alone = Cell::new(None);
    let still = |history: &History| match &choice {
        Choice::RevertTarget(_) => targets.clone(),
        // The run may have gone on meanwhile, or another have begun.
        Choice::Unconfirmed { within } => {
            let why = match unconfirmed(task, history, *within, &start.who) {
                Ok(now) if Some(&now.run) == run.as_ref() => return now.stand,
                Ok(_) => LeftAlone::Superseded,
                Err(why) => why,
            };
            left_alone.set(Some(why));
            Vec::new()
        }
    };
    let back = Back {
        task,
        start,
        verb: "down",
        wanted,
        targets: &still,
        in_any_case: run.is_some(),
    };
    let done = back.take(connection, &look, stop, report).await?;
    match left_alone.take() {
        Some(why) if done.outcome.as_ref().is_none_or(|it| it.done.is_empty()) => {
            report.event(&Event::LeftAlone { why });
        }
        _ => {}
    }
    Ok(done)
}

/// Taking some migrations back, for whichever verb.
pub(super) struct Back<'a> {
    pub(super) task: &'a Task,
    pub(super) start: &'a Start,
    pub(super) verb: &'static str,
    pub(super) wanted: ReadScope,
    /// Which ones, by what the history says.
    pub(super) targets: &'a dyn Fn(&History) -> Vec<Version>,
    /// Whether the lock is waited for although nothing is to be done by now.
    pub(super) in_any_case: bool,
}

impl<'a> Back<'a> {
    pub(super) async fn take(
        &self,
        connection: Connection,
        look: &Look,
        stop: &mut Stop,
        report: &mut dyn Report,
    ) -> Result<Done, Error> {
        let Self { task, start, .. } = self;
        let history = task.history(look);
        match self.plan(&history) {
            Ok(plan) => {
                for warning in words::warnings(&plan.warnings) {
                    report.event(&Event::Warning(warning));
                }
                super::warn_of_empty(&task.steps(&plan.steps, &history, look.quoting)?, report);
                if plan.steps.is_empty() && !self.in_any_case {
                    return Ok(nothing(task, &history));
                }
            }
            // Another migrator may be at it: only who holds the lock can tell.
            Err(Error::Revert(RevertError::HalfApplied { .. })) => {}
            Err(error) => return Err(error),
        }
        let mut names = names(&history, &(self.targets)(&history));
        if names.is_empty() {
            names.push("everything applied by the run that may still be in progress".to_owned());
        }
        task.consent("revert", &names, stop, report).await?;
        let execution = Execution {
            task,
            start,
            verb: self.verb,
            wanted: self.wanted,
            look,
            aim: Aim::Revert,
        };
        let decide = |history: &History| Ok(self.plan(history)?.steps);
        let (outcome, seen) = execution.run(connection, decide, stop, report).await?;
        Ok(Done {
            newest: task.newest(&seen, &outcome.done, true),
            outcome: Some(outcome),
        })
    }

    pub(super) fn plan(&self, history: &History) -> Result<Plan<'a>, Error> {
        let Self { task, .. } = self;
        Ok(revert::plan(
            task.format(),
            &task.project.migrations,
            history,
            &(self.targets)(history),
            &task.config.request,
        )?)
    }
}

/// Version and name, as a person reads them.
fn names(history: &History, versions: &[Version]) -> Vec<String> {
    let rows = versions.iter().filter_map(|version| history.find(version));
    rows.map(|applied| format!("{} {}", applied.version, applied.name))
        .collect()
}

fn unconfirmed(
    task: &Task,
    history: &History,
    within: Duration,
    who: &Who,
) -> Result<Unconfirmed, LeftAlone> {
    let files = &task.project.migrations;
    revert::unconfirmed(files, history, within, |run: &Run| run.who.may_be(who))
}

fn nothing(task: &Task, history: &History) -> Done {
    Done {
        outcome: Some(Outcome::default()),
        newest: task.newest(history, &[], true),
    }
}
