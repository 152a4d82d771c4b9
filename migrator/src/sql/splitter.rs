//! Tokens into statements: which semicolon ends one.

use super::body::Body;
use super::error::{SplitError, SplitErrorKind};
use super::quoting::Quoting;
use super::rules::Rules;
use super::scanner::{Scanner, Token, TokenKind};
use super::{Dialect, Statement, StatementKind};
use crate::text::Span;

pub(super) fn split(
    text: &str,
    dialect: Dialect,
    quoting: Quoting,
) -> Result<Vec<Statement>, SplitError> {
    let mut splitter = Splitter {
        dialect,
        rules: dialect.rules(),
        scanner: Scanner::new(text, &quoting.rules(dialect)),
        initial: quoting,
        quoting,
        statements: Vec::new(),
        current: None,
    };
    while let Some(token) = splitter.scanner.next()? {
        splitter.read(token)?;
    }
    splitter.end_statement()?;
    Ok(splitter.statements)
}

struct Splitter<'a> {
    dialect: Dialect,
    rules: &'static Rules,
    scanner: Scanner<'a>,
    /// How the session reads quotes, at first and now.
    initial: Quoting,
    quoting: Quoting,
    statements: Vec<Statement>,
    current: Option<Current>,
}

/// The statement being read.
struct Current {
    span: Span,
    parentheses: usize,
    body: Body,
}

impl Splitter<'_> {
    fn read(&mut self, token: Token) -> Result<(), SplitError> {
        match token.kind {
            TokenKind::Delimiter if !self.scanner.in_executable_comment() => {
                self.end_by_delimiter();
                Ok(())
            }
            TokenKind::Symbol(b';') => self.semicolon(),
            TokenKind::Symbol(b'\\') if self.rules.backslash_commands => {
                self.end_statement()?;
                self.backslash_command(token);
                Ok(())
            }
            TokenKind::Word if self.is_delimiter_line(token) => {
                self.end_by_delimiter();
                self.scanner.take_delimiter(token.span)
            }
            _ => {
                self.append(token);
                Ok(())
            }
        }
    }

    fn append(&mut self, token: Token) {
        let current = self.current.get_or_insert_with(|| Current {
            span: token.span,
            parentheses: 0,
            body: Body::new(self.dialect),
        });
        current.span.end = token.span.end;
        match token.kind {
            TokenKind::Symbol(b'(') => current.parentheses += 1,
            TokenKind::Symbol(b')') => {
                current.parentheses = current.parentheses.saturating_sub(1);
            }
            _ => {}
        }
        current.body.read(token, self.scanner.text(token.span));
    }

    /// A semicolon ends a statement, unless something holds it. One that does not
    /// only becomes part of the statement when more of it follows.
    fn semicolon(&mut self) -> Result<(), SplitError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let in_body = current.body.takes_semicolon();
        let held = in_body
            || self.scanner.in_executable_comment()
            || (self.rules.parentheses_hide_semicolons && current.parentheses > 0)
            // A delimiter of its own is there for the sake of a body. Anywhere else
            // the server ends the statement here, whatever the client thinks.
            || (self.scanner.has_delimiter() && current.body.is_of_routine());
        if !held {
            self.end_statement()?;
            self.take_copy_data();
        }
        Ok(())
    }

    /// Ends the statement, if there is one; its body must be complete.
    fn end_statement(&mut self) -> Result<(), SplitError> {
        if let Some(span) = self.current.as_ref().and_then(|it| it.body.open_since()) {
            return Err(SplitError {
                kind: SplitErrorKind::UnterminatedBody,
                span,
            });
        }
        self.end_by_delimiter();
        Ok(())
    }

    /// Ends the statement, if there is one, whatever its body looks like: somebody
    /// has said that it ends here.
    fn end_by_delimiter(&mut self) {
        if let Some(current) = self.current.take() {
            let text = self.scanner.text(current.span);
            self.statements.push(Statement {
                span: current.span,
                kind: StatementKind::of(text, self.dialect),
            });
            if may_set(text) {
                let after = self.quoting.after(text, self.dialect, self.initial);
                if after != self.quoting {
                    self.quoting = after;
                    self.scanner.follow(after.rules(self.dialect));
                }
            }
        }
    }

    fn backslash_command(&mut self, backslash: Token) {
        let rest = self.scanner.take_line();
        self.statements.push(Statement {
            span: Span::new(backslash.span.start, rest.end.max(backslash.span.end)),
            kind: StatementKind::PsqlCommand,
        });
    }

    /// psql takes the lines after `COPY … FROM stdin;` for data, which would make
    /// nonsense as SQL; they stay with their statement.
    fn take_copy_data(&mut self) {
        if let Some(last) = self.statements.last_mut()
            && last.kind == StatementKind::CopyFromStdin
            && let Some(end) = self.scanner.take_copy_data()
        {
            last.span.end = end;
        }
    }

    /// Whether this word begins a `DELIMITER` line. The client believes in one at
    /// the beginning of any line, even where it is the name of a column. We do so
    /// between statements; within one, only where the delimiter before it was
    /// forgotten and the line cannot be anything else.
    fn is_delimiter_line(&self, word: Token) -> bool {
        let text = self.scanner.text(word.span);
        self.rules.delimiter_lines
            && text.eq_ignore_ascii_case("DELIMITER")
            && self.scanner.begins_line(word.span.start)
            && match (&self.current, self.scanner.rest_of_line()) {
                (None, _) => true,
                (Some(_), ";") => self.scanner.has_delimiter(),
                (Some(_), argument) => matches!(argument, "$$" | "//" | ";;" | "|"),
            }
    }
}

/// Whether a statement may change a setting: only its beginning is looked at.
fn may_set(text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    [
        "SET",
        "RESET",
        "SELECT SET_CONFIG",
        "SELECT PG_CATALOG.SET_CONFIG",
    ]
    .iter()
    .any(|word| {
        start
            .get(..word.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(word))
    })
}
