//! One message to the worker, awaited to its end while the guard looks on.

use super::event::{Event, Listener};
use super::{Control, LockState};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{
    Activity, BlockingSession, Failure, GuardSession, Handle, Job, Progress, Remainder, Session,
};
use crate::limits::StopReason;
use crate::limits::Transaction;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// How often the guard looks at what the worker does.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a running statement is cancelled until its answer is there: a
/// cancel that finds none running has no effect.
const CANCEL_EVERY: Duration = Duration::from_millis(100);
/// How long the guard may take for a look before it counts as lost.
const GUARD_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// How often a new connection looks where neither of a run's own answers.
const OBSERVE_EVERY: Duration = Duration::from_secs(2);
/// How long to wait for what runs to end by itself where it cannot be cancelled.
const NOBODY_CANCELS: Duration = Duration::from_millis(800);
/// How long an answer may be on its way when the server runs nothing any more.
const ANSWER_COMES_WITHIN: Duration = Duration::from_secs(4);
/// How long a migration waits in all before it is said who is in the way.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// Who is in the way, and how long it was waited for in all.
#[derive(Default)]
pub(super) struct Waiting {
    waited: Duration,
    said: Vec<String>,
    /// Whether whoever was in the way of the last try waited for the guard.
    pub(super) is_for_guard: bool,
}

