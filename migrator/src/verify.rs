//! The last look at what is pending before the first statement is sent: taken
//! apart into statements, none of which may break what a migration is promised.
//! What is applied already is never refused.

pub(crate) mod drops;

use crate::error::{BadAllow, Error, Forbidden, Why, WhyNotAllowed};
use crate::history::{History, Resume};
use crate::model::{Rule, Script, Version};
use crate::plan::resume;
use crate::sql::{
    self, Dialect, Statement, StatementKind, Syntax, allow, session, sets_session, unit, variables,
};
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
    syntax: Syntax,
    variables: impl Fn(&str) -> Option<String>,
) -> Result<Verified, Error> {
    if !script.is_sql() {
        return Ok(Verified {
            file: Arc::clone(&script.file),
            statements: Vec::new(),
        });
    }
    let file = variables::fill(&script.file, variables).map_err(|error| Error::Variable {
        file: Arc::clone(&script.file),
        error,
    })?;
    let syntax = as_sent(script, syntax);
    let verified = without_wrapping(script, split(file, syntax)?, syntax)?;
    let first = forbidden(script, &verified, syntax.dialect).map(Error::from);
    let first = first.chain(bad_allows(&verified)).next();
    match first {
        Some(first) => Err(first),
        None => Ok(verified),
    }
}

/// All that may not stand in a script as it is written, its variables not filled
/// in; nothing where it can be run.
pub(crate) fn problems(script: &Script, syntax: Syntax) -> Vec<Error> {
    if !script.is_sql() {
        return Vec::new();
    }
    let syntax = as_sent(script, syntax);
    match split(Arc::clone(&script.file), syntax) {
        Ok(verified) => match without_wrapping(script, verified, syntax) {
            Ok(verified) => forbidden(script, &verified, syntax.dialect)
                .map(Error::from)
                .chain(bad_allows(&verified))
                .collect(),
            Err(error) => vec![error],
        },
        Err(error) => vec![error],
    }
}

/// Whether a script has no statement, for any database where none is known.
pub(crate) fn is_empty(script: &Script, syntax: Option<Syntax>) -> bool {
    let every = [Dialect::Mysql, Dialect::Postgres, Dialect::Sqlite].map(Syntax::usual);
    let none = |syntax| sql::split_as(&script.file, syntax).is_ok_and(|found| found.is_empty());
    script.is_sql() && syntax.map_or_else(|| every.into_iter().all(none), none)
}

/// What a script holds that has no effect, and is sent all the same.
pub(crate) fn without_effect(
    script: &Script,
    file: &Arc<SourceFile>,
    statements: &[Statement],
    dialect: Dialect,
) -> Vec<Error> {
    let in_transaction = script.transaction && dialect != Dialect::Mysql;
    if in_transaction {
        let off = statements.iter();
        let off = off.filter(|statement| statement.kind == StatementKind::ForeignKeys(false));
        let what = "PRAGMA foreign_keys = OFF";
        return off
            .map(|statement| refusal(file, statement, Why::IgnoredInTransaction { what }).into())
            .collect();
    }
    let only_sets = |statement: &Statement| sets_session(file.slice(statement.span), dialect);
    match statements.first() {
        Some(first) if statements.iter().all(only_sets) => {
            vec![refusal(file, first, Why::SessionOnly).into()]
        }
        _ => Vec::new(),
    }
}

/// What a script leaves set for files after it that may have been written for it:
/// each of them begins in a fresh session.
pub(crate) fn left_behind(
    file: &Arc<SourceFile>,
    statements: &[Statement],
    dialect: Dialect,
) -> Vec<Error> {
    let left = session::left_set(file, statements, dialect);
    left.into_iter()
        .filter_map(|number| statements.get(number))
        .map(|statement| refusal(file, statement, Why::SetsForItself).into())
        .collect()
}

fn refusal(file: &Arc<SourceFile>, statement: &Statement, why: Why) -> Forbidden {
    Forbidden {
        file: Arc::clone(file),
        span: statement.span,
        why,
    }
}

