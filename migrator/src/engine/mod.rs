//! The engine: a guard that holds the run's lock and looks on, a worker that
//! applies, and the fence in the database that makes it exactly once. It prints
//! nothing and knows no database by name.

mod chance;
pub(crate) mod event;
mod guard;
mod ladder;
mod round;
pub(crate) mod stop;
mod worker;

use crate::db::fault::Fault;
use crate::db::{GuardSession, LockKey, Look, Past, Session};
use crate::error::{Error, Stopped};
use crate::limits::Limits;
use crate::model::{Migration, Version};
use crate::plan::history::Resume;
use crate::sql::Statement;
use event::{Event, Listener};
use ladder::Ladder;
use round::round;
use std::pin::pin;
use std::time::{Duration, Instant};
use stop::{Reason, Stop};
use tokio::time::timeout;

/// How often a connection may be lost without anything getting done.
const MOST_LOSSES: usize = 3;

/// How long the worker's first answer may take before its connection counts as
/// starved by the guard's.
const STARVED_AFTER: Duration = Duration::from_secs(1);

/// How long giving the lock back may take: the run is over.
const RELEASE_WITHIN: Duration = Duration::from_millis(500);

/// One migration of a plan, split and verified.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) statements: Vec<Statement>,
    /// Where it goes on, if it has begun before.
    pub(crate) resume: Option<Resume>,
}

impl Step<'_> {
    /// Whether its fence alone does not do: by its journal, a second run would go
    /// on in the middle of it.
    fn needs_lock(&self) -> bool {
        self.is_alone()
    }

    /// Whether no other may travel with it.
    fn is_alone(&self) -> bool {
        !self.migration.up.transaction || self.resume.is_some()
    }
}

/// What a run is to know.
pub(crate) struct Run<'a> {
    /// By which it is known in the server.
    pub(crate) name: &'a str,
    pub(crate) limits: Limits,
    /// The look on which it was decided that something is to be done.
    pub(crate) look: &'a Look,
}

/// The side of a run that looks on, and may end it.
struct Control<'a, G> {
    run: &'a Run<'a>,
    began: Instant,
    guard: &'a mut G,
    hold: Hold,
    stop: &'a mut Stop,
    listener: &'a mut dyn Listener,
}

/// What has become of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Given back, since there is only one connection: the fence alone holds.
    GaveWay,
    Locked,
    /// The guard does not answer any more.
    Lost,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) applied: Vec<Version>,
    /// Whether all of it is known to be on the disk.
    is_durable: bool,
    /// What was sent when a connection was lost.
    in_flight: Vec<Version>,
    /// Whether the history was read since a connection was lost.
    is_known: bool,
    pub(crate) took: Duration,
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
    plan: impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Outcome, Error> {
    let began = Instant::now();
    let mut outcome = Outcome::default();
    let mut losses = 0;
    // What was sent when a connection was lost, until the history tells of it.
    let mut in_doubt = None;
    loop {
        let applied = outcome.applied.len();
        let mut control = Control {
            run,
            began,
            guard: &mut guard,
            hold: Hold::Locked,
            stop,
            listener,
        };
        outcome.is_known = false;
        let result = under_lock(&mut control, &open, &plan, &mut outcome).await;
        let error = match result {
            Ok(()) => {
                outcome.took = began.elapsed();
                return Ok(outcome);
            }
            Err(error) => error,
        };
        if outcome.is_known {
            in_doubt = None;
        }
        let error = error.or_in_doubt(in_doubt.take());
        losses = if outcome.applied.len() > applied {
            1
        } else {
            losses + 1
        };
        if !error.is_lost_connection() || losses > MOST_LOSSES {
            return Err(error);
        }
        in_doubt = error.in_doubt();
        listener.event(&Event::Reconnecting);
        guard = match stop.or(open()).await {
            Ok(Ok(connection)) => guard_of(connection),
            Ok(Err(fault)) => return Err(Error::from(fault).or_in_doubt(in_doubt)),
            Err(reason) => return Err(Error::from(reason).or_in_doubt(in_doubt)),
        };
    }
}

async fn under_lock<'a, W: Session>(
    control: &mut Control<'_, impl GuardSession>,
    open: &impl AsyncFn() -> Result<W, Fault>,
    plan: &impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    guard::lock(control).await?;
    let mut worker = control.stop.or(open()).await??;
    let result = rounds(control, &mut worker, plan, outcome).await;
    if let Some(version) = outcome.applied.last().filter(|_| !outcome.is_durable) {
        // What is reported as applied must survive a power cut.
        let flush = worker.flush(&control.run.look.ledger, *version);
        let _ = timeout(RELEASE_WITHIN, flush).await;
    }
    // The lock goes with the connection in any case.
    let _ = timeout(RELEASE_WITHIN, control.guard.release()).await;
    result
}

/// Each round begins with what the history says now.
async fn rounds<'a>(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
    plan: &impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let mut ladder = Ladder::up_to(control.run.limits.lock_timeout);
    loop {
        let past = first_answer(control, worker).await?;
        outcome.is_known = true;
        recover(&past, outcome, control.listener);
        let steps = plan(&past)?;
        if control.hold != Hold::Locked && steps.iter().any(Step::needs_lock) {
            return Err(Error::NeedsSecondConnection);
        }
        if !round(control, &steps, worker, &mut ladder, outcome).await? {
            return Ok(());
        }
    }
}

/// What was applied although its answer was lost belongs to this run, too.
fn recover(past: &Past, outcome: &mut Outcome, listener: &mut dyn Listener) {
    let Past::Known(history) = past else {
        return;
    };
    for version in std::mem::take(&mut outcome.in_flight) {
        if history
            .find(version)
            .is_some_and(|applied| applied.complete)
        {
            outcome.applied.push(version);
            listener.event(&Event::Recovered { version });
        }
    }
}

/// The history as it is now. A pool of one server connection cannot give any to
/// the worker while the guard has it: then the guard gives way.
async fn first_answer(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
) -> Result<Past, Error> {
    let Control {
        run,
        guard,
        hold,
        stop,
        listener,
        ..
    } = control;
    let mut past = pin!(now(worker, run.look));
    // Only PostgreSQL has poolers in between.
    if *hold == Hold::Locked && matches!(run.look.lock, LockKey::Id(_)) {
        if let Ok(past) = stop.or(timeout(STARVED_AFTER, &mut past)).await? {
            return past;
        }
        guard.release().await;
        *hold = Hold::GaveWay;
        listener.event(&Event::GuardGaveWay);
    }
    stop.or(past).await?
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

/// A run that is to end before anything was sent has changed nothing more.
impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Stopped {
            reason,
            failure: None,
            not_started: 0,
        }
        .into()
    }
}
