//! MySQL and MariaDB. They commit before and after most DDL, so a migration may
//! stop half way: its history row says so until it is complete, as sqlx's does.

mod stepwise;

use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{
    Blocker, GuardSession, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Setback,
};
use crate::formats::journal::Journal;
use crate::formats::ledger::{Ledger, quote};
use crate::model::Checksum;
use crate::sql::Dialect;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use std::str::FromStr;
use std::time::{Duration, Instant};

pub(super) use stepwise::is_one_transaction;

const DIALECT: Dialect = Dialect::Mysql;

/// Server error numbers that decide something here.
const DUPLICATE_ENTRY: &str = "1062";
const NO_SUCH_TABLE: &str = "1146";
const UNKNOWN_COLUMN: &str = "1054";
const UNKNOWN_DATABASE: &str = "1049";

/// The largest value that `innodb_lock_wait_timeout` takes, in seconds.
const LONGEST_ROW_LOCK_WAIT: u128 = 1_073_741_824;

pub(super) struct Mysql {
    connection: MySqlConnection,
    number: u64,
}

impl Mysql {
    /// Connects with sqlx's own session settings (SQL mode, time zone): files in
    /// its format were written for them.
    pub(super) async fn connect(url: &DatabaseUrl) -> Result<Self, Fault> {
        let connection = async {
            let mut options = MySqlConnectOptions::from_str(url.for_driver())?;
            if let Some(authority) = url.authority() {
                options = options.ssl_ca_from_pem(authority.into());
            }
            options.connect().await
        };
        let mut session = Self {
            connection: connection.await.map_err(|error| fault(&error, true))?,
            number: 0,
        };
        let number = session
            .rows("SELECT CAST(CONNECTION_ID() AS CHAR)")
            .await?
            .rows;
        session.number = number
            .first()
            .and_then(|row| row.first()?.as_deref()?.parse().ok())
            .unwrap_or_default();
        Ok(session)
    }

    async fn send(&mut self, sql: &str) -> Result<Answer, Failed> {
        wire::send(&mut self.connection, sql).await
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.send(sql)
            .await
            .map_err(|failed| fault(&failed.error, false))
    }

    async fn other_tools_past(&mut self) -> Result<Past, Fault> {
        let names = wire::foreign_names(DIALECT);
        let columns = self
            .rows(&format!(
                "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) \
                 FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND lower(table_name) IN ({names})"
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }

    /// What is left after a failure: only the history knows, for some
    /// statements commit what stands before them.
    async fn left(&mut self, job: Job<'_>, ran: usize) -> Left {
        // Under a file's LOCK TABLES the history could not be read; unlocking
        // commits, so it comes second.
        for ours in ["ROLLBACK", "UNLOCK TABLES"] {
            if self.rows(ours).await.is_err() {
                return Left::Unknown;
            }
        }
        let row = format!(
            "SELECT 'marked' FROM {} WHERE version = {}",
            job.ledger.table, job.migration.version
        );
        match self.rows(&row).await {
            Ok(answer) if answer.rows.is_empty() => Left::Nothing,
            Ok(_) => Left::Part {
                ran,
                resumable: false,
            },
            Err(_) => Left::Unknown,
        }
    }

    async fn our_setback(&mut self, job: Job<'_>, fault: Fault, ran: usize) -> Setback {
        Setback {
            left: self.left(job, ran).await,
            fault,
            statement: None,
            offset: None,
        }
    }
}

impl Session for Mysql {
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault> {
        let facts = self
            .rows("SELECT CAST(VERSION() AS CHAR), CAST(DATABASE() AS CHAR)")
            .await?;
        let fact = |at: usize| -> String {
            let row = facts.rows.first();
            row.and_then(|row| row.get(at)?.clone()).unwrap_or_default()
        };
        let version = fact(0);
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => {
                let mut history = wire::history(&answer, &ledger.table)?;
                if history.is_unfinished() {
                    let found = Ledger {
                        table: qualified(&fact(1), &ledger.table),
                        schemas: Vec::new(),
                    };
                    let marks = self.rows(&Journal::of(&found, DIALECT).select()).await;
                    history.marks = wire::marks(marks, |fault| fault.has_code(&[NO_SUCH_TABLE]))?;
                }
                Past::Known(history)
            }
            Err(fault) if fault.has_code(&[NO_SUCH_TABLE, UNKNOWN_DATABASE]) => {
                self.other_tools_past().await?
            }
            Err(fault) => return Err(wire::as_history(fault, &[UNKNOWN_COLUMN])),
        };
        Ok(Look {
            server: server_name(&version),
            ledger: Ledger {
                table: qualified(&fact(1), &ledger.table),
                schemas: ledger.schemas.clone(),
            },
            past,
            lock: LockKey::Name(lock_name(&fact(1), &ledger.table)),
        })
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        for statement in ledger.create(DIALECT) {
            self.rows(&statement).await?;
        }
        Ok(())
    }

    fn handle(&self) -> Handle {
        Handle::Connection(self.number)
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        match jobs.first() {
            Some(job) => {
                if let Err(fault) = self.be_patient(job.lock_timeout).await {
                    return Progress::none(self.our_setback(*job, fault, 0).await);
                }
                if stepwise::is_sent_whole(job) {
                    self.apply_one(*job).await.into()
                } else {
                    crate::db::stepwise::apply(self, *job).await.into()
                }
            }
            None => Progress::all(Vec::new()),
        }
    }
}

impl Mysql {
    /// The default is a year; waiting in the table's queue stops its readers. It
    /// counts in seconds, from one.
    async fn be_patient(&mut self, lock_timeout: Duration) -> Result<(), Fault> {
        let patience = match lock_timeout.as_millis() {
            0 => 31_536_000,
            milliseconds => milliseconds.div_ceil(1000),
        };
        self.rows(&format!(
            "SET SESSION lock_wait_timeout = {patience}, innodb_lock_wait_timeout = {}",
            patience.min(LONGEST_ROW_LOCK_WAIT)
        ))
        .await
        .map(|_| ())
    }

