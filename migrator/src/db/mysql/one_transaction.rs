//! A migration of which nothing commits by itself, or that locks tables: its
//! history row, its statements and the row's completion between one START
//! TRANSACTION and one COMMIT.

use super::place::offset_in;
use super::{DIALECT, Mysql};
use crate::db::bookkeeping::Bookkeeping;
use crate::db::fault::Fault;
use crate::db::statement_by_statement::{
    StatementByStatement, already_claimed, first_word, removed,
};
use crate::db::wire::Answer;
use crate::db::{Failure, Job, Remainder};
use crate::history::record;
use crate::model::Operation;
use crate::sql::{Statement, StatementKind};
use crate::text::SourceFile;
use std::time::{Duration, Instant};

impl Mysql {
    pub(super) async fn apply_one(&mut self, job: Job<'_>) -> Result<Duration, Failure> {
        let began = Instant::now();
        let record = job.record(DIALECT);
        let claim = record.fence();
        for ours in [Self::BEGIN, claim.as_str()] {
            let fault = match self.rows(ours).await {
                Ok(answer) if ours == claim && answer.affected != 1 => already_claimed(),
                Ok(_) => continue,
                Err(fault) => fault,
            };
            let claimed = Self::is_claimed(&fault);
            let mut setback = self.our_setback(job, fault, 0).await;
            if claimed {
                setback.left = Remainder::Claimed;
            }
            return Err(setback);
        }
        for (number, statement) in job.statements.iter().enumerate() {
            let text = job.file.slice(statement.span);
            if let Err(fault) = self.rows(text).await {
                return Err(Failure {
                    left: self.left(job, number).await,
                    offset: offset_in(text, &fault).map(|at| statement.span.start + at),
                    statement: Some(number),
                    fault,
                });
            }
        }
        let took = began.elapsed().as_nanos().to_string();
        let finish = record.finish(&took).unwrap_or_default();
        // A dump's LOCK TABLES without its UNLOCK would lock the history out.
        for ours in ["UNLOCK TABLES", finish.as_str(), Self::COMMIT] {
            let fault = match self.rows(ours).await {
                Ok(answer) if ours == finish && answer.affected != 1 => removed(),
                Ok(_) => continue,
                Err(fault) => fault,
            };
            return Err(self.our_setback(job, fault, job.statements.len()).await);
        }
        Ok(began.elapsed())
    }

    pub(super) async fn our_setback(&mut self, job: Job<'_>, fault: Fault, ran: usize) -> Failure {
        Failure::unplaced(fault, self.left(job, ran).await)
    }

    /// What is left after a failure: only the history knows, for some
    /// statements commit what stands before them.
    async fn left(&mut self, job: Job<'_>, ran: usize) -> Remainder {
        // Under a file's LOCK TABLES the history could not be read; unlocking
        // commits, so it comes second.
        if self.rows_surely(Self::ROLLBACK).await.is_err() {
            return Remainder::Unknown;
        }
        let is_kept = self.kept_something().await;
        if self.rows_surely("UNLOCK TABLES").await.is_err() {
            return Remainder::Unknown;
        }
        match self.rows_surely(&marked(job)).await {
            Ok(answer) => match undone(job, &answer, ran) {
                Remainder::Nothing if is_kept => Remainder::Part {
                    ran,
                    resumable: false,
                },
                left => left,
            },
            Err(_) => Remainder::Unknown,
        }
    }
}

/// Asks for the row that stays where something was committed.
pub(super) fn marked(job: Job<'_>) -> String {
    format!(
        "SELECT 'marked' FROM {} WHERE version = {}{}",
        job.history.ledger.table,
        record::version(job.operation),
        match job.operation {
            Operation::Revert(..) => " AND success = TRUE",
            Operation::Apply(_) | Operation::Repeat(_) => "",
        }
    )
}

/// What the answer says of what is left.
pub(super) fn undone(job: Job<'_>, answer: &Answer, ran: usize) -> Remainder {
    // What is being taken back has its row, and a complete one.
    if answer.rows.is_empty() == matches!(job.operation, Operation::Apply(_)) {
        Remainder::Nothing
    } else {
        Remainder::Part {
            ran,
            resumable: false,
        }
    }
}

/// Whether a migration can be one transaction: nothing in it commits.
pub(super) fn is_sent_whole(job: &Job<'_>) -> bool {
    job.resume.is_none() && is_one_transaction(job.file, job.statements)
}

/// Whether a migration locks tables, beside which no journal can be written.
pub(super) fn locks_tables(job: &Job<'_>) -> bool {
    let locks = |statement: &Statement| statement.kind == StatementKind::LockTables;
    job.resume.is_none() && job.statements.iter().any(locks)
}

/// What a session may say of the next transaction, or of what is logged, only
/// where none is open.
fn is_for_outside(text: &str) -> bool {
    let capitals = text.to_ascii_uppercase();
    capitals.starts_with("SET")
        && (capitals.contains("SQL_LOG_BIN")
            || capitals.contains("BINLOG_FORMAT")
            || capitals.contains("GTID_NEXT")
            || capitals
                .trim_start_matches("SET")
                .trim_start()
                .starts_with("TRANSACTION"))
}

/// Whether nothing in a file commits.
pub(in crate::db) fn is_one_transaction(file: &SourceFile, statements: &[Statement]) -> bool {
    statements.iter().all(|statement| {
        let text = file.slice(statement.span);
        statement.kind != StatementKind::TransactionControl && is_transactional(text)
    })
}

/// By their first word: these never commit.
pub(super) fn is_transactional(statement: &str) -> bool {
    !is_for_outside(statement)
        && matches!(
            first_word(statement).as_str(),
            "DELETE"
                | "DO"
                | "INSERT"
                | "REPLACE"
                | "SELECT"
                | "SET"
                | "TABLE"
                | "UPDATE"
                | "VALUES"
                | "WITH"
        )
}
