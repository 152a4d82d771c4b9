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
mod stepwise;

use crate::db::fault::Fault;
use crate::db::memory::{self, Memory};
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{Edit, Entry, Handle, Job, Look, Progress, Session, Wanted};
use crate::formats::ledger::Ledger;
use crate::formats::record;
use crate::model::Version;
use crate::sql::{Dialect, session};
use fault::{DUPLICATE_TABLE, INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE, UNIQUE_VIOLATION, fault};
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

    /// Another session where this one is worn out.
    async fn renew(&mut self) -> Result<(), Fault> {
        if !self.is_worn {
            return Ok(());
        }
        let url = self.url.clone();
        let other = Self::connect(&url).await.map_err(Fault::lost)?;
        *self = Self {
            version: self.version,
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
    async fn look(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault> {
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
        let goes_on = job.resume.is_some() && self.held == Some(record::version(job.deed));
        if goes_on { Ok(()) } else { self.renew().await }
    }

    fn handle(&self) -> Handle {
        Handle::Name
    }

    /// At 10 ms a round trip, 1,000 migrations took 74 s one statement a message,
    /// 17 s one migration a message, 4 s ten, 3 s a hundred.
    fn together(&self) -> usize {
        50
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        // What wears the session out is its last.
        let wears =
            |job: &Job<'_>| job.function().is_some() || session::makes_setting(job.file.text());
        let jobs = match jobs.iter().position(wears) {
            Some(last) => {
                self.is_worn = true;
                &jobs[..=last]
            }
            None => jobs,
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
        memory::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        memory::edit(self, ledger, edits).await
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

impl Memory for Postgres {
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
