//! Words for what cannot be taken back, adopted or repaired.

use crate::diagnostic::Diagnostic;
use crate::plan::baseline::BaselineError;
use crate::plan::repair::RepairError;
use crate::plan::revert::RevertError;

pub(super) fn revert(error: &RevertError) -> Diagnostic {
    match error {
        RevertError::HalfApplied { version, name } => Diagnostic::error(
            "half_applied",
            format!("migration {version} {name} began, and nobody recorded its end"),
        )
        .help(format!(
            "run migrate up first, which goes on with it where it can; otherwise settle it by hand \
             and with `migrate repair --resolve {version}=applied` or `{version}=reverted`"
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
                "write VERSION_NAME.down.sql for each (the other file is then VERSION_NAME.up.sql, \
                 with the same text), or undo it by a new migration",
            )
        }
        RevertError::Unknown { versions } => {
            let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
            Diagnostic::error(
                "missing_migration",
                format!(
                    "the database is at {}, and no file has it: what comes before it is not known",
                    versions.join(", ")
                ),
            )
            .help("run this with the files of the version that has applied it")
        }
        RevertError::NotApplied { version } => Diagnostic::error(
            "not_applied",
            format!("migration {version} is not applied, so that nothing can go back to it"),
        )
        .help("name an applied version (migrate status shows them), or 0 for all of them"),
        RevertError::NothingApplied => Diagnostic::error(
            "nothing_applied",
            "no migration is applied, so that none can be redone",
        )
        .help("run migrate up"),
        RevertError::Overtaken { by } => Diagnostic::error(
            "overtaken",
            format!("migration {by} is newer than what is to be reverted, and stays"),
        )
        .help("another run has applied it meanwhile: see migrate status, then decide again"),
    }
}

pub(super) fn baseline(error: &BaselineError) -> Diagnostic {
    match error {
        BaselineError::HalfApplied { version } => Diagnostic::error(
            "half_applied",
            format!("migration {version} began, and nobody recorded its end"),
        )
        .help(format!(
            "run migrate up, or settle it with `migrate repair --resolve {version}=applied`"
        )),
        BaselineError::NotEmpty { applied, newest } => Diagnostic::error(
            "history_not_empty",
            format!("this database has a history already: {applied} applied, the newest {newest}"),
        )
        .help("if migrations are missing from it that are in the database, --force records them"),
        BaselineError::Unknown { version } => Diagnostic::error(
            "unknown_version",
            format!("no file has the version {version}"),
        )
        .help("name the newest version that is in the database already"),
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
                "run migrate up, which builds it again; or `migrate repair --resolve \
                 {version}=reverted`, which drops it"
            ));
        }
        RepairError::NoChecksum { version } => (
            "no_checksum",
            format!("migration {version} was recorded without a checksum: there is none to accept"),
        ),
        RepairError::NoFile { version } => (
            "missing_migration",
            format!("migration {version} is recorded, and no file has it"),
        ),
        RepairError::NotInDoubt { version } => (
            "not_in_doubt",
            format!("no statement of migration {version} is in doubt"),
        ),
        RepairError::NotRecorded { version } => (
            "not_applied",
            format!("nothing of migration {version} is recorded"),
        ),
        RepairError::NotUnfinished { version } => (
            "not_half_applied",
            format!("migration {version} is complete: there is nothing to settle"),
        ),
        RepairError::StillUnfinished { version } => (
            "half_applied",
            format!("migration {version} is not complete, which is to be settled first"),
        ),
    };
    Diagnostic::error(code, title)
        .help("migrate repair, without an option, lists what could be repaired, and how")
}
