//! What PostgreSQL tells of itself and of the history.

use super::fault::{INVALID_NAME, OTHER_SHAPE};
use super::lock_id::lock_id;
use super::{DIALECT, Postgres};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Elsewhere, Look, Past, ReadScope, bookkeeping, wire};
use crate::history::ledger::{Ledger, quote};
use crate::history::table::{LockKey, Table};
use crate::sql::Quoting;

/// In how many schemas a history is looked for, those of the search path first: where
/// there are more, each is a tenant's, and one of these knows the files as well.
const MOST_HISTORIES: usize = 200;

impl Postgres {
    /// Reads the server's facts and the history of this ledger.
    pub(super) async fn look_at(
        &mut self,
        ledger: &Ledger,
        wanted: ReadScope,
    ) -> Result<Look, Fault> {
        crate::db::check_names(ledger, DIALECT)?;
        let name = quote(DIALECT, &ledger.table);
        // Where the table is found, or where it would be created: as for sqlx,
        // in the first schema of the search path and no other, where another
        // application may have its own. The names are the server's reading of
        // what the user wrote, quotes and all.
        let facts = self
            .rows(&format!(
                "SELECT current_setting('server_version'), current_setting('server_version_num'), \
                 exist::text, schema, name, quote_ident(schema), quote_ident(name), \
                 current_database()::text, current_setting('standard_conforming_strings'), \
                 hides::text, (parts > 1)::text, (SELECT count(*) > 0 \
                 FROM unnest(current_schemas(false)) AS path (other) \
                 JOIN pg_catalog.pg_namespace s ON s.nspname = path.other \
                 JOIN pg_catalog.pg_class t ON t.relnamespace = s.oid AND t.relname = name::name \
                 WHERE path.other <> schema::name AND t.relkind IN ('p', 'r'))::text FROM (\
                 SELECT n.oid IS NOT NULL AS exist, \
                 coalesce(n.nspname, parts[array_length(parts, 1) - 1], current_schema(), '')::text AS schema, \
                 coalesce(c.relname, parts[array_length(parts, 1)]::name)::text AS name, \
                 coalesce(row_security_active(c.oid), false) AS hides, \
                 array_length(parts, 1) AS parts \
                 FROM (SELECT parse_ident({name}) AS parts) p \
                 LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass(\
                 CASE WHEN array_length(parts, 1) > 1 THEN {name} \
                 ELSE quote_ident(current_schema()) || '.' || quote_ident(parts[1]) END) \
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) found"
            ))
            .await
            .map_err(|fault| Fault {
                kind: if fault.has_code(&INVALID_NAME) {
                    FaultKind::Name
                } else {
                    fault.kind
                },
                ..fault
            })?;
        let fact = |at: usize| -> String {
            let row = facts.rows.first();
            row.and_then(|row| row.get(at)?.clone()).unwrap_or_default()
        };
        self.version = fact(1).parse().unwrap_or_default();
        let (schema, table) = (fact(3), fact(4));
        let found = Ledger {
            table: if schema.is_empty() {
                fact(6)
            } else {
                format!("{}.{}", fact(5), fact(6))
            },
            ..ledger.clone()
        };
        if fact(9) == "true" {
            return Err(self.hidden(&found.table));
        }
        // Where only its tool makes the table, other tools' are nothing to us.
        let is_ours = ledger.kind.writes().is_some();
        let past = if fact(2) == "true" {
            self.past(&found, wanted).await?
        } else if is_ours {
            self.other_tools_past().await?
        } else {
            Past::Fresh
        };
        let may_lack_history = past.is_empty() && is_ours;
        let is_qualified = fact(10) == "true";
        // Another application's may stand in front of it in the search path.
        let has_others = fact(11) == "true";
        let is_asked = past.is_empty() || has_others;
        let elsewhere = if is_asked && !is_qualified {
            self.elsewhere(&schema, &table, ledger.kind).await?
        } else {
            Vec::new()
        };
        Ok(Look {
            has_tables: may_lack_history && self.has_tables(&table).await?,
            // Debian appends its own version: `15.18 (Debian 15.18-0+deb12u1)`.
            server: format!(
                "PostgreSQL {}",
                fact(0).split(' ').next().unwrap_or_default()
            ),
            elsewhere,
            quoting: Quoting::of_conforming_strings(&fact(8)),
            lock: LockKey::Id(lock_id(&schema, &table)),
            tools_lock: ledger.kind.lock(DIALECT, &fact(7)),
            ledger: found,
            past,
        })
    }

