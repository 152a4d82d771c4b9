//! MySQL and MariaDB. They commit before and after most DDL, so a migration may
//! stop half way: its history row says so until it is complete, as sqlx's does.

mod code;
mod connect;
mod fault;
mod fresh;
mod guard;
mod health;
mod lock_name;
mod look;
mod one_transaction;
mod packet;
mod place;
mod statement_by_statement;

use crate::db::bookkeeping::{self, Bookkeeping};
use crate::db::fault::Fault;
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer};
use crate::db::{Edit, Entry, Failure, Handle, Job, Look, Progress, ReadScope, Remainder, Session};
use crate::history::ledger::Ledger;
use crate::history::repeatables::Repeated;
use crate::model::{Operation, Version};
use crate::sql::Dialect;
use fault::{NO_SUCH_TABLE, TABLE_ACCESS_DENIED, UNKNOWN_COLUMN, fault, surely};
use fresh::Known;
use sqlx::mysql::MySqlConnection;
use std::time::Duration;

pub(super) use one_transaction::is_one_transaction;

const DIALECT: Dialect = Dialect::Mysql;

/// The largest value that `innodb_lock_wait_timeout` takes, in seconds.
const LONGEST_ROW_LOCK_WAIT: u128 = 1_073_741_824;

pub(super) struct Mysql {
    connection: MySqlConnection,
    number: u64,
    is_mariadb: bool,
    /// Whether the server bounds statements: what only resembles it may not.
    bounds: bool,
    /// The largest message that the server takes, in bytes.
    largest: usize,
    user: String,
    url: Box<DatabaseUrl>,
    /// The URL's database.
    database: String,
    known: Known,
    /// Whether what has run may have changed the session.
    is_changed: bool,
    /// The migration whose statements this session has run so far.
    held: Option<Version>,
}

impl Mysql {
    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        wire::send(&mut self.connection, sql)
            .await
            .map_err(|failed| fault(&failed.error, false).of(&self.user))
    }

    /// Asks what must be known of a statement that has failed or was cancelled.
    async fn rows_surely(&mut self, sql: &str) -> Result<Answer, Fault> {
        surely(async || self.rows(sql).await).await
    }

    /// The default of the locks is a year; waiting in the table's queue stops its
    /// readers. It counts in seconds, from one. A bound that the server or the user
    /// has by default, or the file before, is no bound of this one. Only MariaDB
    /// bounds every statement; MySQL does it with a SELECT alone.
    async fn set_lock_timeout(&mut self, job: Job<'_>) -> Result<(), Fault> {
        let patience = match job.lock_timeout.as_millis() {
            0 => 31_536_000,
            milliseconds => milliseconds.div_ceil(1000),
        };
        let bound = if self.bounds || !job.statement_timeout.is_zero() {
            format!(", {}", self.bound(job.statement_timeout))
        } else {
            String::new()
        };
        // What the migration before has inserted is not this one's to ask about.
        let own = if self.held.is_some() {
            ""
        } else {
            ", last_insert_id = 0"
        };
        self.rows(&format!(
            "SET SESSION lock_wait_timeout = {patience}, innodb_lock_wait_timeout = {}{bound}{own}",
            patience.min(LONGEST_ROW_LOCK_WAIT)
        ))
        .await
        .map(|_| ())
    }

    /// How long a statement may take; zero is for ever, on either server.
    fn bound(&self, timeout: Duration) -> String {
        if self.is_mariadb {
            format!("max_statement_time = {}", timeout.as_secs_f64())
        } else {
            let least = u128::from(!timeout.is_zero());
            format!("max_execution_time = {}", timeout.as_millis().max(least))
        }
    }

    async fn repeat(&mut self, job: Job<'_>) -> Result<Duration, Failure> {
        let upkeep = Repeated::of(job.history.ledger, DIALECT).upkeep();
        if let Err(fault) = bookkeeping::keep(self, &upkeep).await {
            return Err(Failure::unplaced(fault, Remainder::Nothing));
        }
        crate::db::repeat::apply(self, job).await
    }
}

impl Session for Mysql {
    async fn look(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Look, Fault> {
        self.look_at(ledger, wanted).await
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        for statement in ledger.create(DIALECT) {
            self.rows(&statement).await?;
        }
        Ok(())
    }

    async fn prepare(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        self.make_fresh(job).await
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        self.renew().await
    }

    fn handle(&self) -> Handle {
        Handle::Connection(self.number)
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        match jobs.first() {
            Some(job) => {
                if let Some(setback) = self.too_large(job) {
                    return Progress::none(setback);
                }
                for result in [
                    self.set_lock_timeout(*job).await,
                    self.expect_changes(job).await,
                ] {
                    if let Err(fault) = result {
                        return Progress::none(self.our_setback(*job, fault, 0).await);
                    }
                }
                if let Some(function) = job.function() {
                    return self.apply_code(*job, function).await.into();
                }
                let is_whole = one_transaction::locks_tables(job)
                    || (one_transaction::is_sent_whole(job)
                        && !self.writes_for_good(job.file.text()).await);
                match job.operation {
                    Operation::Repeat(_) => self.repeat(*job).await.into(),
                    Operation::Apply(_) | Operation::Revert(..) if is_whole => {
                        self.apply_one(*job).await.into()
                    }
                    Operation::Apply(_) | Operation::Revert(..) => {
                        crate::db::statement_by_statement::apply(self, *job)
                            .await
                            .into()
                    }
                }
            }
            None => Progress::all(Vec::new()),
        }
    }

    /// Nobody asks for it: there is no such transaction here (the configuration
    /// refuses it).
    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        self.apply(jobs).await
    }

    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        bookkeeping::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        bookkeeping::edit(self, ledger, edits).await
    }
}

impl Bookkeeping for Mysql {
    const DIALECT: Dialect = DIALECT;
    // Whatever a file has made of `completion_type` and of what is read only.
    const BEGIN: &'static str = "START TRANSACTION READ WRITE";
    const COMMIT: &'static str = "COMMIT AND NO CHAIN NO RELEASE";
    const ROLLBACK: &'static str = "ROLLBACK AND NO CHAIN NO RELEASE";

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    fn is_outdated(fault: &Fault) -> bool {
        fault.has_code(&[UNKNOWN_COLUMN])
    }

    fn is_missing(fault: &Fault) -> bool {
        fault.has_code(&[NO_SUCH_TABLE])
    }

    fn is_denied(fault: &Fault) -> bool {
        fault.has_code(&[TABLE_ACCESS_DENIED])
    }
}
