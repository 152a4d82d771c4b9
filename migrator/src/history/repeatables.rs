//! The table of ours that remembers what was run of the repeatable files. sqlx
//! knows nothing of it.

use super::ledger::{Ledger, as_written};
use super::side_table::{FORMAT, Layout, SideTable, Upkeep, format_column};
use super::table::Row;
use crate::model::{Checksum, Repeatable};
use crate::sql::Dialect;

const TABLE: &str = "_migrate_repeatable";

/// The table of what was run, beside one history table. Its name and its columns
/// are fixed for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated(SideTable);

impl Repeated {
    /// The table beside a history table that a database has named in full.
    #[must_use]
    pub fn of(ledger: &Ledger, dialect: Dialect) -> Self {
        Self(SideTable::beside(ledger, TABLE, dialect))
    }

    /// How the table is made and kept.
    #[must_use]
    pub fn upkeep(&self) -> Upkeep {
        self.0.upkeep(self.create())
    }

    fn create(&self) -> String {
        // The database's own may know not every character, nor small letters from
        // capitals.
        format!(
            "CREATE TABLE IF NOT EXISTS {} (\
             history VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, checksum CHAR(64) NOT NULL, \
             run VARCHAR(64) NOT NULL, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, {}, \
             PRIMARY KEY (history, name)){}",
            self.0.table,
            format_column(),
            as_written(self.0.dialect)
        )
    }

    /// Records a file as run, unless it is recorded with this checksum.
    #[must_use]
    pub fn claim(&self, repeatable: &Repeatable, run: &str) -> String {
        let insert = format!(
            "INSERT INTO {} (history, name, checksum, run, at, format) \
             VALUES ({}, {}, '{}', {}, CURRENT_TIMESTAMP, {FORMAT})",
            self.0.table,
            self.0.history(),
            self.0.quote(&repeatable.name),
            repeatable.checksum.hex(),
            self.0.quote(run),
        );
        match self.0.dialect {
            Dialect::Mysql => format!(
                "{insert} ON DUPLICATE KEY UPDATE checksum = VALUES(checksum), run = VALUES(run), \
                 at = CURRENT_TIMESTAMP"
            ),
            Dialect::Postgres | Dialect::Sqlite => format!(
                "{insert} ON CONFLICT (history, name) DO UPDATE SET checksum = excluded.checksum, \
                 run = excluded.run, at = CURRENT_TIMESTAMP \
                 WHERE {TABLE}.checksum <> excluded.checksum"
            ),
        }
    }

    /// Forgets all of them, so that they are run again.
    #[must_use]
    pub fn forget(&self) -> String {
        format!("DELETE FROM {} WHERE {}", self.0.table, self.0.of_history())
    }

    /// All that is recorded, every column as text.
    #[must_use]
    pub fn select(&self, layout: Layout) -> String {
        let columns = match self.0.dialect {
            Dialect::Mysql => {
                "CAST(name AS CHAR), CAST(checksum AS CHAR), \
                 DATE_FORMAT(at, '%Y-%m-%d %H:%i:%s'), CAST(run AS CHAR)"
            }
            Dialect::Postgres => {
                "CAST(name AS TEXT), CAST(checksum AS TEXT), \
                 to_char(at, 'YYYY-MM-DD HH24:MI:SS'), CAST(run AS TEXT)"
            }
            Dialect::Sqlite => {
                "CAST(name AS TEXT), CAST(checksum AS TEXT), CAST(at AS TEXT), CAST(run AS TEXT)"
            }
        };
        self.0.select(layout, columns)
    }

    /// Reads a row of [`Repeated::select`].
    #[must_use]
    pub fn read(row: &Row) -> Option<super::Repeated> {
        let text = |at: usize| row.get(at)?.as_deref();
        Some(super::Repeated {
            name: text(1)?.to_owned(),
            checksum: Checksum::from_hex(text(2)?)?,
            at: text(3)?.to_owned(),
            run: text(4)?.to_owned(),
        })
    }
}
