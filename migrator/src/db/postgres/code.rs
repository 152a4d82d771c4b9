//! Migrations written in Rust on PostgreSQL.

use super::fault::{DIVISION_BY_ZERO, fault};
use super::message::{after, before, claimed_or, lost_or};
use super::{DIALECT, Postgres};
use crate::db::code::{self, Function, Handle, Opened, Transaction, unplaced};
use crate::db::fault::Fault;
use crate::db::statement_by_statement::removed;
use crate::db::wire::{self, Answer, Rows};
use crate::db::{Failure, Job, Remainder};
use crate::sql::Dialect;
use sqlx::Connection;
use std::time::Duration;

/// The transaction, and what is known of the server.
struct Open<'c> {
    transaction: sqlx::Transaction<'c, sqlx::Postgres>,
    user: &'c str,
    version: u32,
}

impl Postgres {
    pub(super) async fn apply_code(
        &mut self,
        job: Job<'_>,
        function: &Function,
    ) -> Result<Duration, Failure> {
        let user = &self.user;
        let transaction = self.connection.begin().await;
        let open = Open {
            transaction: transaction.map_err(|error| unplaced(fault(&error, false).of(user)))?,
            user,
            version: self.version,
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
        Transaction(Handle::Postgres(&mut self.transaction))
    }

    fn fault(&self, error: &sqlx::Error) -> Fault {
        fault(error, false).of(self.user)
    }

    fn is_claimed(fault: &Fault) -> bool {
        claimed_or(fault, Remainder::Nothing) == Remainder::Claimed
    }

    /// With the settings of every migration, in one message.
    async fn fence(&mut self, job: Job<'_>) -> Result<(), Failure> {
        let before = before(&job, self.version);
        // The last but two: the timeouts of what follows come after it.
        let fence = before.len() - 3;
        let sent = wire::send_for(&mut *self.transaction, &before.join("; "), Rows::None).await;
        let Err(failed) = sent else {
            return Ok(());
        };
        let fault = self.fault(&failed.error);
        let left = if failed.answer.completed == fence {
            claimed_or(&fault, Remainder::Nothing)
        } else {
            lost_or(&fault, Remainder::Nothing)
        };
        Err(Failure::unplaced(fault, left))
    }

    async fn finish(&mut self, job: Job<'_>, _took: Duration) -> Result<(), Fault> {
        match self.ask(&after(&job, false).join("; ")).await {
            Err(fault) if fault.has_code(&[DIVISION_BY_ZERO]) => Err(removed()),
            result => result.map(|_| ()),
        }
    }

    /// A statement that was prepared would stay with a pooled server connection.
    async fn settle(&mut self) {
        let _ = self.transaction.clear_cached_statements().await;
    }

    async fn commit(self) -> Result<(), Fault> {
        let user = self.user;
        let committed = self.transaction.commit().await;
        committed.map_err(|error| fault(&error, false).of(user))
    }

    async fn roll_back(self) {
        let _ = self.transaction.rollback().await;
    }
}
