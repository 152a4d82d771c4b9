//! Words for what databases say.

use super::{first_line, one_line};
use crate::db::fault::{Fault, FaultKind};
use crate::db::hints;
use crate::db::{Blocker, Lock};
use crate::diagnostic::{Diagnostic, Place};
#[cfg(feature = "cli")]
use crate::engine::stop::Reason;
#[cfg(feature = "cli")]
use crate::error::Stopped;
use crate::error::{LockHeld, MigrationFailure, State};
use crate::text::{SourceFile, Span};

/// A complaint that belongs to no migration.
pub(super) fn fault(fault: &Fault) -> Diagnostic {
    let (code, title, help) = match fault.kind {
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

#[cfg(feature = "cli")]
pub(super) fn stopped(stopped: &Stopped) -> Diagnostic {
    let (code, title, help) = match stopped.reason {
        Reason::Deadline { limit } => (
            "deadline",
            format!(
                "the deadline of {} has passed",
                humantime::format_duration(limit)
            ),
            "run again: it goes on from what the history says; --deadline allows for more time",
        ),
        Reason::Interrupt => (
            "interrupted",
            "interrupted (SIGINT)".to_owned(),
            "run again: it goes on from what the history says",
        ),
        Reason::Terminate => (
            "terminated",
            "asked to end (SIGTERM)".to_owned(),
            "run again: it goes on from what the history says",
        ),
    };
    let Some(failure) = &stopped.failure else {
        return Diagnostic::error(code, title).help(help);
    };
    let diagnostic = Diagnostic::error(code, format!("{title} while {} ran", failure.file.path()))
        .at(place(failure), "this was running")
        .notes(statement(failure))
        .notes(
            (failure.fault.kind == FaultKind::LockTimeout)
                .then(|| format!("it waited for a lock: {}", said(&failure.fault))),
        );
    match &failure.state {
        State::HalfApplied {
            ran,
            resumable: false,
        } => diagnostic.help(half_applied(failure, *ran, false)),
        State::HalfApplied { .. }
        | State::HalfRepeated { .. }
        | State::RolledBack
        | State::Unknown
        | State::Unsettled { .. } => diagnostic.help(help),
    }
}

pub(super) fn migration(failure: &MigrationFailure) -> Diagnostic {
    let path = failure.file.path();
    let again = again(failure);
    let diagnostic = Diagnostic::error(
        match &failure.state {
            State::HalfApplied { .. } if failure.reverts => "migration_half_reverted",
            State::HalfApplied { .. } => "migration_half_applied",
            State::HalfRepeated { .. } => "repeatable_half_run",
            State::RolledBack => "migration_failed",
            State::Unknown => "connection_lost",
            State::Unsettled { .. } => "statement_unsettled",
        },
        format!("{path}: {}", said(&failure.fault)),
    )
    .at(place(failure), label(&failure.fault))
    .notes(statement(failure))
    .notes(facts(&failure.fault));
    match &failure.state {
        State::RolledBack if failure.statement.is_none() && failure.offset.is_none() => diagnostic
            .note("no statement of the file failed, but its history row or its COMMIT")
            .help(hints::next_step(&failure.fault).unwrap_or_else(|| outside_the_file(failure))),
        State::RolledBack => diagnostic.help(
            hints::next_step(&failure.fault)
                .unwrap_or_else(|| format!("correct {path} and run {again}")),
        ),
        State::HalfApplied { ran, resumable } => {
            let known = hints::next_step(&failure.fault);
            diagnostic
                .notes(known.map(|step| format!("what helps: {step}")))
                .help(half_applied(failure, *ran, *resumable))
        }
        State::HalfRepeated { ran } => diagnostic.help(format!(
            "correct {path} and run {again}: it begins with its first statement, of which {ran} \
             were run"
        )),
        State::Unsettled { ran } => diagnostic.help(settle(failure, *ran)),
        State::Unknown => diagnostic.help(format!(
            "see with `migrate status` whether it is applied, half applied or pending, then run \
             {again}",
        )),
    }
}

/// What to run once more.
fn again(failure: &MigrationFailure) -> &'static str {
    if failure.reverts {
        "migrate down again"
    } else {
        "migrate up again"
    }
}

/// What to do where no statement of the file failed.
fn outside_the_file(failure: &MigrationFailure) -> String {
    let table = &failure.table;
    if failure.fault.constraint.is_some() || failure.fault.message.contains("constraint") {
        return format!(
            "correct {}, which leaves behind what breaks a deferred constraint, and run migrate up \
             again",
            failure.file.path()
        );
    }
    format!(
        "see that {table} is a table (--table names another) and that this user may write into it, \
         and that the file breaks no deferred constraint; then run migrate up again"
    )
}

/// The exact question, and the line that answers it.
fn settle(failure: &MigrationFailure, ran: usize) -> String {
    let number = ran + 1;
    let version = failure.subject.version().unwrap_or_default();
    format!(
        "see in the database whether statement {number} happened; if it did, run `migrate repair \
         --resolve {version}=happened`, if not, `migrate repair --resolve \
         {version}=did-not-happen`; then run {}",
        again(failure)
    )
}

fn half_applied(failure: &MigrationFailure, ran: usize, resumable: bool) -> String {
    let again = again(failure);
    if resumable {
        let path = failure.file.path();
        return match ran {
            0 => format!("correct {path} and run {again}"),
            _ => format!("correct {path} after statement {ran} and run {again}: it goes on there"),
        };
    }
    let (finish, undo) = if ran == 0 {
        (
            "run the whole file by hand".to_owned(),
            "see that nothing of it is there".to_owned(),
        )
    } else {
        (
            format!("run by hand what follows statement {ran}"),
            match ran {
                1 => "undo statement 1".to_owned(),
                _ => format!("undo statements 1 to {ran}"),
            },
        )
    };
    let (finished, undone) = if failure.reverts {
        ("reverted", "applied")
    } else {
        ("applied", "reverted")
    };
    let version = failure.subject.version().unwrap_or_default();
    format!(
        "either {finish}, then `migrate repair --resolve {version}={finished}`; or {undo}, then \
         `migrate repair --resolve {version}={undone}`; then run {again}"
    )
}

fn statement(failure: &MigrationFailure) -> Option<String> {
    let (number, _) = failure.statement?;
    Some(format!("statement {number} of {}", failure.statements))
}

/// What the database told, else the statement's first line.
fn place(failure: &MigrationFailure) -> Option<Place> {
    let file = &failure.file;
    let offset = failure.offset.or_else(|| inside(failure));
    let span = match (offset, failure.statement) {
        (Some(offset), _) => word_at(file, offset),
        (None, Some((_, span))) => first_line(file, span),
        (None, None) => return None,
    };
    Some(Place::new(file, span))
}

/// Where a statement of a function failed, if the function stands in this file
/// and the statement once in it.
fn inside(failure: &MigrationFailure) -> Option<usize> {
    let inner = failure.fault.inner.as_ref()?;
    let mut places = failure.file.text().match_indices(&inner.text);
    let (start, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let before: usize = inner
        .text
        .chars()
        .take(inner.character)
        .map(char::len_utf8)
        .sum();
    Some(start + before)
}

/// What stands at the caret: MySQL's messages are for the title only.
fn label(fault: &Fault) -> String {
    let message = one_line(&fault.message);
    if message.chars().count() > 60 {
        "here".to_owned()
    } else {
        message
    }
}

/// The word that begins at an offset, or the one character.
fn word_at(file: &SourceFile, offset: usize) -> Span {
    let rest = file.text().get(offset..).unwrap_or_default();
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let one = rest.chars().next().map_or(0, char::len_utf8);
    Span::new(offset, offset + word.max(one))
}

/// The message with its code, as the database gave them.
fn said(fault: &Fault) -> String {
    let message = one_line(&fault.message);
    match (&fault.code, fault.name) {
        (Some(code), Some(name)) => format!("{message} ({code} {name})"),
        (Some(code), None) => format!("{message} ({code})"),
        (None, _) => message,
    }
}

fn facts(fault: &Fault) -> Vec<String> {
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

#[cfg(feature = "cli")]
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