    async fn apply_one(&mut self, job: Job<'_>) -> Result<Duration, Setback> {
        let began = Instant::now();
        let claim = job.ledger.insert(DIALECT, job.migration, false);
        for ours in ["START TRANSACTION", claim.as_str()] {
            if let Err(fault) = self.rows(ours).await {
                let claimed = fault.has_code(&[DUPLICATE_ENTRY]);
                let mut setback = self.our_setback(job, fault, 0).await;
                if claimed {
                    setback.left = Left::Claimed;
                }
                return Err(setback);
            }
        }
        let file = &job.migration.up.file;
        for (number, statement) in job.statements.iter().enumerate() {
            let text = file.slice(statement.span);
            if let Err(fault) = self.rows(text).await {
                return Err(Setback {
                    left: self.left(job, number).await,
                    offset: offset_in(text, &fault).map(|at| statement.span.start + at),
                    statement: Some(number),
                    fault,
                });
            }
        }
        let took = began.elapsed().as_nanos().to_string();
        let finish = job.ledger.finish(job.migration.version, &took);
        // A dump's LOCK TABLES without its UNLOCK would lock the history out.
        for ours in ["UNLOCK TABLES", finish.as_str(), "COMMIT"] {
            if let Err(fault) = self.rows(ours).await {
                return Err(self.our_setback(job, fault, job.statements.len()).await);
            }
        }
        Ok(began.elapsed())
    }
}

impl GuardSession for Mysql {
    async fn try_lock(&mut self, key: &LockKey, run: &str) -> Result<bool, Fault> {
        let LockKey::Name(name) = key else {
            return Ok(true);
        };
        let answer = self
            .rows(&format!(
                "/* {run} */ SELECT CAST(GET_LOCK({}, 0) AS CHAR)",
                quote(DIALECT, name)
            ))
            .await?;
        Ok(answer.rows == [[Some("1".to_owned())]])
    }

    async fn cancel(&mut self, worker: &Handle, _run: &str) -> Result<(), Fault> {
        let Handle::Connection(number) = worker else {
            return Ok(());
        };
        self.rows(&format!("KILL QUERY {number}")).await.map(|_| ())
    }

    /// Its tables of locks need rights that a migrator has no other use for.
    async fn blockers(&mut self, _worker: &Handle, _run: &str) -> Result<Vec<Blocker>, Fault> {
        Ok(Vec::new())
    }

