//! A change of what is recorded, under the run's lock: nobody applies anything
//! meanwhile.

use super::event::Listener;
use super::stop::Stop;
use super::{Control, LockState, RELEASE_WITHIN, Run, first_answer, guard};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Edit, GuardSession, Session};
use crate::error::Error;
use crate::history::History;
use tokio::time::{Instant, timeout};

/// Makes the edits that `decide` finds right for what the history says under the
/// lock; none of them, or all. Tells what it made of the history.
///
/// # Errors
/// Why nothing was changed.
pub(crate) async fn edit<'a, W: Session, G: GuardSession, T>(
    run: &Run<'_>,
    mut guard: G,
    open: impl AsyncFn() -> Result<W, Fault>,
    decide: impl Fn(&History) -> Result<(Vec<Edit<'a>>, T), Error>,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<T, Error> {
    let mut control = Control::of(run, Instant::now(), &mut guard, stop, listener);
    guard::lock(&mut control).await?;
    let result = async {
        let mut worker = control.stop.or(open()).await??;
        let history = first_answer(&mut control, &mut worker).await?;
        let (edits, found) = decide(&history)?;
        if control.lock_state != LockState::Locked && edits.iter().any(Edit::needs_lock) {
            return Err(Error::NeedsSecondConnection);
        }
        if !edits.is_empty() {
            // Not to be given up: it is short, and all or nothing.
            let edited = worker.edit(&run.look.ledger, &edits).await;
            edited.map_err(|fault| match fault.kind {
                FaultKind::Lost => Error::Unrecorded(fault.into()),
                _ => fault.into(),
            })?;
        }
        Ok(found)
    }
    .await;
    let _ = timeout(RELEASE_WITHIN, control.guard.release()).await;
    result
}
