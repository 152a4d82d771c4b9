//! A repeatable file that cannot be one transaction: its statements one by one,
//! then its record. It keeps no journal: whoever finds it unrecorded runs all of
//! it once more, which is what such files are written for.

use super::statement_by_statement::StatementByStatement;
use super::{Failure, Job, Remainder};
use crate::db::fault::{Fault, FaultKind};
use std::time::{Duration, Instant};

/// Runs a repeatable statement by statement.
pub(super) async fn apply<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    for (number, statement) in job.statements.iter().enumerate() {
        if let Err(fault) = session.run(job, *statement).await {
            if fault.kind != FaultKind::Lost {
                // What the file has set must not reach what is written of its end;
                // its own fault is the one to report.
                let _ = session.finish_session().await;
            }
            let text = job.file.slice(statement.span);
            return Err(Failure {
                statement: Some(number),
                offset: S::offset(text, &fault).map(|at| statement.span.start + at),
                ..stopped(number, fault)
            });
        }
    }
    let all = job.statements.len();
    session
        .finish_session()
        .await
        .map_err(|fault| stopped(all, fault))?;
    let record = job.record(S::DIALECT).complete("0");
    session
        .ask(&record)
        .await
        .map_err(|fault| stopped(all, fault))?;
    Ok(began.elapsed())
}

fn stopped(ran: usize, fault: Fault) -> Failure {
    let left = match ran {
        _ if fault.kind == FaultKind::Lost => Remainder::Unknown,
        0 => Remainder::Nothing,
        _ => Remainder::Repeatable { ran },
    };
    Failure::unplaced(fault, left)
}
