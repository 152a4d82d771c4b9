//! Migrations written in Rust on SQLite.

use super::fault::fault;
use super::{DIALECT, Sqlite};
use crate::db::code::{self, Function, Handle, Opened, Transaction, unplaced};
use crate::db::fault::Fault;
use crate::db::statement_by_statement::StatementByStatement;
use crate::db::wire::{self, Answer};
use crate::db::{Failure, Job};
use crate::sql::Dialect;
use sqlx::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The transaction, and by what its statements are cancelled.
struct Open<'c> {
    transaction: sqlx::Transaction<'c, sqlx::Sqlite>,
    cancelled: &'c AtomicBool,
}

impl Sqlite {
    pub(super) async fn apply_code(
        &mut self,
        job: Job<'_>,
        function: &Function,
    ) -> Result<Duration, Failure> {
        self.set_lock_timeout(job.lock_timeout)
            .await
            .map_err(unplaced)?;
        let transaction = self.connection.begin_with("BEGIN IMMEDIATE").await;
        let open = Open {
            transaction: transaction.map_err(|error| unplaced(fault(&error, false)))?,
            cancelled: &self.cancelled,
        };
        code::apply(open, job, function).await
    }
}

impl Opened for Open<'_> {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        wire::send(&mut *self.transaction, sql)
            .await
            .map_err(|failed| self.fault(&failed.error))
    }

    fn transaction(&mut self) -> Transaction<'_> {
        Transaction(Handle::Sqlite(&mut self.transaction))
    }

    fn fault(&self, error: &sqlx::Error) -> Fault {
        fault(error, false)
    }

    fn is_claimed(fault: &Fault) -> bool {
        <Sqlite as StatementByStatement>::is_claimed(fault)
    }

    /// Its answer comes when a statement that was left running has been cancelled;
    /// then ours must not be.
    async fn settle(&mut self) {
        let _ = self.ask("SELECT 1").await;
        self.cancelled.store(false, Ordering::Relaxed);
    }

    async fn commit(self) -> Result<(), Fault> {
        let committed = self.transaction.commit().await;
        committed.map_err(|error| fault(&error, false))
    }

    async fn roll_back(self) {
        let _ = self.transaction.rollback().await;
    }
}
