//! Reports: the only writers. They listen to a run, and show what a question
//! found.

mod check;
mod human;
mod json;
mod plan;
mod snippet;
mod status;
mod words;

pub(crate) use check::{Check, CheckedBase, CheckedDatabase};
pub(crate) use human::Human;
pub(crate) use json::Json;
pub(crate) use plan::Plan;
pub(crate) use status::Status;

use crate::diagnostic::Diagnostic;
use crate::engine::Outcome;
use crate::engine::event::Listener;
use crate::error::{Error, State};
use crate::model::Version;
use std::time::Duration;

/// Whoever tells how it went.
pub(crate) trait Report: Listener {
    /// A run begins.
    fn start(&mut self);

    /// A run ended well; `newest` is the newest version that is applied now.
    fn done(&mut self, outcome: &Outcome, newest: Option<Version>);

    /// A run failed.
    fn failed(&mut self, error: &Error);

    /// A question failed.
    fn unanswered(&mut self, error: &Error);

    /// The database answered, after so long; `None` where it is a file that is
    /// still to be created.
    fn answered(&mut self, database: &str, took: Option<Duration>);

    /// All that a check found.
    fn check(&mut self, check: &Check<'_>);

    /// New files, and the folder where that is new, too.
    fn created(&mut self, paths: &[String], folder: Option<&str>, warnings: &[Diagnostic]);

    /// What would be done.
    fn plan(&mut self, plan: &Plan<'_>, warnings: &[Diagnostic]);

    /// What a question found.
    fn status(&mut self, status: &Status<'_>, warnings: &[Diagnostic]);
}

/// What stays of a run that failed after it had applied `applied` migrations.
fn state_after(error: &Error, applied: usize) -> String {
    let before = match applied {
        0 => String::new(),
        1 => "; the migration that this run applied before it stays".to_owned(),
        _ => format!("; the {applied} migrations that this run applied before it stay"),
    };
    let failure = match error {
        Error::Migration(failure) => Some(failure),
        Error::Stopped(stopped) => stopped.failure.as_ref(),
        _ => None,
    };
    let Some(failure) = failure else {
        return match error {
            Error::Stopped(stopped) => match stopped.not_started {
                0 => format!("nothing was changed in the database{before}"),
                1 => format!("nothing was running{before}; one migration was not started"),
                more => format!("nothing was running{before}; {more} were not started"),
            },
            Error::Unexpected { .. } => format!("what was changed is not known{before}"),
            _ if applied == 0 => "nothing was changed in the database".to_owned(),
            _ => format!("nothing else was changed{before}"),
        };
    };
    let version = failure.version;
    let this = match &failure.state {
        State::HalfApplied { ran: 0, .. } => {
            format!("migration {version} is marked as begun, and none of its statements completed")
        }
        State::HalfApplied { ran, .. } => format!(
            "migration {version} is half applied: {ran} of its {} statements stay",
            failure.statements
        ),
        State::RolledBack => format!("nothing of migration {version} stays"),
        State::Unsettled(question) => format!(
            "migration {version} is half applied: {} of its {} statements stay, and whether the \
             next happened is not known",
            question.ran, failure.statements
        ),
        State::Unknown if failure.sent_with_it > 0 => format!(
            "whether migration {version} and the {} sent with it were applied is not known",
            failure.sent_with_it
        ),
        State::Unknown => format!("whether migration {version} was applied is not known"),
    };
    let unknown = match failure.state {
        State::Unknown => failure.sent_with_it,
        _ => 0,
    };
    let rest = match failure.not_started - unknown {
        0 => String::new(),
        1 => "; one more was not started".to_owned(),
        more => format!("; {more} more were not started"),
    };
    this + &before + &rest
}
