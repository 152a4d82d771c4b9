//! What the drivers share: a message out, the completed statements and the rows
//! of text back. Only the simple protocol: a prepared statement breaks behind a
//! pooler, and its portal keeps a snapshot for which CREATE INDEX CONCURRENTLY
//! waits for ever.

use super::Past;
use super::fault::{Fault, FaultKind};
use crate::history::Records;
use crate::history::foreign;
use crate::history::ledger::{Ledger, quote};
use crate::history::table::Row;
use crate::sql::Dialect;
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, ColumnIndex, Connection, Database, Decode, Either, Executor, Type};

/// What a message came to.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// How many of its statements completed.
    pub(super) completed: usize,
    /// How many rows the last of them changed.
    pub(super) affected: u64,
    pub(super) rows: Vec<Row>,
}

/// What the drivers tell of a completed statement.
pub(super) trait Completed {
    fn affected(&self) -> u64;
}

#[cfg(feature = "mysql")]
impl Completed for sqlx::mysql::MySqlQueryResult {
    fn affected(&self) -> u64 {
        self.rows_affected()
    }
}

#[cfg(feature = "postgres")]
impl Completed for sqlx::postgres::PgQueryResult {
    fn affected(&self) -> u64 {
        self.rows_affected()
    }
}

#[cfg(feature = "sqlite")]
impl Completed for sqlx::sqlite::SqliteQueryResult {
    fn affected(&self) -> u64 {
        self.rows_affected()
    }
}

/// A message that failed, with what had completed before.
#[derive(Debug)]
pub(super) struct Failed {
    /// What had come before the error.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        expect(dead_code, reason = "SQLite is sent one statement at a time")
    )]
    pub(super) answer: Answer,
    pub(super) error: sqlx::Error,
}

/// Which rows of an answer are kept.
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        dead_code,
        reason = "only PostgreSQL is sent several migrations at once"
    )
)]
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    All,
    /// Those whose first column is this text.
    MarkedBy(&'a str),
    None,
}

/// Sends one message and waits for all of its answer.
pub(super) async fn send<C>(connection: &mut C, sql: &str) -> Result<Answer, Failed>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    for<'r> String: Decode<'r, C::Database> + Type<C::Database>,
    usize: ColumnIndex<<C::Database as Database>::Row>,
    <C::Database as Database>::QueryResult: Completed,
{
    send_for(connection, sql, Rows::All).await
}

/// Sends one message for some rows of its answer.
pub(super) async fn send_for<C>(
    connection: &mut C,
    sql: &str,
    wanted: Rows<'_>,
) -> Result<Answer, Failed>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    for<'r> String: Decode<'r, C::Database> + Type<C::Database>,
    usize: ColumnIndex<<C::Database as Database>::Row>,
    <C::Database as Database>::QueryResult: Completed,
{
    let mut answer = Answer::default();
    let mut results = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_many(connection);
    loop {
        match results.try_next().await {
            Ok(Some(Either::Left(done))) => {
                answer.completed += 1;
                answer.affected = done.affected();
            }
            Ok(Some(Either::Right(row))) => answer.keep::<C::Database>(&row, wanted),
            Ok(None) => return Ok(answer),
            Err(error) => {
                return Err(Failed { answer, error });
            }
        }
    }
}

impl Answer {
    /// With what came after it.
    #[cfg(feature = "postgres")]
    pub(super) fn add(&mut self, later: Self) {
        self.completed += later.completed;
        self.affected = later.affected;
        self.rows.extend(later.rows);
    }

    fn keep<DB: Database>(&mut self, row: &DB::Row, wanted: Rows<'_>)
    where
        for<'r> String: Decode<'r, DB> + Type<DB>,
        usize: ColumnIndex<DB::Row>,
    {
        let keep = match wanted {
            Rows::All => true,
            Rows::MarkedBy(mark) => {
                use sqlx::Row as _;
                row.try_get::<Option<String>, _>(0)
                    .is_ok_and(|first| first.as_deref() == Some(mark))
            }
            Rows::None => false,
        };
        if keep {
            self.rows.push(texts::<DB>(row));
        }
    }
}

/// The row's columns as text; a column of another type is none, for rows are
/// only asked for as text.
fn texts<DB: Database>(row: &DB::Row) -> Row
where
    for<'r> String: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    use sqlx::Row as _;
    (0..row.len())
        .map(|at| row.try_get::<Option<String>, _>(at).ok().flatten())
        .collect()
}

/// What a driver's error is when it is none of the server's.
pub(super) fn driver_fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let message = match error {
        sqlx::Error::Configuration(cause) | sqlx::Error::Tls(cause) => cause.to_string(),
        sqlx::Error::Io(cause) => cause.to_string(),
        other => other.to_string(),
    };
    let kind = match error {
        // MySQL's login needs TLS, or a crate with a known weakness.
        sqlx::Error::Configuration(_) if message.contains("RSA auth backend") => FaultKind::Refused,
        sqlx::Error::Configuration(_) => FaultKind::Setting,
        sqlx::Error::Tls(_) => FaultKind::Tls,
        // rustls complains of a certificate while data are read.
        sqlx::Error::Io(_) if message.contains("certificate") => FaultKind::Tls,
        // A server that goes away in the middle of the greeting says anything.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) if connecting => FaultKind::Unreachable,
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => FaultKind::Lost,
        _ => FaultKind::Driver,
    };
    Fault::new(kind, message)
}

/// What the rows of a ledger's SELECT say.
pub(super) fn past(answer: &Answer, ledger: &Ledger) -> Result<Past, Fault> {
    let applied: Option<Vec<_>> = answer.rows.iter().map(|row| ledger.kind.row(row)).collect();
    let rows = |applied| Records {
        applied,
        ..Records::default()
    };
    let known = applied.map(|applied| Past::Known(rows(applied)));
    known.ok_or_else(|| {
        Fault::new(
            FaultKind::NotAHistory,
            format!(
                "the table {} is not a history table of {}",
                ledger.table,
                ledger.kind.tool()
            ),
        )
    })
}

/// A complaint about the history's own columns says that it is none.
pub(super) fn as_history(fault: Fault, codes: &[&str]) -> Fault {
    if fault.has_code(codes) {
        Fault {
            kind: FaultKind::NotAHistory,
            ..fault
        }
    } else {
        fault
    }
}

/// The rows of a table of ours, read one by one; none where there is no table.
pub(super) fn own_rows<T>(
    answer: Result<Answer, Fault>,
    is_missing: impl Fn(&Fault) -> bool,
    read: impl Fn(&Row) -> Option<T>,
) -> Result<Vec<T>, Fault> {
    match answer {
        Ok(answer) => Ok(answer.rows.iter().filter_map(read).collect()),
        Err(fault) if is_missing(&fault) => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

/// The names of other tools' history tables, as a list for IN.
pub(super) fn foreign_names(dialect: Dialect) -> String {
    let names: Vec<_> = foreign::tables()
        .into_iter()
        .map(|name| quote(dialect, name))
        .collect();
    names.join(", ")
}

/// Whose history tables there are, by (table, column) rows.
pub(super) fn foreign_past(answer: Answer) -> Past {
    let columns: Vec<(String, String)> = answer
        .rows
        .into_iter()
        .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
            Ok([Some(table), Some(column)]) => Some((table, column)),
            _ => None,
        })
        .collect();
    match foreign::owner(&columns) {
        Some((tool, table)) => Past::Foreign { tool, table },
        None => Past::Fresh,
    }
}
