//! `-- no-transaction` files on SQLite, where nothing goes on after the process.

use super::Sqlite;
use super::fault::CONSTRAINT_PRIMARY_KEY;
use crate::db::Job;
use crate::db::fault::{Fault, FaultKind};
use crate::db::statement_by_statement::{Miss, Settled, StatementByStatement, Step};
use crate::history::Mark;
use crate::model::Version;
use crate::sql::unit::Ends;
use crate::sql::{Statement, StatementKind};
use std::sync::atomic::Ordering;

impl StatementByStatement for Sqlite {
    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[CONSTRAINT_PRIMARY_KEY])
    }

    fn held(&mut self) -> &mut Option<Version> {
        &mut self.held
    }

    /// What cannot be in a transaction (VACUUM, PRAGMA, ATTACH) may be done
    /// again, so a mark after it will do.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let done = step.done_at_once();
        let is_control =
            |statement: &Statement| statement.kind == StatementKind::TransactionControl;
        let can_be_in_one =
            |statement: &Statement| statement.kind == StatementKind::Other || is_control(statement);
        let is_one =
            step.statements.iter().all(can_be_in_one) && !step.statements.iter().all(is_control);
        if is_one {
            self.rows("BEGIN IMMEDIATE")
                .await
                .map_err(|fault| Miss::at(0, fault, true))?;
        }
        let last = step.statements.len() - 1;
        for at in 0..step.statements.len() {
            if is_one && is_control(&step.statements[at]) && (at == 0 || at == last) {
                continue;
            }
            if let Err(fault) = self.bounded(step.first + at, step.job).await {
                self.cancelled.store(false, Ordering::Relaxed);
                let _ = self.rows("ROLLBACK").await;
                return Err(Miss::at(at, fault, is_one || at == 0));
            }
        }
        let ours: &[&str] = match (is_one, step.ends) {
            (true, Ends::Rollback) => &["ROLLBACK", &done],
            (true, _) => &[&done, "COMMIT"],
            (false, _) => &[&done],
        };
        for sql in ours {
            if let Err(fault) = self.rows(sql).await {
                self.cancelled.store(false, Ordering::Relaxed);
                let _ = self.rows("ROLLBACK").await;
                return Err(Miss::at(last, fault, true));
            }
        }
        Ok(())
    }

    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault> {
        let is_it = |other: &Statement| other.span == statement.span;
        let number = job.statements.iter().position(is_it).unwrap_or_default();
        let result = self.bounded(number, job).await;
        if result.is_err() {
            // It has ended; what follows it must not be cancelled.
            self.cancelled.store(false, Ordering::Relaxed);
        }
        result
    }

    async fn settle(&mut self, _step: &Step<'_>, _mark: &Mark) -> Result<Settled, Fault> {
        Ok(Settled::DidNotHappen)
    }

    /// A table that was rebuilt with foreign keys off may have left rows that
    /// point nowhere.
    async fn finish_session(&mut self) -> Result<(), Fault> {
        let broken = self
            .rows(
                "SELECT CAST(\"table\" AS TEXT), CAST(count(*) AS TEXT), CAST(parent AS TEXT) \
                 FROM pragma_foreign_key_check GROUP BY \"table\", parent",
            )
            .await?;
        let text = |at: usize| {
            let row = broken.rows.first()?;
            row.get(at)?.clone()
        };
        if let (Some(table), Some(count), Some(parent)) = (text(0), text(1), text(2)) {
            return Err(Fault::new(
                FaultKind::Statement,
                format!("{count} rows of {table} refer to rows of {parent} that do not exist"),
            ));
        }
        self.rows("PRAGMA foreign_keys = ON").await.map(|_| ())
    }

    fn offset(text: &str, fault: &Fault) -> Option<usize> {
        fault.token_in(text)
    }
}
