//! The engine: a guard that holds the run's lock and looks on, a worker that
//! applies, and the fence in the database that makes it exactly once. It prints
//! nothing and knows no database by name.

mod backoff;
mod batch;
mod bookkeeping;
mod delegate;
mod edit;
pub(crate) mod event;
mod guard;
mod jitter;
mod round;
pub(crate) mod stop;
#[cfg(test)]
mod tests;
mod worker;

use crate::db::fault::Fault;
use crate::db::{GuardSession, Look, Past, ReadScope, Session};
use crate::error::{Error, Stopped};
use crate::history::table::LockKey;
use crate::history::{History, Resume, Who};
use crate::limits::StopReason;
use crate::limits::{Limits, Transaction};
use crate::model::{Migration, Operation, Subject};
use crate::sql::Statement;
use crate::text::SourceFile;
use backoff::LockBackoff;
use batch::Batch;
pub(crate) use delegate::{ChildOutput, Delegated, ExternalRun, delegate, end};
pub(crate) use edit::edit;
use event::{Event, Listener};
use round::round;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use stop::Stop;
use tokio::time::{Instant, timeout};

/// How often a connection may be lost without anything getting done.
const MOST_LOSSES: usize = 3;

/// How long the worker's first answer may take before its connection counts as
/// starved by the guard's.
const STARVED_AFTER: Duration = Duration::from_secs(1);

/// How long giving the lock back may take: the run is over.
const RELEASE_WITHIN: Duration = Duration::from_millis(500);

/// How long the record of a run's end may take, if nobody wants the run to end.
const REMEMBER_WITHIN: Duration = Duration::from_secs(5);

/// One operation of a plan, its script split and verified.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) operation: Operation<'a>,
    /// The script as it is sent, its variables filled in.
    pub(crate) file: Arc<SourceFile>,
    pub(crate) statements: Vec<Statement>,
    /// Where it goes on, if it has begun before.
    pub(crate) resume: Option<Resume>,
}

impl Step<'_> {
    /// Whether its fence alone does not do: by its journal, a second run would go
    /// on in the middle of it.
    fn needs_lock(&self) -> bool {
        !self.operation.script().transaction || self.resume.is_some()
    }

    /// Whether no other may travel with it.
    fn is_alone(&self) -> bool {
        self.needs_lock() || self.operation.script().is_code()
    }
}

/// What a run is to know.
pub(crate) struct Run<'a> {
    /// By which it is known in the server.
    pub(crate) name: &'a str,
    /// What the user asked for, as the runs remember it.
    pub(crate) verb: &'static str,
    pub(crate) who: &'a Who,
    pub(crate) limits: Limits,
    pub(crate) transaction: Transaction,
    /// What the plan must know beside the history.
    pub(crate) wanted: ReadScope,
    /// The look on which it was decided that something is to be done.
    pub(crate) look: &'a Look,
    /// All that there are: what is recorded is read beside them.
    pub(crate) files: &'a [Migration],
}

impl Run<'_> {
    /// What a look tells of the history.
    fn history(&self, past: Past) -> History {
        past.history(&self.look.ledger, self.files)
    }
}

/// The side of a run that looks on, and may end it.
struct Control<'a, G> {
    run: &'a Run<'a>,
    began: Instant,
    guard: &'a mut G,
    lock_state: LockState,
    /// Whether the tool's lock was given back to an application that waits for it.
    has_yielded: bool,
    stop: &'a mut Stop,
    listener: &'a mut dyn Listener,
}

impl<'a, G> Control<'a, G> {
    /// That of a run which is to take its lock, and did begin then.
    fn of(
        run: &'a Run<'a>,
        began: Instant,
        guard: &'a mut G,
        stop: &'a mut Stop,
        listener: &'a mut dyn Listener,
    ) -> Self {
        Self {
            run,
            began,
            guard,
            lock_state: LockState::Locked,
            has_yielded: false,
            stop,
            listener,
        }
    }
}

/// What has become of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockState {
    /// Given back, since there is only one connection: the fence alone holds.
    GaveWay,
    Locked,
    /// The guard does not answer any more.
    Lost,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What was applied, repeated or taken back, in this order.
    pub(crate) done: Vec<Subject>,
    /// Whether all of it is known to be on the disk.
    is_durable: bool,
    /// What was sent when a connection was lost, and the server may be at still.
    in_flight: Vec<InFlight>,
    /// Whether the history was read since a connection was lost.
    is_known: bool,
    /// Whether the run is remembered; `None` until that was tried.
    is_remembered: Option<bool>,
    pub(crate) took: Duration,
    /// Whether nobody knows what is pending, since the database has what no file has.
    pub(crate) is_unknown: bool,
}

