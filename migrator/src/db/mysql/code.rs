//! Migrations written in Rust on MySQL and MariaDB: what changes the schema commits
//! by itself, and the history row with it, which says until the end that the
//! migration is not complete.

use super::fault::{fault, surely};
use super::one_transaction::{marked, undone};
use super::{DIALECT, Mysql};
use crate::db::code::{self, Function, Handle, Opened, Transaction, unplaced};
use crate::db::fault::Fault;
use crate::db::statement_by_statement::StatementByStatement;
use crate::db::wire::{self, Answer};
use crate::db::{Failure, Job, Remainder};
use crate::sql::Dialect;
use sqlx::Connection;
use std::time::Duration;

struct Open<'c> {
    transaction: sqlx::Transaction<'c, sqlx::MySql>,
    user: &'c str,
}

impl Mysql {
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
        Transaction(Handle::Mysql(&mut self.transaction))
    }

    fn fault(&self, error: &sqlx::Error) -> Fault {
        fault(error, false).of(self.user)
    }

    fn is_claimed(fault: &Fault) -> bool {
        <Mysql as StatementByStatement>::is_claimed(fault)
    }

    /// No savepoint outlives a statement that commits.
    async fn mark(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    /// Code may change the schema, and with that commit what it did before.
    async fn check(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    async fn finish(&mut self, job: Job<'_>, took: Duration) -> Result<(), Fault> {
        // Its LOCK TABLES without the UNLOCK would lock the history out.
        self.ask("UNLOCK TABLES").await?;
        let took = took.as_nanos().to_string();
        let finish = job.record(DIALECT).finish(&took).unwrap_or_default();
        self.ask(&finish).await.map(|_| ())
    }

    async fn left(&mut self, job: Job<'_>) -> Remainder {
        for ours in ["ROLLBACK", "UNLOCK TABLES"] {
            if surely(async || self.ask(ours).await).await.is_err() {
                return Remainder::Unknown;
            }
        }
        let marked = marked(job);
        match surely(async || self.ask(&marked).await).await {
            Ok(answer) => undone(job, &answer, 0),
            Err(_) => Remainder::Unknown,
        }
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
