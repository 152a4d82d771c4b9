//! `up`: brings the database to the head, or to a revision before it.

use super::judge::{Plan, newest};
use super::{AlembicTask, Known, Wish, head, known};
use crate::commands::{Done, Start};
use crate::db::{Guard, Past};
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome};
use crate::error::{self, Error};
use crate::formats::alembic::{AlembicError, Graph, Revision};
use crate::model::Subject;
use crate::plan::history::Ending;
use std::cell::RefCell;
use std::time::Instant;

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
    let graph = task.sources.graph()?;
    head(&graph, &task.sources.project)?;
    let url = &task.config.database.value;
    crate::db::check_names(task.ledger(), url.dialect())?;
    // What cannot be run must not leave an empty database behind.
    pending(task, &graph, &Past::Fresh, wish)?;
    if url
        .file()
        .is_some_and(|file| file.may_create && !file.path.exists())
    {
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
    let alembic = task.sources.alembic()?;
    let describe = |id: &str| describe(&graph, id);
    let planned = RefCell::new(None);
    let run = task.run(start, verb, &look);
    let began = Instant::now();
    let delegated = engine::delegate(
        &run,
        Guard::new(connection),
        async || task.connect().await,
        |past| {
            let pending = pending(task, &graph, past, wish)?;
            let Some(target) = pending.revisions.last() else {
                planned.replace(Some(past.clone()));
                return Ok(None);
            };
            let subjects = subjects(&pending.revisions);
            let verb = ["upgrade", &target.id];
            Ok(Some(task.errand(
                &alembic,
                &verb,
                subjects,
                &start.name,
                &describe,
            )))
        },
        stop,
        listener,
    )
    .await?;
    let Some(delegated) = delegated else {
        // Another migrator has done it while we waited.
        return Ok(nothing(&planned.take().unwrap_or(Past::Fresh)));
    };
    let revisions = pending(task, &graph, &delegated.before, wish)?.revisions;
    let plan = Plan {
        expected: expected(&graph, &delegated.before, &revisions),
        graph: &graph,
        revisions,
        reverts: false,
    };
    let is_remembered = !delegated.before.history().runs.is_empty();
    let verdict = task.judge(&plan, delegated, began.elapsed(), listener);
    if is_remembered {
        remember(task, &run, &verdict.did, verdict.result.as_ref().err()).await;
    }
    verdict.result
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
        Some(typed) => Some(
            graph
                .meant(typed)
                .ok_or_else(|| AlembicError::UnknownTarget {
                    typed: typed.to_owned(),
                })?,
        ),
        None => head(graph, &task.sources.project)?,
    };
    let table = &task.ledger().table;
    if let Known::Newer(ids) = known(graph, past, table, task.config.request)? {
        let error = Error::from(AlembicError::UnknownCurrent {
            ids,
            table: table.clone(),
        });
        return Ok(Pending {
            revisions: Vec::new(),
            warning: Some(error::as_warning(&error)),
        });
    }
    let mut revisions = graph.pending(target.map(|it| it.id.as_str()), past.current());
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

/// What the version table will say.
fn expected(graph: &Graph, before: &Past, revisions: &[&Revision]) -> Vec<String> {
    let current = before.current().iter().map(String::as_str);
    let new = revisions.iter().map(|it| it.id.as_str());
    let all = graph.lineage(current.chain(new));
    Graph::tips(&all).into_iter().map(str::to_owned).collect()
}

pub(super) fn describe(graph: &Graph, id: &str) -> (String, String) {
    match graph.find(id) {
        Some(revision) => (revision.label(), revision.file.path().to_owned()),
        None => (id.to_owned(), "no file of this project".to_owned()),
    }
}

pub(super) fn subjects(revisions: &[&Revision]) -> Vec<Subject> {
    revisions
        .iter()
        .map(|revision| Subject::Revision(revision.id.clone()))
        .collect()
}

/// How it ended, where it is remembered that it began.
pub(super) async fn remember(
    task: &AlembicTask,
    run: &engine::Run<'_>,
    did: &[Subject],
    error: Option<&Error>,
) {
    let ending = match error {
        None => Ending::Succeeded,
        Some(Error::Stopped(_)) => Ending::Stopped,
        Some(_) => Ending::Failed,
    };
    let error = error.map(|error| error.diagnostic().to_string());
    // Its outcome is told in any case; what is remembered of it, where it can be.
    if let Ok(mut worker) = task.connect().await {
        let _ = engine::end(run, &mut worker, ending, did, error.as_deref()).await;
    }
}

pub(super) fn nothing(past: &Past) -> Done {
    Done {
        outcome: Some(Outcome::default()),
        reverts: false,
        newest: newest(past.current()),
    }
}