/// An operation that was sent, and what the history says once it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InFlight {
    subject: Subject,
    /// Whether it takes its subject away.
    reverts: bool,
    /// Of a repeatable, in hexadecimal.
    checksum: String,
}

/// Applies what `plan` finds to be done, under the lock.
///
/// `open` connects a worker, and `guard_of` makes a guard of such a connection;
/// `plan` is asked again whenever the history may have changed. Where a
/// connection is lost, everything begins again from what the history says: the
/// fence keeps what the server may still be doing from being done twice.
///
/// # Errors
/// Why it stopped. What was applied before stays, and the error tells it.
pub(crate) async fn run<'a, W: Session, G: GuardSession>(
    run: &Run<'_>,
    mut guard: G,
    open: impl AsyncFn() -> Result<W, Fault>,
    guard_of: impl Fn(W) -> G,
    plan: impl Fn(&History) -> Result<Vec<Step<'a>>, Error>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    let mut outcome = Outcome::default();
    let mut losses = 0;
    // What was sent when a connection was lost, until the history or its fence tells
    // of it.
    let mut in_doubt = None;
    loop {
        let done = outcome.done.len();
        let mut control = Control::of(run, began, &mut guard, stop, listener);
        outcome.is_known = false;
        let observe = async || open().await.map(&guard_of);
        let result = under_lock(&mut control, &open, &observe, &plan, &mut outcome).await;
        let error = match result {
            Ok(()) => {
                outcome.took = began.elapsed();
                return Ok(outcome);
            }
            Err(error) => error,
        };
        if outcome.is_known && outcome.in_flight.is_empty() {
            in_doubt = None;
        }
        let error = error.or_in_doubt(in_doubt.take());
        losses = if outcome.done.len() > done {
            1
        } else {
            losses + 1
        };
        if !error.is_lost_connection() || losses > MOST_LOSSES {
            return Err(error);
        }
        in_doubt = error.in_doubt();
        listener.event(&Event::Reconnecting);
        let lost = guard.number();
        guard = match stop.or(open()).await {
            Ok(Ok(connection)) => {
                let mut guard = guard_of(connection);
                // Where it cannot be ended, its lock is waited for.
                let _ = stop.or(guard.end_lost(lost, run.look, run.name)).await;
                guard
            }
            Ok(Err(fault)) => return Err(Error::from(fault).or_in_doubt(in_doubt)),
            Err(reason) => return Err(Error::from(reason).or_in_doubt(in_doubt)),
        };
    }
}

async fn under_lock<'a, W: Session, G: GuardSession>(
    control: &mut Control<'_, G>,
    open: &impl AsyncFn() -> Result<W, Fault>,
    observe: &impl AsyncFn() -> Result<G, Fault>,
    plan: &impl Fn(&History) -> Result<Vec<Step<'a>>, Error>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    guard::lock(control).await?;
    let mut worker = control.stop.or(open()).await??;
    let result = rounds(control, &mut worker, observe, plan, outcome).await;
    let ledger = &control.run.look.ledger;
    if !outcome.done.is_empty() && !outcome.is_durable {
        // What is reported as applied must survive a power cut.
        let _ = timeout(RELEASE_WITHIN, worker.flush(ledger)).await;
    }
    if outcome.is_remembered == Some(true) {
        // Its outcome is told in any case; what is remembered of it, where it can be.
        let patience = match &result {
            Err(Error::Stopped(_)) => RELEASE_WITHIN,
            _ => REMEMBER_WITHIN,
        };
        let ended = async {
            // What the last migration has set is not for our own record.
            worker.refresh().await?;
            bookkeeping::end(control.run, &mut worker, &result, outcome).await
        };
        let _ = timeout(patience, ended).await;
    }
    // The lock goes with the connection in any case.
    let _ = timeout(RELEASE_WITHIN, control.guard.release()).await;
    result
}

