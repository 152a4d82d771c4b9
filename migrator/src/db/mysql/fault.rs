//! What MySQL and MariaDB complain of.

use super::place::name;
use crate::db::fault::{Fault, FaultKind, Position};
use crate::db::wire;
use crate::db::wire::Answer;
use sqlx::mysql::MySqlDatabaseError;

/// Server error numbers that decide something here.
pub(super) const DUPLICATE_ENTRY: &str = "1062";
pub(super) const NO_SUCH_TABLE: &str = "1146";
pub(super) const TABLE_ACCESS_DENIED: &str = "1142";
const INTERRUPTED: &str = "1317";
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
        position: line
            .map(Position::Line)
            .or_else(|| name(error.number(), error.message()).map(Position::Token)),
        ..Fault::new(FaultKind::Statement, error.message())
    }
}

/// How often a statement of ours is sent before a cancel counts as its answer.
const TRIES: u32 = 10;

/// Asks again where the answer is that it was cancelled. The guard cancels a
/// connection, not a statement: a cancel that was meant for the file's statement
/// may arrive when that has ended, and hit what is asked about it afterwards.
pub(super) async fn surely(
    mut ask: impl AsyncFnMut() -> Result<Answer, Fault>,
) -> Result<Answer, Fault> {
    for _ in 1..TRIES {
        match ask().await {
            Err(fault) if fault.has_code(&[INTERRUPTED]) => {}
            answer => return answer,
        }
    }
    ask().await
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
