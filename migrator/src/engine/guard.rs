//! Taking the run's lock: tried again and again, never waited for inside the
//! database, where a waiter would hold a snapshot.

use super::event::Event;
use super::{Control, chance};
use crate::db::GuardSession;
use crate::error::{Error, LockHeld};
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Takes the lock, trying for as long as the limits allow.
pub(super) async fn lock(control: &mut Control<'_, impl GuardSession>) -> Result<(), Error> {
    let Control { run, began, .. } = *control;
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = control.guard.try_lock(&run.look.lock, run.name);
        if control.stop.or(attempt).await?? {
            return Ok(());
        }
        if pause == FIRST_PAUSE {
            control.listener.event(&Event::WaitingForLock {
                limit: run.limits.lock_wait,
            });
        }
        let waited = began.elapsed();
        let left = run.limits.lock_wait.saturating_sub(waited);
        if left.is_zero() {
            return Err(LockHeld { waited }.into());
        }
        let wait = chance::shortened(pause).min(left);
        control.stop.or(tokio::time::sleep(wait)).await?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
