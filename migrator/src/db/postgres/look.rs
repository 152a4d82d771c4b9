//! What PostgreSQL tells of itself and of the history.

use super::fault::{INVALID_NAME, OTHER_SHAPE};
use super::lock_id::lock_id;
use super::{DIALECT, Postgres};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{LockKey, Look, Past, Wanted, memory, wire};
use crate::formats::ledger::{Ledger, Shape, quote};
use crate::formats::sqlx::lock_number;
use crate::sql::Quoting;

impl Postgres {
    /// Reads the server's facts and the history of this ledger.
    pub(super) async fn look_at(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault> {
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
                 current_database()::text, current_setting('standard_conforming_strings') FROM (\
                 SELECT n.oid IS NOT NULL AS exist, \
                 coalesce(n.nspname, parts[array_length(parts, 1) - 1], current_schema(), '')::text AS schema, \
                 coalesce(c.relname, parts[array_length(parts, 1)]::name)::text AS name \
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
        let past = if fact(2) == "true" {
            self.past(&found, wanted).await?
        } else if ledger.shape == Shape::Alembic {
            Past::Fresh
        } else {
            self.other_tools_past().await?
        };
        let may_lack_history = past.is_empty() && ledger.shape == Shape::Sqlx;
        Ok(Look {
            has_tables: may_lack_history && self.has_tables(&table).await?,
            // Debian appends its own version: `15.18 (Debian 15.18-0+deb12u1)`.
            server: format!(
                "PostgreSQL {}",
                fact(0).split(' ').next().unwrap_or_default()
            ),
            quoting: Quoting::of_conforming_strings(&fact(8)),
            lock: LockKey::Id(lock_id(&schema, &table)),
            tools_lock: (ledger.shape == Shape::Sqlx).then(|| LockKey::Id(lock_number(&fact(7)))),
            ledger: found,
            past,
        })
    }

    async fn past(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Past, Fault> {
        let answer = self.rows(&ledger.select(DIALECT)).await;
        let answer = answer.map_err(|fault| wire::as_history(fault, &OTHER_SHAPE))?;
        let mut past = wire::past(&answer, ledger)?;
        memory::recall(self, ledger, wanted, &mut past).await?;
        Ok(past)
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
