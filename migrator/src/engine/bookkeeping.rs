//! What is remembered of a run: that it began, before it changes anything, and
//! how it ended.

use super::backoff::LockBackoff;
use super::event::Event;
use super::round::{failure, stopped_by};
use super::{Control, Outcome, Run, Step};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Edit, Entry, Failure, GuardSession, Remainder, Session};
use crate::error::Error;
use crate::history::{self, Ending};
use crate::limits::StopReason;
use crate::model::Operation;
use std::future::Future;

/// Remembers the run before it changes anything. Where that cannot be, the run
/// goes on and says so: a role may be allowed to do no more than the migrations.
pub(super) async fn begin(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
    steps: &[Step<'_>],
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let run = history::Run {
        name: control.run.name.to_owned(),
        verb: control.run.verb.to_owned(),
        ending: Ending::Running,
        did: steps.iter().map(|step| step.operation.subject()).collect(),
        tool: crate::VERSION.to_owned(),
        who: control.run.who.clone(),
        ..history::Run::default()
    };
    // What a down script drops, a view say, is made again by the next `up`.
    let reverts = |step: &Step<'_>| matches!(step.operation, Operation::Revert(..));
    if control.run.wanted.repeated && steps.iter().any(reverts) {
        let forget = worker.edit(&control.run.look.ledger, &[Edit::ForgetRepeated]);
        control.stop.or(forget).await??;
    }
    let ledger = &control.run.look.ledger;
    // Whoever is in the way of it is in the way of the migrations, too.
    let mut backoff = LockBackoff::up_to(control.run.limits.lock_timeout);
    let mut waited_for = None;
    loop {
        let entry = Entry::Begin(&run);
        let remembering = worker.remember(ledger, entry);
        let fault =
            match or_stopped(control, remembering, steps, waited_for.as_ref(), outcome).await? {
                Ok(()) => {
                    outcome.is_remembered = Some(true);
                    return Ok(());
                }
                Err(fault) => fault,
            };
        match fault.kind {
            FaultKind::Lost => return Err(fault.into()),
            FaultKind::LockTimeout => {
                let pause = backoff.pause();
                control.listener.event(&Event::Retrying {
                    operation: steps[0].operation,
                    failed: backoff.failed(),
                    pause,
                });
                waited_for = Some(fault);
                let pause = tokio::time::sleep(pause);
                or_stopped(control, pause, steps, waited_for.as_ref(), outcome).await?;
            }
            _ => {
                outcome.is_remembered = Some(false);
                let warning = crate::words::not_remembered(&fault);
                control.listener.event(&Event::Warning(warning));
                return Ok(());
            }
        }
    }
}

/// Remembers how it ended, and what it did in truth.
pub(super) async fn end(
    run: &Run<'_>,
    worker: &mut impl Session,
    result: &Result<(), Error>,
    outcome: &Outcome,
) -> Result<(), Fault> {
    let (ending, error) = match result {
        Ok(()) => (Ending::Succeeded, None),
        Err(error) => {
            let ending = match error {
                Error::Stopped(_) => Ending::Stopped,
                _ => Ending::Failed,
            };
            (ending, Some(error.diagnostic().to_string()))
        }
    };
    let entry = Entry::End {
        run: run.name,
        ending,
        did: &outcome.done,
        error: error.as_deref(),
    };
    worker.remember(&run.look.ledger, entry).await
}

/// Awaits it unless the run is to end: then what it waited for last is told with
/// the first step, which would have waited for the same.
async fn or_stopped<T>(
    control: &mut Control<'_, impl GuardSession>,
    work: impl Future<Output = T>,
    steps: &[Step<'_>],
    waited_for: Option<&Fault>,
    outcome: &Outcome,
) -> Result<T, Error> {
    control.stop.or(work).await.map_err(|reason: StopReason| {
        let failure = waited_for.map(|fault| {
            let setback = Failure::unplaced(fault.clone(), Remainder::Nothing);
            failure(control.run, steps, &steps[0], setback, outcome)
        });
        stopped_by(reason, steps, failure)
    })
}
