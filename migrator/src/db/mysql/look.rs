//! What MySQL and MariaDB tell of themselves and of the history.

use super::fault::{NO_SUCH_TABLE, UNKNOWN_COLUMN, UNKNOWN_DATABASE};
use super::lock_name::lock_name;
use super::{DIALECT, Mysql};
use crate::db::fault::Fault;
use crate::db::{Look, Past, ReadScope, bookkeeping, wire};
use crate::history::ledger::{Ledger, quote};
use crate::history::table::LockKey;
use crate::sql::Quoting;

impl Mysql {
    /// Reads the server's facts and the history of this ledger.
    pub(super) async fn look_at(
        &mut self,
        ledger: &Ledger,
        wanted: ReadScope,
    ) -> Result<Look, Fault> {
        let facts = self
            .rows("SELECT CAST(VERSION() AS CHAR), CAST(DATABASE() AS CHAR), CAST(@@sql_mode AS CHAR)")
            .await?;
        let fact = |at: usize| -> String {
            let row = facts.rows.first();
            row.and_then(|row| row.get(at)?.clone()).unwrap_or_default()
        };
        let version = fact(0);
        crate::db::check_names(ledger, DIALECT)?;
        // Where only its tool makes the table, other tools' are nothing to us.
        let is_ours = ledger.kind.writes().is_some();
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => {
                let mut past = wire::past(&answer, ledger)?;
                let found = Ledger {
                    table: qualified(&fact(1), &ledger.table),
                    schemas: Vec::new(),
                    ..*ledger
                };
                bookkeeping::recall(self, &found, wanted, &mut past).await?;
                past
            }
            Err(fault) if fault.has_code(&[NO_SUCH_TABLE, UNKNOWN_DATABASE]) && !is_ours => {
                Past::Fresh
            }
            Err(fault) if fault.has_code(&[NO_SUCH_TABLE, UNKNOWN_DATABASE]) => {
                self.other_tools_past().await?
            }
            Err(fault) => return Err(wire::as_history(fault, &[UNKNOWN_COLUMN])),
        };
        let may_lack_history = past.is_empty() && is_ours;
        Ok(Look {
            has_tables: may_lack_history && self.has_tables(ledger).await?,
            server: server_name(&version),
            ledger: Ledger {
                table: qualified(&fact(1), &ledger.table),
                ..ledger.clone()
            },
            past,
            // On a server's other databases the same files are another environment's.
            elsewhere: Vec::new(),
            quoting: Quoting::of_sql_mode(&fact(2)),
            lock: LockKey::Name(lock_name(&fact(1), &ledger.table)),
            tools_lock: ledger.kind.lock(DIALECT, &fact(1)),
        })
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
}

/// The table's name with its database's: a file may say USE.
pub(super) fn qualified(database: &str, table: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if table.contains('.') {
        table.to_owned()
    } else if database.chars().all(is_plain) {
        format!("{database}.{table}")
    } else {
        format!("`{}`.{table}", database.replace('`', "``"))
    }
}

fn server_name(version: &str) -> String {
    match version.split_once("-MariaDB") {
        Some((number, _)) => format!("MariaDB {number}"),
        None => format!("MySQL {version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_version() {
        assert_eq!(server_name("8.0.33"), "MySQL 8.0.33");
        assert_eq!(
            server_name("10.11.19-MariaDB-0+deb12u1"),
            "MariaDB 10.11.19"
        );
    }
}
