//! The engine: a guard that holds the run's lock, a worker that applies, and the
//! fence in the database that makes it exactly once. It prints nothing and knows
//! no database by name.

pub(crate) mod event;
mod guard;

use crate::db::fault::{Fault, FaultKind};
use crate::db::{GuardSession, Job, Left, Look, Past, Session, Setback};
use crate::error::{Error, LockHeld, MigrationFailure, State};
use crate::limits::Limits;
use crate::model::{Migration, Version};
use crate::sql::Statement;
use event::{Event, Listener};
use std::time::{Duration, Instant};

/// One migration of a plan, split and verified.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub migration: &'a Migration,
    pub statements: Vec<Statement>,
}

/// What a run is to know.
pub(crate) struct Run<'a> {
    /// By which it is known in the server.
    pub name: &'a str,
    pub limits: Limits,
    /// The look on which it was decided that something is to be done.
    pub look: &'a Look,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub applied: Vec<Version>,
    pub took: Duration,
}

/// Applies what `plan` finds to be done, under the lock.
///
/// `open` connects the worker; `plan` is asked again whenever the history may
/// have changed.
///
/// # Errors
/// Why it stopped. What was applied before stays, and the error tells it.
pub(crate) async fn run<'a, W: Session>(
    run: &Run<'_>,
    guard: &mut impl GuardSession,
    open: impl AsyncFnOnce() -> Result<W, Fault>,
    plan: impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    listener: &mut dyn Listener,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    guard::lock(run, guard, listener).await?;
    let result = work(run, began, open, plan, listener).await;
    guard.release().await;
    result
}

async fn work<'a, W: Session>(
    run: &Run<'_>,
    began: Instant,
    open: impl AsyncFnOnce() -> Result<W, Fault>,
    plan: impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    listener: &mut dyn Listener,
) -> Result<Outcome, Error> {
    let mut worker = open().await?;
    let mut outcome = Outcome::default();
    // Each round begins with what the history says now.
    loop {
        let past = now(&mut worker, run.look).await?;
        let steps = plan(&past)?;
        let claimed = round(run, began, &mut worker, &steps, &mut outcome, listener).await?;
        if !claimed {
            outcome.took = began.elapsed();
            return Ok(outcome);
        }
    }
}

/// The history as it is now; its table is created first where it is missing.
async fn now(worker: &mut impl Session, look: &Look) -> Result<Past, Error> {
    let past = worker.look(&look.ledger).await?.past;
    if past != Past::Fresh {
        return Ok(past);
    }
    worker.create(&look.ledger).await?;
    Ok(worker.look(&look.ledger).await?.past)
}

/// Applies the steps in order. Returns true where another run has claimed one of
/// them, so that the history must be asked again.
async fn round(
    run: &Run<'_>,
    began: Instant,
    worker: &mut impl Session,
    steps: &[Step<'_>],
    outcome: &mut Outcome,
    listener: &mut dyn Listener,
) -> Result<bool, Error> {
    for (number, step) in steps.iter().enumerate() {
        let job = Job {
            ledger: &run.look.ledger,
            migration: step.migration,
            statements: &step.statements,
            lock_wait: run.limits.lock_wait.saturating_sub(began.elapsed()),
            lock_timeout: run.limits.lock_timeout,
            run: run.name,
        };
        match worker.apply(job).await {
            Ok(took) => {
                outcome.applied.push(step.migration.version);
                listener.event(&Event::Applied {
                    migration: step.migration,
                    took,
                });
            }
            Err(setback) if setback.left == Left::Claimed => {
                // A fence that nobody opens: the other run is at it still.
                if began.elapsed() >= run.limits.lock_wait {
                    return Err(LockHeld {
                        waited: began.elapsed(),
                    }
                    .into());
                }
                listener.event(&Event::Claimed {
                    migration: step.migration,
                });
                return Ok(true);
            }
            Err(setback) => {
                let not_started = steps.len() - number - 1;
                return Err(failure(run, step, setback, outcome, not_started).into());
            }
        }
    }
    Ok(false)
}

fn failure(
    run: &Run<'_>,
    step: &Step<'_>,
    setback: Setback,
    outcome: &Outcome,
    not_started: usize,
) -> MigrationFailure {
    let total = step.statements.len();
    MigrationFailure {
        version: step.migration.version,
        table: run.look.ledger.table.clone(),
        file: std::sync::Arc::clone(&step.migration.up.file),
        statement: setback
            .statement
            .and_then(|number| Some((number + 1, step.statements.get(number)?.span))),
        statements: total,
        offset: setback.offset,
        state: match (setback.left, setback.fault.kind) {
            (Left::Part { ran }, _) => State::HalfApplied { ran },
            (Left::Unknown, _) | (_, FaultKind::Lost) => State::Unknown,
            (Left::Nothing | Left::Claimed, _) => State::RolledBack,
        },
        fault: setback.fault,
        applied: outcome.applied.clone(),
        not_started,
    }
}