/// Lines `-- migrate:allow` that allow nothing.
fn bad_allows(verified: &Verified) -> impl Iterator<Item = Error> {
    let Verified { file, statements } = verified;
    let lines = allow::lines(file, statements).into_iter();
    lines.filter_map(|line| {
        let is_known = |span: &&Span| {
            let name = file.slice(**span);
            Rule::NAMES.iter().any(|(known, _)| *known == name)
        };
        let unknown = line.rules.iter().find(|span| !is_known(span));
        let (span, why) = if let Some(span) = unknown {
            let name = file.slice(*span).to_owned();
            (*span, WhyNotAllowed::UnknownRule { name })
        } else if line.rules.is_empty() {
            (line.span, WhyNotAllowed::NoRule)
        } else if !line.has_reason {
            (line.span, WhyNotAllowed::NoReason)
        } else if line.statement >= statements.len() {
            (line.span, WhyNotAllowed::NoStatement)
        } else {
            return None;
        };
        let file = Arc::clone(file);
        Some(Error::Allow(Box::new(BadAllow { file, span, why })))
    })
}

/// Takes a script's text apart.
///
/// # Errors
/// What cannot be taken apart.
pub(crate) fn split(file: Arc<SourceFile>, syntax: Syntax) -> Result<Verified, Error> {
    if let Some(at) = file.text().find('\0') {
        return Err(Forbidden {
            file,
            span: Span::new(at, at + 1),
            why: Why::Nul,
        }
        .into());
    }
    match sql::split_as(&file, syntax) {
        Ok(statements) => Ok(Verified { file, statements }),
        Err(error) => Err(Error::Split { file, error }),
    }
}

/// PostgreSQL reads a file that is one message before any of it runs.
fn as_sent(script: &Script, syntax: Syntax) -> Syntax {
    if syntax.dialect == Dialect::Postgres && script.transaction {
        let quoting = syntax.quoting.fixed();
        return Syntax { quoting, ..syntax };
    }
    syntax
}

/// A file's own BEGIN and COMMIT around all that it does say what is done anyway:
/// they are not sent.
fn without_wrapping(
    script: &Script,
    verified: Verified,
    syntax: Syntax,
) -> Result<Verified, Error> {
    if !script.transaction || syntax.dialect == Dialect::Mysql {
        return Ok(verified);
    }
    let Some(spans) = unit::wrapping(&verified.file, &verified.statements) else {
        return Ok(verified);
    };
    let inside = SourceFile::without(&verified.file, &spans);
    split(Arc::new(inside), syntax)
}

fn forbidden(
    script: &Script,
    verified: &Verified,
    dialect: Dialect,
) -> impl Iterator<Item = Forbidden> {
    verified.statements.iter().filter_map(move |statement| {
        let why = match statement.kind {
            // What is prepared outlives every connection, and no mark goes with it.
            StatementKind::TransactionControl if !script.transaction => {
                let text = verified.file.slice(statement.span);
                let is = |word: &str| {
                    text.get(..word.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(word))
                };
                is("PREPARE").then_some(Why::TransactionControl)?
            }
            kind => why_forbidden(kind, script, dialect)?,
        };
        Some(refusal(&verified.file, statement, why))
    })
}

/// Where a migration goes on that has begun before.
///
/// # Errors
/// A file that no longer begins with what was done of it.
pub(crate) fn resume(
    version: &Version,
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

fn why_forbidden(kind: StatementKind, script: &Script, dialect: Dialect) -> Option<Why> {
    // MySQL has no transactional DDL: sqlx's directive means nothing there, and a
    // file's own COMMIT does no more than any CREATE TABLE.
    let mysql = dialect == Dialect::Mysql;
    let in_transaction = script.transaction && !mysql;
    match kind {
        StatementKind::CopyFromStdin | StatementKind::CopyToStdout => Some(Why::Copy),
        StatementKind::NoTransaction(what) if in_transaction => Some(Why::NoTransaction { what }),
        StatementKind::PsqlCommand => Some(Why::PsqlCommand),
        StatementKind::TransactionControl if !mysql => Some(Why::TransactionControl),
        StatementKind::ForeignKeys(_)
        | StatementKind::LockTables
        | StatementKind::NoTransaction(_)
        | StatementKind::Other
        | StatementKind::TransactionControl => None,
    }
}
