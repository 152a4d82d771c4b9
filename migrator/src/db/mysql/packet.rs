//! The largest message that the server takes.

use super::Mysql;
use super::fault::PACKET_TOO_LARGE;
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Failure, Job, Remainder};
use crate::sql::Statement;

/// What travels with a statement: the run's name, and marks in the journal.
const ENVELOPE: usize = 1024;

impl Mysql {
    /// The first statement that the server would not take, but end the
    /// connection, after which nobody could tell what had happened.
    pub(super) fn too_large(&self, job: &Job<'_>) -> Option<Failure> {
        let length = |statement: &Statement| statement.span.end - statement.span.start;
        let done = match job.resume {
            Some(resume) if resume.begun.is_some() => return None,
            Some(resume) => resume.done,
            None => 0,
        };
        let too_large = |statement| length(statement).saturating_add(ENVELOPE) > self.largest;
        let number = done + job.statements.iter().skip(done).position(too_large)?;
        let fault = Fault {
            code: Some(PACKET_TOO_LARGE.to_string()),
            ..Fault::new(
                FaultKind::Statement,
                format!(
                    "a statement of {} bytes is larger than the server's max_allowed_packet of {}",
                    length(&job.statements[number]),
                    self.largest
                ),
            )
        };
        Some(Failure {
            fault,
            statement: Some(number),
            offset: None,
            left: match job.resume {
                Some(_) => Remainder::Part {
                    ran: done,
                    resumable: true,
                },
                None => Remainder::Nothing,
            },
        })
    }
}
