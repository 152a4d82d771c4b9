//! Reports: the only writers. They listen to a run, and show what a question
//! found.

mod answer;
mod check;
mod doctor;
mod fields;
mod human;
mod json;
mod lines;
mod live;
mod pace;
mod plan;
mod repairs;
mod snippet;
mod status;
mod words;

pub(crate) use answer::{Answer, Answered, Created, Stanza};
pub(crate) use check::{Check, CheckedBase, CheckedDatabase, Pending};
pub(crate) use doctor::Doctor;
pub(crate) use human::{Asks, Human};
pub(crate) use json::Json;
pub(crate) use plan::Plan;
pub(crate) use repairs::Repairs;
pub(crate) use status::Status;

use crate::engine::Outcome;
use crate::engine::event::{Event, Listener};
use crate::error::{Error, MigrationState};
use std::sync::mpsc::Receiver;

/// What a verb does when it succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Success {
    Applies,
    Confirms,
    /// Records as applied what was not run.
    Records,
    Repairs,
    Reverts,
}

/// A run that ended well.
pub(crate) struct Ended<'a> {
    pub success: Success,
    /// What it did to the schema; nothing for a run that only records.
    pub outcome: Option<&'a Outcome>,
    /// The newest version that is applied now.
    pub newest: Option<String>,
}

/// Whose turn it is of several databases.
#[derive(Debug, Default)]
pub(crate) struct DatabaseProgress {
    pub name: String,
    /// Those before it, which are done.
    pub done: Vec<String>,
    /// Those after it, which a failure leaves as they are.
    pub to_come: Vec<String>,
}

impl DatabaseProgress {
    /// The turn of one of several; `None` where it has no name, since there is only
    /// one.
    pub(crate) fn of(names: &[Option<&str>], number: usize) -> Option<Self> {
        let owned = |names: &[Option<&str>]| {
            let names = names.iter().flatten();
            names.map(|&name| name.to_owned()).collect()
        };
        let (done, rest) = names.split_at_checked(number)?;
        let (name, to_come) = rest.split_first()?;
        Some(Self {
            name: (*name)?.to_owned(),
            done: owned(done),
            to_come: owned(to_come),
        })
    }

    /// What a failure in it means for the others.
    fn others(&self) -> String {
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("; {what}: {}", names.join(", ")),
        };
        format!(
            "{}{}",
            list("databases that are done", &self.done),
            list("databases that were not run", &self.to_come)
        )
    }
}

/// Where it comes whether somebody agrees, once they have said so.
pub(crate) type Reply = Receiver<bool>;

/// Whoever tells how it went.
pub(crate) trait Report: Listener {
    /// A run begins.
    fn start(&mut self);

    /// What follows is about one of several databases.
    fn turn(&mut self, turn: DatabaseProgress);

    /// A run ended well.
    fn done(&mut self, ended: &Ended<'_>);

    /// A run failed.
    fn failed(&mut self, error: &Error);

    /// A question failed.
    fn unanswered(&mut self, error: &Error);

    /// Asks whether to do what is hard to undo; `None` where nobody is there to
    /// answer.
    fn question(&mut self, verb: &str, what: &[String]) -> Option<Reply>;

    /// Tells what a question found; returns what it comes to.
    fn answer(&mut self, answer: &dyn Answer) -> u8;
}

/// What a run has done so far.
#[derive(Clone, Copy, Default)]
struct Tally {
    applied: usize,
    reverted: usize,
}

impl Tally {
    fn see(&mut self, event: &Event<'_>) {
        match event {
            Event::Applied { .. }
            | Event::Repeated { .. }
            | Event::Recovered { reverts: false, .. } => self.applied += 1,
            Event::Reverted { .. } | Event::Recovered { reverts: true, .. } => self.reverted += 1,
            _ => {}
        }
    }

    /// What of it stays beside what failed.
    fn words(self) -> String {
        let stays = |number, did, stays: &str| match number {
            0 => String::new(),
            1 => format!("; the migration that this run {did} before it stay{stays}"),
            _ => {
                let stays = stays.trim_start_matches('s');
                format!("; the {number} migrations that this run {did} before it stay{stays}")
            }
        };
        stays(self.applied, "applied", "s") + &stays(self.reverted, "reverted", "s reverted")
    }
}

/// What stays of a run that failed after it had done some things.
fn state_after(error: &Error, tally: Tally) -> String {
    let failure = match error {
        Error::Migration(failure) => Some(failure),
        Error::Stopped(stopped) => stopped.failure.as_ref(),
        _ => None,
    };
    let did = if failure.is_some_and(|failure| failure.reverts) {
        "reverted"
    } else {
        "applied"
    };
    let before = tally.words();
    let Some(failure) = failure else {
        return match error {
            Error::Stopped(stopped) => match stopped.not_started {
                0 => format!("nothing was changed in the database{before}"),
                1 => format!("nothing was running{before}; one migration was not started"),
                more => format!("nothing was running{before}; {more} were not started"),
            },
            Error::Unrecorded(_) => {
                "nothing was changed in the schema; it is not known whether migrate's records were \
                 changed"
                    .to_owned()
            }
            Error::Unexpected { .. } => format!("it is not known what was changed{before}"),
            // It may have been another database, or not been committed.
            error if error.is_elsewhere() => format!(
                "it is not known what was changed: it is not recorded in the history that migrate reads{before}"
            ),
            _ if before.is_empty() => "nothing was changed in the database".to_owned(),
            _ => format!("nothing else was changed{before}"),
        };
    };
    let subject = &failure.subject;
    let half = if failure.reverts {
        "half reverted"
    } else {
        "half applied"
    };
    let this = match &failure.state {
        MigrationState::HalfApplied { ran: 0, .. } => {
            format!("{subject} is marked as begun, and none of its statements completed")
        }
        MigrationState::HalfApplied { ran, .. } => format!(
            "{subject} is {half}: {ran} of its {} statements stay",
            failure.statements
        ),
        MigrationState::HalfRepeated { ran } => format!(
            "{ran} of the {} statements of {subject} were run, but the file is not recorded as run",
            failure.statements
        ),
        MigrationState::RolledBack => match failure.as_one {
            Some(all) if all > 1 && failure.reverts => {
                format!("{subject} and the others of this run are still applied")
            }
            Some(all) if all > 1 => {
                format!("nothing of {subject} stays, nor of the others of this run")
            }
            _ if failure.reverts => format!("{subject} is still applied"),
            _ => format!("nothing of {subject} stays"),
        },
        MigrationState::Unsettled { ran } => format!(
            "{subject} is {half}: {ran} of its {} statements stay, and it is not known whether the \
             next was done",
            failure.statements
        ),
        MigrationState::Uncertain if failure.reverts => {
            format!("some of what {subject} reverts may be gone: the history still has it")
        }
        MigrationState::Uncertain => {
            format!("some of what {subject} does may stay: the history does not have it")
        }
        MigrationState::Unknown if failure.sent_with_it > 0 => format!(
            "it is not known whether {subject} and the {} sent with it were {did}",
            failure.sent_with_it
        ),
        MigrationState::Unknown => format!("it is not known whether {subject} was {did}"),
    };
    let unknown = match failure.state {
        MigrationState::Unknown => failure.sent_with_it,
        _ => 0,
    };
    let rest = match failure.not_started.saturating_sub(unknown) {
        _ if failure.as_one.is_some() => String::new(),
        0 => String::new(),
        1 => "; one more was not started".to_owned(),
        more => format!("; {more} more were not started"),
    };
    this + &before + &rest
}
