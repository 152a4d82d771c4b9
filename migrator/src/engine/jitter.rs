//! A little chance, so that those who wait for one thing do not knock in step.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

/// Between half of a duration and all of it.
pub(super) fn shortened(duration: Duration) -> Duration {
    // The standard library's only source of chance is its hash keys.
    let jitter = RandomState::new().hash_one(0) % 1000;
    duration / 2 + duration / 2 * u32::try_from(jitter).unwrap_or(0) / 1000
}
