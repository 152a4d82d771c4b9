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
use crate::db::{GuardSession, Look, Past, Session};
use crate::error::{Error, Stopped};
use crate::limits::Limits;
use crate::model::{Migration, Version};
use crate::plan::resume::Resume;
use crate::sql::Statement;
use event::Listener;
use ladder::Ladder;
use round::round;
use std::time::{Duration, Instant};
use stop::{Reason, Stop};

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
    stop: &'a mut Stop,
    listener: &'a mut dyn Listener,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) applied: Vec<Version>,
    /// Whether all of it is known to be on the disk.
    is_durable: bool,
    pub(crate) took: Duration,
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
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Outcome, Error> {
    let mut control = Control {
        run,
        began: Instant::now(),
        guard,
        stop,
        listener,
    };
    guard::lock(&mut control).await?;
    let result = work(&mut control, open, plan).await;
    // The lock goes with the connection in any case.
    let _ = tokio::time::timeout(RELEASE_WITHIN, control.guard.release()).await;
    result
}

async fn work<'a, W: Session>(
    control: &mut Control<'_, impl GuardSession>,
    open: impl AsyncFnOnce() -> Result<W, Fault>,
    plan: impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
) -> Result<Outcome, Error> {
    let mut worker = control.stop.or(open()).await??;
    let mut outcome = Outcome::default();
    let result = rounds(control, &mut worker, plan, &mut outcome).await;
    if let Some(version) = outcome.applied.last().filter(|_| !outcome.is_durable) {
        // What is reported as applied must survive a power cut.
        let flush = worker.flush(&control.run.look.ledger, *version);
        let _ = tokio::time::timeout(RELEASE_WITHIN, flush).await;
    }
    outcome.took = control.began.elapsed();
    result.map(|()| outcome)
}

/// Each round begins with what the history says now.
async fn rounds<'a>(
    control: &mut Control<'_, impl GuardSession>,
    worker: &mut impl Session,
    plan: impl Fn(&Past) -> Result<Vec<Step<'a>>, Error>,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let mut ladder = Ladder::up_to(control.run.limits.lock_timeout);
    loop {
        let past = now(worker, control.run.look);
        let past = control.stop.or(past).await??;
        let steps = plan(&past)?;
        if !round(control, &steps, worker, &mut ladder, outcome).await? {
            return Ok(());
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
