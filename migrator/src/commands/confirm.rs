//! `confirm`: says that a deploy has succeeded, so that what stands is live.

use super::{Done, Start, Task, preflight};
use crate::db::{Edit, Guard, Past, ReadScope};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome};
use crate::error::Error;
use crate::history::{CONFIRM, Ending, History, Run};
use crate::model::Subject;

/// Marks the runs so far as live.
///
/// # Errors
/// Why it could not be recorded; nothing was changed then.
pub(crate) async fn confirm(
    task: &Task,
    start: &Start,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    preflight::announce(task, listener);
    // From the first one on, the runs of a database are remembered of which another
    // program applies the migrations; before it, no table of ours is made there.
    let wanted = ReadScope {
        runs: true,
        ..ReadScope::default()
    };
    if !super::is_there(task) {
        return Ok(done(0, None, listener));
    }
    let (connection, look) = preflight::look(task, wanted, stop, listener).await?;
    if look.past == Past::Fresh {
        // Nothing was ever applied: a history is not begun by its confirmation.
        return Ok(done(0, None, listener));
    }
    let this = Run {
        did: before_any_run(task, &task.history(&look)),
        ..this(start)
    };
    let (runs, newest) = engine::edit(
        &task.run(start, "confirm", wanted, &look),
        Guard::new(connection),
        async || task.connect().await,
        |history| {
            let (edits, open) = marks(history, &this);
            Ok((edits, (open, task.newest(history, &[], false))))
        },
        stop,
        listener,
    )
    .await?;
    Ok(done(runs, newest, listener))
}

/// The record of a confirmation. Of a database that was brought up by another
/// program nobody remembers a run, and what stands is live all the same.
fn this(start: &Start) -> Run {
    Run {
        name: start.name.clone(),
        verb: CONFIRM.to_owned(),
        ending: Ending::Succeeded,
        tool: crate::VERSION.to_owned(),
        who: start.who.clone(),
        confirmed: Some(String::new()),
        ..Run::default()
    }
}

/// What is applied already where another program applies it: whose runs before the
/// first confirmation nobody remembers.
fn before_any_run(task: &Task, history: &History) -> Vec<Subject> {
    if task.tool.is_none() {
        return Vec::new();
    }
    let applied = history.applied.iter();
    applied
        .map(|applied| Subject::Migration(applied.version.clone()))
        .collect()
}

/// What marks all runs so far as live, and how many of them are not yet.
fn marks<'a>(history: &History, this: &'a Run) -> (Vec<Edit<'a>>, usize) {
    let open = history.runs.iter().filter(|run| run.confirmed.is_none());
    let open = open.count();
    let edits = match (open, history.runs.is_empty()) {
        (0, true) => vec![Edit::Remember(this)],
        (0, false) => Vec::new(),
        _ => vec![Edit::Confirm],
    };
    (edits, open)
}

/// So many runs were marked; `newest` is what stands.
fn done(runs: usize, newest: Option<String>, listener: &mut dyn Listener) -> Done {
    let stands = runs > 0 || newest.is_some();
    listener.event(&Event::Confirmed { runs, stands });
    Done {
        outcome: (!stands).then(Outcome::default),
        newest,
    }
}
