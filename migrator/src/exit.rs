//! Exit codes: what platforms rely on (docs/reference/exit-codes.md). Never used: 11, 12
//! and 80 to 89 (the CNB launcher's), 100, 126 and 127 (the shell's).

use crate::config::ConfigError;
use crate::db::fault::FaultKind;
use crate::error::{Error, MigrationState};
use crate::formats::alembic::AlembicError;
use crate::limits::StopReason;
use crate::plan::baseline::BaselineError;
use crate::plan::revert::RevertError;

/// Done, or nothing to do.
pub(crate) const DONE: u8 = 0;
/// An error of the program itself.
pub(crate) const UNEXPECTED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The configuration or a migration file is wrong; nothing was changed.
pub(crate) const CONFIGURATION: u8 = 3;
/// The database could not be reached, or refused the login.
pub(crate) const CONNECTION: u8 = 4;
/// Another migrator held the lock for too long.
pub(crate) const LOCKED: u8 = 5;
/// Migrations are pending (`status --exit-code`, `check`).
pub(crate) const PENDING: u8 = 6;
/// Files and history disagree.
pub(crate) const DRIFT: u8 = 7;
/// A migration failed and nothing of it stays.
pub(crate) const FAILED: u8 = 8;
/// A migration failed and is half applied.
pub(crate) const HALF_APPLIED: u8 = 9;
/// The deadline passed; what ran was cancelled.
pub(crate) const DEADLINE: u8 = 10;
/// SIGINT came; what ran was cancelled.
pub(crate) const INTERRUPTED: u8 = 130;
/// SIGTERM came; what ran was cancelled.
pub(crate) const TERMINATED: u8 = 143;

/// The code of an error.
#[must_use]
pub(crate) fn code(error: &Error) -> u8 {
    match error {
        Error::Alembic(error) => alembic(error),
        Error::Config(ConfigError::NoVersion { .. }) | Error::Usage { .. } => USAGE,
        Error::Baseline(BaselineError::Unknown { .. })
        | Error::AlembicLocation(_)
        | Error::Allow(_)
        | Error::Bundle(_)
        | Error::CodeInOneTransaction { .. }
        | Error::Config(_)
        | Error::DropCascades(_)
        | Error::Forbidden(_)
        | Error::Format(_)
        | Error::NeedsItsOwnTransaction { .. }
        | Error::Git(_)
        | Error::NoFolder { .. }
        | Error::NoSourceTree { .. }
        | Error::RebuildLoses(_)
        | Error::Source(_)
        | Error::TooLong(_)
        | Error::Split { .. }
        | Error::Variable { .. } => CONFIGURATION,
        Error::Database(fault) => match fault.kind {
            FaultKind::Name | FaultKind::Setting => CONFIGURATION,
            FaultKind::File
            | FaultKind::Lost
            | FaultKind::Refused
            | FaultKind::Tls
            | FaultKind::Unreachable => CONNECTION,
            FaultKind::Driver => UNEXPECTED,
            FaultKind::Hidden | FaultKind::Newer | FaultKind::NotAHistory => DRIFT,
            FaultKind::Cascades
            | FaultKind::Claimed
            | FaultKind::LockTimeout
            | FaultKind::Statement => FAILED,
        },
        Error::NeedsSecondConnection | Error::Unrecorded(_) => CONNECTION,
        // A version that was typed, and that no file has.
        Error::Plan(error) if error.is_unknown_version() => CONFIGURATION,
        Error::Baseline(BaselineError::HalfApplied { .. } | BaselineError::NotEmpty { .. })
        | Error::ForeignHistory { .. }
        | Error::HistoryElsewhere { .. }
        | Error::Plan(_)
        | Error::Repair(_)
        | Error::Rewritten { .. } => DRIFT,
        Error::Declined => INTERRUPTED,
        Error::Revert(error) => match error {
            RevertError::Irreversible { .. } => CONFIGURATION,
            RevertError::HalfApplied { .. }
            | RevertError::NotApplied { .. }
            | RevertError::NothingApplied
            | RevertError::Overtaken { .. }
            | RevertError::Unknown { .. } => DRIFT,
        },
        Error::LockHeld(_) => LOCKED,
        Error::Migration(failure) => match &failure.state {
            MigrationState::RolledBack => FAILED,
            MigrationState::HalfApplied { .. }
            | MigrationState::HalfRepeated { .. }
            | MigrationState::Uncertain
            | MigrationState::Unknown
            | MigrationState::Unsettled { .. } => HALF_APPLIED,
        },
        Error::Stopped(stopped) => match stopped.reason {
            StopReason::Deadline { .. } => DEADLINE,
            StopReason::Interrupt => INTERRUPTED,
            StopReason::Terminate => TERMINATED,
        },
        Error::Unexpected { .. } => UNEXPECTED,
    }
}

fn alembic(error: &AlembicError) -> u8 {
    match error {
        AlembicError::NoAnswer { .. }
        | AlembicError::NoCommand { .. }
        | AlembicError::NotAlone { .. }
        | AlembicError::Refused { .. }
        | AlembicError::SeveralHeads { .. } => CONFIGURATION,
        AlembicError::Failed { .. } | AlembicError::Unreached { .. } => FAILED,
    }
}
