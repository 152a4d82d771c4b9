//! What the tables of ours have in common: each stands beside a history table.

use super::ledger::{Ledger, quote};
use crate::sql::Dialect;

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
