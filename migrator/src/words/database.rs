//! Words for what databases say.

use super::one_line;
use crate::db::fault::{Fault, FaultKind};
use crate::db::{BlockingSession, Lock, hints};
use crate::diagnostic::Diagnostic;
use crate::error::LockHeld;

/// A complaint that belongs to no migration.
pub(super) fn fault(fault: &Fault) -> Diagnostic {
    let (code, title, help) = match fault.kind {
        FaultKind::Cascades => (
            "drop_cascades",
            "a statement would delete or change rows of other tables",
            "rebuild the table with foreign keys turned off",
        ),
        // The engine looks again where this may be.
        FaultKind::Claimed => (
            "lock_held",
            "another run is at work",
            "make sure that it ends, then run again",
        ),
        FaultKind::Driver => (
            "driver_error",
            "the communication with the database failed",
            "run `migrate status` to see what is applied; if it happens again, report it with this \
             output",
        ),
        FaultKind::File => (
            "database_file",
            "the database file cannot be used",
            "correct the path in the URL (sqlite:/srv/app.db, or sqlite:app.db in the working \
             directory) or create what is missing; `migrate up` creates the file, but not its \
             folder, and not with mode=rw or mode=ro",
        ),
        FaultKind::LockTimeout => (
            "lock_timeout",
            "one of migrate's own statements waited too long for a lock",
            "run again at a quieter time, or wait longer with --lock-timeout",
        ),
        FaultKind::Lost => (
            "connection_lost",
            "the connection to the database was lost",
            "run migrate again: it continues from what the history says",
        ),
        FaultKind::Name => (
            "bad_setting",
            "invalid history table name",
            "correct --table, MIGRATE_TABLE, or in sqlx.toml table-name or create-schemas; quote \
             names that are not plain identifiers as the database does",
        ),
        FaultKind::Hidden => (
            "history_hidden",
            "the history cannot be read completely",
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
            "set the history table with --table, or table-name in sqlx.toml; if another program \
             has a table of that name, choose another name",
        ),
        FaultKind::Refused => (
            "connection_refused",
            "the database refused the connection",
            "check the user, the password and the database name in the URL",
        ),
        FaultKind::Setting => (
            "bad_database_url",
            "the database URL has an invalid parameter",
            "correct the parameters of the URL",
        ),
        FaultKind::Statement => (
            "statement_failed",
            "the database refused one of migrate's own statements",
            "check that the user in the URL may read and write the history table, and create it if \
             it does not exist",
        ),
        FaultKind::Tls => (
            "tls_failed",
            "no encrypted connection could be established",
            "check sslmode (for MySQL ssl-mode) and the CA certificate",
        ),
        FaultKind::Unreachable => (
            "unreachable",
            "the database does not answer",
            "check the host and port in the URL, that the server is running, and that its firewall \
             or trusted sources allow this process; --wait waits longer",
        ),
    };
    Diagnostic::error(code, format!("{title}: {}", said(fault)))
        .notes(facts(fault))
        .help(hints::next_step(fault).unwrap_or_else(|| help.to_owned()))
}

/// Nothing of the schema was being changed, but what is recorded of it.
pub(super) fn unrecorded(fault: &Fault) -> Diagnostic {
    let title = "the connection to the database was lost while migrate was changing its records";
    Diagnostic::error("connection_lost", format!("{title}: {}", said(fault)))
        .help("run `migrate status` to see whether they were changed; if not, run this again")
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
            "these migrations are recorded in {}, but {missing} records none of them",
            tables.join(" and ")
        ),
    )
    .note(note);
    let begin = format!("to begin a new history anyway, use --table '{missing}'");
    match tables {
        [table] => diagnostic.help(format!(
            "to continue with it, use --table '{table}', or `table` in migrate.toml; {begin}"
        )),
        _ => diagnostic.help(format!(
            "choose one with --table, or `table` in migrate.toml; {begin}"
        )),
    }
}

pub(super) fn foreign_history(tool: &str, table: &str, create: &str) -> Diagnostic {
    Diagnostic::error(
        "foreign_history",
        format!("this database has a history of {tool} (table {table}), but none of sqlx"),
    )
    .note("with a second history, what is already in the database would be applied again")
    .help(format!(
        "check that DATABASE_URL names the right database; if {tool} manages another part of it, \
         create the history table by hand and run again: {create}"
    ))
}

pub(super) fn lock_held(error: &LockHeld) -> Diagnostic {
    let waited = error.waited.as_secs();
    let (title, help) = match error.lock {
        Lock::Own => (
            format!("another migrator has held the lock for {waited} s"),
            "make sure that it ends, then run again; --lock-wait waits longer",
        ),
        Lock::Program => (
            format!(
                "another program has had a transaction open on the history table for {waited} s"
            ),
            "make sure that it ends, or end the session that holds it, then run again; --lock-wait \
             waits longer",
        ),
        Lock::Tools => (
            format!("an application has held the lock of sqlx's own migrator for {waited} s"),
            "make sure that its migrations end, or end its session (after an error, sqlx keeps the \
             lock for as long as the session lasts); then run again; --lock-wait waits longer",
        ),
    };
    let diagnostic = Diagnostic::error("lock_held", title).help(help);
    match &error.holder {
        Some(holder) => diagnostic.note(format!("the holder is {}", who(holder))),
        None => diagnostic,
    }
}

/// A session, as a person looks for it in the server's list.
fn who(blocker: &BlockingSession) -> String {
    let name = match blocker.application.as_str() {
        "" => "without a name",
        name => name,
    };
    format!(
        "process {} ({name}, {}, {} s); its current or last query: {}",
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
        ("hint from the database", &fault.hint),
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

pub(crate) fn not_remembered(fault: &Fault) -> Diagnostic {
    Diagnostic::warning(
        "run_not_remembered",
        format!("this run cannot be recorded: {}", said(fault)),
    )
    .help(
        "allow this user to create and write the table _migrate_runs beside the history table; \
         without it `status` shows no runs, and `down --unconfirmed` does not know what to revert",
    )
}

/// That a database may have been brought up by hand.
pub(crate) fn tables_without_history() -> Diagnostic {
    Diagnostic::warning(
        "tables_without_history",
        "this database has tables, but no history of migrations",
    )
    .help(
        "if a migration fails because what it creates already exists, record the migrations that \
         are in the database: migrate baseline VERSION",
    )
}
