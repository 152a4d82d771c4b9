//! Words for what cannot be taken back, adopted or repaired.

use crate::diagnostic::Diagnostic;
use crate::plan::baseline::BaselineError;
use crate::plan::repair::RepairError;
use crate::plan::revert::RevertError;

pub(super) fn revert(error: &RevertError) -> Diagnostic {
    match error {
        RevertError::HalfApplied { version, name } => Diagnostic::error(
            "half_applied",
            format!("migration {version} {name} began, but its end was not recorded"),
        )
        .help(format!(
            "first run migrate up, which continues it if it can; otherwise finish it by hand and \
             run `migrate repair --resolve {version}=applied`, or undo it by hand and run it with \
             `{version}=reverted`"
        )),
        RevertError::Irreversible { without, all } => {
            let named = |(version, name): &(_, String)| format!("{version} {name}");
            let without: Vec<_> = without.iter().map(named).collect();
            let all: Vec<_> = all.iter().map(ToString::to_string).collect();
            Diagnostic::error(
                "irreversible",
                format!("no down script for {}", without.join(", ")),
            )
            .note(format!("would have been reverted: {}", all.join(", ")))
            .help(
                "write VERSION_NAME.down.sql for each (and rename the other file to \
                 VERSION_NAME.up.sql, with the same text), or undo it with a new migration",
            )
        }
        RevertError::Unknown { versions } => {
            let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
            Diagnostic::error(
                "missing_migration",
                format!(
                    "the database is at {}, which has no file: what comes before it is not known",
                    versions.join(", ")
                ),
            )
            .help("run this with the files of the application version that applied it")
        }
        RevertError::NotApplied { version } => Diagnostic::error(
            "not_applied",
            format!("migration {version} is not applied, so the database cannot go back to it"),
        )
        .help("use an applied version (`migrate status` lists them), or 0 to revert all"),
        RevertError::NothingApplied => Diagnostic::error(
            "nothing_applied",
            "no migration is applied, so there is nothing to redo",
        )
        .help("run migrate up"),
        RevertError::Overtaken { by } => Diagnostic::error(
            "overtaken",
            format!("migration {by} is applied, and is newer than the migrations to revert"),
        )
        .help(
            "another run has applied it in the meantime: run `migrate status`, then decide again",
        ),
    }
}

pub(super) fn baseline(error: &BaselineError) -> Diagnostic {
    match error {
        BaselineError::HalfApplied { version } => Diagnostic::error(
            "half_applied",
            format!("migration {version} began, but its end was not recorded"),
        )
        .help(format!(
            "run migrate up, or resolve it with `migrate repair --resolve {version}=applied`"
        )),
        BaselineError::NotEmpty { applied, newest } => Diagnostic::error(
            "history_not_empty",
            format!(
                "this database already has a history: {applied} applied, the newest is {newest}"
            ),
        )
        .help("if the history lacks migrations that are in the database, record them with --force"),
        BaselineError::Unknown { version } => Diagnostic::error(
            "unknown_version",
            format!("no file has the version {version}"),
        )
        .help("use the version the database is already at"),
    }
}

pub(super) fn repair(error: &RepairError) -> Diagnostic {
    let (code, title) = match error {
        RepairError::InvalidIndex { version, index } => {
            return Diagnostic::error(
                "invalid_index",
                format!("not all of migration {version} is applied: its index {index} is INVALID"),
            )
            .help(format!(
                "run migrate up, which rebuilds it; or `migrate repair --resolve \
                 {version}=reverted`, which drops it"
            ));
        }
        RepairError::NoChecksum { version } => (
            "no_checksum",
            format!(
                "migration {version} was recorded without a checksum: there is nothing to accept"
            ),
        ),
        RepairError::NoFile { version } => (
            "missing_migration",
            format!("migration {version} is recorded, but has no file"),
        ),
        RepairError::NotInDoubt { version } => (
            "not_in_doubt",
            format!("no statement of migration {version} is in doubt"),
        ),
        RepairError::NotRecorded { version } => (
            "not_applied",
            format!("migration {version} is not recorded"),
        ),
        RepairError::NotUnfinished { version } => (
            "not_half_applied",
            format!("migration {version} is complete: there is nothing to resolve"),
        ),
        RepairError::StillUnfinished { version } => (
            "half_applied",
            format!("migration {version} is not complete: resolve that first"),
        ),
    };
    Diagnostic::error(code, title)
        .help("run `migrate repair` without options to list what can be repaired, and how")
}
