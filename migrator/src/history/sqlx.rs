//! sqlx's history table, `_sqlx_migrations`: a row for each migration. Its columns
//! and what `success` means are those of sqlx 0.9 (sqlx-postgres, sqlx-mysql and
//! sqlx-sqlite, `src/migrate.rs`), so that its own tools go on where this one stops.

mod lock;

use super::Applied;
use super::ledger::{Ledger, bytes, quote};
use super::table::{Change, LockKey, Recorded, Row, Table, Writes};
use crate::model::{Checksum, Migration, Version};
use crate::sql::Dialect;
use lock::lock_number;
use std::time::Duration;

/// Tables of sqlx.
pub static SQLX: Sqlx = Sqlx;

#[derive(Debug)]
pub struct Sqlx;

/// The execution time that sqlx writes until it is known. A claim's number is
/// smaller, which sqlx's own rows never have.
const UNMEASURED: i64 = -1;

impl Table for Sqlx {
    fn tool(&self) -> &'static str {
        "sqlx"
    }

    /// (By name, PostgreSQL would order by the column that is selected, which is text:
    /// 10 before 9.)
    fn select(&self, table: &str, dialect: Dialect) -> String {
        let columns = match dialect {
            Dialect::Postgres => {
                "version::text, description, \
                 to_char(installed_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), \
                 success::text, encode(checksum, 'hex'), execution_time::text"
            }
            Dialect::Mysql => {
                "CAST(version AS CHAR), description, \
                 DATE_FORMAT(installed_on, '%Y-%m-%d %H:%i:%s'), \
                 CAST(success AS CHAR), HEX(checksum), CAST(execution_time AS CHAR)"
            }
            Dialect::Sqlite => {
                "CAST(version AS TEXT), description, CAST(installed_on AS TEXT), \
                 CAST(success AS TEXT), hex(checksum), CAST(execution_time AS TEXT)"
            }
        };
        format!("SELECT {columns} FROM {table}")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version", "checksum"]
    }

    fn row(&self, row: &Row) -> Option<Applied> {
        let text = |at: usize| row.get(at)?.as_deref();
        Some(Applied {
            version: Version::from(text(0)?.parse::<i64>().ok()?),
            name: text(1)?.to_owned(),
            at: Some(text(2)?.to_owned()),
            complete: matches!(text(3)?, "1" | "t" | "true"),
            checksum: Some(Checksum::from_hex(text(4)?)?),
            took: text(5)?.parse().ok().map(Duration::from_nanos),
            claim: text(5)?.parse().ok().filter(|number| *number < UNMEASURED),
        })
    }

    /// By their numbers: each row is a migration by itself.
    fn read(&self, mut rows: Vec<Applied>, _: &[Migration]) -> Recorded {
        rows.sort_by_key(|applied| applied.version.number());
        Recorded {
            applied: rows,
            is_partial: false,
        }
    }

    fn create(&self, table: &str, dialect: Dialect) -> Option<String> {
        let (timestamp, now, bytes) = match dialect {
            Dialect::Postgres => ("TIMESTAMPTZ", "now()", "BYTEA"),
            Dialect::Mysql | Dialect::Sqlite => ("TIMESTAMP", "CURRENT_TIMESTAMP", "BLOB"),
        };
        // The collation is the server's, as in a table that sqlx creates.
        let options = match dialect {
            Dialect::Mysql => " ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4",
            Dialect::Postgres | Dialect::Sqlite => "",
        };
        Some(format!(
            "CREATE TABLE IF NOT EXISTS {table} (\n    version BIGINT PRIMARY KEY,\n    \
             description TEXT NOT NULL,\n    installed_on {timestamp} NOT NULL DEFAULT {now},\n    \
             success BOOLEAN NOT NULL,\n    checksum {bytes} NOT NULL,\n    \
             execution_time BIGINT NOT NULL\n){options}"
        ))
    }

    fn lock(&self, dialect: Dialect, database: &str) -> Option<LockKey> {
        let number = lock_number(database);
        match dialect {
            Dialect::Postgres => Some(LockKey::Id(number)),
            Dialect::Mysql => Some(LockKey::Name(format!("{number:x}"))),
            Dialect::Sqlite => None,
        }
    }

    fn is_the_first_of_its_name(&self) -> bool {
        false
    }

    fn writes(&self) -> Option<&'static dyn Writes> {
        Some(&SQLX)
    }
}

