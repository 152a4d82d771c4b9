//! `up`: applies what is pending.

use super::execute::Execution;
use super::{Done, Start, Task, foresight, preflight};
use crate::db;
use crate::engine::Outcome;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::history::{History, UP};
use crate::plan::planner::{self, Plan, Request};
use crate::sql::Quoting;
use crate::tools::Aim;
use crate::words;

/// Applies what is pending.
///
/// # Errors
/// Why it stopped; the listener was told what had been applied.
pub(crate) async fn up(
    task: &Task,
    start: &Start,
    request: &Request,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    preflight::announce(task, listener);
    planner::known(task.files(), request)?;
    apply(task, start, UP, request, stop, listener).await
}

/// The same under another verb's name, what was read being told already.
pub(super) async fn apply(
    task: &Task,
    start: &Start,
    verb: &'static str,
    request: &Request,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    task.must_be_clear()?;
    let url = &task.config.database.value;
    db::check_names(task.ledger(), url.dialect())?;
    if url.is_to_be_created() {
        // Whatever is wrong with the files must not leave an empty database.
        let fresh = History::default();
        task.steps(
            &plan(task, &fresh, request)?.steps,
            &fresh,
            Quoting::default(),
        )?;
        if let Some(tool) = &task.tool {
            tool.must_be_there()?;
        }
        listener.event(&Event::Creating {
            database: &url.to_string(),
        });
    }
    let wanted = task.wanted();
    let (mut connection, look) = preflight::look(task, wanted, stop, listener).await?;
    let before = task.history(&look);
    match plan(task, &before, request) {
        Ok(first) => {
            for warning in words::warnings(&first.warnings) {
                listener.event(&Event::Warning(warning));
            }
            if first.steps.is_empty() {
                return Ok(done(task, Outcome::default(), &before));
            }
            let steps = task.steps(&first.steps, &before, look.quoting)?;
            super::warn_of_empty(&steps, listener);
            let ask = async |tables: &[String]| connection.dependents(tables).await;
            for warning in foresight::of_steps(&steps, url.dialect(), ask).await? {
                listener.event(&Event::Warning(warning));
            }
        }
        // Another migrator may be at it: only who holds the lock can tell.
        Err(Error::Plan(error)) if error.is_half_applied() => {}
        Err(error) => return Err(error),
    }
    if look.has_tables {
        listener.event(&Event::Warning(words::tables_without_history()));
    }
    let execution = Execution {
        task,
        start,
        verb,
        wanted,
        look: &look,
        aim: Aim::Apply,
    };
    let decide = |history: &History| Ok(plan(task, history, request)?.steps);
    // Whoever was waited for may have applied more.
    let (outcome, seen) = execution.run(connection, decide, stop, listener).await?;
    Ok(done(task, outcome, &seen))
}

/// What an `up` is to do.
pub(super) fn plan<'a>(
    task: &'a Task,
    history: &History,
    request: &Request,
) -> Result<Plan<'a>, Error> {
    Ok(planner::plan(
        task.format(),
        task.files(),
        history,
        request,
    )?)
}

fn done(task: &Task, mut outcome: Outcome, seen: &History) -> Done {
    outcome.is_unknown = seen.is_partial;
    Done {
        newest: task.newest(seen, &outcome.done, false),
        outcome: Some(outcome),
    }
}
