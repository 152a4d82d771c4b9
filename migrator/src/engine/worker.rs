//! One message to the worker, awaited to its end while the guard looks on.

use super::Control;
use super::event::{Event, Listener};
use super::stop::Reason;
use crate::db::{Blocker, GuardSession, Job, Progress, Session};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often the guard looks at what the worker waits for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a running statement is cancelled until its answer is there: a
/// cancel that finds none running has no effect.
const CANCEL_EVERY: Duration = Duration::from_millis(100);
/// How long the guard may take for a look before it counts as lost.
const GUARD_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// How long a migration waits in all before it is said who is in the way.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// Who is in the way, and how long it was waited for in all.
#[derive(Default)]
pub(super) struct Waiting {
    waited: Duration,
    said: Vec<String>,
}

/// Sends the jobs and awaits them, come what may: a dropped one would go on in
/// the server and commit behind our back. Meanwhile the guard says what they
/// wait for, or cancels them.
pub(super) async fn attempt(
    control: &mut Control<'_, impl GuardSession>,
    jobs: &[Job<'_>],
    worker: &mut impl Session,
    waiting: &mut Waiting,
) -> (Progress, Option<Reason>) {
    let Control {
        run,
        guard,
        stop,
        listener,
        ..
    } = control;
    let handle = worker.handle();
    let mut attempt = pin!(worker.apply(jobs));
    let mut stopped = None;
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // An interval's first tick comes at once; most migrations are done sooner.
    look.tick().await;
    loop {
        tokio::select! {
            biased;
            progress = &mut attempt => return (progress, stopped),
            reason = stop.requested(), if stopped.is_none() => {
                stopped = Some(reason);
                listener.event(&Event::Stopping { reason });
                look = interval(CANCEL_EVERY);
            }
            _ = look.tick() => {
                if stopped.is_some() {
                    let _ = timeout(GUARD_ANSWERS_WITHIN, guard.cancel(&handle, run.name)).await;
                } else if let Ok(Ok(blockers)) =
                    timeout(GUARD_ANSWERS_WITHIN, guard.blockers(&handle, run.name)).await
                {
                    waiting.see(&blockers, *listener);
                }
            }
        }
    }
}

impl Waiting {
    fn see(&mut self, blockers: &[Blocker], listener: &mut dyn Listener) {
        if blockers.is_empty() {
            return;
        }
        self.waited += LOOK_EVERY;
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
