//! How a dialect's text is written, as named switches: all that the scanner and
//! the splitter know of it.

use super::{Dialect, mysql, postgres, sqlite};

/// The lexical rules of one dialect.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "named switches are the point: a dialect reads as a list of them"
)]
pub(super) struct Rules {
    /// A backslash where a token could begin is a command to the client, to the
    /// end of its line.
    pub(super) backslash_commands: bool,
    /// A backslash hides the next character in every string.
    pub(super) backslash_escapes: bool,
    /// `` `name` ``.
    pub(super) backtick_identifiers: bool,
    /// `[name]`.
    pub(super) bracket_identifiers: bool,
    /// A `--` comment ends at a lone carriage return, too.
    pub(super) carriage_return_ends_comment: bool,
    /// `--` begins a comment only before white space, a control character or the
    /// end: `5--1` is arithmetic.
    pub(super) dash_comments_need_space: bool,
    /// `DELIMITER` lines speak to the client.
    pub(super) delimiter_lines: bool,
    /// `$tag$ … $tag$`, and `$1` for a parameter.
    pub(super) dollar_quotes: bool,
    /// `"…"` is a string, not an identifier.
    pub(super) double_quoted_strings: bool,
    /// `E'…'` has backslash escapes.
    pub(super) escape_strings: bool,
    /// `/*! … */`, `/*M! … */` and `/*+ … */` are part of a statement.
    pub(super) executable_comments: bool,
    /// `#` begins a comment.
    pub(super) hash_comments: bool,
    /// `/* /* */ */` is one comment.
    pub(super) nested_comments: bool,
    /// A semicolon inside parentheses ends nothing: `CREATE RULE … DO (a; b)`.
    pub(super) parentheses_hide_semicolons: bool,
}

impl Dialect {
    pub(super) fn rules(self) -> &'static Rules {
        match self {
            Self::Mysql => &mysql::RULES,
            Self::Postgres => &postgres::RULES,
            Self::Sqlite => &sqlite::RULES,
        }
    }
}
