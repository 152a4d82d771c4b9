//! The last look at what is pending before the first statement is sent: taken
//! apart into statements, none of which may break what a migration is promised.
//! What is applied already is never refused.

use crate::error::{Error, Forbidden, Why};
use crate::model::{Script, Version};
use crate::plan::history::History;
use crate::plan::history::Resume;
use crate::plan::resume;
use crate::sql::{self, Dialect, Kind, Statement, variables};
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// A script as it is to be sent, split and checked.
pub(crate) struct Verified {
    /// With its variables filled in.
    pub file: Arc<SourceFile>,
    pub statements: Vec<Statement>,
}

/// Fills in a script's variables, splits it and checks its statements.
///
/// # Errors
/// The first statement that may not stand there, with its place.
pub(crate) fn script(
    script: &Script,
    dialect: Dialect,
    variables: impl Fn(&str) -> Option<String>,
) -> Result<Verified, Error> {
    if script.code.is_some() {
        return Ok(Verified {
            file: Arc::clone(&script.file),
            statements: Vec::new(),
        });
    }
    let file = variables::fill(&script.file, variables).map_err(|error| Error::Variable {
        file: Arc::clone(&script.file),
        error,
    })?;
    let verified = split(file, dialect)?;
    let first = forbidden(script, &verified, dialect).next();
    match first {
        Some(first) => Err(first.into()),
        None => Ok(verified),
    }
}

/// All that may not stand in a script as it is written, its variables not filled
/// in; nothing where it can be run.
pub(crate) fn problems(script: &Script, dialect: Dialect) -> Vec<Error> {
    if script.code.is_some() {
        return Vec::new();
    }
    match split(Arc::clone(&script.file), dialect) {
        Ok(verified) => forbidden(script, &verified, dialect)
            .map(Error::from)
            .collect(),
        Err(error) => vec![error],
    }
}

/// Whether a script has no statement, for any database where none is known.
pub(crate) fn is_empty(script: &Script, dialect: Option<Dialect>) -> bool {
    let every = [Dialect::Mysql, Dialect::Postgres, Dialect::Sqlite];
    script.code.is_none()
        && every
            .into_iter()
            .filter(|each| dialect.is_none_or(|known| known == *each))
            .all(|each| sql::split(&script.file, each).is_ok_and(|found| found.is_empty()))
}

fn split(file: Arc<SourceFile>, dialect: Dialect) -> Result<Verified, Error> {
    if let Some(at) = file.text().find('\0') {
        return Err(Forbidden {
            file,
            span: Span::new(at, at + 1),
            why: Why::Nul,
        }
        .into());
    }
    match sql::split(&file, dialect) {
        Ok(statements) => Ok(Verified { file, statements }),
        Err(error) => Err(Error::Split { file, error }),
    }
}

fn forbidden(
    script: &Script,
    verified: &Verified,
    dialect: Dialect,
) -> impl Iterator<Item = Forbidden> {
    verified.statements.iter().filter_map(move |statement| {
        Some(Forbidden {
            file: Arc::clone(&verified.file),
            span: statement.span,
            why: why_forbidden(statement.kind, script, dialect)?,
        })
    })
}

/// Where a migration goes on that has begun before.
///
/// # Errors
/// A file that no longer begins with what was done of it.
pub(crate) fn resume(
    version: Version,
    script: &Verified,
    history: &History,
) -> Result<Resume, Error> {
    let marks = history.marks(version);
    resume::point(&script.file, &script.statements, &marks).map_err(|number| Error::Rewritten {
        file: Arc::clone(&script.file),
        span: script
            .statements
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
