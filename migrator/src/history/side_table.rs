//! What the tables of ours have in common: each stands beside a history table, and
//! each row says in which format it was written.

use super::ledger::{Ledger, quote};
use super::table::Row;
use crate::sql::Dialect;

/// The format in which this version writes its rows. A later one may write another,
/// and this one then knows that it does not understand them.
pub const FORMAT: i64 = 1;

/// The column in which a row says it.
pub(super) fn format_column() -> String {
    format!("format INTEGER NOT NULL DEFAULT {FORMAT}")
}

/// How a table of ours was made: the first ones had no column `format`, and a
/// version that was a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Current,
    First,
}

/// How a table of ours is made, and brought to what this version writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upkeep {
    pub create: String,
    /// Fails with an unknown column where the table has the first layout.
    pub probe: String,
    /// Changes the first layout into this one, and loses nothing.
    pub upgrade: Vec<String>,
}

/// Whether a row of such a table was written by a version that knows more than
/// this one: its first column is the format.
#[must_use]
pub fn is_newer(row: &Row) -> bool {
    let format = row.first().and_then(|text| text.as_deref()?.parse().ok());
    format.is_none_or(|format: i64| format > FORMAT)
}

/// A table of ours, of which some rows are one history's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SideTable {
    /// Its name in full.
    pub(super) table: String,
    /// What its column `history` says of the history: its table's name, without
    /// its schema and quotes.
    pub(super) history: String,
    pub(super) dialect: Dialect,
}

impl SideTable {
    /// The table of this name beside a history table that a database has named in
    /// full.
    pub(super) fn beside(ledger: &Ledger, own: &str, dialect: Dialect) -> Self {
        let (schema, name) = split_name(&ledger.table);
        Self {
            table: format!("{schema}{own}"),
            history: name.replace(['"', '`'], ""),
            dialect,
        }
    }

    /// A text, quoted.
    pub(super) fn quote(&self, text: &str) -> String {
        quote(self.dialect, text)
    }

    /// The history, as a new row says it.
    pub(super) fn history(&self) -> String {
        self.quote(&self.history)
    }

    /// Its columns as text, the format before them.
    pub(super) fn select(&self, layout: Layout, columns: &str) -> String {
        let format = match (layout, self.dialect) {
            (Layout::First, _) => "'1'",
            (Layout::Current, Dialect::Mysql) => "CAST(format AS CHAR)",
            (Layout::Current, Dialect::Postgres | Dialect::Sqlite) => "CAST(format AS TEXT)",
        };
        format!(
            "SELECT {format}, {columns} FROM {} WHERE {}",
            self.table,
            self.of_history()
        )
    }

    /// How the table is made by this statement and kept, where nothing but the format
    /// came to its first layout.
    pub(super) fn upkeep(&self, create: String) -> Upkeep {
        let table = &self.table;
        Upkeep {
            create,
            probe: format!("SELECT format FROM {table} WHERE 1 = 0"),
            upgrade: vec![format!(
                "ALTER TABLE {table} ADD COLUMN {}",
                format_column()
            )],
        }
    }

    /// The condition of this history's rows.
    pub(super) fn of_history(&self) -> String {
        format!("history = {}", self.history())
    }
}

/// The schema with its dot, and the name: `"a.b"."c"` is `"a.b".` and `"c"`.
fn split_name(table: &str) -> (&str, &str) {
    let mut quote = None;
    let mut dot = None;
    for (at, c) in table.char_indices() {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, '.') => dot = Some(at + 1),
            _ => {}
        }
    }
    table.split_at(dot.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_outside_of_its_quotes() {
        assert_eq!(split_name("t"), ("", "t"));
        assert_eq!(split_name("s.t"), ("s.", "t"));
        assert_eq!(split_name("\"a.b\".\"c.d\""), ("\"a.b\".", "\"c.d\""));
    }
}
