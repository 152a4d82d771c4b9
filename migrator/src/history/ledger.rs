//! A tool's history table as data: its name, its columns as SQL, and how a row
//! of it is read. The statements are text; whoever sends them is not here.

use super::Applied;
use crate::model::{Checksum, Migration, Version};
use crate::sql::Dialect;
use std::time::Duration;

/// A history table.
///
/// But for [`Ledger::select`], the statements are of sqlx's shape. It and what
/// `success` means are those of sqlx 0.9 (sqlx-postgres, sqlx-mysql and
/// sqlx-sqlite, `src/migrate.rs`), so that its own tools go on where this one
/// stops. Alembic's table is read here and written by Alembic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub shape: Shape,
    /// As the user wrote it: it may be qualified by a schema, and quoted.
    pub table: String,
    /// Schemas to create before the table.
    pub schemas: Vec<String>,
}

/// Whose table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A row for each revision that no other one stands on.
    Alembic,
    /// A row for each migration.
    Sqlx,
}

/// The execution time that sqlx writes until it is known.
const UNMEASURED: i64 = -1;

/// A row of the history, each column as text.
pub type Row = Vec<Option<String>>;

impl Ledger {
    /// Whether a missing table is made here, and not by its own tool.
    #[must_use]
    pub fn is_ours_to_create(&self) -> bool {
        self.shape == Shape::Sqlx
    }

