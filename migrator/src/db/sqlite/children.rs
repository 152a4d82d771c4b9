//! What SQLite does to other tables' rows when a table is dropped: where foreign
//! keys are enforced it deletes the table's rows first, as DELETE would, and each
//! ON DELETE does its work without a word.

use super::fault::ERROR;
use super::{DIALECT, Sqlite};
use crate::db::Job;
use crate::db::dependents::{Dependents, Key, Loss, Object, sentence};
use crate::db::fault::{Fault, FaultKind};
use crate::history::ledger::quote;
use crate::model::Rule;
use crate::sql::allow::is_allowed;
use crate::sql::tables::{OnDelete, dropped_later, dropped_table};

/// How many ways from a dropped table to others are followed. Each is a question
/// to the database.
const MOST_PATHS: usize = 1000;

/// A foreign key, with its columns and those that they refer to.
#[derive(Clone, Debug)]
struct Edge {
    child: String,
    parent: String,
    on_delete: OnDelete,
    columns: Vec<(String, String)>,
}

impl Sqlite {
    /// Refuses a statement of a file that would drop a table and with it other
    /// tables' rows, unless the file or `migrate.toml` says that it is meant.
    pub(super) async fn refuse_losses(&mut self, job: Job<'_>, number: usize) -> Result<(), Fault> {
        let Some(statement) = job.statements.get(number) else {
            return Ok(());
        };
        let Some(name) = dropped_table(job.file.slice(statement.span)) else {
            return Ok(());
        };
        let rule = Rule::DropCascades;
        if job.operation.script().allow.contains(&rule)
            || is_allowed(job.file, job.statements, number, rule.name())
        {
            return Ok(());
        }
        let keys = "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys";
        if self.texts(keys).await? == [["0"]] {
            return Ok(());
        }
        let Some(schema) = self.schema_of(name.schema.as_deref(), &name.table).await? else {
            // SQLite itself says that there is no such table.
            return Ok(());
        };
        let edges = self.edges(&schema).await?;
        let mut losses = self.losses(&schema, &name.table, &edges).await?;
        if losses.is_empty() {
            return Ok(());
        }
        let dropped_later = dropped_later(job.file, job.statements, number);
        losses.retain(|loss| {
            let table = loss.path.last().map(|table| table.to_ascii_lowercase());
            !table.is_some_and(|table| dropped_later.contains(&table))
        });
        if losses.is_empty() {
            return Ok(());
        }
        let message = format!(
            "DROP TABLE {} would {}",
            name.table,
            sentence(losses.iter())
        );
        Err(Fault {
            table: Some(name.table),
            ..Fault::new(FaultKind::Cascades, message)
        })
    }

    /// What depends on tables of the main database.
    pub(in crate::db) async fn dependents_of(
        &mut self,
        tables: &[String],
    ) -> Result<Dependents, Fault> {
        const MAIN: &str = "main";
        let edges = self.edges(MAIN).await?;
        let mut losses = Vec::new();
        for table in tables {
            let found = self.losses(MAIN, table, &edges).await?;
            losses.extend(found.into_iter().map(|loss| (table.clone(), loss)));
        }
        let objects = self
            .texts(
                "SELECT tbl_name, name, type, sql FROM main.sqlite_master \
                 WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type, name",
            )
            .await?;
        Ok(Dependents {
            keys: edges
                .into_iter()
                .map(|edge| Key {
                    child: edge.child,
                    parent: edge.parent,
                    on_delete: edge.on_delete,
                })
                .collect(),
            losses,
            objects: objects
                .into_iter()
                .filter_map(|row| {
                    let [table, name, kind, sql] = row.try_into().ok()?;
                    Some(Object {
                        table,
                        name,
                        kind,
                        sql,
                    })
                })
                .collect(),
        })
    }

    /// Where a table is that a statement names: temporary tables come first, then
    /// those of the main database, then of attached ones.
    async fn schema_of(
        &mut self,
        schema: Option<&str>,
        table: &str,
    ) -> Result<Option<String>, Fault> {
        let list = self
            .texts("SELECT CAST(name AS TEXT) FROM pragma_database_list ORDER BY seq")
            .await?;
        let attached = list.into_iter().flatten();
        let mut schemas = vec!["temp".to_owned()];
        schemas.extend(attached.filter(|name| name != "temp"));
        if let Some(named) = schema {
            schemas.retain(|schema| schema.eq_ignore_ascii_case(named));
        }
        for schema in schemas {
            let found = self
                .texts(&format!(
                    "SELECT name FROM {}.sqlite_master WHERE type = 'table' \
                     AND name = {} COLLATE NOCASE",
                    identifier(&schema),
                    quote(DIALECT, table)
                ))
                .await?;
            if !found.is_empty() {
                return Ok(Some(schema));
            }
        }
        Ok(None)
    }

