//! Words for a run that was told to end.

use super::database::said;
use super::migration::{half_applied, statement};
use super::place::place;
use crate::db::fault::FaultKind;
use crate::diagnostic::Diagnostic;
use crate::error::{MigrationState, Stopped};
use crate::limits::StopReason;

/// Of what was to be taken back a part may be, and a number of steps would be
/// taken from what is left.
const AGAIN_FOR_THE_REST: &str = "run `migrate status` to see what is left, then run migrate down for the rest: --steps counts \
     from there";

pub(super) fn stopped(stopped: &Stopped) -> Diagnostic {
    let (code, title) = match stopped.reason {
        StopReason::Deadline { limit } => (
            "deadline",
            format!(
                "the deadline of {} has passed",
                humantime::format_duration(limit)
            ),
        ),
        StopReason::Interrupt => ("interrupted", "interrupted (SIGINT)".to_owned()),
        StopReason::Terminate => ("terminated", "terminated (SIGTERM)".to_owned()),
    };
    let help = match (stopped.reverts, stopped.reason) {
        (true, _) => AGAIN_FOR_THE_REST,
        (false, StopReason::Deadline { .. }) => {
            "run it again: it continues from what the history says; --deadline gives it more time"
        }
        (false, _) => "run it again: it continues from what the history says",
    };
    let Some(failure) = &stopped.failure else {
        return Diagnostic::error(code, title).help(help);
    };
    let diagnostic = Diagnostic::error(code, format!("{title} while {} ran", failure.file.path()))
        .at(place(failure), "this was running")
        .notes(statement(failure))
        .notes(
            (failure.fault.kind == FaultKind::LockTimeout)
                .then(|| format!("it waited for a lock: {}", said(&failure.fault))),
        );
    match &failure.state {
        MigrationState::HalfApplied {
            ran,
            resumable: false,
        } => diagnostic.help(half_applied(failure, None, *ran, false)),
        MigrationState::HalfApplied { .. }
        | MigrationState::HalfRepeated { .. }
        | MigrationState::RolledBack
        | MigrationState::Uncertain
        | MigrationState::Unknown
        | MigrationState::Unsettled { .. } => diagnostic.help(help),
    }
}
