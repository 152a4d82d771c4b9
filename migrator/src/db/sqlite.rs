//! SQLite. One statement at a time in `BEGIN IMMEDIATE`, and a lock file for
//! the run: the database's own lock ends with each transaction.

use super::fault::{Fault, FaultKind, Position};
use super::names;
use super::stepwise::{self, Settled, Step, Stepwise, done_at_once};
use super::url::DatabaseUrl;
use super::wire::{self, Answer};
use super::{
    Blocker, GuardSession, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Setback,
};
use crate::formats::journal::Journal;
use crate::formats::ledger::Ledger;
use crate::plan::history::Mark;
use crate::sql::{Dialect, Kind};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const DIALECT: Dialect = Dialect::Sqlite;

/// Result codes that decide something here.
const ERROR: &str = "1";
const CONSTRAINT_PRIMARY_KEY: &str = "1555";

pub(super) struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    cancelled: Arc<AtomicBool>,
}

/// How many of SQLite's instructions run between two questions whether to go
/// on: well below a millisecond of them.
const ASK_EVERY: i32 = 1000;

/// Holds the run's lock: a file beside the database.
pub(super) struct LockFile {
    file: Option<File>,
}

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
        connection
            .lock_handle()
            .await
            .map_err(|error| fault(&error, true))?
            .set_progress_handler(ASK_EVERY, move || !asked.load(Ordering::Relaxed));
        Ok(Self {
            connection,
            path,
            cancelled,
        })
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        wire::send(&mut self.connection, sql)
            .await
            .map_err(|failed| fault(&failed.error, false))
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

    /// All of a migration in one transaction, its history row first.
    async fn in_transaction(&mut self, job: Job<'_>) -> Result<(), Setback> {
        let began = Instant::now();
        let ours = |fault: Fault, left| Setback {
            fault,
            statement: None,
            offset: None,
            left,
        };
        let claim = job.ledger.insert(DIALECT, job.migration, true);
        for sql in ["BEGIN IMMEDIATE", &claim] {
            self.rows(sql).await.map_err(|fault| {
                let left = if Self::is_duplicate(&fault) {
                    Left::Claimed
                } else {
                    Left::Nothing
                };
                ours(fault, left)
            })?;
        }
        let file = &job.migration.up.file;
        for (number, statement) in job.statements.iter().enumerate() {
            let text = file.slice(statement.span);
            self.rows(text).await.map_err(|fault| Setback {
                statement: Some(number),
                offset: offset_in(text, &fault).map(|at| statement.span.start + at),
                ..ours(fault, Left::Nothing)
            })?;
        }
        let took = began.elapsed().as_nanos().to_string();
        let finish = job.ledger.finish(job.migration.version, &took);
        for sql in [finish.as_str(), "COMMIT"] {
            self.rows(sql)
                .await
                .map_err(|fault| ours(fault, Left::Nothing))?;
        }
        Ok(())
    }
}

impl Stepwise for Sqlite {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[CONSTRAINT_PRIMARY_KEY])
    }

    fn is_atomic(_step: &Step<'_>) -> bool {
        true
    }

    /// What cannot be in a transaction (VACUUM, PRAGMA, ATTACH) may be done
    /// again, so a mark after it will do.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Fault> {
        let done = done_at_once(step);
        if step.statement.kind != Kind::Other {
            self.rows(step.text).await?;
            return self.rows(&done).await.map(|_| ());
        }
        for sql in ["BEGIN IMMEDIATE", step.text, &done, "COMMIT"] {
            if let Err(fault) = self.rows(sql).await {
                self.cancelled.store(false, Ordering::Relaxed);
                let _ = self.rows("ROLLBACK").await;
                return Err(fault);
            }
        }
        Ok(())
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
        offset_in(text, fault)
    }
}

