//! Reports: the only writers. They listen to a run, and show what a question
//! found.

mod human;
mod snippet;
mod status;
mod words;

pub(crate) use human::Human;
pub(crate) use status::Status;

use crate::error::{Error, State};

/// What stays of a run that failed after it had applied `applied` migrations.
fn state_after(error: &Error, applied: usize) -> String {
    let before = match applied {
        0 => String::new(),
        1 => "; the migration that this run applied before it stays".to_owned(),
        _ => format!("; the {applied} migrations that this run applied before it stay"),
    };
    match error {
        Error::Migration(failure) => {
            let this = match failure.state {
                State::HalfApplied { ran: 0 } => format!(
                    "migration {} is marked as begun, and none of its statements completed",
                    failure.version
                ),
                State::HalfApplied { ran } => format!(
                    "migration {} is half applied: {ran} of its {} statements stay",
                    failure.version, failure.statements
                ),
                State::RolledBack => {
                    format!("nothing of migration {} stays", failure.version)
                }
                State::Unknown => format!(
                    "whether migration {} was applied is not known",
                    failure.version
                ),
            };
            let rest = match failure.not_started {
                0 => String::new(),
                1 => "; one more was not started".to_owned(),
                more => format!("; {more} more were not started"),
            };
            this + &before + &rest
        }
        Error::Unexpected { .. } => format!("what was changed is not known{before}"),
        _ if applied == 0 => "nothing was changed in the database".to_owned(),
        _ => format!("nothing else was changed{before}"),
    }
}
