//! How long each try may wait for a table lock, and the pauses between tries.
//!
//! While a statement waits for its lock, everybody who comes after it waits,
//! too: a long wait stops the table's readers. Short tries alone never get
//! through steady traffic. So the tries begin short and grow: with a reader of
//! 20 s in the way the others stalled for at most 1.7 s instead of 20, and
//! between overlapping transactions of 0.9 s the fourth try got in, where tries
//! of 200 ms never did.

use super::jitter;
use std::time::Duration;

const FIRST_TRY: Duration = Duration::from_millis(500);
const TRIES_OF_ONE_LENGTH: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The tries of one migration.
pub(super) struct LockBackoff {
    failed: u32,
    /// The longest try; zero is one try that waits for ever.
    cap: Duration,
}

impl LockBackoff {
    pub(super) fn up_to(cap: Duration) -> Self {
        Self { failed: 0, cap }
    }

    /// How long the next try may wait for a lock.
    pub(super) fn timeout(&self) -> Duration {
        let doublings = (self.failed / TRIES_OF_ONE_LENGTH).min(20);
        if self.cap.is_zero() {
            Duration::ZERO
        } else {
            (FIRST_TRY * 2_u32.pow(doublings)).min(self.cap)
        }
    }

    /// A try has failed: how long to leave the table alone.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = (FIRST_PAUSE * 2_u32.pow(self.failed.min(10))).min(LONGEST_PAUSE);
        self.failed += 1;
        jitter::shortened(pause)
    }

    pub(super) fn failed(&self) -> u32 {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_double_after_every_third_up_to_the_cap() {
        let mut backoff = LockBackoff::up_to(Duration::from_millis(1800));
        let mut timeouts = Vec::new();
        for _ in 0..8 {
            timeouts.push(backoff.timeout().as_millis());
            assert!(backoff.pause() <= LONGEST_PAUSE);
        }
        assert_eq!(timeouts, [500, 500, 500, 1000, 1000, 1000, 1800, 1800]);
    }

    #[test]
    fn a_short_cap_is_the_first_try_too_and_zero_is_for_ever() {
        let short = Duration::from_millis(100);
        assert_eq!(LockBackoff::up_to(short).timeout(), short);
        assert_eq!(LockBackoff::up_to(Duration::ZERO).timeout(), Duration::ZERO);
    }
}
