//! Migrations in one transaction, each with its history row first.

use super::{DIALECT, Sqlite};
use crate::db::bookkeeping;
use crate::db::fault::Fault;
use crate::db::statement_by_statement::{StatementByStatement, already_claimed, removed};
use crate::db::{Failure, Job, Remainder};
use crate::history::repeatables::Repeated;
use crate::model::Operation;
use std::time::{Duration, Instant};

impl Sqlite {
    /// All of some operations in one transaction, each with its record first. Tells
    /// how long each took, or which failed.
    pub(super) async fn in_transaction(
        &mut self,
        jobs: &[Job<'_>],
    ) -> Result<Vec<Duration>, (usize, Failure)> {
        let nothing = |fault| Failure::unplaced(fault, Remainder::Nothing);
        self.rows("BEGIN IMMEDIATE")
            .await
            .map_err(|fault| (0, nothing(fault)))?;
        let mut took = Vec::new();
        for (number, job) in jobs.iter().enumerate() {
            let began = Instant::now();
            self.one(*job).await.map_err(|setback| (number, setback))?;
            took.push(began.elapsed());
        }
        match self.rows("COMMIT").await {
            Ok(_) => Ok(took),
            Err(fault) => Err((jobs.len().saturating_sub(1), nothing(fault))),
        }
    }

    async fn one(&mut self, job: Job<'_>) -> Result<(), Failure> {
        let began = Instant::now();
        let ours = |fault: Fault| {
            let left = if Self::is_claimed(&fault) {
                Remainder::Claimed
            } else {
                Remainder::Nothing
            };
            Failure::unplaced(fault, left)
        };
        let record = job.record(DIALECT);
        if let Operation::Repeat(_) = job.operation {
            let upkeep = Repeated::of(job.history.ledger, DIALECT).upkeep();
            bookkeeping::keep(self, &upkeep).await.map_err(ours)?;
        }
        let claim = self.rows(&record.fence()).await.map_err(ours)?;
        if claim.affected != 1 {
            return Err(ours(already_claimed()));
        }
        for (number, statement) in job.statements.iter().enumerate() {
            let text = job.file.slice(statement.span);
            self.bounded(number, job).await.map_err(|fault| Failure {
                statement: Some(number),
                offset: fault.token_in(text).map(|at| statement.span.start + at),
                left: Remainder::Nothing,
                fault,
            })?;
        }
        let took = began.elapsed().as_nanos().to_string();
        if let Some(finish) = record.finish(&took) {
            let finished = match self.rows(&finish).await {
                Ok(answer) if answer.affected != 1 => Err(removed()),
                result => result.map(|_| ()),
            };
            finished.map_err(|fault| Failure {
                left: Remainder::Nothing,
                ..ours(fault)
            })?;
        }
        Ok(())
    }
}
