//! What the tables of ours have in common: each stands beside a history table.

use super::ledger::Ledger;

/// The name in full of a table of ours, and what its column `history` says of
/// the history: its table's name, without its schema and quotes.
pub(super) fn beside(ledger: &Ledger, own: &str) -> (String, String) {
    let (schema, name) = split_name(&ledger.table);
    (format!("{schema}{own}"), name.replace(['"', '`'], ""))
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
