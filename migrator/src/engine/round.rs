//! A round: the steps of one plan, in order, each as often as its table lock
//! needs, together with those that may travel with it.

use super::backoff::LockBackoff;
use super::batch::Batch;
use super::event::Event;
use super::worker::{Waiting, attempt, yield_between};
use super::{Control, InFlight, LockState, Outcome, Run, Step, jitter};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Failure, GuardSession, Job, Lock, Remainder, Session};
use crate::error::{Error, LockHeld, MigrationFailure, MigrationState, Stopped};
use crate::history::ledger::{Ledger, Written};
use crate::limits::StopReason;
use crate::limits::Transaction;
use crate::model::Operation;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The largest message that is made of several migrations, in bytes.
const LARGEST_MESSAGE: usize = 256 * 1024;

/// Before the history is asked again for what another run has claimed.
const CLAIMED_PAUSE: Duration = Duration::from_millis(200);

/// Applies the steps. Returns true where another run or an application may have
/// done one of them, so that the history must be asked again.
pub(super) async fn round<G: GuardSession>(
    control: &mut Control<'_, G>,
    steps: &[Step<'_>],
    worker: &mut impl Session,
    observe: &impl AsyncFn() -> Result<G, Fault>,
    batch: &mut Batch,
    backoff: &mut LockBackoff,
    outcome: &mut Outcome,
) -> Result<bool, Error> {
    let cap = control.run.limits.lock_timeout;
    let mut waiting = Waiting::default();
    let mut rest = steps;
    while !rest.is_empty() {
        if let Some(reason) = control.stop.is_requested().await {
            return Err(stopped_by(reason, rest, None));
        }
        if control.has_yielded {
            return Ok(true);
        }
        if control.lock_state == LockState::Lost {
            let message = "the connection that holds the lock does not answer";
            return Err(Fault::new(FaultKind::Lost, message).into());
        }
        let ending = AtomicBool::new(false);
        let most = batch.size();
        let (run, began) = (control.run, control.began);
        let Some(history) = run.look.ledger.written() else {
            return Err(not_written(run));
        };
        let jobs = jobs(run, history, began, rest, backoff, most, &ending);
        // Nothing is sent yet: it may be given up, and leaves nothing in doubt.
        match control.stop.or(worker.prepare(&jobs[0])).await {
            Ok(prepared) => prepared?,
            Err(reason) => return Err(stopped_by(reason, rest, None)),
        }
        let sent: Vec<_> = jobs.iter().map(|job| InFlight::of(job.operation)).collect();
        let began = Instant::now();
        let alone = rest[0].needs_lock();
        let (progress, stopped) =
            attempt(control, &jobs, alone, worker, observe, &mut waiting).await;

        let (done, left) = rest.split_at(progress.applied.len());
        for (step, took) in done.iter().zip(progress.applied) {
            outcome.done.push(step.operation.subject());
            control.listener.event(&done_event(step.operation, took));
        }
        rest = left;
        if !done.is_empty() {
            // Whom the fence lets through finds no lost connection at work behind it.
            outcome.in_flight.clear();
            outcome.is_durable = rest.is_empty();
            *backoff = LockBackoff::up_to(cap);
            waiting = Waiting::default();
        }
        let failed = progress.failed.saturating_sub(done.len());
        let (Some(step), Some(setback)) = (rest.get(failed), progress.setback) else {
            batch.applied(done.len(), began.elapsed());
            continue;
        };
        batch.failed();
        let operation = step.operation;
        if setback.fault.kind == FaultKind::Lost {
            outcome.lose(&sent[done.len()..]);
        } else if setback.left != Remainder::Claimed {
            outcome.in_flight.clear();
        }
        let sent_with_it = (sent.len() - done.len()).saturating_sub(1);
        let failure = |setback, outcome: &Outcome| MigrationFailure {
            sent_with_it,
            ..failure(control.run, rest, step, setback, outcome)
        };
        if let Some(reason) = stopped {
            return Err(stopped_by(reason, rest, Some(failure(setback, outcome))));
        }
        if setback.left == Remainder::Claimed {
            wait_for_the_other(control, operation).await?;
            return Ok(true);
        }
        if !is_worth_another_try(&setback) {
            return Err(failure(setback, outcome).into());
        }
        let is_begun = setback.left != Remainder::Nothing;
        if waiting.is_for_guard {
            yield_between(control).await;
        }
        let pause = backoff.pause();
        control.listener.event(&Event::Retrying {
            operation,
            failed: backoff.failed(),
            pause,
        });
        if let Err(reason) = control.stop.or(sleep(pause)).await {
            return Err(stopped_by(reason, rest, Some(failure(setback, outcome))));
        }
        if is_begun {
            // The journal says where it goes on.
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whoever delegates does not come here.
fn not_written(run: &Run<'_>) -> Error {
    let Ledger { kind, table, .. } = &run.look.ledger;
    Error::Unexpected {
        what: format!("{table} is written by {} alone", kind.tool()),
    }
}

fn done_event(operation: Operation<'_>, took: Duration) -> Event<'_> {
    match operation {
        Operation::Apply(migration) => Event::Applied {
            migration,
            took: Some(took),
        },
        Operation::Repeat(repeatable) => Event::Repeated { repeatable, took },
        Operation::Revert(migration, down) => Event::Reverted {
            migration,
            down,
            took: Some(took),
        },
    }
}

/// Another run has claimed an operation first.
async fn wait_for_the_other(
    control: &mut Control<'_, impl GuardSession>,
    operation: Operation<'_>,
) -> Result<(), Error> {
    // A fence that nobody opens: the other run is at it still.
    let waited = control.began.elapsed();
    if waited >= control.run.limits.lock_wait {
        return Err(LockHeld {
            lock: Lock::Own,
            holder: None,
            waited,
        }
        .into());
    }
    control.listener.event(&Event::Claimed { operation });
    // Where the database does not make us wait for the other run.
    let pause = jitter::shortened(CLAIMED_PAUSE);
    control.stop.or(sleep(pause)).await?;
    Ok(())
}

/// The jobs that travel together: the first of the rest, and those after it that
/// have a transaction, too. Only the first has had tries before.
fn jobs<'a>(
    run: &'a Run<'_>,
    history: Written<'a>,
    began: Instant,
    rest: &'a [Step<'_>],
    backoff: &LockBackoff,
    most: usize,
    ending: &'a AtomicBool,
) -> Vec<Job<'a>> {
    let first_try = LockBackoff::up_to(run.limits.lock_timeout).timeout();
    let as_one = run.transaction == Transaction::All;
    let mut size = 0;
    rest.iter()
        .enumerate()
        .take(if as_one { usize::MAX } else { most })
        .take_while(|(number, step)| {
            size += step.file.text().len();
            let is_first = *number == 0;
            let alone = step.is_alone() || rest[0].is_alone();
            is_first || as_one || (!alone && size <= LARGEST_MESSAGE)
        })
        .map(|(number, step)| Job {
            history,
            operation: step.operation,
            file: &step.file,
            statements: &step.statements,
            resume: step.resume.as_ref(),
            lock_wait: run.limits.lock_wait.saturating_sub(began.elapsed()),
            lock_timeout: if number == 0 {
                backoff.timeout()
            } else {
                first_try
            },
            statement_timeout: run.limits.statement_timeout,
            durable: number + 1 == rest.len(),
            run: run.name,
            ending,
        })
        .collect()
}

/// Only what waited for a lock in vain and left nothing may be tried again
/// blindly.
fn is_worth_another_try(setback: &Failure) -> bool {
    let is_harmless = matches!(
        setback.left,
        Remainder::Nothing
            | Remainder::Part {
                resumable: true,
                ..
            }
            | Remainder::Repeatable { .. }
    );
    is_harmless && setback.fault.kind == FaultKind::LockTimeout
}

/// The end of a run of which the rest was not done.
pub(super) fn stopped_by(
    reason: StopReason,
    rest: &[Step<'_>],
    failure: Option<MigrationFailure>,
) -> Error {
    Stopped {
        reason,
        failure: failure.map(Box::new),
        not_started: rest.len(),
        reverts: rest
            .iter()
            .any(|step| matches!(step.operation, Operation::Revert(..))),
    }
    .into()
}

pub(super) fn failure(
    run: &Run<'_>,
    rest: &[Step<'_>],
    step: &Step<'_>,
    setback: Failure,
    outcome: &Outcome,
) -> MigrationFailure {
    let as_one = run.transaction == Transaction::All;
    MigrationFailure {
        subject: step.operation.subject(),
        reverts: matches!(step.operation, Operation::Revert(..)),
        is_code: step.operation.script().is_code(),
        table: run.look.ledger.table.clone(),
        file: Arc::clone(&step.file),
        statement: setback
            .statement
            .and_then(|number| Some((number + 1, step.statements.get(number)?.span))),
        statements: step.statements.len(),
        offset: setback.offset,
        state: match (setback.left, setback.fault.kind) {
            (Remainder::Part { ran, resumable }, _) => {
                MigrationState::HalfApplied { ran, resumable }
            }
            (Remainder::Repeatable { ran }, _) => MigrationState::HalfRepeated { ran },
            (Remainder::Unsettled { ran }, _) => MigrationState::Unsettled { ran },
            (Remainder::Unknown, _) | (_, FaultKind::Lost) => MigrationState::Unknown,
            (Remainder::Nothing | Remainder::Claimed, _) => MigrationState::RolledBack,
        },
        fault: setback.fault.without_values(&step.file),
        sent_with_it: 0,
        applied: outcome.done.clone(),
        as_one: as_one.then_some(rest.len()),
        not_started: rest.len() - 1,
    }
}
