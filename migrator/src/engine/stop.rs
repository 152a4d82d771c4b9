//! What ends a run before its time: a signal, or the deadline. Whoever waits for
//! something that may be given up waits through here; a running migration is
//! never given up, it is cancelled in the server and its answer awaited.

use crate::limits::StopReason;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// Listens for what ends a run.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    deadline: Instant,
    /// Why the run is to end then.
    at_deadline: StopReason,
    /// Once asked for, for ever asked for.
    reason: Option<StopReason>,
}

impl Stop {
    /// Begins to listen: from now on neither signal ends the process by itself.
    pub(crate) fn after(limit: Duration) -> io::Result<Self> {
        // A deadline beyond the clock's end is none.
        let far = Duration::from_hours(24 * 365);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            deadline: Instant::now() + limit.min(far),
            at_deadline: StopReason::Deadline { limit },
            reason: None,
        })
    }

    /// Asks for the end after a while, and hears of nothing else.
    #[cfg(test)]
    pub(super) fn scripted(after: Duration, reason: StopReason) -> Self {
        let nothing = || signal(SignalKind::io()).unwrap();
        Self {
            interrupt: nothing(),
            terminate: nothing(),
            deadline: Instant::now() + after,
            at_deadline: reason,
            reason: None,
        }
    }

    /// Ends when the run is to end.
    pub(super) async fn requested(&mut self) -> StopReason {
        if let Some(reason) = self.reason {
            return reason;
        }
        let reason = tokio::select! {
            _ = self.interrupt.recv() => StopReason::Interrupt,
            _ = self.terminate.recv() => StopReason::Terminate,
            () = sleep_until(self.deadline) => self.at_deadline,
        };
        self.reason = Some(reason);
        reason
    }

    /// Waits for something that may be given up.
    ///
    /// # Errors
    /// Why it was given up.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Result<T, StopReason> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            reason = self.requested() => Err(reason),
        }
    }

    /// Whether the run is to end, without waiting.
    pub(super) async fn is_requested(&mut self) -> Option<StopReason> {
        self.or(std::future::ready(())).await.err().or(self.reason)
    }
}