    /// The foreign keys of a schema by which a deletion reaches other rows.
    async fn edges(&mut self, schema: &str) -> Result<Vec<Edge>, Fault> {
        let rows = self
            .texts(&format!(
                "SELECT CAST(m.name AS TEXT), CAST(f.id AS TEXT), CAST(f.\"table\" AS TEXT), \
                 CAST(f.on_delete AS TEXT), CAST(f.\"from\" AS TEXT), \
                 coalesce(CAST(f.\"to\" AS TEXT), (SELECT CAST(p.name AS TEXT) \
                 FROM pragma_table_info(f.\"table\", {schema_text}) p WHERE p.pk = f.seq + 1), '') \
                 FROM {schema}.sqlite_master m, pragma_foreign_key_list(m.name, {schema_text}) f \
                 WHERE m.type = 'table' ORDER BY m.rowid, f.id, f.seq",
                schema = identifier(schema),
                schema_text = quote(DIALECT, schema),
            ))
            .await?;
        let mut edges: Vec<(String, Edge)> = Vec::new();
        for row in rows {
            let Ok([child, id, parent, on_delete, from, to]) = <[String; 6]>::try_from(row) else {
                continue;
            };
            let Some(on_delete) = OnDelete::of(&on_delete) else {
                continue;
            };
            match edges.last_mut() {
                Some((last, edge)) if *last == id && edge.child == child => {
                    edge.columns.push((from, to));
                }
                _ => edges.push((
                    id,
                    Edge {
                        child,
                        parent,
                        on_delete,
                        columns: vec![(from, to)],
                    },
                )),
            }
        }
        Ok(edges.into_iter().map(|(_, edge)| edge).collect())
    }

    /// The rows of other tables that a deletion of all of a table's rows reaches,
    /// directly or through the rows that it deletes.
    async fn losses(
        &mut self,
        schema: &str,
        table: &str,
        edges: &[Edge],
    ) -> Result<Vec<Loss>, Fault> {
        let mut losses = Vec::new();
        let mut paths: Vec<Vec<&Edge>> = vec![Vec::new()];
        let mut next = 0;
        while let Some(path) = paths.get(next).cloned() {
            next += 1;
            let last = path.last().map_or(table, |edge| edge.child.as_str());
            for edge in edges {
                let is_new = |name: &str| {
                    !name.eq_ignore_ascii_case(table)
                        && path
                            .iter()
                            .all(|edge| !edge.child.eq_ignore_ascii_case(name))
                };
                if !edge.parent.eq_ignore_ascii_case(last) || !is_new(&edge.child) {
                    continue;
                }
                let mut further = path.clone();
                further.push(edge);
                let rows = self.count(schema, table, &further).await?;
                if rows == 0 {
                    continue;
                }
                losses.push(Loss {
                    path: further.iter().map(|edge| edge.child.clone()).collect(),
                    on_delete: edge.on_delete,
                    rows,
                });
                if edge.on_delete == OnDelete::Cascade && paths.len() < MOST_PATHS {
                    paths.push(further);
                }
            }
        }
        Ok(losses)
    }

    /// How many rows of the last table on a path refer, from table to table, to a
    /// row of the first.
    async fn count(&mut self, schema: &str, table: &str, path: &[&Edge]) -> Result<u64, Fault> {
        let schema = identifier(schema);
        let mut condition = String::new();
        for (number, edge) in path.iter().enumerate() {
            let parent = match number.checked_sub(1).and_then(|before| path.get(before)) {
                Some(before) => before.child.as_str(),
                None => table,
            };
            let mut all: Vec<String> = edge
                .columns
                .iter()
                .map(|(from, to)| {
                    let (from, to) = (identifier(from), identifier(to));
                    format!("t{number}.{to} = t{}.{from}", number + 1)
                })
                .collect();
            if !condition.is_empty() {
                all.push(condition);
            }
            condition = format!(
                "EXISTS (SELECT 1 FROM {schema}.{} t{number} WHERE {})",
                identifier(parent),
                all.join(" AND ")
            );
        }
        let child = path.last().map_or(table, |edge| edge.child.as_str());
        let counted = self
            .texts(&format!(
                "SELECT CAST(count(*) AS TEXT) FROM {schema}.{} t{} WHERE {condition}",
                identifier(child),
                path.len()
            ))
            .await;
        match counted {
            Ok(rows) => {
                let count = rows.first().and_then(|row| row.first());
                Ok(count
                    .and_then(|count| count.parse().ok())
                    .unwrap_or_default())
            }
            // A key that refers to no column: a DROP passes over it.
            Err(fault) if fault.has_code(&[ERROR]) => Ok(0),
            Err(fault) => Err(fault),
        }
    }

    async fn texts(&mut self, sql: &str) -> Result<Vec<Vec<String>>, Fault> {
        let answer = self.rows(sql).await?;
        let texts = answer.rows.into_iter().map(|row| {
            let texts = row.into_iter().map(Option::unwrap_or_default);
            texts.collect()
        });
        Ok(texts.collect())
    }
}

/// A name in SQLite's own quotes.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
