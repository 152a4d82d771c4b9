//! `redo`: takes the newest migration back and applies it again, which is how
//! one is written.

use super::down::Back;
use super::{Done, Start, Task, opening, up};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::plan::history::History;
use crate::plan::planner::Request;
use crate::plan::revert::{self, Wish};
use crate::report::Report;
use crate::verify;

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
    opening::announce(task, report);
    if !super::is_there(task) {
        return Err(revert::RevertError::NothingApplied.into());
    }
    let wanted = task.wanted();
    let (connection, look) = opening::look(task, wanted, stop, report).await?;
    let targets = revert::targets(&look.past.history(), Wish::Steps(1))?;
    let version = *targets.first().ok_or(revert::RevertError::NothingApplied)?;
    // What cannot be applied again is not taken back.
    let mut migrations = task.project.migrations.iter();
    if let Some(migration) = migrations.find(|migration| migration.version == version) {
        verify::script(&migration.up, task.dialect(), task.variables)?;
    }
    let still = |_: &History| targets.clone();
    let back = Back {
        task,
        start,
        verb: "redo",
        wanted,
        targets: &still,
    };
    back.take(connection, &look, stop, report).await?;
    let only = Request {
        only: Some(version),
        ..task.config.request
    };
    let again = Start {
        name: format!("{}-up", start.name),
        who: start.who.clone(),
    };
    up::apply(task, &again, "redo", only, stop, report).await
}