    async fn release(&mut self) {
        // The lock is the session's: it goes when the connection does, too.
        let _ = self.rows("DO RELEASE_ALL_LOCKS()").await;
    }
}

/// Where in a statement an error is: `near '…' at line N`, which counts the
/// statement's own lines, and whose quoted text runs on to the message's end.
fn offset_in(text: &str, fault: &Fault) -> Option<usize> {
    let Some(Position::Line(line)) = fault.position else {
        return None;
    };
    let start = match line.checked_sub(2) {
        None => 0,
        Some(breaks) => text.match_indices('\n').nth(breaks).map(|(at, _)| at + 1)?,
    };
    let line = text[start..].lines().next().unwrap_or_default();
    let near = fault
        .message
        .split_once("near '")
        .and_then(|(_, rest)| rest.lines().next())
        .map(|near| near.split("' at line").next().unwrap_or(near));
    // It runs to the statement's end, so that the last place is the right one.
    let column = match near {
        Some(near) if !near.is_empty() => line.rfind(near),
        _ => None,
    };
    let first_word = line.len() - line.trim_start().len();
    Some(start + column.unwrap_or(first_word))
}

/// The table's name with its database's: a file may say USE.
fn qualified(database: &str, table: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if table.contains('.') {
        table.to_owned()
    } else if database.chars().all(is_plain) {
        format!("{database}.{table}")
    } else {
        format!("`{}`.{table}", database.replace('`', "``"))
    }
}

/// The named lock of a history table: the form is fixed for ever.
fn lock_name(database: &str, table: &str) -> String {
    let table = table.replace('`', "");
    let full = match table.split_once('.') {
        Some((schema, table)) => format!("{schema}.{table}"),
        None => format!("{database}.{table}"),
    };
    let digest = Sha256::digest(full);
    format!("cnb-migrate:{}", Checksum(digest[..16].to_vec()).hex())
}

fn server_name(version: &str) -> String {
    match version.split_once("-MariaDB") {
        Some((number, _)) => format!("MariaDB {number}"),
        None => format!("MySQL {version}"),
    }
}

fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    let Some(error) = database.try_downcast_ref::<MySqlDatabaseError>() else {
        return wire::driver_fault(error, connecting);
    };
    let line = error
        .message()
        .rsplit_once(" at line ")
        .and_then(|(_, line)| line.trim().parse().ok());
    Fault {
        kind: kind(error.number(), connecting),
        code: Some(error.number().to_string()),
        position: line.map(Position::Line),
        ..Fault::new(FaultKind::Statement, error.message())
    }
}

/// By number: 1040 and 1203 are too many connections, 1053 a shutdown, 1927 and
/// 3169 a killed session.
fn kind(number: u16, connecting: bool) -> FaultKind {
    match number {
        1040 | 1053 | 1203 if connecting => FaultKind::Unreachable,
        _ if connecting => FaultKind::Refused,
        1053 | 1927 | 3169 => FaultKind::Lost,
        1205 => FaultKind::LockTimeout,
        _ => FaultKind::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        // printf 'app._sqlx_migrations' | sha256sum, 16 bytes.
        let name = "cnb-migrate:b1bcfeb63e0357e77a5f35672113e8d0";
        assert_eq!(lock_name("app", "_sqlx_migrations"), name);
        assert_eq!(lock_name("other", "`app`.`_sqlx_migrations`"), name);
        let look_again = qualified("app", "_sqlx_migrations");
        assert_eq!(lock_name("other", &look_again), name);
    }

    #[test]
    fn an_error_is_placed_by_its_line_and_its_text() {
        let fault = |message: &str, line| Fault {
            position: Some(Position::Line(line)),
            ..Fault::new(FaultKind::Statement, message)
        };
        let text = "CREATE TABLE a (\n  id int,\n  nme txt\n)";
        let near = "You have an error … near 'txt\n)' at line 3";
        assert_eq!(offset_in(text, &fault(near, 3)), text.find("txt"));
        let twice = "SELECT 1 FROM FROM";
        assert_eq!(
            offset_in(twice, &fault("near 'FROM' at line 1", 1)),
            twice.rfind("FROM")
        );
        assert_eq!(
            offset_in(text, &fault("no text at line 3", 3)),
            text.find("nme")
        );
        assert_eq!(offset_in(text, &fault("far away at line 9", 9)), None);
    }

    #[test]
    fn a_server_is_known_by_its_version() {
        assert_eq!(server_name("8.0.33"), "MySQL 8.0.33");
        assert_eq!(
            server_name("10.11.19-MariaDB-0+deb12u1"),
            "MariaDB 10.11.19"
        );
    }
}
