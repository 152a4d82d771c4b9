//! What MySQL and MariaDB complain of.

use super::place::name;
use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::{names, wire};
use sqlx::mysql::MySqlDatabaseError;

/// Server error numbers that decide something here.
pub(super) const DUPLICATE_ENTRY: &str = "1062";
pub(super) const NO_SUCH_TABLE: &str = "1146";
pub(super) const TABLE_ACCESS_DENIED: &str = "1142";
pub(super) const UNKNOWN_COLUMN: &str = "1054";
pub(super) const UNKNOWN_DATABASE: &str = "1049";
pub(super) const READ_ONLY_TRANSACTION: &str = "1792";
pub(super) const PACKET_TOO_LARGE: u16 = 1153;

pub(super) fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    let Some(error) = database.try_downcast_ref::<MySqlDatabaseError>() else {
        return wire::driver_fault(error, connecting);
    };
    let line = error
        .message()
        .rsplit_once(" at line ")
        .and_then(|(_, line)| line.trim().parse().ok());
    Fault {
        kind: kind(error.number(), connecting),
        code: Some(error.number().to_string()),
        name: names::mysql(error.number()),
        position: line
            .map(Position::Line)
            .or_else(|| name(error.number(), error.message()).map(Position::Token)),
        ..Fault::new(FaultKind::Statement, error.message())
    }
}

/// By number: 1040, 1203 and 1226 are too many connections, 1053 a shutdown, 1927 and
/// 3169 a killed session.
fn kind(number: u16, connecting: bool) -> FaultKind {
    match number {
        1040 | 1053 | 1203 | 1226 if connecting => FaultKind::Unreachable,
        _ if connecting => FaultKind::Refused,
        1053 | 1927 | 3169 => FaultKind::Lost,
        1205 => FaultKind::LockTimeout,
        _ => FaultKind::Statement,
    }
}
