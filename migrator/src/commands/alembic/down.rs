//! `down` and `redo`: take revisions back by their own `downgrade`.

use super::up::{apply, nothing};
use super::work::{Aim, Work};
use super::{AlembicTask, Known, Wish, known};
use crate::commands::{Done, Start, consent};
use crate::db::Past;
use crate::engine::event::Event;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::formats::alembic::{AlembicError, Graph, Revision};
use crate::history::{Run, Who};
use crate::model::Subject;
use crate::plan::planner::{Request, UnknownApplied};
use crate::plan::revert::{self, LeftAlone};
use crate::report::Report;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

/// What is to be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Back<'a> {
    Wish(Wish<'a>),
    /// What the newest run applied, if its deploy has failed.
    Unconfirmed {
        within: Duration,
    },
}

/// The revisions to take back, the newest first, and the one that is to stay.
struct Targets<'a> {
    revisions: Vec<&'a Revision>,
    stays: Option<&'a Revision>,
}

/// Takes revisions back.
///
/// # Errors
/// Why it stopped; the report was told what had been taken back.
pub(crate) async fn down(
    task: &AlembicTask,
    start: &Start,
    back: Back<'_>,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    task.announce(report);
    take(task, start, "down", back, stop, report).await
}

/// Takes the newest one back and applies it again.
///
/// # Errors
/// Why it stopped; the report was told what had been done.
pub(crate) async fn redo(
    task: &AlembicTask,
    start: &Start,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    task.announce(report);
    let one = Back::Wish(Wish {
        steps: Some(1),
        to: None,
    });
    let done = take(task, start, "redo", one, stop, report).await?;
    let outcome = done.outcome.as_ref();
    let taken = outcome.and_then(|outcome| match outcome.done.first() {
        Some(Subject::Revision(id)) => Some(id.clone()),
        _ => None,
    });
    let Some(taken) = taken else {
        return Err(AlembicError::NothingApplied.into());
    };
    let again = Start {
        name: format!("{}-up", start.name),
        who: start.who.clone(),
    };
    let wish = Wish {
        to: Some(&taken),
        steps: None,
    };
    apply(task, &again, "redo", wish, stop, report).await
}

async fn take(
    task: &AlembicTask,
    start: &Start,
    verb: &'static str,
    back: Back<'_>,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    let graph = stop.or(task.sources.graph()).await??;
    if !task.config.database.value.is_there() {
        if let Back::Wish(wish) = back {
            wished(task, &graph, &Past::Fresh, wish)?;
        }
        return Ok(nothing(&Past::Fresh));
    }
    let (connection, look) = task.look(stop, report).await?;
    let left_alone = Cell::new(None);
    let targets = |past: &Past| -> Result<Targets<'_>, Error> {
        match back {
            Back::Wish(wish) => wished(task, &graph, past, wish),
            Back::Unconfirmed { within } => Ok(unconfirmed(&graph, past, within, &start.who)
                .unwrap_or_else(|why| {
                    left_alone.set(Some(why));
                    Targets {
                        revisions: Vec::new(),
                        stays: None,
                    }
                })),
        }
    };
    let first = targets(&look.past)?;
    // Until it has ended, nobody knows what the run will have applied.
    let may_be_at_work = left_alone.get() == Some(LeftAlone::NothingStands)
        && revert::may_be_at_work(&look.past.history());
    if first.revisions.is_empty() && !may_be_at_work {
        if let Some(why) = left_alone.take() {
            report.event(&Event::LeftAlone { why });
        }
        return Ok(nothing(&look.past));
    }
    let mut names: Vec<_> = first.revisions.iter().map(|it| it.label()).collect();
    if names.is_empty() {
        names.push("whatever the run has applied that may still be at work".to_owned());
    }
    consent(&task.config, "revert", &names, stop, report).await?;
    left_alone.set(None);
    let work = Work {
        task,
        graph: &graph,
        start,
        verb,
        reverts: true,
        look: &look,
    };
    let aim = |past: &Past| {
        let Targets { revisions, stays } = targets(past)?;
        let target = stays.map_or("base", |it| it.id.as_str()).to_owned();
        Ok(Aim { revisions, target })
    };
    match work.carry_out(connection, aim, stop, report).await? {
        Ok(done) => Ok(done),
        Err(past) => {
            if let Some(why) = left_alone.take() {
                report.event(&Event::LeftAlone { why });
            }
            Ok(nothing(&past))
        }
    }
}

/// What a person asked for: down to a revision, which stays, or so many steps.
fn wished<'a>(
    task: &AlembicTask,
    graph: &'a Graph,
    past: &Past,
    wish: Wish<'_>,
) -> Result<Targets<'a>, Error> {
    // Of what no file has, nobody knows the way back.
    let strict = Request {
        unknown_applied: UnknownApplied::Error,
        ..task.config.request.clone()
    };
    let table = &task.ledger().table;
    let (Known::All | Known::Newer(_)) = known(graph, past, table, &strict)?;
    let current = past.current();
    let applied = graph.lineage(current.iter().map(String::as_str));
    let stays = match wish.to {
        Some("0" | "base") => None,
        Some(typed) => {
            let unknown = || AlembicError::UnknownTarget {
                typed: typed.to_owned(),
            };
            let stays = graph.meant(typed).ok_or_else(unknown)?;
            if !applied.iter().any(|it| it.id == stays.id) {
                let id = stays.id.clone();
                return Err(AlembicError::NotApplied { id }.into());
            }
            Some(stays)
        }
        None => match wish.steps.unwrap_or(1) {
            0 => {
                return Ok(Targets {
                    revisions: Vec::new(),
                    stays: None,
                });
            }
            steps => match applied.iter().rev().nth(steps - 1) {
                Some(last) => first_parent(graph, last),
                None => None,
            },
        },
    };
    let stays_id = stays.map(|it| it.id.as_str());
    Ok(Targets {
        revisions: graph.above(stays_id, current),
        stays,
    })
}

fn first_parent<'a>(graph: &'a Graph, revision: &Revision) -> Option<&'a Revision> {
    revision.follows.first().and_then(|id| graph.find(id))
}

/// What the newest run applied, where its deploy has failed.
fn unconfirmed<'a>(
    graph: &'a Graph,
    past: &Past,
    within: Duration,
    who: &Who,
) -> Result<Targets<'a>, LeftAlone> {
    let history = past.history();
    let newest = revert::newest_unconfirmed(&history, within, |run: &Run| run.who.may_be(who))?;
    let current = past.current();
    let applied = graph.lineage(current.iter().map(String::as_str));
    let did = |it: &&&Revision| newest.did.contains(&Subject::Revision(it.id.clone()));
    let stand: Vec<&Revision> = applied.iter().filter(did).copied().collect();
    let Some(oldest) = stand.first() else {
        return Err(LeftAlone::NothingStands);
    };
    let stays = first_parent(graph, oldest);
    let revisions = graph.above(stays.map(|it| it.id.as_str()), current);
    let ids = |all: &[&Revision]| all.iter().map(|it| it.id.clone()).collect::<BTreeSet<_>>();
    if ids(&revisions) != ids(&stand) || graph.unknown(current).next().is_some() {
        return Err(LeftAlone::Overtaken);
    }
    Ok(Targets { revisions, stays })
}
