//! How many migrations travel in one message.
//!
//! Over a network the round trips are nearly all of the time, but nothing is
//! reported of a message until all of it is done. So messages grow as long as
//! they are quick: at 10 ms a round trip, 1,000 migrations of one statement go in
//! five messages instead of twenty.

use std::time::Duration;

/// A message that takes no longer may be twice as large.
const QUICK: Duration = Duration::from_millis(400);
/// After one that takes as long, the next is as small as the first.
const SLOW: Duration = Duration::from_secs(1);
/// How often the first size goes into the largest.
const LARGEST: usize = 8;

/// The size of the next message.
pub(super) struct Batch {
    first: usize,
    size: usize,
}

impl Batch {
    /// Messages that begin with `first` migrations; of one, none ever has more.
    pub(super) fn from(first: usize) -> Self {
        Self { first, size: first }
    }

    /// The most migrations that the next message may have.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// A message of so many migrations is done, with all of them applied.
    pub(super) fn applied(&mut self, count: usize, took: Duration) {
        let is_full = count == self.size && self.first > 1;
        if is_full && took <= QUICK {
            self.size = (self.size * 2).min(self.first * LARGEST);
        } else if took >= SLOW {
            self.size = self.first;
        }
    }

    /// One of a message's migrations was not applied.
    pub(super) fn failed(&mut self) {
        self.size = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(100);

    #[test]
    fn full_messages_double_while_they_are_quick() {
        let mut batch = Batch::from(50);
        let mut sizes = Vec::new();
        for _ in 0..5 {
            sizes.push(batch.size());
            batch.applied(batch.size(), FAST);
        }
        assert_eq!(sizes, [50, 100, 200, 400, 400]);
        batch.applied(400, Duration::from_millis(700));
        assert_eq!(batch.size(), 400, "neither quick nor slow");
        batch.applied(400, SLOW);
        assert_eq!(batch.size(), 50);
    }

    #[test]
    fn a_failure_begins_again_and_a_message_that_is_not_full_tells_nothing() {
        let mut batch = Batch::from(50);
        batch.applied(50, FAST);
        batch.applied(7, FAST);
        assert_eq!(batch.size(), 100);
        batch.failed();
        assert_eq!(batch.size(), 50);
    }

    #[test]
    fn one_at_a_time_stays_so() {
        let mut batch = Batch::from(1);
        batch.applied(1, FAST);
        assert_eq!(batch.size(), 1);
    }
}