/// Each round begins with what the history says now.
async fn rounds<'a, G: GuardSession>(
    control: &mut Control<'_, G>,
    worker: &mut impl Session,
    observe: &impl AsyncFn() -> Result<G, Fault>,
    plan: &impl Fn(&History) -> Result<Vec<Step<'a>>, Error>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let mut backoff = LockBackoff::up_to(control.run.limits.lock_timeout);
    let mut batch = Batch::from(worker.batch_size());
    loop {
        if control.has_yielded {
            guard::reacquire_lock(control).await?;
        }
        let history = first_answer(control, worker).await?;
        outcome.is_known = true;
        recover(&history, outcome, control.listener);
        let steps = plan(&history)?;
        if control.lock_state != LockState::Locked && steps.iter().any(Step::needs_lock) {
            return Err(Error::NeedsSecondConnection);
        }
        if !steps.is_empty() && outcome.is_remembered.is_none() {
            bookkeeping::begin(control, worker, &steps, outcome).await?;
        }
        let again = round(
            control,
            &steps,
            worker,
            observe,
            &mut batch,
            &mut backoff,
            outcome,
        );
        if !again.await? {
            return Ok(());
        }
    }
}

/// What was done although its answer was lost belongs to this run, too.
fn recover(history: &History, outcome: &mut Outcome, listener: &mut dyn Listener) {
    let in_flight = std::mem::take(&mut outcome.in_flight);
    for sent in in_flight {
        if sent.is_done(history) {
            listener.event(&Event::Recovered {
                subject: &sent.subject,
                reverts: sent.reverts,
            });
            outcome.done.push(sent.subject);
        } else {
            outcome.in_flight.push(sent);
        }
    }
}

impl Outcome {
    /// Of what another program did.
    pub(crate) fn of(done: Vec<Subject>, took: Duration) -> Self {
        Self {
            done,
            took,
            ..Self::default()
        }
    }

    /// These were sent, and their connection was lost.
    fn lose(&mut self, sent: &[InFlight]) {
        self.in_flight.retain(|before| !sent.contains(before));
        self.in_flight.splice(0..0, sent.iter().cloned());
    }
}

impl InFlight {
    fn of(operation: Operation<'_>) -> Self {
        Self {
            subject: operation.subject(),
            reverts: matches!(operation, Operation::Revert(..)),
            checksum: match operation {
                Operation::Repeat(repeatable) => repeatable.checksum.hex(),
                Operation::Apply(_) | Operation::Revert(..) => String::new(),
            },
        }
    }

    fn is_done(&self, history: &History) -> bool {
        match &self.subject {
            Subject::Migration(version) => {
                let row = history.find(version);
                if self.reverts {
                    row.is_none()
                } else {
                    row.is_some_and(|applied| applied.complete)
                }
            }
            Subject::Repeatable(name) => history
                .repeated(name)
                .is_some_and(|repeated| repeated.checksum.hex() == self.checksum),
        }
    }
}

/// The history as it is now. A pool of one server connection cannot give any to
/// the worker while the guard has it: then the guard gives way.
async fn first_answer(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
) -> Result<History, Error> {
    let Control {
        run,
        guard,
        lock_state,
        stop,
        listener,
        ..
    } = control;
    let mut past = pin!(now(worker, run.look, run.wanted));
    // Only PostgreSQL has poolers in between.
    if *lock_state == LockState::Locked && matches!(run.look.lock, LockKey::Id(_)) {
        if let Ok(past) = stop.or(timeout(STARVED_AFTER, &mut past)).await? {
            return Ok(run.history(past?));
        }
        stop.or(guard.release()).await?;
        *lock_state = LockState::GaveWay;
        listener.event(&Event::GuardGaveWay);
    }
    Ok(run.history(stop.or(past).await??))
}

/// The history as it is now; its table is created first where it is missing.
async fn now(worker: &mut impl Session, look: &Look, wanted: ReadScope) -> Result<Past, Error> {
    let past = worker.look(&look.ledger, wanted).await?.past;
    if past != Past::Fresh || look.ledger.written().is_none() {
        return Ok(past);
    }
    worker.create(&look.ledger).await?;
    Ok(worker.look(&look.ledger, wanted).await?.past)
}

/// A run that is to end before anything was sent has changed nothing more.
impl From<StopReason> for Error {
    fn from(reason: StopReason) -> Self {
        Stopped {
            reason,
            failure: None,
            not_started: 0,
            reverts: false,
        }
        .into()
    }
}
