//! What PostgreSQL complains of.

use super::place::name;
use crate::db::fault::{Fault, FaultKind, Inner, Position};
use crate::db::wire;
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

/// SQLSTATEs that decide something here.
pub(super) const UNIQUE_VIOLATION: &str = "23505";
pub(super) const DUPLICATE_TABLE: &str = "42P07";
pub(super) const INVALID_NAME: [&str; 2] = ["22023", "42602"];
/// A history table of other columns, or of other types.
pub(super) const OTHER_SHAPE: [&str; 4] = [UNDEFINED_COLUMN, "42804", "42846", "42883"];
pub(super) const UNDEFINED_COLUMN: &str = "42703";
pub(super) const UNDEFINED_TABLE: &str = "42P01";
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";
pub(super) const INSUFFICIENT_PRIVILEGE: &str = "42501";
pub(super) const DIVISION_BY_ZERO: &str = "22012";
pub(super) const SERIALIZATION_FAILURE: &str = "40001";
pub(super) const QUERY_CANCELED: &str = "57014";
pub(super) const UNTRANSLATABLE_CHARACTER: &str = "22P05";

pub(super) fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    let Some(error) = database.try_downcast_ref::<PgDatabaseError>() else {
        return wire::driver_fault(error, connecting);
    };
    let own = |text: Option<&str>| text.map(str::to_owned);
    Fault {
        kind: match kind(error.code(), connecting) {
            // The pooler ends the connection, and would end the next one.
            _ if error.message().contains("statement pooling") => FaultKind::Refused,
            kind => kind,
        },
        code: Some(error.code().to_owned()),
        detail: own(error.detail()),
        hint: own(error.hint()),
        position: match error.position() {
            Some(PgErrorPosition::Original(at)) => Some(Position::Character(at.saturating_sub(1))),
            // What a function names need not be in the statement.
            None if is_about_a_name(error.code()) && error.r#where().is_none() => {
                name(error.message()).map(Position::Token)
            }
            Some(PgErrorPosition::Internal { .. }) | None => None,
        },
        inner: match error.position() {
            Some(PgErrorPosition::Internal { position, query }) => Some(Box::new(Inner {
                text: query.to_owned(),
                character: position.saturating_sub(1),
            })),
            _ => None,
        },
        context: own(error.r#where()),
        constraint: own(error.constraint()),
        table: own(error.table()),
        ..Fault::new(FaultKind::Statement, error.message())
    }
}

/// By SQLSTATE: class 08 and the shutdowns end a connection; while connecting,
/// a server that starts (57P03) or is full (53300) is one to wait for.
fn kind(code: &str, connecting: bool) -> FaultKind {
    match code {
        "57P01" | "57P02" | "57P03" | "53300" if connecting => FaultKind::Unreachable,
        _ if connecting => FaultKind::Refused,
        "57P01" | "57P02" | "57P03" => FaultKind::Lost,
        LOCK_NOT_AVAILABLE => FaultKind::LockTimeout,
        _ if code.starts_with("08") => FaultKind::Lost,
        _ => FaultKind::Statement,
    }
}

/// By SQLSTATE: class 42 is about what a statement names, 3F about a schema.
fn is_about_a_name(code: &str) -> bool {
    code.starts_with("42") || code.starts_with("3F")
}
