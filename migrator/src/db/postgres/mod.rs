//! PostgreSQL. A migration is one message, one transaction and one round trip:
//! its history row first, which is the fence, then its SQL.

mod apply;
mod code;
mod connect;
mod fault;
mod guard;
mod health;
mod index;
mod lock_id;
mod look;
mod message;
mod place;
mod progress;
mod statement_by_statement;

use crate::db::bookkeeping::{self, Bookkeeping};
use crate::db::fault::Fault;
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{Edit, Entry, Failure, Handle, Job, Look, Progress, ReadScope, Remainder, Session};
use crate::history::ledger::Ledger;
use crate::model::Version;
use crate::sql::{Dialect, session};
use fault::{
    DUPLICATE_TABLE, INSUFFICIENT_PRIVILEGE, UNDEFINED_COLUMN, UNDEFINED_TABLE, UNIQUE_VIOLATION,
    fault,
};
use message::Transaction;
use sqlx::postgres::PgConnection;
use std::time::Duration;

const DIALECT: Dialect = Dialect::Postgres;

/// Between two looks at what somebody else has running.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Postgres {
    connection: PgConnection,
    user: String,
    version: u32,
    /// The migration whose statements this session has run so far.
    held: Option<Version>,
    url: Box<DatabaseUrl>,
    /// Whether something was made in the session that nothing but its end resets.
    is_worn: bool,
    /// Whether the database has functions that make settings, once it was asked.
    has_setters: Option<bool>,
}

impl Postgres {
    async fn send(&mut self, sql: &str) -> Result<Answer, Failed> {
        wire::send(&mut self.connection, sql).await
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.send(sql)
            .await
            .map_err(|failed| fault(&failed.error, false).of(&self.user))
    }

    /// The first job that may make what nothing but the end of its session resets: it
    /// is the session's last.
    async fn first_to_wear(&mut self, jobs: &[Job<'_>]) -> Result<Option<usize>, Fault> {
        for (number, job) in jobs.iter().enumerate() {
            if job.function().is_some() || session::makes_setting(job.file.text()) {
                // It may be a function that does so when it is called.
                self.has_setters = None;
                return Ok(Some(number));
            }
            let mut texts = job
                .statements
                .iter()
                .map(|statement| job.file.slice(statement.span));
            if texts.any(session::may_call) && self.has_setters().await? {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Whether the database has functions, for triggers say, that make settings.
    async fn has_setters(&mut self) -> Result<bool, Fault> {
        if let Some(known) = self.has_setters {
            return Ok(known);
        }
        let found = self
            .rows(
                "SELECT 'one' FROM pg_catalog.pg_proc p \
                 JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
                 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') \
                 AND (p.prosrc ~* 'set_config|\\mset\\s+(local\\s+|session\\s+)?\\w+\\.\\w' \
                 OR p.proconfig::text ~ '\\w\\.\\w+=') LIMIT 1",
            )
            .await?;
        let has = !found.rows.is_empty();
        self.has_setters = Some(has);
        Ok(has)
    }

    /// Another session where this one is worn out.
    async fn renew(&mut self) -> Result<(), Fault> {
        if !self.is_worn {
            return Ok(());
        }
        let url = self.url.clone();
        let other = Self::connect(&url).await.map_err(Fault::lost)?;
        *self = Self {
            version: self.version,
            has_setters: self.has_setters,
            ..other
        };
        Ok(())
    }

    /// Ends the transaction that a failed message left open; the fault that led
    /// here is the one to report.
    async fn roll_back(&mut self) {
        let _ = self.send("ROLLBACK").await;
    }
}

impl Session for Postgres {
    async fn look(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Look, Fault> {
        self.look_at(ledger, wanted).await
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.create_if_missing(&ledger.create(DIALECT).join(";\n"))
            .await
    }

    async fn invalid_indexes(&mut self, statements: &[&str]) -> Result<Vec<String>, Fault> {
        self.left_invalid(statements).await
    }

    async fn prepare(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        if job.goes_on_in(self.held.as_ref()) {
            return Ok(());
        }
        self.renew().await
    }

    fn handle(&self) -> Handle {
        Handle::Name
    }

    /// At 10 ms a round trip, 1,000 migrations took 74 s one statement a message,
    /// 17 s one migration a message, 4 s ten, 3 s a hundred.
    fn batch_size(&self) -> usize {
        50
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        let jobs = match self.first_to_wear(jobs).await {
            Ok(Some(last)) => {
                self.is_worn = true;
                &jobs[..=last]
            }
            Ok(None) => jobs,
            Err(fault) => return Progress::none(Failure::unplaced(fault, Remainder::Nothing)),
        };
        match jobs {
            [job] if let Some(function) = job.function() => {
                self.apply_code(*job, function).await.into()
            }
            [job] if !job.is_transaction() => self.apply_alone(*job).await,
            _ => self.apply_together(jobs, Transaction::Part).await,
        }
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        self.apply_together(jobs, Transaction::Message).await
    }

    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        bookkeeping::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        bookkeeping::edit(self, ledger, edits).await
    }

    /// A commit waits for the disk only if it wrote: a row is written again as it
    /// is. There is one, for what was not done last is taken back or not applied.
    async fn flush(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.rows(&format!(
            "BEGIN; SET LOCAL synchronous_commit = on; \
             UPDATE {0} SET success = success WHERE version = (SELECT max(version) FROM {0}); \
             COMMIT",
            ledger.table
        ))
        .await
        .map(|_| ())
    }
}

impl Bookkeeping for Postgres {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    /// IF NOT EXISTS does not exclude two creators at once.
    async fn create_if_missing(&mut self, sql: &str) -> Result<(), Fault> {
        let Err(failed) = self.send(&format!("BEGIN;\n{sql};\nCOMMIT")).await else {
            return Ok(());
        };
        let fault = fault(&failed.error, false).of(&self.user);
        self.roll_back().await;
        if fault.has_code(&[UNIQUE_VIOLATION, DUPLICATE_TABLE]) {
            return Ok(());
        }
        Err(fault)
    }

    fn is_outdated(fault: &Fault) -> bool {
        fault.has_code(&[UNDEFINED_COLUMN])
    }

    fn is_missing(fault: &Fault) -> bool {
        fault.has_code(&[UNDEFINED_TABLE])
    }

    fn is_denied(fault: &Fault) -> bool {
        fault.has_code(&[INSUFFICIENT_PRIVILEGE])
    }

    async fn drop_invalid_index(&mut self, statement: &str) -> Result<(), Fault> {
        self.drop_left_invalid(statement).await
    }
}