/// Sends the jobs and awaits them, come what may: a dropped one would go on in
/// the server and commit behind our back. Meanwhile the guard says how it
/// goes and what they wait for, or cancels them.
///
/// What is applied `alone`, without a transaction, has a history row that is not
/// complete by the time that its statements run: sqlx refuses to go on there. So
/// the tool's lock may be lent to an application that waits for it and that a
/// statement waits for; both would hang otherwise. To one that is in the way of a
/// transaction it is lent between two tries.
pub(super) async fn attempt<G: GuardSession>(
    control: &mut Control<'_, G>,
    jobs: &[Job<'_>],
    alone: bool,
    worker: &mut impl Session,
    observe: &impl AsyncFn() -> Result<G, Fault>,
    waiting: &mut Waiting,
) -> (Progress, Option<StopReason>) {
    let Control {
        run,
        guard,
        lock_state,
        has_yielded,
        stop,
        listener,
        ..
    } = control;
    let handle = worker.handle();
    let began = Instant::now();
    waiting.is_for_guard = false;
    let mut attempt = pin!(async {
        match run.transaction {
            Transaction::All => worker.apply_as_one(jobs).await,
            Transaction::Each => worker.apply(jobs).await,
        }
    });
    let mut stopped = None;
    let mut observed = Instant::now();
    let mut was_over = false;
    let mut silence = Silence::default();
    // What code does between its statements, no server sees.
    let is_code = jobs.iter().any(|job| job.operation.script().is_code());
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An interval's first tick comes at once; most migrations are done sooner.
    look.tick().await;
    loop {
        tokio::select! {
            biased;
            progress = &mut attempt => return (progress, stopped.map(|(reason, _)| reason)),
            reason = stop.requested(), if stopped.is_none() => {
                stopped = Some((reason, Instant::now()));
                for job in jobs {
                    job.ending.store(true, Ordering::Relaxed);
                }
                listener.event(&Event::Stopping { reason });
                look = interval(CANCEL_EVERY);
            }
            _ = look.tick() => match (*lock_state, stopped) {
                (LockState::Locked, Some((reason, _))) => {
                    let cancel = guard.cancel(&handle, run.name);
                    *lock_state = lock_state.after(timeout(GUARD_ANSWERS_WITHIN, cancel).await).0;
                    let activity = activity(*guard, lock_state, &handle, run.name).await;
                    if !is_code && silence.lasts(activity.as_ref(), ANSWER_COMES_WITHIN) {
                        return (Progress::none(silent()), Some(reason));
                    }
                }
                // Nobody can cancel it: the server does, when we are gone.
                (_, Some((reason, since))) if since.elapsed() > NOBODY_CANCELS => {
                    return (Progress::none(abandoned()), Some(reason));
                }
                (_, Some(_)) => {}
                // The network may have forgotten the worker's connection, too.
                (LockState::Lost, None) if observed.elapsed() > OBSERVE_EVERY => {
                    let is_over = timeout(GUARD_ANSWERS_WITHIN, is_over(observe, &handle, run.name));
                    let is_over = is_over.await.unwrap_or_default();
                    // What has ended meanwhile has had its time to answer.
                    if is_over && was_over {
                        return (Progress::none(silent()), None);
                    }
                    was_over = is_over;
                    observed = Instant::now();
                }
                (_, None) => {
                    let activity = activity(*guard, lock_state, &handle, run.name).await;
                    // The session itself may wait for another, and ask now and then.
                    let patience = run.limits.lock_wait.saturating_add(ANSWER_COMES_WITHIN);
                    if !is_code && silence.lasts(activity.as_ref(), patience) {
                        return (Progress::none(silent()), None);
                    }
                    let mut activity = activity.unwrap_or_default();
                    for blocker in &mut activity.blockers {
                        // It may be this very text that another run has sent.
                        for job in jobs {
                            blocker.query = job.file.without_values(&blocker.query);
                        }
                    }
                    waiting.see(&activity.blockers, LOOK_EVERY, *listener);
                    if let [job, others @ ..] = jobs {
                        listener.event(&Event::Running {
                            operation: Some(job.operation),
                            sent_with_it: others.len(),
                            elapsed: began.elapsed(),
                            activity: &activity,
                        });
                    }
                    waiting.is_for_guard |= activity.waits_for_guard;
                    if alone && activity.waits_for_guard && !*has_yielded {
                        *has_yielded = yield_lock(*guard, lock_state).await;
                    }
                }
            }
        }
    }
}

/// Gives the tool's lock to an application that a transaction waited for, which
/// has been rolled back by now: there is nothing that it could meet half done.
pub(super) async fn yield_between(control: &mut Control<'_, impl GuardSession>) {
    if control.lock_state == LockState::Locked && !control.has_yielded {
        control.has_yielded = yield_lock(control.guard, &mut control.lock_state).await;
    }
}

async fn yield_lock(guard: &mut impl GuardSession, lock_state: &mut LockState) -> bool {
    let lent = timeout(GUARD_ANSWERS_WITHIN, guard.yield_lock()).await;
    let (now, lent) = lock_state.after(lent);
    *lock_state = now;
    lent.is_some()
}

/// What the guard sees; nothing where it has gone.
pub(super) async fn see(
    guard: &mut impl GuardSession,
    lock_state: &mut LockState,
    worker: &Handle,
    run: &str,
) -> Activity {
    activity(guard, lock_state, worker, run)
        .await
        .unwrap_or_default()
}

/// What the guard sees; `None` where it has gone, or was refused a look.
async fn activity(
    guard: &mut impl GuardSession,
    lock_state: &mut LockState,
    worker: &Handle,
    run: &str,
) -> Option<Activity> {
    if *lock_state != LockState::Locked {
        return None;
    }
    let look = timeout(GUARD_ANSWERS_WITHIN, guard.observe(worker, run)).await;
    let (now, activity) = lock_state.after(look);
    *lock_state = now;
    activity
}

/// Whether the server has done with what was sent, and no answer comes: the network
/// has forgotten the worker's connection, and not the guard's.
#[derive(Default)]
struct Silence {
    /// A server that never tells of the worker tells nothing by its silence.
    was_at_work: bool,
    since: Option<Instant>,
}

impl Silence {
    /// Whether it has lasted for so long by now.
    fn lasts(&mut self, activity: Option<&Activity>, patience: Duration) -> bool {
        match activity {
            None => self.since = None,
            Some(activity) if activity.is_at_work => {
                self.was_at_work = true;
                self.since = None;
            }
            Some(_) => {
                self.since.get_or_insert_with(Instant::now);
            }
        }
        let for_long = self.since.is_some_and(|since| since.elapsed() > patience);
        self.was_at_work && for_long
    }
}

impl LockState {
    /// What an answer of the guard says of it, and the answer. A server that
    /// refuses a question still holds the lock.
    fn after<T>(self, answer: Result<Result<T, Fault>, Elapsed>) -> (Self, Option<T>) {
        match answer {
            Ok(Ok(answer)) => (self, Some(answer)),
            Ok(Err(fault)) if fault.kind != FaultKind::Lost => (self, None),
            Ok(Err(_)) | Err(_) => (Self::Lost, None),
        }
    }
}

/// Whether the server runs nothing of a worker any more, by a connection that is
/// made for the question.
async fn is_over<G: GuardSession>(
    observe: &impl AsyncFn() -> Result<G, Fault>,
    worker: &Handle,
    run: &str,
) -> bool {
    match observe().await {
        Ok(mut other) => other
            .observe(worker, run)
            .await
            .is_ok_and(|activity| !activity.is_at_work),
        Err(_) => false,
    }
}

fn silent() -> Failure {
    let message =
        "the connection does not answer, and the server is no longer running anything for it";
    Failure::unplaced(Fault::new(FaultKind::Lost, message), Remainder::Unknown)
}

fn abandoned() -> Failure {
    let message = "there was no second connection to cancel it with; the server will end it";
    Failure::unplaced(Fault::new(FaultKind::Lost, message), Remainder::Unknown)
}

impl Waiting {
    /// Says who is in the way, once it has been waited for them for a while; it is
    /// looked so often.
    pub(super) fn see(
        &mut self,
        blockers: &[BlockingSession],
        every: Duration,
        listener: &mut dyn Listener,
    ) {
        if blockers.is_empty() {
            return;
        }
        self.waited += every;
        let now: Vec<_> = blockers
            .iter()
            .map(|blocker| blocker.process.clone())
            .collect();
        if self.waited >= SAY_AFTER && now != self.said {
            for blocker in blockers {
                listener.event(&Event::Blocked { blocker });
            }
            self.said = now;
        }
    }
}
