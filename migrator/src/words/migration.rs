//! Words for a migration that failed.

use super::database::{facts, said};
use super::place::{label, place};
use super::rebuild;
use crate::db::fault::FaultKind;
use crate::db::hints;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Place;
use crate::error::{MigrationFailure, MigrationState};
use crate::model::Operation;
use crate::model::Version;
use crate::text::Span;

pub(super) fn migration(failure: &MigrationFailure) -> Diagnostic {
    let path = failure.file.path();
    let again = again(failure);
    let known = known(failure);
    let diagnostic = Diagnostic::error(
        match &failure.state {
            MigrationState::RolledBack if failure.fault.kind == FaultKind::Cascades => {
                "drop_cascades"
            }
            MigrationState::HalfApplied { .. } if failure.reverts => "migration_half_reverted",
            MigrationState::HalfApplied { .. } => "migration_half_applied",
            MigrationState::Uncertain => "revision_uncertain",
            MigrationState::HalfRepeated { .. } => "repeatable_half_run",
            MigrationState::RolledBack => "migration_failed",
            MigrationState::Unknown => "connection_lost",
            MigrationState::Unsettled { .. } => "statement_unsettled",
        },
        format!("{path}: {}", said(&failure.fault)),
    )
    .at(place(failure), label(&failure.fault))
    .notes(statement(failure))
    .notes(facts(&failure.fault));
    match &failure.state {
        MigrationState::RolledBack if failure.is_code => diagnostic
            .note("it is written in Rust; its transaction was rolled back")
            .help(known.unwrap_or_else(|| {
                format!("correct the function that {path} names, and run {again}")
            })),
        MigrationState::RolledBack if failure.statement.is_none() && failure.offset.is_none() => {
            diagnostic
                .note("no statement of the file failed: its history row or its COMMIT failed")
                .help(known.unwrap_or_else(|| outside_the_file(failure)))
        }
        MigrationState::RolledBack if failure.fault.kind == FaultKind::Cascades => {
            diagnostic.help(rebuild::keep_rows())
        }
        MigrationState::RolledBack => {
            diagnostic.help(known.unwrap_or_else(|| format!("correct {path} and run {again}")))
        }
        MigrationState::HalfApplied { ran, resumable } => {
            let known = match failure.fault.kind {
                FaultKind::Cascades => Some(rebuild::keep_rows()),
                _ => known,
            };
            diagnostic.help(half_applied(failure, known.as_deref(), *ran, *resumable))
        }
        MigrationState::HalfRepeated { ran } => {
            let begins = "begins again with its first statement";
            diagnostic.help(match known {
                Some(step) => format!("{step}; then run {again}, which {begins}"),
                None => {
                    format!("correct {path} and run {again}: it {begins} ({ran} were run)")
                }
            })
        }
        MigrationState::Uncertain if failure.reverts => diagnostic.help(format!(
            "check what of {path} is still in the database, because this database does not roll \
             back DDL: restore by hand what is gone, correct the file and run {again}; or finish \
             it by hand, and record where the database is then: `migrate baseline VERSION --force`"
        )),
        MigrationState::Uncertain => diagnostic.help(format!(
            "check what of {path} is in the database, because this database does not roll back DDL \
             (and none rolls back an autocommit_block): undo it by hand, correct the file and run \
             {again}; or finish it by hand and record it: `migrate baseline VERSION --force`"
        )),
        MigrationState::Unsettled { ran } => diagnostic.help(settle(failure, *ran)),
        MigrationState::Unknown => diagnostic.help(format!(
            "run `migrate status` to see whether it is applied, half applied or pending, then run \
             {again}",
        )),
    }
}

/// A file without a statement, of which nobody would notice anything.
pub(crate) fn empty(operation: Operation<'_>) -> Diagnostic {
    let file = &operation.script().file;
    let path = file.path();
    let (title, help) = match operation {
        Operation::Apply(_) => (
            format!("{path} has no statement: it counts as applied, and nothing runs"),
            "write its SQL before it is applied: statements that are added later do not run",
        ),
        Operation::Repeat(_) => (
            format!("{path} has no statement: nothing runs"),
            "write its SQL, or remove the file",
        ),
        Operation::Revert(migration, _) => (
            format!(
                "{path} has no statement: migration {} counts as reverted, and nothing is undone",
                migration.version
            ),
            "write what undoes it, or remove the file",
        ),
    };
    Diagnostic::warning("empty_migration", title)
        .at(Some(Place::new(file, Span::default())), "")
        .help(help)
}

/// The next step of a known cause. What needs to be outside of a transaction and
/// is there already needs something else.
fn known(failure: &MigrationFailure) -> Option<String> {
    let is_outside = failure.file.text().starts_with("-- no-transaction");
    let needs_it = failure.fault.has_code(&hints::NEEDS_NO_TRANSACTION);
    (!(is_outside && needs_it))
        .then(|| hints::next_step(&failure.fault))
        .flatten()
}

/// What to run once more.
fn again(failure: &MigrationFailure) -> &'static str {
    if failure.reverts {
        "migrate down again (--steps counts from there)"
    } else {
        "migrate up again"
    }
}

/// What to do where no statement of the file failed.
fn outside_the_file(failure: &MigrationFailure) -> String {
    let table = &failure.table;
    if failure.fault.constraint.is_some() || failure.fault.message.contains("constraint") {
        return format!(
            "correct {}, which violates a deferred constraint, and run migrate up again",
            failure.file.path()
        );
    }
    format!(
        "check that {table} is a table (--table sets another), that this user may write to it, and \
         that the file violates no deferred constraint; then run migrate up again"
    )
}

/// The version, as an option takes it; of what is no migration nobody asks.
fn version(failure: &MigrationFailure) -> &str {
    failure.subject.version().map_or("", Version::as_str)
}

/// The exact question, and the line that answers it.
fn settle(failure: &MigrationFailure, ran: usize) -> String {
    let number = ran + 1;
    let version = version(failure);
    format!(
        "check in the database whether statement {number} was done; if it was, run `migrate repair \
         --resolve {version}=done`, if not, `migrate repair --resolve {version}=not-done`; then \
         run {}",
        again(failure)
    )
}

/// What to do with a part of it in the database; first what the cause needs, where
/// that is `known`.
pub(super) fn half_applied(
    failure: &MigrationFailure,
    known: Option<&str>,
    ran: usize,
    resumable: bool,
) -> String {
    let again = again(failure);
    if resumable {
        let path = failure.file.path();
        return match (known, ran) {
            (None, 0) => format!("correct {path} and run {again}"),
            (None, _) => {
                format!("correct {path} after statement {ran} and run {again}: it continues there")
            }
            (Some(step), 0) => format!("{step}; then run {again}"),
            (Some(step), _) => {
                format!("{step}; then run {again}, which continues after statement {ran}")
            }
        };
    }
    let first = known.map_or(String::new(), |step| format!("{step}; then "));
    let (finish, undo) = if failure.is_code {
        (
            "do by hand what its code did not do".to_owned(),
            "undo what it did".to_owned(),
        )
    } else if ran == 0 {
        (
            "run the whole file by hand".to_owned(),
            "check that nothing of it is in the database".to_owned(),
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
    let version = version(failure);
    format!(
        "{first}either {finish}, then `migrate repair --resolve {version}={finished}`; or {undo}, then \
         `migrate repair --resolve {version}={undone}`; then run {again}"
    )
}

pub(super) fn statement(failure: &MigrationFailure) -> Option<String> {
    let (number, _) = failure.statement?;
    Some(format!("statement {number} of {}", failure.statements))
}
