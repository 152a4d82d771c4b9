//! Words for what databases say.

use super::one_line;
use crate::db::fault::{Fault, FaultKind};
use crate::db::{Blocker, Lock, hints};
use crate::diagnostic::Diagnostic;
use crate::error::LockHeld;

/// A complaint that belongs to no migration.
pub(super) fn fault(fault: &Fault) -> Diagnostic {
    let (code, title, help) = match fault.kind {
        FaultKind::Cascades => (
            "drop_cascades",
            "a statement would cost rows of other tables",
            "rebuild the table with foreign keys turned off",
        ),
        // The engine looks again where this may be.
        FaultKind::Claimed => (
            "lock_held",
            "another run is at it",
            "see that it ends, then run again",
        ),
        FaultKind::Driver => (
            "driver_error",
            "the conversation with the database failed",
            "see by `migrate status` what is applied; if it happens again, report it with this \
             output",
        ),
        FaultKind::File => (
            "database_file",
            "the database's file cannot be used",
            "correct the path in the URL (sqlite:/srv/app.db, or sqlite:app.db in the working \
             directory) or put there what is missing; `migrate up` creates the file, but no folder, \
             and not with mode=rw or mode=ro",
        ),
        FaultKind::LockTimeout => (
            "lock_timeout",
            "a statement of migrate's own waited too long for a lock",
            "run again at a quieter time, or wait longer with --lock-timeout",
        ),
        FaultKind::Lost => (
            "connection_lost",
            "the connection to the database ended",
            "run migrate again: it goes on from what the history says",
        ),
        FaultKind::Name => (
            "bad_setting",
            "the history table's name is none",
            "correct --table, MIGRATE_TABLE, or in sqlx.toml table-name or create-schemas; what is \
             no plain name stands in the database's own quotes",
        ),
        FaultKind::Hidden => (
            "history_hidden",
            "the history cannot be read in full",
            "run as the table's owner or as a user with BYPASSRLS, or switch row-level security \
             off for this table",
        ),
        FaultKind::Newer => (
            "newer_journal",
            "the history cannot be read",
            "run the version of migrate that wrote it, or a newer one",
        ),
        FaultKind::NotAHistory => (
            "not_a_history",
            "the history cannot be read",
            "name the history table with --table, or table-name in sqlx.toml; if another program \
             keeps a table of that name, choose another",
        ),
        FaultKind::Refused => (
            "connection_refused",
            "the database refused the connection",
            "check user, password and database name of the URL",
        ),
        FaultKind::Setting => (
            "bad_database_url",
            "the database URL holds a bad setting",
            "correct the parameters of the URL",
        ),
        FaultKind::Statement => (
            "statement_failed",
            "the database refused a statement of migrate's own",
            "see that the user of the URL may read and write the history table, and create it where \
             it is missing",
        ),
        FaultKind::Tls => (
            "tls_failed",
            "no encrypted connection could be made",
            "check sslmode (for MySQL ssl-mode) and the CA of the URL",
        ),
        FaultKind::Unreachable => (
            "unreachable",
            "the database does not answer",
            "check host and port of the URL, that the server runs, and that its firewall or \
             trusted sources let this process in; --wait waits longer",
        ),
    };
    Diagnostic::error(code, format!("{title}: {}", said(fault)))
        .notes(facts(fault))
        .help(hints::next_step(fault).unwrap_or_else(|| help.to_owned()))
}

/// Nothing of the schema was being changed, but what is recorded of it.
pub(super) fn unrecorded(fault: &Fault) -> Diagnostic {
    let title = "the connection to the database ended while what is recorded was being changed";
    Diagnostic::error("connection_lost", format!("{title}: {}", said(fault)))
        .help("see with `migrate status` whether it was changed, and if not, run this again")
}

pub(super) fn history_elsewhere(
    tables: &[String],
    missing: &str,
    is_the_first: bool,
) -> Diagnostic {
    let note = if is_the_first {
        "env.py does not name their schema as a literal (version_table_schema), or the search path \
         of this user or of this database has changed"
    } else {
        "the search path of this user or of this database has changed"
    };
    let diagnostic = Diagnostic::error(
        "history_elsewhere",
        format!(
            "these migrations are recorded in {}, and {missing} records none",
            tables.join(" and ")
        ),
    )
    .note(note);
    let begin = format!("to begin a new history all the same, give --table '{missing}'");
    match tables {
        [table] => diagnostic.help(format!(
            "go on with it: give --table '{table}', or `table` in migrate.toml; {begin}"
        )),
        _ => diagnostic.help(format!(
            "say which one it is with --table, or `table` in migrate.toml; {begin}"
        )),
    }
}

pub(super) fn foreign_history(tool: &str, table: &str, create: &str) -> Diagnostic {
    Diagnostic::error(
        "foreign_history",
        format!("this database has the history of {tool} (table {table}), and none of sqlx"),
    )
    .note("a second history beside it would apply again what is there already")
    .help(format!(
        "check that DATABASE_URL names the right database; if {tool} keeps another part of it, \
         create the history table by hand and run again: {create}"
    ))
}

pub(super) fn lock_held(error: &LockHeld) -> Diagnostic {
    let waited = error.waited.as_secs();
    let (title, help) = match error.lock {
        Lock::Own => (
            format!("another migrator has held the lock for {waited} s"),
            "see that it ends, then run again; --lock-wait waits longer",
        ),
        Lock::Program => (
            format!(
                "another Alembic has been in a transaction with the version table for {waited} s"
            ),
            "see that it ends, or the session that holds it, then run again; --lock-wait waits longer",
        ),
        Lock::Tools => (
            format!("an application has held the lock of sqlx's own migrator for {waited} s"),
            "see that its migrations end, or its session: sqlx keeps the lock after an error for as \
             long as the session lasts; then run again; --lock-wait waits longer",
        ),
    };
    let diagnostic = Diagnostic::error("lock_held", title).help(help);
    match &error.holder {
        Some(holder) => diagnostic.note(format!("the holder is {}", who(holder))),
        None => diagnostic,
    }
}

/// A session, as a person looks for it in the server's list.
fn who(blocker: &Blocker) -> String {
    let name = match blocker.application.as_str() {
        "" => "without a name",
        name => name,
    };
    format!(
        "process {} ({name}, {}, {} s); its query is or was: {}",
        blocker.process,
        blocker.state,
        blocker.age.as_secs(),
        blocker
            .query
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    )
}

/// The message with its code, as the database gave them.
pub(super) fn said(fault: &Fault) -> String {
    let message = one_line(&fault.message);
    match &fault.code {
        Some(code) => format!("{message} ({code})"),
        None => message,
    }
}

pub(super) fn facts(fault: &Fault) -> Vec<String> {
    [
        ("detail", &fault.detail),
        ("hint of the database", &fault.hint),
        ("constraint", &fault.constraint),
        ("table", &fault.table),
        ("in", &fault.context),
        (
            "at its statement",
            &fault.inner.as_ref().map(|inner| inner.text.clone()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some(format!("{name}: {}", one_line(text.as_deref()?))))
    .collect()
}

pub(in crate::error) fn not_remembered(fault: &Fault) -> Diagnostic {
    Diagnostic::warning(
        "run_not_remembered",
        format!("this run cannot be remembered: {}", said(fault)),
    )
    .help(
        "let this user create and write the table _migrate_runs beside the history table; without \
         it `status` shows no runs, and `down --unconfirmed` has nothing to go by",
    )
}
