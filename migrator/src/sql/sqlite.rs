//! SQLite: how its text is written, and what its statements are to a transaction.

use super::kind::{Head, StatementKind};
use super::rules::Rules;

pub(super) const RULES: Rules = Rules {
    backslash_commands: false,
    backslash_escapes: false,
    backtick_identifiers: true,
    bracket_identifiers: true,
    carriage_return_ends_comment: false,
    dash_comments_need_space: false,
    delimiter_lines: false,
    dollar_quotes: false,
    double_quoted_strings: false,
    escape_strings: false,
    executable_comments: false,
    hash_comments: false,
    nested_comments: false,
    parentheses_hide_semicolons: false,
};

const NO_TRANSACTION: &[&str] = &["DETACH", "VACUUM"];

const TRANSACTION_CONTROL: &[&str] = &["BEGIN", "COMMIT", "END", "ROLLBACK"];

/// Tried on 3.40: ATTACH works in a transaction; `journal_mode` fails there when it
/// goes to or from WAL; `foreign_keys` does nothing and says nothing.
pub(super) fn kind(head: &mut Head<'_>) -> StatementKind {
    if let Some(what) = head.begins_with_any(NO_TRANSACTION) {
        return StatementKind::NoTransaction(what);
    }
    if head.begins_with("PRAGMA") {
        return pragma(head);
    }
    if head.begins_with_any(TRANSACTION_CONTROL).is_some() && !head.is_rollback_to_savepoint() {
        return StatementKind::TransactionControl;
    }
    StatementKind::Other
}

fn pragma(head: &mut Head<'_>) -> StatementKind {
    if let Some(value) = head.pragma_value("foreign_keys") {
        StatementKind::ForeignKeys(is_on(value))
    } else if head.sets_pragma("journal_mode") {
        StatementKind::NoTransaction("PRAGMA journal_mode")
    } else if head.sets_pragma("synchronous") {
        StatementKind::NoTransaction("PRAGMA synchronous")
    } else if head.has_phrase("wal_checkpoint") {
        StatementKind::NoTransaction("PRAGMA wal_checkpoint")
    } else {
        StatementKind::Other
    }
}

/// As SQLite reads a boolean: a number's last byte, or a word; all else is off.
fn is_on(value: &str) -> bool {
    let value = value.trim_matches(['\'', '"', '`', '[', ']']);
    match value.parse::<u64>() {
        Ok(number) => number % 256 != 0,
        Err(_) => ["on", "true", "yes"]
            .iter()
            .any(|on| value.eq_ignore_ascii_case(on)),
    }
}
