//! Text into tokens, by a dialect's [`Rules`]; white space and comments are
//! stepped over.
//!
//! It works on bytes: every character that means something is ASCII, and the
//! bytes of all others count as letters, so a token always begins and ends
//! between characters.

mod quotes;

use super::error::{SplitError, SplitErrorKind};
use super::rules::Rules;
use crate::text::Span;

/// The longest delimiter that the mysql client keeps, and a bound that keeps the
/// search for it linear.
const LONGEST_DELIMITER: usize = 15;

const BYTE_ORDER_MARK: &str = "\u{feff}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// What a `DELIMITER` line announced.
    Delimiter,
    /// The `/*!40101` or the `*/` of an executable comment; what it holds comes as
    /// tokens of its own.
    ExecutableMark,
    /// A string, a number, a parameter, an optimizer hint.
    Literal,
    QuotedIdentifier,
    /// Any other character, by itself.
    Symbol(u8),
    Word,
}

pub(super) struct Scanner<'a> {
    text: &'a str,
    rules: Rules,
    at: usize,
    delimiter: Option<&'a str>,
    /// The mark that opened the executable comment that we are in.
    executable: Option<Span>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, rules: &Rules) -> Self {
        Self {
            text,
            rules: *rules,
            at: 0,
            delimiter: None,
            executable: None,
        }
    }

    pub(super) fn text(&self, span: Span) -> &'a str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// From here on the text is written otherwise.
    pub(super) fn follow(&mut self, rules: Rules) {
        self.rules = rules;
    }

    pub(super) fn in_executable_comment(&self) -> bool {
        self.executable.is_some()
    }

    pub(super) fn has_delimiter(&self) -> bool {
        self.delimiter.is_some()
    }

    /// The next token, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, SplitError> {
        self.skip_gap()?;
        let start = self.at;
        let Some(byte) = self.peek(0) else {
            return match self.executable {
                Some(span) => Err(SplitError {
                    kind: SplitErrorKind::UnterminatedComment,
                    span,
                }),
                None => Ok(None),
            };
        };
        let kind = if let Some(delimiter) = self.delimiter_here() {
            self.at += delimiter.len();
            TokenKind::Delimiter
        } else {
            match byte {
                b'\'' => self.string(byte, self.rules.backslash_escapes)?,
                b'"' if self.rules.double_quoted_strings => {
                    self.string(byte, self.rules.backslash_escapes)?
                }
                b'"' => self.quoted_identifier(byte)?,
                b'`' if self.rules.backtick_identifiers => self.quoted_identifier(byte)?,
                b'[' if self.rules.bracket_identifiers => self.bracket_identifier()?,
                b'$' if self.rules.dollar_quotes => self.dollar()?,
                b'/' if self.rules.executable_comments && self.peek(1) == Some(b'*') => {
                    self.executable_comment()?
                }
                b'*' if self.executable.is_some() && self.peek(1) == Some(b'/') => {
                    self.at += 2;
                    self.executable = None;
                    TokenKind::ExecutableMark
                }
                b'0'..=b'9' => self.number(),
                _ if quotes::is_word(byte) => self.word()?,
                _ => {
                    self.at += 1;
                    TokenKind::Symbol(byte)
                }
            }
        };
        Ok(Some(Token {
            kind,
            span: Span::new(start, self.at),
        }))
    }

    /// Moves to the end of the line; the span of what was passed over, without
    /// white space at its end.
    pub(super) fn take_line(&mut self) -> Span {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.find('\n').and_then(|end| rest.get(..end));
        let line = line.unwrap_or(rest);
        self.at += line.len();
        Span::new(start, start + line.trim_ascii_end().len())
    }

    /// Whether only blanks stand before this place in its line.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        let before = self.text.get(..at).unwrap_or_default();
        let before = before.trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n') || before == BYTE_ORDER_MARK
    }

    /// Takes the rest of the line for a `DELIMITER` line's argument. It may be
    /// quoted, and what follows it is ignored, as the client does.
    pub(super) fn take_delimiter(&mut self, word: Span) -> Result<(), SplitError> {
        let line = self.take_line();
        let argument = self.text(line).trim_start();
        let quote = argument.chars().next().filter(|c| "'\"`".contains(*c));
        let delimiter = match quote {
            Some(quote) => argument.split(quote).nth(1),
            None => argument.split_ascii_whitespace().next(),
        };
        let delimiter = delimiter.unwrap_or_default();
        if delimiter.is_empty() || delimiter.len() > LONGEST_DELIMITER || delimiter.contains('\\') {
            return Err(SplitError {
                kind: SplitErrorKind::InvalidDelimiter,
                span: word,
            });
        }
        self.delimiter = Some(delimiter).filter(|text| *text != ";");
        Ok(())
    }

    /// What a `DELIMITER` line here would have for its argument.
    pub(super) fn rest_of_line(&self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        rest.lines().next().unwrap_or_default().trim()
    }

    /// Moves past the data that follows `COPY … FROM stdin;`: the lines after this
    /// one, to the `\.` that ends them or the end of the file. Where the data ends,
    /// if there is any.
    pub(super) fn take_copy_data(&mut self) -> Option<usize> {
        self.take_line();
        let mut end = None;
        while self.at < self.text.len() {
            self.at += 1;
            let line = self.take_line();
            if !line.is_empty() {
                end = Some(line.end);
            }
            if self.text(line) == "\\." {
                break;
            }
        }
        end
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest_starts_with(&self, start: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..);
        rest.is_some_and(|rest| rest.starts_with(start.as_bytes()))
    }

    fn delimiter_here(&self) -> Option<&'a str> {
        self.delimiter.filter(|text| self.rest_starts_with(text))
    }

    fn skip_gap(&mut self) -> Result<(), SplitError> {
        if self.at == 0 && self.rest_starts_with(BYTE_ORDER_MARK) {
            self.at = BYTE_ORDER_MARK.len();
        }
        while let Some(byte) = self.peek(0)
            && self.delimiter_here().is_none()
        {
            match byte {
                b' ' | b'\t'..=b'\r' => self.at += 1,
                b'-' if self.is_dash_comment() => self.skip_line_comment(),
                b'#' if self.rules.hash_comments => self.skip_line_comment(),
                b'/' if self.is_plain_comment() => self.skip_comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    fn is_dash_comment(&self) -> bool {
        self.peek(1) == Some(b'-')
            && (!self.rules.dash_comments_need_space
                || self
                    .peek(2)
                    .is_none_or(|byte| byte == b' ' || byte.is_ascii_control()))
    }

    fn is_plain_comment(&self) -> bool {
        self.peek(1) == Some(b'*')
            && !(self.rules.executable_comments
                && (matches!(self.peek(2), Some(b'!' | b'+')) || self.rest_starts_with("/*M!")))
    }

    fn skip_line_comment(&mut self) {
        while let Some(byte) = self.peek(0)
            && byte != b'\n'
            && !(byte == b'\r' && self.rules.carriage_return_ends_comment)
        {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) -> Result<(), SplitError> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek(0) {
            match (byte, self.peek(1)) {
                (b'/', Some(b'*')) if depth == 0 || self.rules.nested_comments => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(SplitError::new(
            SplitErrorKind::UnterminatedComment,
            start,
            start + 2,
        ))
    }

    fn executable_comment(&mut self) -> Result<TokenKind, SplitError> {
        if self.peek(2) == Some(b'+') {
            self.skip_comment()?;
            return Ok(TokenKind::Literal);
        }
        let start = self.at;
        self.at += if self.peek(2) == Some(b'M') { 4 } else { 3 };
        while self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.executable = Some(Span::new(start, self.at));
        Ok(TokenKind::ExecutableMark)
    }
}
