//! SQL text taken apart into statements, for PostgreSQL, MySQL/MariaDB and
//! SQLite: where each begins and ends, and the little that an engine must know
//! of it beforehand.
//!
//! It is no parser. It knows quotes, comments, delimiters and the bodies that
//! hold semicolons of their own, and reads keywords only as far as it must; SQL
//! that a server would refuse passes through untouched, for the server to say so
//! better. It reads no file, talks to no database, and never changes the text: a
//! statement is a span of its file, and what lies between is white space,
//! comments and delimiters.
//!
//! How a session reads quotes ([`Quoting`]) the server says, and a file may change
//! it. What it does not know are the bodies of `sql_mode = ORACLE`, which need a
//! `DELIMITER`.

pub(crate) mod allow;
mod body;
mod error;
mod header;
mod keyword;
mod kind;
mod mysql;
mod postgres;
mod quoting;
mod rules;
mod scanner;
pub(crate) mod session;
mod settings;
mod splitter;
mod sqlite;
mod subject;
pub(crate) mod tables;
mod traces;
pub(crate) mod unit;
pub mod variables;
mod words;

pub use error::{SplitError, SplitErrorKind};
pub use kind::StatementKind;
pub use quoting::{Quoting, Syntax};
pub(crate) use settings::sets_session;
pub(crate) use subject::{Name, lacks_key, needs_owner_of};

use crate::text::{SourceFile, Span};

/// Whose SQL a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Mysql,
    Postgres,
    Sqlite,
}

/// One statement of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// From its first token to its last: without the delimiter, and without
    /// comments or white space around it.
    pub span: Span,
    pub kind: StatementKind,
}

/// The statements of a file, in order.
///
/// # Errors
/// Whatever is opened and not closed before the file ends, with the place where
/// it was opened.
pub fn split(file: &SourceFile, dialect: Dialect) -> Result<Vec<Statement>, SplitError> {
    split_as(file, Syntax::usual(dialect))
}

/// The same for a session that reads quotes in its own way; a file's own settings
/// are followed.
///
/// # Errors
/// As [`split`].
pub fn split_as(
    file: &SourceFile,
    Syntax { dialect, quoting }: Syntax,
) -> Result<Vec<Statement>, SplitError> {
    splitter::split(file.text(), dialect, quoting)
}

/// A statement with the comments and the white space that follow it before its
/// delimiter, or before the end of the file: SQLite keeps what it is sent of a
/// schema's text, comments and all.
#[must_use]
pub fn with_comments(file: &SourceFile, span: Span) -> Span {
    let text = file.text();
    let mut at = span.end;
    while let Some(rest) = text.get(at..) {
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            match rest.chars().next() {
                Some(c) if c.is_ascii_whitespace() || c == '\u{b}' => 1,
                _ => break,
            }
        };
        at += length;
    }
    Span::new(span.start, at)
}

/// What lies around the statements that [`split`] found: one gap before each and
/// one after the last, so that gaps and statements in turn are the whole file.
/// Gaps hold white space, comments and delimiters only, and may be empty.
#[must_use]
pub fn gaps(file: &SourceFile, statements: &[Statement]) -> Vec<Span> {
    let starts = std::iter::once(0).chain(statements.iter().map(|found| found.span.end));
    let ends = statements
        .iter()
        .map(|found| found.span.start)
        .chain(std::iter::once(file.text().len()));
    starts
        .zip(ends)
        .map(|(start, end)| Span::new(start, end))
        .collect()
}
