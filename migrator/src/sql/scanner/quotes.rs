//! The tokens of more than one character: words, numbers, and all that is quoted.

use super::{Scanner, TokenKind};
use crate::sql::error::{SplitError, SplitErrorKind};

/// Whether a byte can be part of a word. The dialects differ in what may begin
/// one, which no statement's end depends on.
pub(super) fn is_word(byte: u8) -> bool {
    byte == b'$' || is_tag(byte)
}

/// Whether a byte can be part of a dollar quote's tag.
fn is_tag(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

impl Scanner<'_> {
    /// A word, to the next delimiter: under `DELIMITER $$`, `END$$` is two tokens.
    pub(super) fn word(&mut self) -> Result<TokenKind, SplitError> {
        let start = self.at;
        while self.peek(0).is_some_and(is_word) && self.delimiter_here().is_none() {
            self.at += 1;
        }
        let is_e = matches!(self.text.as_bytes().get(start..self.at), Some(b"e" | b"E"));
        if is_e && self.rules.escape_strings && self.peek(0) == Some(b'\'') {
            return self.escape_string(start);
        }
        Ok(TokenKind::Word)
    }

    /// A number with whatever clings to it. A `$` does not: `1$$text$$` is a number
    /// and a string.
    pub(super) fn number(&mut self) -> TokenKind {
        while self
            .peek(0)
            .is_some_and(|byte| is_tag(byte) || byte == b'.')
            && self.delimiter_here().is_none()
        {
            self.at += 1;
        }
        TokenKind::Literal
    }

    pub(super) fn string(&mut self, quote: u8, escapes: bool) -> Result<TokenKind, SplitError> {
        let start = self.at;
        if self.skip_quoted(quote, escapes) {
            return Ok(TokenKind::Literal);
        }
        let kind = SplitErrorKind::UnterminatedString;
        Err(SplitError::new(kind, start, start + 1))
    }

    pub(super) fn quoted_identifier(&mut self, quote: u8) -> Result<TokenKind, SplitError> {
        let start = self.at;
        if self.skip_quoted(quote, false) {
            return Ok(TokenKind::QuotedIdentifier);
        }
        let kind = SplitErrorKind::UnterminatedQuotedIdentifier;
        Err(SplitError::new(kind, start, start + 1))
    }

    /// `[name]`: the first bracket closes it, there is no way to write one inside.
    pub(super) fn bracket_identifier(&mut self) -> Result<TokenKind, SplitError> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        if let Some(length) = rest.find(']') {
            self.at += length + 1;
            return Ok(TokenKind::QuotedIdentifier);
        }
        let kind = SplitErrorKind::UnterminatedQuotedIdentifier;
        Err(SplitError::new(kind, start, start + 1))
    }

    /// A dollar quote, a parameter, or a stray dollar sign.
    pub(super) fn dollar(&mut self) -> Result<TokenKind, SplitError> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            while self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            }
            return Ok(TokenKind::Literal);
        }
        let after_dollar = self.at;
        while self.peek(0).is_some_and(is_tag) {
            self.at += 1;
        }
        if self.peek(0) != Some(b'$') {
            self.at = after_dollar;
            return Ok(TokenKind::Symbol(b'$'));
        }
        let tag = self.text.get(after_dollar..self.at).unwrap_or_default();
        self.at += 1;
        let quote = self.text.get(start..self.at).unwrap_or_default();
        let body = self.text.get(self.at..).unwrap_or_default();
        if let Some(length) = body.find(quote) {
            self.at += length + quote.len();
            return Ok(TokenKind::Literal);
        }
        let kind = SplitErrorKind::UnterminatedDollarQuote { tag: tag.into() };
        Err(SplitError::new(kind, start, self.at))
    }

    /// `E'…'`, and the strings that continue it on later lines: they are read as
    /// the first is.
    fn escape_string(&mut self, start: usize) -> Result<TokenKind, SplitError> {
        loop {
            if !self.skip_quoted(b'\'', true) {
                let kind = SplitErrorKind::UnterminatedString;
                return Err(SplitError::new(kind, start, start + 2));
            }
            let end = self.at;
            let new_line = self.skip_to_continuation();
            if !new_line || self.peek(0) != Some(b'\'') {
                self.at = end;
                return Ok(TokenKind::Literal);
            }
        }
    }

    /// Steps over white space and `--` comments; whether a line ended among them.
    fn skip_to_continuation(&mut self) -> bool {
        let mut new_line = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t'..=b'\r' => {
                    new_line |= matches!(byte, b'\n' | b'\r');
                    self.at += 1;
                }
                b'-' if self.is_dash_comment() => self.skip_line_comment(),
                _ => break,
            }
        }
        new_line
    }

    /// Steps over a quoted text whose first quote is here; whether it is closed. A
    /// doubled quote stands for one.
    fn skip_quoted(&mut self, quote: u8, escapes: bool) -> bool {
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            if byte == b'\\' && escapes {
                self.at += 1;
            } else if byte == quote {
                if self.peek(0) != Some(quote) {
                    return true;
                }
                self.at += 1;
            }
        }
        false
    }
}
