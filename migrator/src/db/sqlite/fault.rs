//! What SQLite complains of.

use super::lock_file::beside;
use super::place::token;
use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::hints::NO_FOLDER;
use crate::db::wire;
use std::fs::File;
use std::path::Path;

/// Result codes that decide something here.
pub(super) const ERROR: &str = "1";
pub(super) const CONSTRAINT_PRIMARY_KEY: &str = "1555";
pub(super) const INTERRUPT: &str = "9";
const CANNOT_OPEN: &str = "14";

pub(super) fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    Fault {
        code: database.code().map(std::borrow::Cow::into_owned),
        position: token(database.message()).map(Position::Token),
        ..Fault::new(
            kind(database.code().as_deref(), connecting),
            database.message(),
        )
    }
}

/// By result code: 5 is busy, 261 and 517 its kinds; 14 is a file that cannot be
/// opened, 26 one that is no database.
fn kind(code: Option<&str>, connecting: bool) -> FaultKind {
    match code {
        Some("5" | "261" | "517") => FaultKind::LockTimeout,
        Some("14" | "26") => FaultKind::File,
        _ if connecting => FaultKind::Refused,
        _ => FaultKind::Statement,
    }
}

pub(super) fn is_missing(fault: &Fault) -> bool {
    fault.message.starts_with("no such table")
}

/// SQLite says of a file no more than that it cannot be opened.
pub(super) fn unopened(path: &Path, fault: Fault) -> Fault {
    if fault.kind != FaultKind::File {
        return fault;
    }
    let shown = path.display();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let message = match folder {
        _ if path.is_dir() => format!("{shown} is a folder"),
        Some(folder) if !folder.exists() => {
            format!("{shown}{NO_FOLDER}{} does not exist", folder.display())
        }
        _ if fault.has_code(&[CANNOT_OPEN]) && !path.exists() => {
            // The lock file is beside it: what keeps from one keeps from the other.
            let cause = File::options().append(true).create(true).open(beside(path));
            let why = cause.map_or_else(|cause| format!(": {cause}"), |_| String::new());
            format!("{shown}: {}{why}", fault.message)
        }
        _ => format!("{shown}: {}", fault.message),
    };
    Fault { message, ..fault }
}

/// A file that is not there, and is not to be created.
pub(super) fn missing(path: &Path) -> Fault {
    let shown = path.display();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let message = match folder {
        Some(folder) => format!("{shown}{NO_FOLDER}{} does not exist", folder.display()),
        None => format!("{shown} does not exist"),
    };
    Fault::new(FaultKind::File, message)
}
