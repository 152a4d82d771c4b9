//! What is wrong with a database: judgements of what it tells of itself, of its
//! history, and of what is to be done to it. A database that is as it should be
//! has no finding; where a fact is not known, nothing is said of it.

mod connection;
mod leftovers;
mod rights;
mod settings;

use crate::db::health::Health;
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::limits::Limits;
use crate::sql::{Dialect, Statement};
use crate::text::SourceFile;
use std::sync::Arc;
use std::time::Duration;

/// What is known of a database, and what is to be done to it.
pub(crate) struct Facts<'a> {
    pub health: &'a Health,
    pub dialect: Dialect,
    pub history: &'a History,
    pub limits: Limits,
    pub pending: &'a [PendingScript],
}

/// A file that is to be run.
pub(crate) struct PendingScript {
    pub file: Arc<SourceFile>,
    pub statements: Vec<Statement>,
    /// False where it is to be run outside of a transaction.
    pub transaction: bool,
}

/// All that is wrong, the worst of each kind first.
pub(crate) fn judge(facts: &Facts<'_>) -> Vec<Diagnostic> {
    [
        connection::judge(facts),
        settings::judge(facts),
        rights::judge(facts),
        leftovers::judge(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Facts<'_> {
    /// The first file that is to be run outside of a transaction.
    fn alone(&self) -> Option<&PendingScript> {
        self.pending.iter().find(|pending| !pending.transaction)
    }
}

/// A name as SQL has it.
fn name(dialect: Dialect, text: &str) -> String {
    match dialect {
        Dialect::Mysql => format!("`{}`", text.replace('`', "``")),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", text.replace('"', "\"\"")),
    }
}

/// A time as a person says it.
fn said(time: Duration) -> String {
    let whole = match time.as_secs() {
        // Below a second the rest is all there is.
        0 => Duration::from_millis(time.as_millis().try_into().unwrap_or(u64::MAX)),
        seconds => Duration::from_secs(seconds),
    };
    humantime::format_duration(whole).to_string()
}

#[cfg(test)]
mod tests;
