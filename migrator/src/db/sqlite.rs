//! SQLite. One statement at a time in `BEGIN IMMEDIATE`, and a lock file for
//! the run: the database's own lock ends with each transaction.

mod lock_file;

use super::fault::{Fault, FaultKind, Position};
use super::memory::{self, Memory};
use super::names;
use super::repeat;
use super::stepwise::{self, Miss, Settled, Step, Stepwise, done_at_once, quicker};
use super::url::DatabaseUrl;
use super::wire::{self, Answer};
use super::{
    Edit, Entry, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Setback, Wanted,
};
use crate::formats::ledger::{Ledger, quote};
use crate::formats::repeated::Repeated;
use crate::model::Deed;
use crate::plan::history::Mark;
use crate::sql::{Dialect, Kind, Statement};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DIALECT: Dialect = Dialect::Sqlite;

/// Result codes that decide something here.
const ERROR: &str = "1";
const CONSTRAINT_PRIMARY_KEY: &str = "1555";
const INTERRUPT: &str = "9";

pub(super) use lock_file::LockFile;

pub(super) struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    cancelled: Arc<AtomicBool>,
    /// When the statement that runs must end.
    bound: Arc<Mutex<Option<Instant>>>,
}

/// How long another writer is waited for before a run cannot be remembered yet.
const REMEMBERS_WITHIN: Duration = Duration::from_millis(500);

/// How many of SQLite's instructions run between two questions whether to go
/// on: well below a millisecond of them.
const ASK_EVERY: i32 = 1000;

