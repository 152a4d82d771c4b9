//! Taking the run's locks: tried again and again, never waited for inside the
//! database, where a waiter would hold a snapshot.

use super::event::Event;
use super::{Control, jitter};
use crate::db::{Attempt, BlockingSession, GuardSession, Handle, Lock};
use crate::error::{Error, LockHeld};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Takes the locks, trying for as long as the limits allow.
pub(super) async fn lock(control: &mut Control<'_, impl GuardSession>) -> Result<(), Error> {
    let mut turn = LockWait::since(control.began);
    loop {
        let attempt = control.guard.try_lock(control.run.look, control.run.name);
        match control.stop.or(attempt).await?? {
            Attempt::Locked => return Ok(()),
            Attempt::Held(lock) => turn.wait(control, lock).await?,
        }
    }
}

/// Waits for programs that know nothing of the lock: one that somebody runs by hand
/// is seen by its transaction.
pub(super) async fn others(
    control: &mut Control<'_, impl GuardSession>,
    theirs: &Handle,
) -> Result<(), Error> {
    let mut turn = LockWait::since(Instant::now());
    loop {
        let look = control.guard.observe(theirs, control.run.name);
        let activity = control.stop.or(look).await??;
        if !activity.is_at_work {
            return Ok(());
        }
        turn.wait(control, Lock::Program).await?;
    }
}

/// Takes the tool's lock again that was lent to an application. Whatever that
/// did meanwhile, only the history knows.
pub(super) async fn reacquire_lock(
    control: &mut Control<'_, impl GuardSession>,
) -> Result<(), Error> {
    let mut turn = LockWait::since(Instant::now());
    if let Some(key) = &control.run.look.tools_lock {
        while !control
            .stop
            .or(control.guard.try_reacquire_lock(key))
            .await??
        {
            turn.wait(control, Lock::Tools).await?;
        }
    }
    control.has_yielded = false;
    Ok(())
}

/// A wait for others to finish.
struct LockWait {
    since: Instant,
    pause: Duration,
    /// The lock of which it was said that it is waited for.
    said: Option<Lock>,
}

impl LockWait {
    fn since(since: Instant) -> Self {
        Self {
            since,
            pause: FIRST_PAUSE,
            said: None,
        }
    }

    /// Waits a little before the next attempt, and says once for what.
    async fn wait(
        &mut self,
        control: &mut Control<'_, impl GuardSession>,
        lock: Lock,
    ) -> Result<(), Error> {
        let limit = control.run.limits.lock_wait;
        if self.said != Some(lock) {
            let holder = holder(control, lock).await?;
            control.listener.event(&Event::WaitingForLock {
                lock,
                holder: holder.as_ref(),
                limit,
            });
            self.said = Some(lock);
        }
        let waited = self.since.elapsed();
        let left = limit.saturating_sub(waited);
        if left.is_zero() {
            let holder = holder(control, lock).await?.map(Box::new);
            return Err(LockHeld {
                lock,
                holder,
                waited,
            }
            .into());
        }
        let pause = jitter::shortened(self.pause).min(left);
        control.stop.or(sleep(pause)).await?;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// Who holds it, where that can be known: it may have ended meanwhile.
async fn holder(
    control: &mut Control<'_, impl GuardSession>,
    lock: Lock,
) -> Result<Option<BlockingSession>, Error> {
    let run = control.run;
    let key = match lock {
        Lock::Own => Some(&run.look.lock),
        Lock::Tools => run.look.tools_lock.as_ref(),
        Lock::Program => None,
    };
    match key {
        Some(key) => Ok(control
            .stop
            .or(control.guard.holder(key))
            .await?
            .ok()
            .flatten()),
        None => Ok(None),
    }
}
