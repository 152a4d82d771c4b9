//! The journal: which statements of a migration that cannot be one transaction
//! have completed. A table of ours, beside the history table; its name and its
//! columns are fixed for ever, so that two released versions read each other's.
//! `place` is how far a statement has come that is done in parts.

use super::Mark;
use super::ledger::{Ledger, as_written};
use super::side_table::{FORMAT, Layout, SideTable, Upkeep, format_column};
use super::table::Row;
use crate::model::{Checksum, Version};
use crate::sql::Dialect;
use sha2::{Digest, Sha256};

const TABLE: &str = "_migrate_journal";

/// The number of the mark that says: this migration is ours, and has begun.
pub const CLAIM: i64 = -1;

/// The number of the mark that says: it was applied, and is being taken back.
pub const REVERT: i64 = -2;

/// The journal of one history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal(SideTable);

impl Journal {
    /// The journal beside a history table that a database has named in full.
    #[must_use]
    pub fn of(ledger: &Ledger, dialect: Dialect) -> Self {
        Self(SideTable::beside(ledger, TABLE, dialect))
    }

    /// How the table is made and kept.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        let table = &self.0.table;
        let format = format_column();
        Upkeep {
            upgrade: match self.0.dialect {
                Dialect::Postgres => vec![format!(
                    "ALTER TABLE {table} ALTER COLUMN version TYPE VARCHAR(255), \
                     ADD COLUMN place TEXT, ADD COLUMN {format}"
                )],
                Dialect::Mysql => vec![format!(
                    "ALTER TABLE {table} MODIFY version VARCHAR(255) NOT NULL, \
                     ADD COLUMN place TEXT, ADD COLUMN {format}"
                )],
                // A column whose type was a number's makes numbers of all texts that
                // look like one.
                Dialect::Sqlite => {
                    let columns = "history, version, statement, digest, done, run, connection, at";
                    let rebuilt = format!("{table}_rebuilt");
                    vec![
                        self.create(&rebuilt),
                        format!("INSERT INTO {rebuilt} ({columns}) SELECT {columns} FROM {table}"),
                        format!("DROP TABLE {table}"),
                        format!("ALTER TABLE {rebuilt} RENAME TO {TABLE}"),
                    ]
                }
            },
            ..self.0.upkeep(self.create(table))
        }
    }

    fn create(&self, table: &str) -> String {
        format!(
            "CREATE TABLE IF NOT EXISTS {table} (\
             history VARCHAR(255) NOT NULL, version VARCHAR(255) NOT NULL, \
             statement BIGINT NOT NULL, digest CHAR(16) NOT NULL, done BOOLEAN NOT NULL, \
             run VARCHAR(64) NOT NULL, connection BIGINT NOT NULL, \
             at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, place TEXT, {}, \
             PRIMARY KEY (history, version, statement)){}",
            format_column(),
            as_written(self.0.dialect)
        )
    }

    /// Marks a statement: as begun, or as done.
    #[must_use]
    pub fn mark(
        &self,
        version: &Version,
        statement: i64,
        digest: &str,
        run: &str,
        done: bool,
    ) -> String {
        let connection = match self.0.dialect {
            Dialect::Postgres => "pg_backend_pid()",
            Dialect::Mysql => "CONNECTION_ID()",
            Dialect::Sqlite => "0",
        };
        format!(
            "INSERT INTO {} (history, version, statement, digest, done, run, connection, format) \
             VALUES ({}, {}, {statement}, '{digest}', {}, {}, {connection}, {FORMAT})",
            self.0.table,
            self.0.history(),
            self.0.quote(version.as_str()),
            if done { "TRUE" } else { "FALSE" },
            self.0.quote(run),
        )
    }

    /// Says of a claim that another run goes on with it.
    #[must_use]
    pub fn take_over(&self, version: &Version, run: &str) -> String {
        format!(
            "UPDATE {} SET run = {} WHERE {} AND statement < 0",
            self.0.table,
            self.0.quote(run),
            self.of_version(version)
        )
    }

    /// Marks a statement that was begun as done.
    #[must_use]
    pub fn done(&self, version: &Version, statement: i64) -> String {
        format!(
            "UPDATE {} SET done = TRUE{}",
            self.0.table,
            self.of_one(version, statement)
        )
    }

    /// Takes a mark back: the statement has not happened.
    #[must_use]
    pub fn undo(&self, version: &Version, statement: i64) -> String {
        format!(
            "DELETE FROM {}{}",
            self.0.table,
            self.of_one(version, statement)
        )
    }

    /// Forgets a migration: it is complete.
    #[must_use]
    pub fn clear(&self, version: &Version) -> String {
        format!(
            "DELETE FROM {} WHERE {}",
            self.0.table,
            self.of_version(version)
        )
    }

    /// All marks of this history, every column as text.
    #[must_use]
    pub fn select(&self, layout: Layout) -> String {
        let columns = match self.0.dialect {
            Dialect::Mysql => {
                "CAST(version AS CHAR), CAST(statement AS CHAR), CAST(digest AS CHAR), \
                 CAST(done AS CHAR), CAST(run AS CHAR), CAST(connection AS CHAR)"
            }
            Dialect::Postgres | Dialect::Sqlite => {
                "CAST(version AS TEXT), CAST(statement AS TEXT), CAST(digest AS TEXT), \
                 CAST(done AS TEXT), CAST(run AS TEXT), CAST(connection AS TEXT)"
            }
        };
        self.0.select(layout, columns)
    }

    /// Reads a row of [`Journal::select`].
    #[must_use]
    pub fn read(row: &Row) -> Option<Mark> {
        let text = |at: usize| row.get(at)?.as_deref();
        Some(Mark {
            version: Version::new(text(1)?),
            statement: text(2)?.parse().ok()?,
            digest: text(3)?.trim().to_owned(),
            done: matches!(text(4)?, "1" | "t" | "true"),
            run: text(5)?.to_owned(),
            connection: text(6)?.parse().ok()?,
        })
    }

    fn of_one(&self, version: &Version, statement: i64) -> String {
        format!(
            " WHERE {} AND statement = {statement}",
            self.of_version(version)
        )
    }

    fn of_version(&self, version: &Version) -> String {
        let version = self.0.quote(version.as_str());
        format!("{} AND version = {version}", self.0.of_history())
    }
}

/// The number of a run's claims: below every execution time, and hardly that of
/// any other run.
#[must_use]
pub fn claim_number(run: &str) -> i64 {
    let digest = Sha256::digest(run);
    let number = digest[..8].iter();
    let number = number.fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
    // Two bits fewer, so that it is negative after all.
    -2 - (number & (i64::MAX >> 1))
}

/// What the mark of a claim holds in place of a statement's digest.
#[must_use]
pub fn claim_digest(number: i64) -> String {
    format!("{:016x}", number.unsigned_abs())
}

/// What a statement is recognised by when its file was changed since.
#[must_use]
pub fn digest(statement: &str) -> String {
    Checksum(Sha256::digest(statement)[..8].to_vec()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_stands_beside_its_history() {
        let ledger = Ledger {
            kind: &crate::history::sqlx::SQLX,
            table: "app.\"My History\"".into(),
            schemas: Vec::new(),
        };
        let journal = Journal::of(&ledger, Dialect::Postgres);
        assert_eq!(journal.0.table, "app._migrate_journal");
        assert_eq!(journal.0.history, "My History");
    }
}
