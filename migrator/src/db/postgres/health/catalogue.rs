//! What the catalogue tells of names and rights: who may do what with the tables
//! that a run writes, and with those that migrations change.

use super::{is_true, text};
use crate::db::fault::Fault;
use crate::db::health::{self, InvalidIndex, Named, Schema, SearchPath, Table};
use crate::db::postgres::{DIALECT, Postgres};
use crate::history::ledger::{Ledger, quote};
use crate::history::table::Row;

/// How many tables of others, and how many invalid indexes, are told.
const MOST: usize = 1000;

const OWNED_BY_SUPERUSER: &str =
    "(SELECT r.rolsuper::text FROM pg_roles r WHERE r.oid = c.relowner)";

impl Postgres {
    pub(super) async fn catalogue(
        &mut self,
        ledger: &Ledger,
        own: &mut health::Postgres,
    ) -> Result<(), Fault> {
        let history = quote(DIALECT, &ledger.table);
        own.search_path = self.search_path().await?;
        if ledger.schemas.is_empty() {
            own.search_path.missing = self.missing_schema(&history).await?;
        }
        own.schemas = self.schemas(&history).await?;
        own.kept = self.kept(&history).await?;
        own.foreign = self.foreign(&history).await?;
        own.invalid_indexes = self.all_invalid_indexes().await?;
        Ok(())
    }

    /// Names as the server reads them: quoted ones as they stand, others in small
    /// letters.
    async fn search_path(&mut self) -> Result<SearchPath, Fault> {
        let rows = self
            .ask(
                "SELECT 'current', current_schema()::text, NULL, NULL \
                 UNION ALL SELECT 'named', path.name, (n.oid IS NOT NULL)::text, \
                 coalesce(has_schema_privilege(n.oid, 'USAGE'), false)::text \
                 FROM (SELECT coalesce(replace(part[1], '\"\"', '\"'), lower(part[2])) AS name \
                 FROM regexp_matches(current_setting('search_path'), \
                 '\"((?:[^\"]|\"\")*)\"|([^\", ]+)', 'g') AS found (part)) path \
                 LEFT JOIN pg_namespace n ON n.nspname = path.name \
                 WHERE path.name NOT IN ('$user', '')",
            )
            .await?;
        let mut path = SearchPath::default();
        for row in &rows {
            match (text(row, 0).as_deref(), text(row, 1)) {
                (Some("current"), name) => path.current = name,
                (_, Some(name)) => path.named.push(Named {
                    name,
                    exists: is_true(row, 2),
                    usable: is_true(row, 3),
                }),
                _ => {}
            }
        }
        Ok(path)
    }

    async fn missing_schema(&mut self, history: &str) -> Result<Option<String>, Fault> {
        let rows = self
            .ask(&format!(
                "SELECT parts[1] FROM (SELECT parse_ident({history}) AS parts) p \
                 WHERE array_length(parts, 1) > 1 \
                 AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = parts[1])"
            ))
            .await?;
        Ok(rows.first().and_then(|row| text(row, 0)))
    }

    /// The one in which names without a schema are made, and the history's. Since
    /// PostgreSQL 15 `public` belongs to whoever has the database.
    async fn schemas(&mut self, history: &str) -> Result<Vec<Schema>, Fault> {
        let rows = self
            .ask(&format!(
                "SELECT n.nspname::text, pg_get_userbyid(CASE pg_get_userbyid(n.nspowner) \
                 WHEN 'pg_database_owner' THEN d.datdba ELSE n.nspowner END)::text, \
                 has_schema_privilege(n.oid, 'USAGE')::text, \
                 has_schema_privilege(n.oid, 'CREATE')::text \
                 FROM pg_namespace n JOIN pg_database d ON d.datname = current_database(), \
                 (SELECT parse_ident({history}) AS parts) p \
                 WHERE n.nspname = current_schema() OR n.nspname = parts[array_length(parts, 1) - 1] \
                 ORDER BY 1"
            ))
            .await?;
        let schema = |row: &Row| {
            Some(Schema {
                name: text(row, 0)?,
                owner: text(row, 1)?,
                usable: is_true(row, 2),
                may_create: is_true(row, 3),
            })
        };
        Ok(rows.iter().filter_map(schema).collect())
    }

