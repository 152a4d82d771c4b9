//! `up`: brings the database to the head, or to a revision before it.

use super::judge::newest;
use super::work::{Aim, Work};
use super::{AlembicTask, Known, Wish, heads, known};
use crate::commands::{Done, Start};
use crate::db::Past;
use crate::diagnostic::Diagnostic;
use crate::engine::Outcome;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::error::{self, Error};
use crate::formats::alembic::{AlembicError, Graph, Revision};

/// Applies what is pending.
///
/// # Errors
/// Why it stopped; the listener was told what had been applied.
pub(crate) async fn up(
    task: &AlembicTask,
    start: &Start,
    wish: Wish<'_>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    task.announce(listener);
    apply(task, start, "up", wish, stop, listener).await
}

/// The same under another verb's name, what was read being told already.
pub(super) async fn apply(
    task: &AlembicTask,
    start: &Start,
    verb: &'static str,
    wish: Wish<'_>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    let graph = stop.or(task.sources.graph()).await??;
    let heads = heads(&graph, &task.sources.project)?;
    let url = &task.config.database.value;
    crate::db::check_names(task.ledger(), url.dialect())?;
    // What cannot be run must not leave an empty database behind.
    pending(task, &graph, &Past::Fresh, wish)?;
    if url.is_to_be_created() {
        task.sources.alembic()?;
        listener.event(&Event::Creating {
            database: &url.to_string(),
        });
    }
    let (connection, look) = task.look(stop, listener).await?;
    let first = pending(task, &graph, &look.past, wish)?;
    if let Some(warning) = first.warning {
        listener.event(&Event::Warning(warning));
    }
    if first.revisions.is_empty() {
        return Ok(nothing(&look.past));
    }
    let work = Work {
        task,
        graph: &graph,
        start,
        verb,
        reverts: false,
        look: &look,
    };
    let aim = |past: &Past| {
        let revisions = pending(task, &graph, past, wish)?.revisions;
        let last = revisions.last().map(|it| it.id.clone());
        let is_all = wish.to.is_none() && wish.steps.is_none();
        Ok(Aim {
            target: if is_all && heads.len() > 1 {
                "heads".to_owned()
            } else {
                last.unwrap_or_default()
            },
            revisions,
        })
    };
    let done = work.carry_out(connection, aim, stop, listener).await?;
    Ok(done.unwrap_or_else(|past| nothing(&past)))
}

/// What is to be applied.
pub(super) struct Pending<'a> {
    pub(super) revisions: Vec<&'a Revision>,
    pub(super) warning: Option<Diagnostic>,
}

/// What a wish means where a database is.
pub(super) fn pending<'a>(
    task: &AlembicTask,
    graph: &'a Graph,
    past: &Past,
    wish: Wish<'_>,
) -> Result<Pending<'a>, Error> {
    let target = match wish.to {
        Some(typed) => vec![
            graph
                .meant(typed)
                .ok_or_else(|| AlembicError::UnknownTarget {
                    typed: typed.to_owned(),
                })?,
        ],
        None => heads(graph, &task.sources.project)?,
    };
    let table = &task.ledger().table;
    if let Known::Newer(ids) = known(graph, past, table, &task.config.request)? {
        let error = Error::from(AlembicError::UnknownCurrent {
            ids,
            table: table.clone(),
        });
        return Ok(Pending {
            revisions: Vec::new(),
            warning: Some(error::as_warning(&error)),
        });
    }
    let mut revisions = graph.pending(target.iter().map(|it| it.id.as_str()), past.current());
    if let Some(steps) = wish.steps {
        let last = revisions.get(steps.saturating_sub(1).min(revisions.len()));
        revisions = match (steps, last) {
            (0, _) => Vec::new(),
            // Of two branches, what it stands on comes with it.
            (_, Some(last)) => graph.pending([last.id.as_str()], past.current()),
            (_, None) => revisions,
        };
    }
    Ok(Pending {
        revisions,
        warning: None,
    })
}

pub(super) fn nothing(past: &Past) -> Done {
    Done {
        outcome: Some(Outcome::default()),
        newest: newest(past.current()),
    }
}