    /// Creates the schemas and the table where they are missing. SQLite has no
    /// schemas to create.
    #[must_use]
    pub fn create(&self, dialect: Dialect) -> Vec<String> {
        let (timestamp, now, bytes) = match dialect {
            Dialect::Postgres => ("TIMESTAMPTZ", "now()", "BYTEA"),
            Dialect::Mysql | Dialect::Sqlite => ("TIMESTAMP", "CURRENT_TIMESTAMP", "BLOB"),
        };
        // The collation is the server's, as in a table that sqlx creates.
        let options = match dialect {
            Dialect::Mysql => " ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4",
            Dialect::Postgres | Dialect::Sqlite => "",
        };
        let schemas = match dialect {
            Dialect::Sqlite => &[],
            Dialect::Postgres | Dialect::Mysql => self.schemas.as_slice(),
        };
        schemas
            .iter()
            .map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema}"))
            .chain([format!(
                "CREATE TABLE IF NOT EXISTS {} (\n    version BIGINT PRIMARY KEY,\n    \
                 description TEXT NOT NULL,\n    installed_on {timestamp} NOT NULL DEFAULT {now},\n    \
                 success BOOLEAN NOT NULL,\n    checksum {bytes} NOT NULL,\n    \
                 execution_time BIGINT NOT NULL\n){options}",
                self.table
            )])
            .collect()
    }

    /// The first of its names that is none: neither plain nor quoted, or of more
    /// than two parts.
    #[must_use]
    pub fn bad_name(&self, dialect: Dialect) -> Option<&str> {
        let table = (!is_name(dialect, &self.table, 2)).then_some(&self.table);
        let mut schemas = self.schemas.iter();
        table
            .or_else(|| schemas.find(|schema| !is_name(dialect, schema, 1)))
            .map(String::as_str)
    }

    /// All rows in any order, every column as text. (By name, PostgreSQL would
    /// order by the column that is selected, which is text: 10 before 9.)
    #[must_use]
    pub fn select(&self, dialect: Dialect) -> String {
        if self.shape == Shape::Alembic {
            return format!("SELECT version_num FROM {}", self.table);
        }
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
        format!("SELECT {columns} FROM {}", self.table)
    }

    /// Reads a row of [`Ledger::select`]; `None` where the table is not of this
    /// shape.
    #[must_use]
    pub fn applied(row: &Row) -> Option<Applied> {
        let text = |at: usize| row.get(at)?.as_deref();
        Some(Applied {
            version: Version::from(text(0)?.parse::<i64>().ok()?),
            name: text(1)?.to_owned(),
            at: text(2)?.to_owned(),
            complete: matches!(text(3)?, "1" | "t" | "true"),
            checksum: Checksum::from_hex(text(4)?)?,
            took: text(5)?.parse().ok().map(Duration::from_nanos),
            claim: text(5)?.parse().ok().filter(|number| *number < UNMEASURED),
        })
    }

    /// The row that claims a migration: the fence. `complete` is false where the
    /// row is committed before the migration's statements are.
    #[must_use]
    pub fn insert(&self, dialect: Dialect, migration: &Migration, complete: bool) -> String {
        self.insert_with(dialect, migration, complete, UNMEASURED)
    }

    /// The same, for a migration that is applied statement by statement: its
    /// journal knows the row by this number, which sqlx's own rows never have.
    #[must_use]
    pub fn claim(&self, dialect: Dialect, migration: &Migration, number: i64) -> String {
        self.insert_with(dialect, migration, false, number)
    }

    fn insert_with(
        &self,
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
            "INSERT INTO {} (version, description, installed_on, success, checksum, execution_time) \
             VALUES ({}, {}, {now}, {}, {}, {execution_time})",
            self.table,
            number(&migration.version),
            quote(dialect, &migration.name),
            if complete { "TRUE" } else { "FALSE" },
            bytes(dialect, &migration.checksum),
        )
    }

    /// Says of a row that it is not complete any more: the claim of whoever takes
    /// its migration back. It changes one row, or none where another was quicker.
    #[must_use]
    pub fn reopen(&self, version: &Version, claim: i64) -> String {
        format!(
            "UPDATE {} SET success = FALSE, execution_time = {claim} \
             WHERE version = {} AND success = TRUE",
            self.table,
            number(version)
        )
    }

    /// Takes a complete migration's row away: one row, or none where another was
    /// quicker.
    #[must_use]
    pub fn take_back(&self, version: &Version) -> String {
        format!("{} AND success = TRUE", self.delete(version))
    }

    /// Takes a migration's row away.
    #[must_use]
    pub fn delete(&self, version: &Version) -> String {
        format!(
            "DELETE FROM {} WHERE version = {}",
            self.table,
            number(version)
        )
    }

    /// Marks a migration as complete whose file may have been corrected since its
    /// row was written.
    #[must_use]
    pub fn complete(&self, dialect: Dialect, migration: &Migration, took: &str) -> String {
        format!(
            "UPDATE {} SET success = TRUE, description = {}, checksum = {}, execution_time = {took} \
             WHERE version = {}",
            self.table,
            quote(dialect, &migration.name),
            bytes(dialect, &migration.checksum),
            number(&migration.version)
        )
    }

    /// Takes a file as it is now for what was applied.
    #[must_use]
    pub fn accept(&self, dialect: Dialect, migration: &Migration) -> String {
        format!(
            "UPDATE {} SET description = {}, checksum = {} WHERE version = {}",
            self.table,
            quote(dialect, &migration.name),
            bytes(dialect, &migration.checksum),
            number(&migration.version)
        )
    }

    /// A row for a migration that was applied before there was a history.
    #[must_use]
    pub fn record(&self, dialect: Dialect, migration: &Migration) -> String {
        self.insert_with(dialect, migration, true, 0)
    }

    /// Marks a migration as complete, with the time it took as an SQL
    /// expression in nanoseconds.
    #[must_use]
    pub fn finish(&self, version: &Version, nanoseconds: &str) -> String {
        format!(
            "UPDATE {} SET success = TRUE, execution_time = {nanoseconds} WHERE version = {}",
            self.table,
            number(version)
        )
    }
}

/// A version in sqlx's table, which has numbers there; no row has NULL.
pub(super) fn number(version: &Version) -> String {
    version
        .number()
        .map_or_else(|| "NULL".to_owned(), |number| number.to_string())
}

/// A text as a literal that means the same whatever the session's settings are.
#[must_use]
pub fn quote(dialect: Dialect, text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match dialect {
        Dialect::Postgres => format!("E'{}'", doubled.replace('\\', "\\\\")),
        // Hexadecimal: NO_BACKSLASH_ESCAPES changes what a quoted text means, and SET
        // NAMES what its bytes do.
        Dialect::Mysql if text.contains('\\') || !text.is_ascii() => {
            format!("CONVERT({} USING utf8mb4)", hex_literal(text.as_bytes()))
        }
        Dialect::Mysql | Dialect::Sqlite => format!("'{doubled}'"),
    }
}

