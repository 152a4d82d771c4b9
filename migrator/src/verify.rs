//! The last look at what is pending before the first statement is sent: taken
//! apart into statements, none of which may break what a migration is promised.
//! What is applied already is never refused.

use crate::error::{Error, Forbidden, Why};
use crate::model::{Migration, Script};
use crate::plan::history::History;
use crate::plan::history::Resume;
use crate::plan::resume;
use crate::sql::{self, Dialect, Kind, Statement};
use crate::text::Span;
use std::sync::Arc;

/// Splits a pending migration and checks its statements.
///
/// # Errors
/// The first statement that may not stand there, with its place.
pub(crate) fn statements(migration: &Migration, dialect: Dialect) -> Result<Vec<Statement>, Error> {
    let script = &migration.up;
    let statements = split(script, dialect)?;
    let first = forbidden(script, &statements, dialect).next();
    match first {
        Some(first) => Err(first.into()),
        None => Ok(statements),
    }
}

/// All that may not stand in a script; nothing where it can be applied.
pub(crate) fn problems(script: &Script, dialect: Dialect) -> Vec<Error> {
    match split(script, dialect) {
        Ok(statements) => forbidden(script, &statements, dialect)
            .map(Error::from)
            .collect(),
        Err(error) => vec![error],
    }
}

fn split(script: &Script, dialect: Dialect) -> Result<Vec<Statement>, Error> {
    let file = &script.file;
    if let Some(at) = file.text().find('\0') {
        return Err(Forbidden {
            file: Arc::clone(file),
            span: Span::new(at, at + 1),
            why: Why::Nul,
        }
        .into());
    }
    sql::split(file, dialect).map_err(|error| Error::Split {
        file: Arc::clone(file),
        error,
    })
}

fn forbidden(
    script: &Script,
    statements: &[Statement],
    dialect: Dialect,
) -> impl Iterator<Item = Forbidden> {
    statements.iter().filter_map(move |statement| {
        Some(Forbidden {
            file: Arc::clone(&script.file),
            span: statement.span,
            why: why_forbidden(statement.kind, script, dialect)?,
        })
    })
}

/// Where a migration goes on that has begun before.
///
/// # Errors
/// A file that no longer begins with what was applied of it.
pub(crate) fn resume(
    migration: &Migration,
    statements: &[Statement],
    history: &History,
) -> Result<Resume, Error> {
    let file = &migration.up.file;
    let marks = history.marks(migration.version);
    resume::point(file, statements, &marks).map_err(|number| Error::Rewritten {
        file: Arc::clone(file),
        span: statements
            .get(number)
            .map_or_else(Span::default, |statement| statement.span),
        statement: number + 1,
    })
}

fn why_forbidden(kind: Kind, script: &Script, dialect: Dialect) -> Option<Why> {
    // MySQL has no transactional DDL: sqlx's directive means nothing there, and a
    // file's own COMMIT does no more than any CREATE TABLE.
    let mysql = dialect == Dialect::Mysql;
    let in_transaction = script.transaction && !mysql;
    match kind {
        Kind::CopyFromStdin | Kind::CopyToStdout => Some(Why::Copy),
        Kind::IgnoredInTransaction(what) if in_transaction => {
            Some(Why::IgnoredInTransaction { what })
        }
        Kind::NoTransaction(what) if in_transaction => Some(Why::NoTransaction { what }),
        Kind::PsqlCommand => Some(Why::PsqlCommand),
        Kind::TransactionControl if !mysql => Some(Why::TransactionControl),
        Kind::IgnoredInTransaction(_)
        | Kind::LockTables
        | Kind::NoTransaction(_)
        | Kind::Other
        | Kind::TransactionControl => None,
    }
}
