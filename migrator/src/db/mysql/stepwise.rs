//! What commits by itself, on MySQL and MariaDB nearly every statement of a
//! schema, with its marks.

use super::fault::DUPLICATE_ENTRY;
use super::one_transaction::is_transactional;
use super::place::offset_in;
use super::{DIALECT, Mysql};
use crate::db::Job;
use crate::db::fault::{Fault, FaultKind};
use crate::db::stepwise::{Miss, Settled, Step, Stepwise, begin, done_at_once, first_word};
use crate::formats::journal::Journal;
use crate::formats::ledger::quote;
use crate::plan::history::Mark;
use crate::sql::Statement;
use std::time::Duration;

impl Stepwise for Mysql {
    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[DUPLICATE_ENTRY])
    }

    /// What commits by itself goes with its marks in one message: the server runs
    /// the rest of a message after the client is gone. What does not, shares a
    /// transaction with its mark.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let text = format!("/* {} */ {}", step.job.run, step.text);
        if is_transactional(step.text) {
            let done = done_at_once(step);
            for sql in ["START TRANSACTION", &text, &done, "COMMIT"] {
                if let Err(fault) = self.rows(sql).await {
                    let _ = self.rows("ROLLBACK").await;
                    return Err(fault.into());
                }
            }
            return Ok(());
        }
        let version = step.version();
        let tail = format!(";\n{}", step.journal.done(version, step.number));
        let message = format!("{};\n{text}{tail}", begin(step));
        let Err(mut fault) = self.rows(&message).await else {
            return Ok(());
        };
        fault.message = without_tail(&fault.message, &tail);
        if fault.kind != FaultKind::Lost {
            // Where even this fails, the next run settles it.
            let _ = self.rows(&step.journal.undo(version, step.number)).await;
        }
        if self.is_atomic(step.text) {
            Err(fault.into())
        } else {
            Err(Miss::unclean(fault))
        }
    }

    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault> {
        let text = job.file.slice(statement.span);
        self.rows(&format!("/* {} */ {text}", job.run))
            .await
            .map(|_| ())
    }

    /// An orphan's message goes on to its end and marks the statement as done; if
    /// it ended without, nobody can tell: the statement may have failed, or the
    /// server have stopped between the two.
    async fn settle(&mut self, step: &Step<'_>, mark: &Mark) -> Result<Settled, Fault> {
        let end = tokio::time::Instant::now() + step.job.lock_wait;
        loop {
            let running = self
                .rows(&format!(
                    "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
                     WHERE id = {} AND info LIKE {}",
                    mark.connection,
                    quote(DIALECT, &format!("%{}%", mark.run))
                ))
                .await?;
            if running.rows.is_empty() || tokio::time::Instant::now() >= end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let marks = self.rows(&step.journal.select()).await?;
        let is_done =
            marks.rows.iter().filter_map(Journal::read).any(|now| {
                now.version == mark.version && now.statement == mark.statement && now.done
            });
        Ok(if is_done {
            Settled::Happened
        } else {
            Settled::Unknown
        })
    }

    async fn wind_up(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn offset(text: &str, fault: &Fault) -> Option<usize> {
        offset_in(text, fault)
    }
}

impl Mysql {
    /// Whether a statement that failed has done nothing: a procedure may have
    /// committed before, and MariaDB drops those of several tables that are there.
    fn is_atomic(&self, statement: &str) -> bool {
        match first_word(statement).as_str() {
            "CALL" => false,
            "DROP" => !self.is_mariadb || !statement.contains(','),
            _ => true,
        }
    }
}

/// A message that quotes the statement up to 80 characters further, without
/// what of it is ours.
fn without_tail(message: &str, tail: &str) -> String {
    let Some((head, rest)) = message.rsplit_once("' at line ") else {
        return message.to_owned();
    };
    // MariaDB says with dots that it goes on.
    let quoted = head.strip_suffix("...").unwrap_or(head);
    let ours = quoted
        .match_indices(';')
        .map(|(at, _)| at)
        .find(|at| tail.starts_with(&quoted[*at..]));
    format!("{}' at line {rest}", &head[..ours.unwrap_or(head.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_in_no_message() {
        let tail = ";\nUPDATE app._migrate_journal SET done = TRUE WHERE x";
        assert_eq!(
            without_tail("bad near 'x (oops;\nUPDATE app._mig' at line 1", tail),
            "bad near 'x (oops' at line 1"
        );
        assert_eq!(
            without_tail("bad near 'x;\nUPDATE app._mig...' at line 1", tail),
            "bad near 'x' at line 1"
        );
        for other in [
            "bad near 'a; b' at line 1",
            "bad near 'a; b...' at line 1",
            "Unknown table 'a'",
        ] {
            assert_eq!(without_tail(other, tail), other);
        }
    }
}