impl Writes for Sqlx {
    fn write(&self, ledger: &Ledger, dialect: Dialect, change: Change<'_>) -> String {
        let table = &ledger.table;
        match change {
            Change::Accept(migration) => format!(
                "UPDATE {table} SET description = {}, checksum = {} WHERE version = {}",
                quote(dialect, &migration.name),
                checksum(dialect, migration),
                number(&migration.version)
            ),
            Change::Begin {
                migration,
                complete,
            } => insert(table, dialect, migration, complete, UNMEASURED),
            Change::Claim { migration, claim } => insert(table, dialect, migration, false, claim),
            Change::Complete { migration, took } => format!(
                "UPDATE {table} SET success = TRUE, description = {}, checksum = {}, \
                 execution_time = {took} WHERE version = {}",
                quote(dialect, &migration.name),
                checksum(dialect, migration),
                number(&migration.version)
            ),
            Change::Delete(version) => {
                format!("DELETE FROM {table} WHERE version = {}", number(version))
            }
            Change::Finish { version, took } => format!(
                "UPDATE {table} SET success = TRUE, execution_time = {took} WHERE version = {}",
                number(version)
            ),
            Change::Record(migration) => insert(table, dialect, migration, true, 0),
            Change::Reopen { version, claim } => format!(
                "UPDATE {table} SET success = FALSE, execution_time = {claim} \
                 WHERE version = {} AND success = TRUE",
                number(version)
            ),
            Change::TakeBack(version) => format!(
                "DELETE FROM {table} WHERE version = {} AND success = TRUE",
                number(version)
            ),
        }
    }
}

fn insert(
    table: &str,
    dialect: Dialect,
    migration: &Migration,
    complete: bool,
    execution_time: i64,
) -> String {
    // The clock, not the beginning of a transaction or of a message.
    let now = match dialect {
        Dialect::Postgres => "clock_timestamp()",
        Dialect::Mysql | Dialect::Sqlite => "CURRENT_TIMESTAMP",
    };
    format!(
        "INSERT INTO {table} (version, description, installed_on, success, checksum, execution_time) \
         VALUES ({}, {}, {now}, {}, {}, {execution_time})",
        number(&migration.version),
        quote(dialect, &migration.name),
        if complete { "TRUE" } else { "FALSE" },
        checksum(dialect, migration),
    )
}

/// A version, which is a number here; no row has NULL.
fn number(version: &Version) -> String {
    let number = version.number();
    number.map_or_else(|| "NULL".to_owned(), |number| number.to_string())
}

/// The checksum of a file, which each one has here; no row has NULL.
fn checksum(dialect: Dialect, migration: &Migration) -> String {
    let checksum = migration.checksum.as_ref();
    checksum.map_or_else(|| "NULL".to_owned(), |it| bytes(dialect, it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_as_sqlx_wrote_it() {
        let row = |success: &str, time: &str| -> Row {
            ["1", "users", "2026-01-02 03:04:05", success, "00FF", time]
                .map(|text| Some(text.to_owned()))
                .to_vec()
        };
        let applied = SQLX.row(&row("true", "1500000")).unwrap();
        assert!(applied.complete);
        assert_eq!(applied.took, Some(Duration::from_micros(1500)));
        let unfinished = SQLX.row(&row("0", "-1")).unwrap();
        assert!(!unfinished.complete);
        assert_eq!(unfinished.took, None);
        assert_eq!(SQLX.row(&vec![None; 6]), None);
    }
}
