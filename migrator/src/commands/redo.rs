//! `redo`: takes the newest migration back and applies it again, which is how
//! one is written.

use super::down::Back;
use super::{Done, Start, Task, foresight, preflight, up};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::history::{Applied, History};
use crate::model::Version;
use crate::plan::planner::{self, Request};
use crate::plan::revert::{self, RevertTarget};
use crate::report::Report;
use crate::tools::Aim;

/// Takes one back and applies it again: two runs, so that whatever is lost in
/// the middle, the history tells what is left to do.
///
/// # Errors
/// Why it stopped; the report was told what had been done.
pub(crate) async fn redo(
    task: &Task,
    start: &Start,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    preflight::announce(task, report);
    if !super::is_there(task) {
        return Err(revert::RevertError::NothingApplied.into());
    }
    // What cannot be applied again is not reverted.
    task.must_be_clear()?;
    let wanted = task.wanted();
    let (mut connection, look) = preflight::look(task, wanted, stop, report).await?;
    let history = task.history(&look);
    let targets = revert::targets(&task.project.migrations, &history, &RevertTarget::Steps(1))?;
    let version = targets.first();
    let version = version.ok_or(revert::RevertError::NothingApplied)?;
    let back = Back {
        task,
        start,
        verb: "redo",
        wanted,
        targets: &|_: &History| targets.clone(),
        in_any_case: false,
    };
    // What is half applied is in the way before anything else is looked at.
    back.plan(&history)?;
    let only = Request {
        only: Some(version.clone()),
        ..task.config.request.clone()
    };
    // What cannot be applied again is not taken back.
    let without = without(history.clone(), version);
    let again = planner::plan(task.format(), task.files(), &without, &only)?;
    if let Some(tool) = &task.tool {
        let reverted = back.plan(&history)?.steps;
        tool.must_do(Aim::Revert, &task.project.migrations, &reverted, &history)?;
        tool.must_do(Aim::Apply, &task.project.migrations, &again.steps, &without)?;
    }
    let mut both = task.steps(&back.plan(&history)?.steps, &history, look.quoting)?;
    both.extend(task.steps(&again.steps, &without, look.quoting)?);
    let ask = async |tables: &[String]| connection.dependents(tables).await;
    foresight::of_steps(&both, task.dialect(), ask).await?;
    back.take(connection, &look, stop, report).await?;
    let again = Start {
        name: format!("{}-up", start.name),
        who: start.who.clone(),
    };
    up::apply(task, &again, "redo", &only, stop, report).await
}

/// What the history will say once a migration is taken back.
fn without(history: History, version: &Version) -> History {
    let others = |applied: &Applied| applied.version != *version;
    History {
        applied: history.applied.into_iter().filter(others).collect(),
        repeated: Vec::new(),
        ..history
    }
}