    async fn kept(&mut self, history: &str) -> Result<Vec<Table>, Fault> {
        let rights = ["SELECT", "INSERT", "UPDATE", "DELETE"].map(|right| {
            format!("CASE WHEN NOT has_table_privilege(c.oid, '{right}') THEN '{right}' END")
        });
        let rows = self
            .ask(&format!(
                "SELECT n.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text, \
                 pg_has_role(c.relowner, 'USAGE')::text, concat_ws(',', {}), {OWNED_BY_SUPERUSER} \
                 FROM ({}) h JOIN pg_class c ON c.oid = h.oid OR (c.relnamespace = h.relnamespace \
                 AND c.relname IN ('_migrate_journal', '_migrate_repeatable', '_migrate_runs')) \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p', 'v', 'f') ORDER BY c.oid <> h.oid, 2",
                rights.join(", "),
                history_table(history)
            ))
            .await?;
        Ok(rows.iter().filter_map(table).collect())
    }

    /// What an extension brought is not migrated.
    async fn foreign(&mut self, history: &str) -> Result<Vec<Table>, Fault> {
        let rows = self
            .ask(&format!(
                "SELECT n.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text, \
                 'false', '', {OWNED_BY_SUPERUSER} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                 AND (n.nspname = ANY (current_schemas(false)) \
                 OR c.relnamespace IN (SELECT h.relnamespace FROM ({}) h)) \
                 AND NOT pg_has_role(c.relowner, 'USAGE') \
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid \
                 AND d.classid = 'pg_class'::regclass AND d.deptype = 'e') \
                 ORDER BY 1, 2 LIMIT {MOST}",
                history_table(history)
            ))
            .await?;
        Ok(rows.iter().filter_map(table).collect())
    }

    /// Whoever builds one has the table locked for just that; the index of a
    /// partitioned table waits for its parts.
    async fn all_invalid_indexes(&mut self) -> Result<Vec<InvalidIndex>, Fault> {
        let rows = self
            .ask(&format!(
                "SELECT n.nspname::text, c.relname::text, t.relname::text, pg_get_indexdef(c.oid) \
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                 JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE NOT i.indisvalid AND c.relkind = 'i' AND c.relpersistence <> 't' \
                 AND NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE d.datname = current_database() AND l.relation = i.indrelid AND l.granted \
                 AND l.mode = 'ShareUpdateExclusiveLock') \
                 ORDER BY 1, 2 LIMIT {MOST}"
            ))
            .await?;
        let index = |row: &Row| {
            Some(InvalidIndex {
                schema: text(row, 0)?,
                name: text(row, 1)?,
                table: text(row, 2)?,
                definition: text(row, 3)?,
            })
        };
        Ok(rows.iter().filter_map(index).collect())
    }
}

/// The history table, as a look finds it: in the first schema of the search path
/// and no other.
fn history_table(history: &str) -> String {
    format!(
        "SELECT c.oid, c.relnamespace FROM (SELECT parse_ident({history}) AS parts) p \
         JOIN pg_namespace n ON n.nspname = \
         coalesce(parts[array_length(parts, 1) - 1], current_schema()) \
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = parts[array_length(parts, 1)]"
    )
}

fn table(row: &Row) -> Option<Table> {
    Some(Table {
        schema: text(row, 0)?,
        name: text(row, 1)?,
        owner: text(row, 2)?,
        of_superuser: is_true(row, 5),
        is_ours: is_true(row, 3),
        lacks: text(row, 4)?
            .split(',')
            .filter(|right| !right.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}
