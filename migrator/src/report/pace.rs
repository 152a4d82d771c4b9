//! How often it is said of something that it lasts.

use std::time::Duration;

/// Log readers and platforms take silence for death after a minute or more.
const EVERY: Duration = Duration::from_secs(15);

/// When the next line is due.
pub(super) struct Pace {
    next: Duration,
    last: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            next: EVERY,
            last: Duration::ZERO,
        }
    }

    /// Whether a line is due of something that has lasted so long. With
    /// something new the time begins again.
    pub(super) fn is_due(&mut self, elapsed: Duration) -> bool {
        if elapsed < self.last {
            self.next = EVERY;
        }
        self.last = elapsed;
        let is_due = elapsed >= self.next;
        if is_due {
            self.next = elapsed + EVERY;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_every_fifteen_seconds_of_each_thing() {
        let mut pace = Pace::new();
        let seconds = [1, 14, 15, 16, 29, 31, 3, 14, 16];
        let due = seconds.map(|seconds| pace.is_due(Duration::from_secs(seconds)));
        let t = true;
        let f = false;
        assert_eq!(due, [f, f, t, f, f, t, f, f, t]);
    }
}