/// Whether a text is a name of at most so many parts, each plain or quoted.
fn is_name(dialect: Dialect, text: &str, parts: usize) -> bool {
    let quotes: &[(char, char)] = match dialect {
        Dialect::Postgres => &[('"', '"')],
        Dialect::Mysql => &[('`', '`')],
        Dialect::Sqlite => &[('"', '"'), ('`', '`'), ('[', ']')],
    };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let opened = quotes.iter().find(|(open, _)| text.starts_with(*open));
    let (first, rest) = match opened {
        Some((_, close)) => {
            let inside = &text[1..];
            // A doubled quote is one of the name's own.
            let mut places = inside.match_indices(*close).map(|(at, _)| at).peekable();
            let end = loop {
                match (places.next(), places.peek()) {
                    (Some(at), Some(next)) if at + 1 == *next => places.next(),
                    (Some(at), _) => break at,
                    (None, _) => return false,
                };
            };
            (&inside[..end], &inside[end + 1..])
        }
        None => text.split_at(text.find(|c| !is_plain(c)).unwrap_or(text.len())),
    };
    match rest.strip_prefix('.') {
        _ if first.is_empty() || parts == 0 => false,
        Some(next) => is_name(dialect, next, parts - 1),
        None => rest.is_empty(),
    }
}

/// How a table of ours is kept, whatever the server's and the database's defaults
/// are. On MySQL these may have no transactions, too short keys, or texts that
/// know neither every character nor small letters from capitals.
pub(super) fn as_written(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Mysql => {
            " ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        }
        Dialect::Postgres | Dialect::Sqlite => "",
    }
}

pub(super) fn bytes(dialect: Dialect, checksum: &Checksum) -> String {
    match dialect {
        Dialect::Postgres => format!("decode('{}', 'hex')", checksum.hex()),
        Dialect::Mysql | Dialect::Sqlite => hex_literal(&checksum.0),
    }
}

fn hex_literal(bytes: &[u8]) -> String {
    format!("X'{}'", Checksum(bytes.to_vec()).hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_mean_the_same_under_every_setting() {
        assert_eq!(quote(Dialect::Postgres, r"it's a \ "), r"E'it''s a \\ '");
        assert_eq!(quote(Dialect::Mysql, "it's"), "'it''s'");
        assert_eq!(quote(Dialect::Mysql, r"\"), "CONVERT(X'5c' USING utf8mb4)");
        assert_eq!(quote(Dialect::Sqlite, r"it's \"), r"'it''s \'");
    }

    #[test]
    fn a_name_is_plain_or_quoted_and_nothing_else() {
        for (dialect, name, is) in [
            (Dialect::Sqlite, "_sqlx_migrations", true),
            (Dialect::Sqlite, "main.\"a \"\" b\"", true),
            (Dialect::Sqlite, "[a b]", true),
            (Dialect::Sqlite, "a.b.c", false),
            (Dialect::Sqlite, "x; DROP TABLE a; --", false),
            (Dialect::Sqlite, "\"x", false),
            (Dialect::Sqlite, "\"x\"\"", false),
            (Dialect::Sqlite, "\"x\" y", false),
            (Dialect::Sqlite, "", false),
            (Dialect::Sqlite, "\"\"", false),
            (Dialect::Sqlite, "a.", false),
            (Dialect::Mysql, "`größe`.h_1", true),
            (Dialect::Mysql, "größe", true),
            (Dialect::Mysql, "\"x\"", false),
        ] {
            let ledger = Ledger {
                shape: Shape::Sqlx,
                table: name.to_owned(),
                schemas: Vec::new(),
            };
            assert_eq!(ledger.bad_name(dialect).is_none(), is, "{name}");
        }
    }

    #[test]
    fn a_row_is_read_as_sqlx_wrote_it() {
        let row = |success: &str, time: &str| -> Row {
            ["1", "users", "2026-01-02 03:04:05", success, "00FF", time]
                .map(|text| Some(text.to_owned()))
                .to_vec()
        };
        let applied = Ledger::applied(&row("true", "1500000")).unwrap();
        assert!(applied.complete);
        assert_eq!(applied.took, Some(Duration::from_micros(1500)));
        let unfinished = Ledger::applied(&row("0", "-1")).unwrap();
        assert!(!unfinished.complete);
        assert_eq!(unfinished.took, None);
        assert_eq!(Ledger::applied(&vec![None; 6]), None);
    }
}
