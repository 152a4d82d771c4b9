//! Why a file cannot be taken apart: data, placed at what was opened and never
//! closed. The words for a person are the report's.

use std::error::Error;
use std::fmt::{self, Display, Formatter};

use crate::text::Span;

/// A file that has no certain end of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitError {
    pub kind: SplitErrorKind,
    /// The token that opened what was never closed.
    pub span: Span,
}

/// What was opened and never closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitErrorKind {
    /// A `DELIMITER` line whose argument the mysql client would refuse: none, one
    /// with a backslash, or one longer than its 15 bytes.
    InvalidDelimiter,
    /// `BEGIN ATOMIC`, a trigger's `BEGIN`, a procedure's `BEGIN`, `IF`, `LOOP`…
    UnterminatedBody,
    UnterminatedComment,
    /// The tag is what stands between the dollar signs, often nothing.
    UnterminatedDollarQuote {
        tag: String,
    },
    UnterminatedQuotedIdentifier,
    UnterminatedString,
}

impl SplitError {
    pub(super) fn new(kind: SplitErrorKind, start: usize, end: usize) -> Self {
        Self {
            kind,
            span: Span::new(start, end),
        }
    }
}

impl Display for SplitError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SplitErrorKind::InvalidDelimiter => formatter.write_str("invalid delimiter"),
            SplitErrorKind::UnterminatedBody => formatter.write_str("unterminated body"),
            SplitErrorKind::UnterminatedComment => formatter.write_str("unterminated comment"),
            SplitErrorKind::UnterminatedDollarQuote { tag } => {
                write!(formatter, "unterminated dollar quote ${tag}$")
            }
            SplitErrorKind::UnterminatedQuotedIdentifier => {
                formatter.write_str("unterminated quoted identifier")
            }
            SplitErrorKind::UnterminatedString => formatter.write_str("unterminated string"),
        }
    }
}

impl Error for SplitError {}
