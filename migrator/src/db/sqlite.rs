//! SQLite. One statement at a time in `BEGIN IMMEDIATE`, and a lock file for
//! the run: the database's own lock ends with each transaction.

use super::fault::{Fault, FaultKind, Position};
use super::url::DatabaseUrl;
use super::wire::{self, Answer};
use super::{
    Blocker, GuardSession, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Setback,
};
use crate::formats::foreign;
use crate::formats::ledger::{Ledger, quote};
use crate::sql::Dialect;
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
                FaultKind::Refused,
                format!("the database file {} does not exist", path.display()),
            ));
        }
        let connection = async {
            SqliteConnectOptions::from_str(url.for_driver())?
                .create_if_missing(create)
                .connect()
                .await
        };
        let mut connection = connection.await.map_err(|error| fault(&error, true))?;
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
        let names: Vec<_> = foreign::tables()
            .into_iter()
            .map(|name| quote(DIALECT, name))
            .collect();
        let columns = self
            .rows(&format!(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND lower(m.name) IN ({})",
                names.join(", ")
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }

    /// The statements around the file's own, and what a failure of the claim
    /// means.
    async fn run(&mut self, job: Job<'_>, in_transaction: bool) -> Result<(), Setback> {
        let began = Instant::now();
        // Zero, which is "for ever" elsewhere, is "not at all" for SQLite.
        let patience = match job.lock_timeout.as_millis() {
            0 => 2_147_483_647,
            milliseconds => milliseconds.min(2_147_483_647),
        };
        let claim = job.ledger.insert(DIALECT, job.migration, in_transaction);
        let mut before = vec![format!("PRAGMA busy_timeout = {patience}")];
        before.extend(in_transaction.then(|| "BEGIN IMMEDIATE".to_owned()));
        before.push(claim);
        for ours in &before {
            self.rows(ours).await.map_err(|fault| Setback {
                left: if fault.has_code(&[CONSTRAINT_PRIMARY_KEY]) {
                    Left::Claimed
                } else {
                    Left::Nothing
                },
                fault,
                statement: None,
                offset: None,
            })?;
        }
        let left = |ran| {
            if in_transaction {
                Left::Nothing
            } else {
                Left::Part { ran }
            }
        };
        let file = &job.migration.up.file;
        for (number, statement) in job.statements.iter().enumerate() {
            let text = file.slice(statement.span);
            self.rows(text).await.map_err(|fault| Setback {
                left: left(number),
                offset: offset_in(text, &fault).map(|at| statement.span.start + at),
                statement: Some(number),
                fault,
            })?;
        }
        let took = began.elapsed().as_nanos().to_string();
        let mut after = vec![job.ledger.finish(job.migration.version, &took)];
        after.extend(in_transaction.then(|| "COMMIT".to_owned()));
        for ours in &after {
            self.rows(ours).await.map_err(|fault| Setback {
                left: left(job.statements.len()),
                fault,
                statement: None,
                offset: None,
            })?;
        }
        Ok(())
    }
}

impl Session for Sqlite {
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault> {
        let version = self.rows("SELECT sqlite_version()").await?;
        let version = version.rows.first().and_then(|row| row.first()?.clone());
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => Past::Known(wire::history(&answer, &ledger.table)?),
            Err(fault) if fault.message.starts_with("no such table") => {
                self.other_tools_past().await?
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
        let in_transaction = job.migration.up.transaction;
        let result = self.run(job, in_transaction).await;
        // A cancelled statement has ended; its ROLLBACK must not be cancelled.
        self.cancelled.store(false, Ordering::Relaxed);
        if result.is_err() && in_transaction {
            // The fault that led here is the one to report.
            let _ = self.rows("ROLLBACK").await;
        }
        result.map(|()| began.elapsed())
    }
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
                FaultKind::Refused,
                format!("the lock file {} cannot be used: {error}", path.display()),
            )
        };
        // Never removed: two migrators could then lock two files of one name.
        let file = File::create(path).map_err(unusable)?;
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
    let mut name = OsString::from(database);
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

fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    Fault {
        code: database.code().map(std::borrow::Cow::into_owned),
        position: token(database.message()).map(Position::Token),
        ..Fault::new(
            kind(database.code().as_deref(), connecting),
            database.message(),
        )
    }
}

/// By result code: 5 is busy, 261 and 517 its kinds.
fn kind(code: Option<&str>, connecting: bool) -> FaultKind {
    match code {
        Some("5" | "261" | "517") => FaultKind::LockTimeout,
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
