//! What the DROP TABLE of pending files does to other tables on SQLite, as far as
//! it can be told before anything is sent: by the statements, in the order in
//! which they will run, and by what the database said. The session looks once
//! more before it sends such a statement.

use crate::db::dependents::{Dependents, Key, Loss, Object};
use crate::error::{DropCascades, Error, RebuildLoses};
use crate::model::{Rule, Script};
use crate::sql::tables::{Effect, OnDelete, dropped_later, words};
use crate::sql::{Name, Statement, StatementKind, allow};
use crate::text::{SourceFile, Span};
use std::collections::HashSet;
use std::sync::Arc;

/// A script as it will be sent.
#[derive(Clone, Copy)]
pub(crate) struct Pending<'a> {
    pub(crate) script: &'a Script,
    pub(crate) file: &'a Arc<SourceFile>,
    pub(crate) statements: &'a [Statement],
    /// How many of its statements were run before.
    pub(crate) done: usize,
}

/// What was found.
pub(crate) struct Finding {
    pub(crate) error: Error,
    /// Whether it will be so by all that is known; otherwise it is a warning.
    pub(crate) is_certain: bool,
}

/// The tables of which the database must be asked.
pub(crate) fn tables(pending: &[Pending<'_>]) -> Vec<String> {
    let mut tables = Vec::new();
    let mut drops = false;
    for one in pending {
        for statement in one.statements {
            match Effect::of(one.file.slice(statement.span)) {
                Effect::Drop(name) => {
                    drops = true;
                    tables.push(name.table);
                }
                // It may be dropped under the other name.
                Effect::Rename { from, .. } => tables.push(from.table),
                _ => {}
            }
        }
    }
    if !drops {
        return Vec::new();
    }
    tables.sort();
    tables.dedup();
    tables
}

/// What dropping tables does, where the keys are on and nothing says that it is
/// meant; and what rebuilds leave out.
pub(crate) fn find(pending: &[Pending<'_>], live: &Dependents) -> Vec<Finding> {
    let mut schema = Schema {
        keys: live.keys.clone(),
        live,
        renamed: Vec::new(),
        changed: Vec::new(),
    };
    let mut findings = Vec::new();
    for one in pending {
        schema.run(one, &mut findings);
    }
    findings
}

/// The schema as it will be, as far as it matters here.
struct Schema<'a> {
    keys: Vec<Key>,
    live: &'a Dependents,
    /// New names, and the names that the database knows.
    renamed: Vec<(String, String)>,
    /// Tables, and objects, that are no longer as the database knows them.
    changed: Vec<String>,
}

/// What one file does to the tables that it rebuilds.
#[derive(Default)]
struct Rebuild {
    /// Dropped tables: name, what the database calls it, and the place.
    dropped: Vec<(String, String, Span)>,
    /// Tables that have taken the name of a dropped one, under both names.
    renamed: Vec<(String, String)>,
    /// Names of objects that are created or dropped.
    named: Vec<String>,
    /// Indexes by their table and columns.
    indexes: Vec<(String, String)>,
}

impl Schema<'_> {
    fn run(&mut self, one: &Pending<'_>, findings: &mut Vec<Finding>) {
        if !one.script.is_sql() {
            // Nobody knows what it does.
            self.change_all();
            return;
        }
        let mut keys_are_on = true;
        let mut rebuild = Rebuild::default();
        for (number, statement) in one.statements.iter().enumerate() {
            if let (StatementKind::ForeignKeys(on), false) =
                (statement.kind, one.script.transaction)
            {
                keys_are_on = on;
            }
            if number < one.done {
                continue;
            }
            let text = one.file.slice(statement.span);
            match Effect::of(text) {
                Effect::Create { table, parents } if is_main(&table) => {
                    self.add_keys(&table.table, parents);
                }
                Effect::Drop(name) if is_main(&name) => {
                    let is_meant = one.script.allow.contains(&Rule::DropCascades)
                        || allow::is_allowed(
                            one.file,
                            one.statements,
                            number,
                            Rule::DropCascades.name(),
                        );
                    if keys_are_on && !is_meant {
                        let later = dropped_later(one.file, one.statements, number);
                        findings.extend(self.judge(&name.table, &later, one.file, statement.span));
                    }
                    let known = self.live_name(&name.table);
                    rebuild
                        .dropped
                        .push((name.table.clone(), known, statement.span));
                    self.drop(&name.table, keys_are_on);
                }
                Effect::Rename { from, to } if is_main(&from) => {
                    self.rename(&from.table, &to);
                    rebuild.renamed.push((from.table, to));
                }
                Effect::CreateIndex {
                    name,
                    table,
                    columns,
                } => {
                    rebuild.named.push(name);
                    rebuild.indexes.push((table, columns));
                }
                Effect::CreateTrigger { name } => rebuild.named.push(name),
                Effect::DropObject { name } => {
                    rebuild.named.push(name.clone());
                    self.changed.push(name);
                }
                Effect::Other {
                    may_change_rows: true,
                } => self.change_rows(text),
                Effect::Create { .. }
                | Effect::Drop(_)
                | Effect::Rename { .. }
                | Effect::Other { .. } => {}
            }
        }
        findings.extend(self.left_out(&rebuild, one.file));
    }

    /// What a DROP TABLE would do.
    fn judge(
        &self,
        table: &str,
        dropped_later: &HashSet<String>,
        file: &Arc<SourceFile>,
        span: Span,
    ) -> Option<Finding> {
        let stays = |name: &str| !dropped_later.contains(&name.to_ascii_lowercase());
        let children: Vec<(String, OnDelete)> = self
            .keys
            .iter()
            .filter(|key| same(&key.parent, table) && !same(&key.child, table))
            .filter(|key| stays(&key.child))
            .map(|key| (key.child.clone(), key.on_delete))
            .collect();
        let known = self.live_name(table);
        let is_unchanged = |name: &String| !self.changed.iter().any(|other| same(other, name));
        let losses: Vec<Loss> = self
            .live
            .losses
            .iter()
            .filter(|(of, loss)| same(of, &known) && loss.path.iter().all(is_unchanged))
            .filter(|(_, loss)| {
                is_unchanged(&known) && loss.path.last().is_some_and(|it| stays(it))
            })
            .map(|(_, loss)| loss.clone())
            .collect();
        // Of children's children only the losses are known.
        if children.is_empty() && losses.is_empty() {
            return None;
        }
        Some(Finding {
            is_certain: !losses.is_empty(),
            error: Error::DropCascades(Box::new(DropCascades {
                file: Arc::clone(file),
                span,
                table: table.to_owned(),
                losses,
                children,
            })),
        })
    }

    fn add_keys(&mut self, table: &str, parents: Vec<(String, OnDelete)>) {
        let new = parents.into_iter().map(|(parent, on_delete)| Key {
            child: table.to_owned(),
            parent,
            on_delete,
        });
        for key in new {
            // With IF NOT EXISTS it may be there already.
            let is_there = |other: &Key| {
                same(&other.child, &key.child)
                    && same(&other.parent, &key.parent)
                    && other.on_delete == key.on_delete
            };
            if !self.keys.iter().any(is_there) {
                self.keys.push(key);
            }
        }
    }

    fn drop(&mut self, table: &str, keys_are_on: bool) {
        let known = self.live_name(table);
        self.keys.retain(|key| !same(&key.child, table));
        if keys_are_on {
            let lost = self.live.losses.iter().filter(|(of, _)| same(of, &known));
            self.changed
                .extend(lost.filter_map(|(_, loss)| loss.path.last().cloned()));
        }
        self.changed.push(known);
    }

    fn rename(&mut self, from: &str, to: &str) {
        for key in &mut self.keys {
            for name in [&mut key.child, &mut key.parent] {
                if same(name, from) {
                    to.clone_into(name);
                }
            }
        }
        let known = self.live_name(from);
        self.renamed
            .retain(|(new, _)| !same(new, to) && !same(new, from));
        self.renamed.push((to.to_owned(), known));
    }

    /// What a statement may have done to rows.
    fn change_rows(&mut self, text: &str) {
        if self.keys.is_empty() {
            return;
        }
        let words = words(text);
        let keys = self.keys.iter();
        let names = keys.flat_map(|key| [&key.child, &key.parent]);
        let changed: Vec<String> = names
            .filter(|name| words.contains(&name.to_ascii_lowercase()))
            .map(|name| self.live_name(name))
            .collect();
        self.changed.extend(changed);
    }

    fn change_all(&mut self) {
        let keys = self.keys.iter();
        let names = keys.flat_map(|key| [key.child.clone(), key.parent.clone()]);
        self.changed.extend(names);
    }

    /// What the database calls a table now.
    fn live_name(&self, table: &str) -> String {
        let renamed = self.renamed.iter().find(|(new, _)| same(new, table));
        renamed.map_or_else(|| table.to_owned(), |(_, known)| known.clone())
    }

    /// Indexes and triggers of rebuilt tables that are not made again.
    fn left_out(&self, rebuild: &Rebuild, file: &Arc<SourceFile>) -> Vec<Finding> {
        let Rebuild {
            dropped,
            renamed,
            named,
            indexes,
        } = rebuild;
        let mut findings = Vec::new();
        for (table, known, span) in dropped {
            let Some((before, _)) = renamed.iter().find(|(_, to)| same(to, table)) else {
                continue;
            };
            let is_again = |object: &&Object| {
                let is_named = |name: &String| same(name, &object.name);
                let is_made = |(of, columns): &(String, String)| {
                    let Effect::CreateIndex { columns: it, .. } = Effect::of(&object.sql) else {
                        return false;
                    };
                    (same(of, table) || same(of, before)) && *columns == it
                };
                named.iter().any(is_named)
                    || self.changed.iter().any(is_named)
                    || indexes.iter().any(is_made)
            };
            let objects: Vec<(String, String)> = self
                .live
                .objects
                .iter()
                .filter(|object| same(&object.table, known) && !is_again(object))
                .map(|object| (object.kind.clone(), object.name.clone()))
                .collect();
            if !objects.is_empty() {
                findings.push(Finding {
                    error: Error::RebuildLoses(Box::new(RebuildLoses {
                        file: Arc::clone(file),
                        span: *span,
                        table: table.clone(),
                        objects,
                    })),
                    is_certain: false,
                });
            }
        }
        findings
    }
}

fn is_main(name: &Name) -> bool {
    let schema = name.schema.as_deref();
    schema.is_none_or(|schema| schema.eq_ignore_ascii_case("main"))
}

/// SQLite's names differ by more than the case of ASCII letters.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
