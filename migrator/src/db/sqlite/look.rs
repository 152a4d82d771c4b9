//! What a SQLite file tells of itself and of the history.

use super::fault::{ERROR, is_missing, unopened};
use super::{DIALECT, Sqlite, lock_file};
use crate::db::fault::Fault;
use crate::db::{Look, Past, ReadScope, bookkeeping, wire};
use crate::history::ledger::{Ledger, quote};
use crate::history::table::LockKey;

impl Sqlite {
    /// Reads the library's version and the history of this ledger.
    pub(super) async fn look_at(
        &mut self,
        ledger: &Ledger,
        wanted: ReadScope,
    ) -> Result<Look, Fault> {
        crate::db::check_names(ledger, DIALECT)?;
        // The first to read the file.
        let version = self.rows("SELECT sqlite_version()").await;
        let version = version.map_err(|fault| unopened(&self.path, fault))?;
        let version = version.rows.first().and_then(|row| row.first()?.clone());
        // Where only its tool makes the table, other tools' are nothing to us.
        let is_ours = ledger.kind.writes().is_some();
        let past = match self.rows(&ledger.select(DIALECT)).await {
            Ok(answer) => {
                let mut past = wire::past(&answer, ledger)?;
                bookkeeping::recall(self, ledger, wanted, &mut past).await?;
                past
            }
            Err(fault) if is_missing(&fault) && !is_ours => Past::Fresh,
            Err(fault) if is_missing(&fault) => self.other_tools_past().await?,
            Err(fault) if fault.message.starts_with("no such column") => {
                return Err(wire::as_history(fault, &[ERROR]));
            }
            Err(fault) => return Err(fault),
        };
        let may_lack_history = past.is_empty() && is_ours;
        Ok(Look {
            has_tables: may_lack_history && self.has_tables(ledger).await?,
            server: format!("SQLite {}", version.unwrap_or_default()),
            ledger: ledger.clone(),
            past,
            elsewhere: Vec::new(),
            quoting: crate::sql::Quoting::default(),
            lock: LockKey::File(lock_file::beside(&self.path)),
            tools_lock: None,
        })
    }

    async fn has_tables(&mut self, ledger: &Ledger) -> Result<bool, Fault> {
        let history = ledger.table.rsplit('.').next().unwrap_or_default();
        let answer = self
            .rows(&format!(
                "SELECT 'table' FROM sqlite_master WHERE type = 'table' \
                 AND lower(name) <> lower({}) \
                 AND name NOT LIKE 'sqlite!_%' ESCAPE '!' \
                 AND name NOT LIKE '!_migrate!_%' ESCAPE '!' LIMIT 1",
                quote(DIALECT, &history.replace(['"', '`'], ""))
            ))
            .await?;
        Ok(!answer.rows.is_empty())
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
}
