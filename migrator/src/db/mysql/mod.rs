//! MySQL and MariaDB. They commit before and after most DDL, so a migration may
//! stop half way: its history row says so until it is complete, as sqlx's does.

mod guard;
mod stepwise;

use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::memory::{self, Memory};
use crate::db::stepwise::{Stepwise, quicker};
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{
    Edit, Entry, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Setback, Wanted,
};
use crate::formats::ledger::{Ledger, quote};
use crate::formats::record;
use crate::formats::repeated::Repeated;
use crate::formats::sqlx::lock_number;
use crate::model::{Checksum, Deed};
use crate::sql::Dialect;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use std::str::FromStr;
use std::time::{Duration, Instant};

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
    is_mariadb: bool,
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
            is_mariadb: false,
        };
        let facts = session
            .rows("SELECT CAST(CONNECTION_ID() AS CHAR), CAST(VERSION() AS CHAR)")
            .await
            // Still connecting: that is tried again.
            .map_err(|fault| match fault.kind {
                FaultKind::Lost => Fault {
                    kind: FaultKind::Unreachable,
                    ..fault
                },
                _ => fault,
            })?;
        let fact = |at: usize| facts.rows.first().and_then(|row| row.get(at)?.as_deref());
        session.number = fact(0)
            .and_then(|number| number.parse().ok())
            .unwrap_or_default();
        session.is_mariadb = fact(1).is_some_and(|version| version.contains("MariaDB"));
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

    async fn has_tables(&mut self, ledger: &Ledger) -> Result<bool, Fault> {
        let history = ledger.table.rsplit('.').next().unwrap_or_default();
        let answer = self
            .rows(&format!(
                "SELECT 'table' FROM information_schema.tables WHERE table_schema = DATABASE() \
                 AND table_type = 'BASE TABLE' AND table_name <> {} \
                 AND table_name NOT LIKE '\\_migrate\\_%' LIMIT 1",
                quote(DIALECT, &history.replace('`', ""))
            ))
            .await?;
        Ok(!answer.rows.is_empty())
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
            "SELECT 'marked' FROM {} WHERE version = {}{}",
            job.ledger.table,
            record::version(job.deed),
            match job.deed {
                Deed::Revert(..) => " AND success = TRUE",
                Deed::Apply(_) | Deed::Repeat(_) => "",
            }
        );
        match self.rows(&row).await {
            // What is being taken back has its row, and a complete one.
            Ok(answer) if answer.rows.is_empty() == matches!(job.deed, Deed::Apply(_)) => {
                Left::Nothing
            }
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
    async fn look(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault> {
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
                let found = Ledger {
                    table: qualified(&fact(1), &ledger.table),
                    schemas: Vec::new(),
                };
                memory::recall(self, &found, wanted, &mut history).await?;
                Past::Known(history)
            }
            Err(fault) if fault.has_code(&[NO_SUCH_TABLE, UNKNOWN_DATABASE]) => {
                self.other_tools_past().await?
            }
            Err(fault) => return Err(wire::as_history(fault, &[UNKNOWN_COLUMN])),
        };
        Ok(Look {
            has_tables: past.is_empty() && self.has_tables(ledger).await?,
            server: server_name(&version),
            ledger: Ledger {
                table: qualified(&fact(1), &ledger.table),
                schemas: ledger.schemas.clone(),
            },
            past,
            lock: LockKey::Name(lock_name(&fact(1), &ledger.table)),
            tools_lock: Some(LockKey::Name(format!("{:x}", lock_number(&fact(1))))),
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
                if let Err(fault) = self.be_patient(*job).await {
                    return Progress::none(self.our_setback(*job, fault, 0).await);
                }
                match job.deed {
                    Deed::Repeat(_) => self.repeat(*job).await.into(),
                    Deed::Apply(_) | Deed::Revert(..) if stepwise::is_one_transaction(job) => {
                        self.apply_one(*job).await.into()
                    }
                    Deed::Apply(_) | Deed::Revert(..) => {
                        crate::db::stepwise::apply(self, *job).await.into()
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
        memory::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        memory::edit(self, ledger, edits).await
    }
}

impl Memory for Mysql {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    fn is_missing(fault: &Fault) -> bool {
        fault.has_code(&[NO_SUCH_TABLE])
    }
}

impl Mysql {
    /// The default is a year; waiting in the table's queue stops its readers. It
    /// counts in seconds, from one. Only MariaDB bounds every statement; MySQL
    /// does it with a SELECT alone.
    async fn be_patient(&mut self, job: Job<'_>) -> Result<(), Fault> {
        let patience = match job.lock_timeout.as_millis() {
            0 => 31_536_000,
            milliseconds => milliseconds.div_ceil(1000),
        };
        let timeout = job.statement_timeout;
        let bound = match (timeout.is_zero(), self.is_mariadb) {
            (true, _) => String::new(),
            (false, true) => format!(", max_statement_time = {}", timeout.as_secs_f64()),
            (false, false) => format!(", max_execution_time = {}", timeout.as_millis().max(1)),
        };
        self.rows(&format!(
            "SET SESSION lock_wait_timeout = {patience}, innodb_lock_wait_timeout = {}{bound}",
            patience.min(LONGEST_ROW_LOCK_WAIT)
        ))
        .await
        .map(|_| ())
    }

    async fn repeat(&mut self, job: Job<'_>) -> Result<Duration, Setback> {
        let create = Repeated::of(job.ledger, DIALECT).create();
        if let Err(fault) = self.rows(&create).await {
            return Err(Setback {
                fault,
                statement: None,
                offset: None,
                left: Left::Nothing,
            });
        }
        crate::db::repeat::apply(self, job).await
    }

    async fn apply_one(&mut self, job: Job<'_>) -> Result<Duration, Setback> {
        let began = Instant::now();
        let record = job.record(DIALECT);
        let claim = record.fence();
        for ours in ["START TRANSACTION", claim.as_str()] {
            let fault = match self.rows(ours).await {
                Ok(answer) if ours == claim && answer.affected != 1 => quicker(),
                Ok(_) => continue,
                Err(fault) => fault,
            };
            let claimed = Self::is_claimed(&fault);
            let mut setback = self.our_setback(job, fault, 0).await;
            if claimed {
                setback.left = Left::Claimed;
            }
            return Err(setback);
        }
        for (number, statement) in job.statements.iter().enumerate() {
            let text = job.file.slice(statement.span);
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
        let finish = record.finish(&took).unwrap_or_default();
        // A dump's LOCK TABLES without its UNLOCK would lock the history out.
        for ours in ["UNLOCK TABLES", finish.as_str(), "COMMIT"] {
            if let Err(fault) = self.rows(ours).await {
                return Err(self.our_setback(job, fault, job.statements.len()).await);
            }
        }
        Ok(began.elapsed())
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
    let near = near.filter(|near| !near.is_empty());
    let column = near.and_then(|near| line.rfind(near));
    // MariaDB counts no lines inside of a string.
    if let (None, Some(near)) = (column, near)
        && let [at] = text
            .match_indices(near)
            .map(|(at, _)| at)
            .collect::<Vec<_>>()[..]
    {
        return Some(at);
    }
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
        let string = "SELECT 'two\nlines' WRONG (";
        assert_eq!(
            offset_in(string, &fault("near 'WRONG (' at line 1", 1)),
            string.find("WRONG")
        );
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
