//! `down`: takes migrations back by their own down scripts.

use super::{Done, Start, Task, opening};
use crate::db::{Connection, Guard, Look, Past, Wanted};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome};
use crate::error::{self, Error};
use crate::history::{History, Run, Who};
use crate::model::{Deed, Version};
use crate::plan::revert::{self, LeftAlone, RevertError, Unconfirmed, Wish};
use crate::report::Report;
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// What is to be taken back.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    Wish(Wish),
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
    opening::announce(task, report);
    let wanted = Wanted {
        runs: matches!(choice, Choice::Unconfirmed { .. }),
        ..task.wanted()
    };
    if !super::is_there(task) {
        let nothing_applied = History::default();
        if let Choice::Wish(wish) = &choice {
            revert::targets(&nothing_applied, wish)?;
        }
        return Ok(nothing(&nothing_applied));
    }
    let (connection, look) = opening::look(task, wanted, stop, report).await?;
    let history = look.past.history();
    let (targets, run) = match &choice {
        Choice::Wish(wish) => (revert::targets(&history, wish)?, None),
        Choice::Unconfirmed { within } => match unconfirmed(&history, *within, &start.who) {
            Ok(Unconfirmed { run, stand }) => (stand, Some(run)),
            // Until it has ended, nobody knows what it will have applied.
            Err(LeftAlone::NothingStands) if revert::may_be_at_work(&history) => (
                Vec::new(),
                revert::newest_run(&history).map(|run| run.name.clone()),
            ),
            Err(why) => {
                report.event(&Event::LeftAlone { why });
                return Ok(nothing(&history));
            }
        },
    };
    let left_alone = Cell::new(None);
    let still = |history: &History| match &choice {
        Choice::Wish(_) => targets.clone(),
        // The run may have gone on meanwhile, or another have begun.
        Choice::Unconfirmed { within } => {
            let why = match unconfirmed(history, *within, &start.who) {
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
    pub(super) wanted: Wanted,
    /// Which ones, by what the history says.
    pub(super) targets: &'a dyn Fn(&History) -> Vec<Version>,
    /// Whether the lock is waited for although nothing is to be done by now.
    pub(super) in_any_case: bool,
}

impl Back<'_> {
    pub(super) async fn take(
        &self,
        connection: Connection,
        look: &Look,
        stop: &mut Stop,
        report: &mut dyn Report,
    ) -> Result<Done, Error> {
        let Self { task, start, .. } = self;
        let history = look.past.history();
        match self.plan(&history) {
            Ok(plan) => {
                for warning in error::warnings(&plan.warnings) {
                    report.event(&Event::Warning(warning));
                }
                super::warn_of_empty(&task.steps(&plan.steps, &history, look.quoting)?, report);
                if plan.steps.is_empty() && !self.in_any_case {
                    return Ok(nothing(&history));
                }
            }
            // Another migrator may be at it: only who holds the lock can tell.
            Err(Error::Revert(RevertError::HalfApplied { .. })) => {}
            Err(error) => return Err(error),
        }
        let mut names = names(&history, &(self.targets)(&history));
        if names.is_empty() {
            names.push("whatever the run has applied that may still be at work".to_owned());
        }
        task.consent("revert", &names, stop, report).await?;
        let newest = RefCell::new(history.newest().cloned());
        let listener: &mut dyn Listener = report;
        let outcome = engine::run(
            &task.run(start, self.verb, self.wanted, look),
            Guard::new(connection),
            async || task.connect().await,
            Guard::new,
            |past: &Past| {
                let history = past.history();
                let steps = self.plan(&history)?.steps;
                newest.replace(staying(&history, &steps));
                task.steps(&steps, &history, look.quoting)
            },
            stop,
            listener,
        )
        .await?;
        Ok(Done {
            outcome: Some(outcome),
            newest: newest.into_inner().map(|version| version.to_string()),
        })
    }

    pub(super) fn plan(&self, history: &History) -> Result<crate::plan::planner::Plan<'_>, Error> {
        let Self { task, .. } = self;
        Ok(revert::plan(
            &task.project.format,
            &task.project.migrations,
            history,
            &(self.targets)(history),
            &task.config.request,
        )?)
    }
}

/// The newest version that none of the steps takes back.
fn staying(history: &History, steps: &[Deed<'_>]) -> Option<Version> {
    let goes = |version: &Version| {
        let mut migrations = steps.iter().filter_map(|deed| deed.migration());
        migrations.any(|migration| migration.version == *version)
    };
    let mut newest_first = history.applied.iter().rev().map(|it| &it.version);
    newest_first.find(|version| !goes(version)).cloned()
}

/// Version and name, as a person reads them.
fn names(history: &History, versions: &[Version]) -> Vec<String> {
    let rows = versions.iter().filter_map(|version| history.find(version));
    rows.map(|applied| format!("{} {}", applied.version, applied.name))
        .collect()
}

fn unconfirmed(history: &History, within: Duration, who: &Who) -> Result<Unconfirmed, LeftAlone> {
    revert::unconfirmed(history, within, |run: &Run| run.who.may_be(who))
}

fn nothing(history: &History) -> Done {
    Done {
        outcome: Some(Outcome::default()),
        newest: history.newest().map(Version::to_string),
    }
}