impl Sqlite {
    /// Opens the database; a missing file is created only where `create` says
    /// so. Settings are sqlx's own: foreign keys are enforced.
    pub(super) async fn connect(url: &DatabaseUrl, create: bool) -> Result<Self, Fault> {
        let path = url.file().map(|file| file.path.clone()).unwrap_or_default();
        if !create && !path.exists() {
            return Err(Fault::new(
                FaultKind::File,
                format!("{} does not exist", path.display()),
            ));
        }
        let connection = async {
            SqliteConnectOptions::from_str(url.for_driver())?
                .create_if_missing(create)
                .connect()
                .await
        };
        let mut connection = connection
            .await
            .map_err(|error| unopened(&path, fault(&error, true)))?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&cancelled);
        let bound: Arc<Mutex<Option<Instant>>> = Arc::default();
        let end = Arc::clone(&bound);
        connection
            .lock_handle()
            .await
            .map_err(|error| fault(&error, true))?
            .set_progress_handler(ASK_EVERY, move || {
                let is_late = |end: &Instant| Instant::now() >= *end;
                let late = end
                    .lock()
                    .is_ok_and(|end| end.as_ref().is_some_and(is_late));
                !late && !asked.load(Ordering::Relaxed)
            });
        Ok(Self {
            connection,
            path,
            cancelled,
            bound,
        })
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        wire::send(&mut self.connection, sql)
            .await
            .map_err(|failed| fault(&failed.error, false))
    }

    async fn has_tables(&mut self, ledger: &Ledger) -> Result<bool, Fault> {
        let history = ledger.table.rsplit('.').next().unwrap_or_default();
        let answer = self
            .rows(&format!(
                "SELECT 'table' FROM sqlite_master WHERE type = 'table' \
                 AND lower(name) <> lower({}) \
                 AND name NOT LIKE 'sqlite!_%' ESCAPE '!' \
                 AND name NOT LIKE '!_migrate!_%' ESCAPE '!' LIMIT 1",
                quote(DIALECT, &history.replace(['"', '`'], ""))
            ))
            .await?;
        Ok(!answer.rows.is_empty())
    }

    async fn other_tools_past(&mut self) -> Result<Past, Fault> {
        let names = wire::foreign_names(DIALECT);
        let columns = self
            .rows(&format!(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND lower(m.name) IN ({names})"
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }

    /// How long to wait for another connection's lock.
    async fn be_patient(&mut self, lock_timeout: Duration) -> Result<(), Fault> {
        // Zero, which is "for ever" elsewhere, is "not at all" for SQLite.
        let patience = match lock_timeout.as_millis() {
            0 => 2_147_483_647,
            milliseconds => milliseconds.min(2_147_483_647),
        };
        self.rows(&format!("PRAGMA busy_timeout = {patience}"))
            .await
            .map(|_| ())
    }

    /// All of some deeds in one transaction, each with its record first. Tells
    /// how long each took, or which failed.
    async fn in_transaction(
        &mut self,
        jobs: &[Job<'_>],
    ) -> Result<Vec<Duration>, (usize, Setback)> {
        let ours = |left| {
            move |fault: Fault| Setback {
                fault,
                statement: None,
                offset: None,
                left,
            }
        };
        self.rows("BEGIN IMMEDIATE")
            .await
            .map_err(|fault| (0, ours(Left::Nothing)(fault)))?;
        let mut took = Vec::new();
        for (number, job) in jobs.iter().enumerate() {
            let began = Instant::now();
            self.one(*job).await.map_err(|setback| (number, setback))?;
            took.push(began.elapsed());
        }
        match self.rows("COMMIT").await {
            Ok(_) => Ok(took),
            Err(fault) => Err((jobs.len().saturating_sub(1), ours(Left::Nothing)(fault))),
        }
    }

    async fn one(&mut self, job: Job<'_>) -> Result<(), Setback> {
        let began = Instant::now();
        let ours = |fault: Fault| Setback {
            left: if Self::is_claimed(&fault) {
                Left::Claimed
            } else {
                Left::Nothing
            },
            fault,
            statement: None,
            offset: None,
        };
        let record = job.record(DIALECT);
        if let Deed::Repeat(_) = job.deed {
            let create = Repeated::of(job.ledger, DIALECT).create();
            self.rows(&create).await.map_err(ours)?;
        }
        let claim = self.rows(&record.fence()).await.map_err(ours)?;
        if claim.affected != 1 {
            return Err(ours(quicker()));
        }
        for (number, statement) in job.statements.iter().enumerate() {
            let text = job.file.slice(statement.span);
            self.bounded(text, job).await.map_err(|fault| Setback {
                statement: Some(number),
                offset: fault.token_in(text).map(|at| statement.span.start + at),
                left: Left::Nothing,
                fault,
            })?;
        }
        let took = began.elapsed().as_nanos().to_string();
        if let Some(finish) = record.finish(&took) {
            self.rows(&finish).await.map_err(|fault| Setback {
                left: Left::Nothing,
                ..ours(fault)
            })?;
        }
        Ok(())
    }

    /// One statement of a file, for no longer than it may take.
    async fn bounded(&mut self, text: &str, job: Job<'_>) -> Result<(), Fault> {
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

impl Memory for Sqlite {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    fn is_missing(fault: &Fault) -> bool {
        is_missing(fault)
    }

    /// Who may read the file may read all of it.
    fn is_denied(_fault: &Fault) -> bool {
        false
    }
}

impl Stepwise for Sqlite {
    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[CONSTRAINT_PRIMARY_KEY])
    }

    /// What cannot be in a transaction (VACUUM, PRAGMA, ATTACH) may be done
    /// again, so a mark after it will do.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let done = done_at_once(step);
        if step.statement.kind != Kind::Other {
            self.bounded(step.text, step.job).await?;
            self.rows(&done).await?;
            return Ok(());
        }
        for sql in ["BEGIN IMMEDIATE", step.text, &done, "COMMIT"] {
            let result = if sql == step.text {
                self.bounded(sql, step.job).await
            } else {
                self.rows(sql).await.map(|_| ())
            };
            if let Err(fault) = result {
                self.cancelled.store(false, Ordering::Relaxed);
                let _ = self.rows("ROLLBACK").await;
                return Err(fault.into());
            }
        }
        Ok(())
    }

    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault> {
        let result = self.bounded(job.file.slice(statement.span), job).await;
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
    async fn wind_up(&mut self) -> Result<(), Fault> {
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
                format!("{count} rows of {table} refer to rows of {parent} that are not there"),
            ));
        }
        self.rows("PRAGMA foreign_keys = ON").await.map(|_| ())
    }

    fn offset(text: &str, fault: &Fault) -> Option<usize> {
        fault.token_in(text)
    }
}

impl Session for Sqlite {
    async fn look(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault> {
        super::check_names(ledger, DIALECT)?;
        // The first to read the file.
        let version = self.rows("SELECT sqlite_version()").await;
        let version = version.map_err(|fault| unopened(&self.path, fault))?;
        let version = version.rows.first().and_then(|row| row.first()?.clone());
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => {
                let mut history = wire::history(&answer, &ledger.table)?;
                memory::recall(self, ledger, wanted, &mut history).await?;
                Past::Known(history)
            }
            Err(fault) if is_missing(&fault) => self.other_tools_past().await?,
            Err(fault) if fault.message.starts_with("no such column") => {
                return Err(wire::as_history(fault, &[ERROR]));
            }
            Err(fault) => return Err(fault),
        };
        Ok(Look {
            has_tables: past.is_empty() && self.has_tables(ledger).await?,
            server: format!("SQLite {}", version.unwrap_or_default()),
            ledger: ledger.clone(),
            past,
            lock: LockKey::File(lock_file::beside(&self.path)),
            tools_lock: None,
        })
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        for statement in ledger.create(DIALECT) {
            self.rows(&statement).await?;
        }
        Ok(())
    }