    async fn past(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Past, Fault> {
        let answer = self.rows(&ledger.select(DIALECT)).await;
        let answer = answer.map_err(|fault| wire::as_history(fault, &OTHER_SHAPE))?;
        let mut past = wire::past(&answer, ledger)?;
        bookkeeping::recall(self, ledger, wanted, &mut past).await?;
        Ok(past)
    }

    fn hidden(&self, table: &str) -> Fault {
        Fault::new(
            FaultKind::Hidden,
            format!(
                "row-level security hides rows of {table} from the user {}",
                self.user
            ),
        )
    }

    /// Other histories of this name: of the search path where the URL chose that, of
    /// the whole database where it did not.
    async fn elsewhere(
        &mut self,
        schema: &str,
        table: &str,
        kind: &dyn Table,
    ) -> Result<Vec<Elsewhere>, Fault> {
        let is_in_path = if kind.is_the_first_of_its_name() {
            "pg_table_is_visible(c.oid)"
        } else {
            "n.nspname = ANY (current_schemas(false))"
        };
        let columns: Vec<_> = kind.columns().iter().map(|it| quote(DIALECT, it)).collect();
        let (number, columns) = (columns.len(), columns.join(", "));
        let tables = self
            .rows(&format!(
                "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), \
                 ({is_in_path})::text, \
                 row_security_active(c.oid)::text \
                 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relname = {}::name AND c.relkind IN ('p', 'r') AND n.nspname <> {}::name \
                 AND n.nspname !~ '^pg_' AND has_schema_privilege(n.oid, 'USAGE') \
                 AND has_table_privilege(c.oid, 'SELECT') \
                 AND (n.nspname = ANY (current_schemas(false)) OR NOT EXISTS \
                 (SELECT FROM pg_settings WHERE name = 'search_path' AND source = 'client')) \
                 AND (SELECT count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid \
                 AND a.attname IN ({columns})) = {number} \
                 ORDER BY n.nspname = ANY (current_schemas(false)) DESC, 1 LIMIT {MOST_HISTORIES}",
                quote(DIALECT, table),
                quote(DIALECT, schema)
            ))
            .await?;
        let mut found = Vec::new();
        for row in tables.rows {
            let [Some(table), is_in_path, hides] = &row[..] else {
                continue;
            };
            if hides.as_deref() == Some("true") {
                return Err(self.hidden(table));
            }
            let answer = match self.rows(&kind.select(table, DIALECT)).await {
                Ok(answer) => answer,
                // One of other types is another tool's.
                Err(fault) if fault.has_code(&OTHER_SHAPE) => continue,
                Err(fault) => return Err(fault),
            };
            found.push(Elsewhere {
                table: table.to_owned(),
                is_in_path: is_in_path.as_deref() == Some("true"),
                applied: answer.rows.iter().filter_map(|row| kind.row(row)).collect(),
            });
        }
        Ok(found)
    }

    /// Whether the schema in which unqualified tables are created has any,
    /// but for the history itself, and what an extension brought (`PostGIS` has one).
    async fn has_tables(&mut self, history: &str) -> Result<bool, Fault> {
        let answer = self
            .rows(&format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') \
                 AND c.relname <> {} AND c.relname NOT LIKE '\\_migrate\\_%' \
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid \
                 AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e'))::text",
                quote(DIALECT, history)
            ))
            .await?;
        Ok(answer.rows == [[Some("true".to_owned())]])
    }

    async fn other_tools_past(&mut self) -> Result<Past, Fault> {
        let names = wire::foreign_names(DIALECT);
        let columns = self
            .rows(&format!(
                "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
                 WHERE c.relkind IN ('r', 'p') AND lower(c.relname) IN ({names}) \
                 AND (n.nspname = ANY (current_schemas(false)) OR n.nspname = 'drizzle')"
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }
}