impl Session for Sqlite {
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault> {
        super::check_names(ledger, DIALECT)?;
        // The first to read the file.
        let version = self.rows("SELECT sqlite_version()").await;
        let version = version.map_err(|fault| unopened(&self.path, fault))?;
        let version = version.rows.first().and_then(|row| row.first()?.clone());
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => {
                let mut history = wire::history(&answer, &ledger.table)?;
                if history.is_unfinished() {
                    let marks = self.rows(&Journal::of(ledger, DIALECT).select()).await;
                    history.marks = wire::marks(marks, is_missing)?;
                }
                Past::Known(history)
            }
            Err(fault) if is_missing(&fault) => self.other_tools_past().await?,
            Err(fault) if fault.message.starts_with("no such column") => {
                return Err(wire::as_history(fault, &[ERROR]));
            }
            Err(fault) => return Err(fault),
        };
        Ok(Look {
            server: format!("SQLite {}", version.unwrap_or_default()),
            ledger: ledger.clone(),
            past,
            lock: LockKey::File(lock_file(&self.path)),
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
        match jobs.first() {
            Some(job) => self.apply_one(*job).await.into(),
            None => Progress::all(Vec::new()),
        }
    }
}

impl Sqlite {
    async fn apply_one(&mut self, job: Job<'_>) -> Result<Duration, Setback> {
        let began = Instant::now();
        self.be_patient(job.lock_timeout)
            .await
            .map_err(|fault| Setback {
                fault,
                statement: None,
                offset: None,
                left: Left::Nothing,
            })?;
        if !job.migration.up.transaction || job.resume.is_some() {
            return stepwise::apply(self, job).await;
        }
        let result = self.in_transaction(job).await;
        // A cancelled statement has ended; its ROLLBACK must not be cancelled.
        self.cancelled.store(false, Ordering::Relaxed);
        if result.is_err() {
            // The fault that led here is the one to report.
            let _ = self.rows("ROLLBACK").await;
        }
        result.map(|()| began.elapsed())
    }
}

fn is_missing(fault: &Fault) -> bool {
    fault.message.starts_with("no such table")
}

impl LockFile {
    pub(super) fn new() -> Self {
        Self { file: None }
    }
}

impl GuardSession for LockFile {
    async fn try_lock(&mut self, key: &LockKey, _run: &str) -> Result<bool, Fault> {
        let LockKey::File(path) = key else {
            return Ok(true);
        };
        let unusable = |error: std::io::Error| {
            Fault::new(
                FaultKind::File,
                format!("the lock file {} cannot be used: {error}", path.display()),
            )
        };
        // Never removed: two migrators could then lock two files of one name.
        let file = File::options()
            .create(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {
                self.file = Some(file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    async fn cancel(&mut self, worker: &Handle, _run: &str) -> Result<(), Fault> {
        if let Handle::Flag(flag) = worker {
            flag.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn blockers(&mut self, _worker: &Handle, _run: &str) -> Result<Vec<Blocker>, Fault> {
        Ok(Vec::new())
    }

    async fn release(&mut self) {
        self.file = None;
    }
}

/// The lock file of a database: the form is fixed for ever.
fn lock_file(database: &Path) -> PathBuf {
    // One file for all of a database's names.
    let whole = database.canonicalize();
    let mut name = OsString::from(whole.as_deref().unwrap_or(database));
    name.push(".migrate-lock");
    name.into()
}

/// Where in a statement the token is that the message names: none where it
/// stands more than once, for a wrong place is worse than the statement's.
fn offset_in(text: &str, fault: &Fault) -> Option<usize> {
    let Some(Position::Token(token)) = &fault.position else {
        return None;
    };
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut places = text
        .match_indices(token.as_str())
        .filter(|(at, _)| {
            let inside = token.starts_with(is_word) && text[..*at].ends_with(is_word);
            let ahead = token.ends_with(is_word) && text[at + token.len()..].starts_with(is_word);
            !inside && !ahead
        })
        .map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Some(at),
        _ => None,
    }
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
    fn the_lock_has_the_name_that_never_changes() {
        assert_eq!(
            lock_file(Path::new("/srv/app.db")),
            Path::new("/srv/app.db.migrate-lock")
        );
    }

    #[test]
    fn a_token_that_stands_twice_is_no_place() {
        let fault = |token: &str| Fault {
            position: Some(Position::Token(token.into())),
            ..Fault::new(FaultKind::Statement, "")
        };
        let text = "CREATE TABLE t (id txt(1)) txtual x";
        assert_eq!(offset_in(text, &fault("txt")), text.find("txt("));
        assert_eq!(offset_in(text, &fault(")")), None);
        assert_eq!(offset_in(text, &fault("nowhere")), None);
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