    fn handle(&self) -> Handle {
        Handle::Flag(Arc::clone(&self.cancelled))
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        let Some(job) = jobs.first() else {
            return Progress::all(Vec::new());
        };
        if job.is_transaction() {
            return self.apply_as_one(&jobs[..1]).await;
        }
        if let Err(fault) = self.be_patient(job.lock_timeout).await {
            return Progress::none(unchanged(fault));
        }
        if let Deed::Repeat(_) = job.deed {
            let create = Repeated::of(job.ledger, DIALECT).create();
            return match self.rows(&create).await {
                Ok(_) => repeat::apply(self, *job).await.into(),
                Err(fault) => Progress::none(unchanged(fault)),
            };
        }
        stepwise::apply(self, *job).await.into()
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        let patience = jobs.first().map(|job| job.lock_timeout);
        if let Err(fault) = self.be_patient(patience.unwrap_or_default()).await {
            return Progress::none(unchanged(fault));
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
        self.be_patient(REMEMBERS_WITHIN).await?;
        memory::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        memory::edit(self, ledger, edits).await
    }
}

fn unchanged(fault: Fault) -> Setback {
    Setback {
        fault,
        statement: None,
        offset: None,
        left: Left::Nothing,
    }
}

fn is_missing(fault: &Fault) -> bool {
    fault.message.starts_with("no such table")
}

/// The token of `near "x": syntax error`, `no such column: x` and the like.
fn token(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("near \"") {
        return rest.rsplit_once('"').map(|(token, _)| token.to_owned());
    }
    let (what, name) = message.rsplit_once(": ")?;
    let name = name.rsplit('.').next()?.trim();
    (what.starts_with("no such") || what.starts_with("duplicate column"))
        .then(|| name.to_owned())
        .filter(|name| !name.is_empty())
}

/// SQLite says of a file no more than that it cannot be opened.
fn unopened(path: &Path, fault: Fault) -> Fault {
    if fault.kind != FaultKind::File {
        return fault;
    }
    let shown = path.display();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let message = match folder {
        _ if path.is_dir() => format!("{shown} is a folder"),
        Some(folder) if !folder.exists() => format!(
            "{shown} has no folder to be in: {} does not exist",
            folder.display()
        ),
        _ => format!("{shown}: {}", fault.message),
    };
    Fault { message, ..fault }
}

fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    Fault {
        name: database.code().and_then(|code| names::sqlite(&code)),
        code: database.code().map(std::borrow::Cow::into_owned),
        position: token(database.message()).map(Position::Token),
        ..Fault::new(
            kind(database.code().as_deref(), connecting),
            database.message(),
        )
    }
}

/// By result code: 5 is busy, 261 and 517 its kinds; 14 is a file that cannot be
/// opened, 26 one that is no database.
fn kind(code: Option<&str>, connecting: bool) -> FaultKind {
    match code {
        Some("5" | "261" | "517") => FaultKind::LockTimeout,
        Some("14" | "26") => FaultKind::File,
        _ if connecting => FaultKind::Refused,
        _ => FaultKind::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_stands_twice_is_no_place() {
        let fault = |token: &str| Fault {
            position: Some(Position::Token(token.into())),
            ..Fault::new(FaultKind::Statement, "")
        };
        let text = "CREATE TABLE t (id txt(1)) txtual x";
        assert_eq!(fault("txt").token_in(text), text.find("txt("));
        assert_eq!(fault(")").token_in(text), None);
        assert_eq!(fault("nowhere").token_in(text), None);
    }

    #[test]
    fn a_message_names_its_token() {
        for (message, expected) in [
            ("near \"txt\": syntax error", Some("txt")),
            ("near \"\"\": syntax error", Some("\"")),
            ("no such table: main.users", Some("users")),
            ("UNIQUE constraint failed: users.name", None),
        ] {
            assert_eq!(token(message).as_deref(), expected, "{message}");
        }
    }
}
