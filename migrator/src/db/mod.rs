//! Databases: the only room with a driver's types and a dialect's own SQL. What
//! leaves it are values.

mod edit;
pub mod fault;
mod guard;
pub mod hints;
mod job;
mod look;
mod progress;
mod session;
pub mod url;

#[cfg(feature = "cli")]
mod bookkeeping;
#[cfg(feature = "cli")]
mod certificates;
#[cfg(feature = "cli")]
mod code;
#[cfg(feature = "cli")]
mod connection;
#[cfg_attr(
    not(feature = "sqlite"),
    allow(dead_code, reason = "only SQLite fills it")
)]
pub(crate) mod dependents;
#[cfg(feature = "cli")]
#[cfg_attr(
    not(all(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "each kind of database has facts of its own")
)]
pub(crate) mod health;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "cli")]
mod repeat;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "cli")]
mod statement_by_statement;
#[cfg(feature = "cli")]
mod wire;

#[cfg(feature = "cli")]
pub use code::{OtherDatabase, Transaction, code};
#[cfg(feature = "cli")]
pub(crate) use connection::examine;
#[cfg(feature = "cli")]
pub use connection::{
    Connection, Guard, Reader, answers, connect, connect_and_look, read_and_look,
};
pub use edit::{Edit, Entry};
pub use guard::{Activity, Attempt, BlockingSession, GuardSession, Lock, Work};
pub use job::Job;
pub use look::{Elsewhere, Look, Past, ReadScope};
pub use progress::{Failure, Progress, Remainder};
pub use session::{Handle, Outside, Session};

use crate::history::ledger::Ledger;
#[cfg(feature = "cli")]
use crate::model::Script;
use crate::sql::Dialect;
#[cfg(feature = "cli")]
use crate::sql::Statement;
use fault::{Fault, FaultKind};

/// Refuses a history table whose name is anything else: it stands in statements
/// as the user wrote it.
///
/// # Errors
/// [`FaultKind::Name`] with the name.
pub fn check_names(ledger: &Ledger, dialect: Dialect) -> Result<(), Fault> {
    match ledger.bad_name(dialect) {
        None => Ok(()),
        Some(name) => Err(Fault::new(
            FaultKind::Name,
            format!("`{name}` is not the name of a table or a schema"),
        )),
    }
}

/// The database that there is a driver for, where there is one alone.
#[cfg(feature = "cli")]
#[must_use]
pub fn only_dialect() -> Option<Dialect> {
    let drivers = [
        (cfg!(feature = "mysql"), Dialect::Mysql),
        (cfg!(feature = "postgres"), Dialect::Postgres),
        (cfg!(feature = "sqlite"), Dialect::Sqlite),
    ];
    let mut there = drivers.into_iter().filter(|(is_there, _)| *is_there);
    match (there.next(), there.next()) {
        (Some((_, only)), None) => Some(only),
        _ => None,
    }
}

/// Whether a script that has not begun is run as one transaction.
#[cfg(feature = "cli")]
#[must_use]
pub fn is_one_transaction(dialect: Dialect, script: &Script, statements: &[Statement]) -> bool {
    // Only MySQL and MariaDB look at them.
    let _ = statements;
    match dialect {
        _ if script.is_code() => true,
        #[cfg(feature = "mysql")]
        Dialect::Mysql => mysql::is_one_transaction(&script.file, statements),
        _ => script.transaction,
    }
}
