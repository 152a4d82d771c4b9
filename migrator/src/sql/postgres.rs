//! PostgreSQL: how its text is written, and what its statements are to a
//! transaction.

use super::kind::{Head, StatementKind};
use super::rules::Rules;

pub(super) const RULES: Rules = Rules {
    backslash_commands: true,
    backslash_escapes: false,
    backtick_identifiers: false,
    bracket_identifiers: false,
    carriage_return_ends_comment: true,
    dash_comments_need_space: false,
    delimiter_lines: false,
    dollar_quotes: true,
    double_quoted_strings: false,
    escape_strings: true,
    executable_comments: false,
    hash_comments: false,
    nested_comments: true,
    parentheses_hide_semicolons: true,
};

/// The callers of `PreventInTransactionBlock` that show by their first words.
const NO_TRANSACTION: &[&str] = &[
    "ALTER SYSTEM",
    "COMMIT PREPARED",
    "CREATE DATABASE",
    "CREATE INDEX CONCURRENTLY",
    "CREATE TABLESPACE",
    "CREATE UNIQUE INDEX CONCURRENTLY",
    "DISCARD ALL",
    "DROP DATABASE",
    "DROP INDEX CONCURRENTLY",
    "DROP SUBSCRIPTION",
    "DROP TABLESPACE",
    "REINDEX DATABASE",
    "REINDEX SCHEMA",
    "REINDEX SYSTEM",
    "ROLLBACK PREPARED",
    "VACUUM",
];

const TRANSACTION_CONTROL: &[&str] = &[
    "ABORT",
    "BEGIN",
    "COMMIT",
    "END",
    "PREPARE TRANSACTION",
    "ROLLBACK",
    "START TRANSACTION",
];

pub(super) fn kind(head: &mut Head<'_>) -> StatementKind {
    if let Some(what) = head
        .begins_with_any(NO_TRANSACTION)
        .or_else(|| prevented(head))
    {
        return StatementKind::NoTransaction(what);
    }
    if head.begins_with("COPY") {
        return copy(head);
    }
    if head.begins_with_any(TRANSACTION_CONTROL).is_some() && !head.is_rollback_to_savepoint() {
        return StatementKind::TransactionControl;
    }
    StatementKind::Other
}

/// What cannot run in a transaction by something further on.
fn prevented(head: &mut Head<'_>) -> Option<&'static str> {
    if head.begins_with("REINDEX") && head.has("CONCURRENTLY") {
        Some("REINDEX CONCURRENTLY")
    } else if head.begins_with("CLUSTER") && head.has_only(&["CLUSTER", "VERBOSE"]) {
        Some("CLUSTER")
    } else if head.begins_with("ALTER DATABASE") && head.has_phrase("SET TABLESPACE") {
        Some("ALTER DATABASE SET TABLESPACE")
    } else if head.begins_with("ALTER TABLE")
        && head.has_phrase("DETACH PARTITION")
        && head.has("CONCURRENTLY")
    {
        Some("ALTER TABLE DETACH PARTITION CONCURRENTLY")
    } else if head.begins_with("CREATE SUBSCRIPTION")
        && !head.has_option_off("connect")
        && !head.has_option_off("create_slot")
    {
        Some("CREATE SUBSCRIPTION")
    } else if head.begins_with("ALTER SUBSCRIPTION")
        && (head.has_phrase("REFRESH PUBLICATION")
            || (head.has("PUBLICATION") && !head.has_option_off("refresh")))
    {
        Some("ALTER SUBSCRIPTION PUBLICATION")
    } else {
        None
    }
}

/// Either name goes with either direction: `COPY t FROM stdout` reads.
fn copy(head: &mut Head<'_>) -> StatementKind {
    if head.has_phrase("FROM STDIN") || head.has_phrase("FROM STDOUT") {
        StatementKind::CopyFromStdin
    } else if head.has_phrase("TO STDOUT") || head.has_phrase("TO STDIN") {
        StatementKind::CopyToStdout
    } else {
        StatementKind::Other
    }
}
