//! SQLite. One statement at a time in `BEGIN IMMEDIATE`, and a lock file for
//! the run: the database's own lock ends with each transaction.

mod children;
mod code;
mod connect;
mod fault;
mod health;
mod lock_file;
mod look;
mod one_transaction;
mod place;
mod statement_by_statement;

use crate::db::bookkeeping::{self, Bookkeeping};
use crate::db::fault::{Fault, FaultKind};
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer};
use crate::db::{
    Edit, Entry, Failure, Handle, Job, Look, Progress, ReadScope, Remainder, Session, repeat,
};
use crate::history::ledger::Ledger;
use crate::history::repeatables::Repeated;
use crate::model::{Operation, Version};
use crate::sql::{Dialect, Statement, session, with_comments};
use fault::{INTERRUPT, fault, is_missing};
use sqlx::sqlite::SqliteConnection;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(super) use health::health;
pub(super) use lock_file::LockFile;

const DIALECT: Dialect = Dialect::Sqlite;

/// How long another writer is waited for before a run cannot be remembered yet.
const REMEMBERS_WITHIN: Duration = Duration::from_millis(500);

pub(super) struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    cancelled: Arc<AtomicBool>,
    /// When the statement that runs must end.
    bound: Arc<Mutex<Option<Instant>>>,
    url: Box<DatabaseUrl>,
    /// Whether what has run may have changed the session.
    is_changed: bool,
    /// The migration whose statements this session has run so far.
    held: Option<Version>,
}

impl Sqlite {
    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        wire::send(&mut self.connection, sql)
            .await
            .map_err(|failed| fault(&failed.error, false))
    }

    /// Opens the file anew where something was changed in this session; one that
    /// asks for counts of its session always has one of its own.
    async fn renew(&mut self) -> Result<(), Fault> {
        if !self.is_changed && self.held.is_none() {
            return Ok(());
        }
        let url = self.url.clone();
        *self = Self::connect(&url, false).await.map_err(Fault::lost)?;
        Ok(())
    }

    /// Remembers what a job may change in its session, before it is run.
    fn expect_changes(&mut self, job: &Job<'_>) {
        let mut texts = job
            .statements
            .iter()
            .map(|statement| job.file.slice(statement.span));
        self.is_changed |=
            job.function().is_some() || texts.any(|text| session::changes_session(text, DIALECT));
    }

    /// How long to wait for another connection's lock.
    async fn set_lock_timeout(&mut self, lock_timeout: Duration) -> Result<(), Fault> {
        // Zero, which is "for ever" elsewhere, is "not at all" for SQLite.
        let patience = match lock_timeout.as_millis() {
            0 => 2_147_483_647,
            milliseconds => milliseconds.min(2_147_483_647),
        };
        self.rows(&format!("PRAGMA busy_timeout = {patience}"))
            .await
            .map(|_| ())
    }

    /// One statement of a file, for no longer than it may take; not at all where
    /// it would cost other tables' rows.
    async fn bounded(&mut self, number: usize, job: Job<'_>) -> Result<(), Fault> {
        let Some(statement) = job.statements.get(number) else {
            return Ok(());
        };
        self.refuse_losses(job, number).await?;
        let text = job.file.slice(with_comments(job.file, statement.span));
        if job.statement_timeout.is_zero() {
            return self.rows(text).await.map(|_| ());
        }
        let end = Instant::now() + job.statement_timeout;
        if let Ok(mut bound) = self.bound.lock() {
            *bound = Some(end);
        }
        let result = self.rows(text).await;
        if let Ok(mut bound) = self.bound.lock() {
            *bound = None;
        }
        result.map(|_| ()).map_err(|fault| {
            if Instant::now() >= end && fault.has_code(&[INTERRUPT]) {
                let message = "the statement took longer than --statement-timeout";
                return Fault::new(FaultKind::Statement, message);
            }
            fault
        })
    }
}

impl Session for Sqlite {
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
        if job.goes_on_in(self.held.as_ref()) {
            return Ok(());
        }
        // The counts of a session go on from migration to migration.
        let asks = |statement: &Statement| {
            session::asks(job.file.slice(statement.span), DIALECT).is_some()
        };
        self.is_changed |= job.statements.iter().any(asks);
        self.renew().await
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        self.renew().await
    }

    fn handle(&self) -> Handle {
        Handle::Flag(Arc::clone(&self.cancelled))
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        let Some(job) = jobs.first() else {
            return Progress::all(Vec::new());
        };
        self.expect_changes(job);
        if let Some(function) = job.function() {
            return self.apply_code(*job, function).await.into();
        }
        if job.is_transaction() {
            return self.apply_as_one(&jobs[..1]).await;
        }
        if let Err(fault) = self.set_lock_timeout(job.lock_timeout).await {
            return Progress::none(Failure::unplaced(fault, Remainder::Nothing));
        }
        if let Operation::Repeat(_) = job.operation {
            let upkeep = Repeated::of(job.history.ledger, DIALECT).upkeep();
            return match bookkeeping::keep(self, &upkeep).await {
                Ok(()) => repeat::apply(self, *job).await.into(),
                Err(fault) => Progress::none(Failure::unplaced(fault, Remainder::Nothing)),
            };
        }
        crate::db::statement_by_statement::apply(self, *job)
            .await
            .into()
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        for job in jobs {
            self.expect_changes(job);
        }
        let patience = jobs.first().map(|job| job.lock_timeout);
        if let Err(fault) = self.set_lock_timeout(patience.unwrap_or_default()).await {
            return Progress::none(Failure::unplaced(fault, Remainder::Nothing));
        }
        let result = self.in_transaction(jobs).await;
        // A cancelled statement has ended; its ROLLBACK must not be cancelled.
        self.cancelled.store(false, Ordering::Relaxed);
        match result {
            Ok(took) => Progress::all(took),
            Err((failed, setback)) => {
                // The fault that led here is the one to report.
                let _ = self.rows("ROLLBACK").await;
                Progress {
                    failed,
                    ..Progress::none(setback)
                }
            }
        }
    }

    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        // Whoever asks for it says meanwhile what it waits for, and asks again.
        self.set_lock_timeout(REMEMBERS_WITHIN).await?;
        bookkeeping::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        bookkeeping::edit(self, ledger, edits).await
    }
}

impl Bookkeeping for Sqlite {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    fn is_outdated(fault: &Fault) -> bool {
        fault.message.contains("no such column") || fault.message.contains("has no column named")
    }

    fn is_missing(fault: &Fault) -> bool {
        is_missing(fault)
    }

    /// Who may read the file may read all of it.
    fn is_denied(_fault: &Fault) -> bool {
        false
    }
}
