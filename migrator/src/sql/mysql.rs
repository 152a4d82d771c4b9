//! MySQL and MariaDB: how their text is written, and what their statements are to
//! a transaction.

use super::kind::{Head, StatementKind};
use super::rules::Rules;

pub(super) const RULES: Rules = Rules {
    backslash_commands: false,
    backslash_escapes: true,
    backtick_identifiers: true,
    bracket_identifiers: false,
    carriage_return_ends_comment: false,
    dash_comments_need_space: true,
    delimiter_lines: true,
    dollar_quotes: false,
    double_quoted_strings: true,
    escape_strings: false,
    executable_comments: true,
    hash_comments: true,
    nested_comments: false,
    parentheses_hide_semicolons: false,
};

const TRANSACTION_CONTROL: &[&str] = &["BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "XA"];

pub(super) fn kind(head: &mut Head<'_>) -> StatementKind {
    if head
        .begins_with_any(&["LOCK TABLE", "LOCK TABLES"])
        .is_some()
    {
        return StatementKind::LockTables;
    }
    // MariaDB's BEGIN NOT ATOMIC is a compound statement.
    if head.begins_with_any(TRANSACTION_CONTROL).is_some()
        && !head.begins_with("BEGIN NOT")
        && !head.is_rollback_to_savepoint()
    {
        return StatementKind::TransactionControl;
    }
    if head.begins_with("SET") && head.has("AUTOCOMMIT") {
        return StatementKind::TransactionControl;
    }
    StatementKind::Other
}
