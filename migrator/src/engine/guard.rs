//! Taking the run's lock: tried again and again, never waited for inside the
//! database, where a waiter would hold a snapshot.

use super::Run;
use super::event::{Event, Listener};
use crate::db::GuardSession;
use crate::error::{Error, LockHeld};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Takes the lock, trying for as long as the limits allow.
pub(super) async fn lock(
    run: &Run<'_>,
    guard: &mut impl GuardSession,
    listener: &mut dyn Listener,
) -> Result<(), Error> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    while !guard.try_lock(&run.look.lock, run.name).await? {
        if pause == FIRST_PAUSE {
            listener.event(&Event::WaitingForLock {
                limit: run.limits.lock_wait,
            });
        }
        let left = run.limits.lock_wait.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(LockHeld {
                waited: began.elapsed(),
            }
            .into());
        }
        tokio::time::sleep(jittered(pause).min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Between half of a pause and all of it, so that waiting migrators do not knock
/// in step.
fn jittered(pause: Duration) -> Duration {
    // The standard library's only source of chance is its hash keys.
    let chance = RandomState::new().hash_one(0) % 1000;
    pause / 2 + pause / 2 * u32::try_from(chance).unwrap_or(0) / 1000
}
