//! The words of a statement, for questions that no parser is needed for.

use super::Dialect;
use super::scanner::{Scanner, Token, TokenKind};

/// A statement's tokens, as far as questions about its session need them.
pub(super) struct Words<'a> {
    /// Words and quoted names, the first ones, in capitals and without quotes.
    pub(super) all: Vec<String>,
    pub(super) tokens: Vec<(Token, &'a str)>,
}

/// How many words are kept by themselves.
const KEPT: usize = 24;

/// No text longer than this is looked through to its end: only data are so long.
const FAR_ENOUGH: usize = 64 * 1024;

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str, dialect: Dialect) -> Self {
        let mut scanner = Scanner::new(text, dialect.rules());
        let mut words = Self {
            all: Vec::new(),
            tokens: Vec::new(),
        };
        // What cannot be scanned was reported when the file was split.
        while let Ok(Some(token)) = scanner.next() {
            if token.span.start > FAR_ENOUGH {
                break;
            }
            let text = scanner.text(token.span);
            let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier);
            if is_name && words.all.len() < KEPT {
                words.all.push(plain(text));
            }
            words.tokens.push((token, text));
        }
        words
    }

    pub(super) fn word(&self, number: usize) -> &str {
        self.all.get(number).map_or("", String::as_str)
    }

    pub(super) fn has_before(&self, word: &str, number: usize) -> bool {
        self.all.iter().take(number).any(|found| found == word)
    }

    pub(super) fn has_pair(&self, one: &str, next: &str) -> bool {
        self.names()
            .zip(self.names().skip(1))
            .any(|(first, second)| {
                first.eq_ignore_ascii_case(one) && second.eq_ignore_ascii_case(next)
            })
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.names().any(|found| found.eq_ignore_ascii_case(word))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.tokens
            .iter()
            .filter(|(token, _)| token.kind == TokenKind::Word)
            .map(|(_, text)| *text)
    }

    /// The names before an opening parenthesis, in capitals.
    pub(super) fn calls(&self) -> Vec<String> {
        self.tokens
            .windows(2)
            .filter(|pair| {
                pair[1].0.kind == TokenKind::Symbol(b'(')
                    && matches!(
                        pair[0].0.kind,
                        TokenKind::Word | TokenKind::QuotedIdentifier
                    )
            })
            .map(|pair| plain(pair[0].1))
            .collect()
    }

    /// MySQL: the user variables that a statement may give a value, in capitals:
    /// none where nothing in it assigns.
    pub(super) fn assigned(&self) -> Vec<String> {
        let is = |at: usize, symbol: u8| {
            self.tokens
                .get(at)
                .is_some_and(|(token, _)| token.kind == TokenKind::Symbol(symbol))
        };
        let touches =
            |at: usize| at > 0 && self.tokens[at - 1].0.span.end == self.tokens[at].0.span.start;
        let assigns = matches!(self.word(0), "SET" | "GET" | "LOAD")
            || (0..self.tokens.len()).any(|at| {
                (is(at, b':') && is(at + 1, b'=')) || (is(at, b'@') && self.follows_into(at))
            });
        if !assigns {
            return Vec::new();
        }
        (0..self.tokens.len())
            .filter(|at| is(*at, b'@') && !is(at + 1, b'@'))
            .filter(|at| *at == 0 || !is(at - 1, b'@'))
            // `root@localhost` is no variable.
            .filter(|at| !touches(*at) || !matches!(self.tokens[at - 1].0.kind, TokenKind::Literal))
            .filter_map(|at| self.tokens.get(at + 1))
            .map(|(_, text)| plain(text))
            .collect()
    }

    /// Whether the `@` with this number belongs to the list after an `INTO`.
    fn follows_into(&self, at: usize) -> bool {
        let before = self.tokens[..at]
            .iter()
            .rev()
            .find(|(token, _)| token.kind == TokenKind::Word && !self.is_variable(token));
        before.is_some_and(|(_, text)| text.eq_ignore_ascii_case("INTO"))
    }

    /// Whether a word is a variable's name: an `@` stands before it.
    fn is_variable(&self, word: &Token) -> bool {
        self.tokens.iter().any(|(token, _)| {
            token.kind == TokenKind::Symbol(b'@') && token.span.end == word.span.start
        })
    }

    /// PostgreSQL: `set_config('name', 'value', true)` lasts as long as the
    /// transaction.
    pub(super) fn is_local_config(&self) -> bool {
        self.calls() == ["SET_CONFIG"] && self.has("true")
    }

    /// PostgreSQL: `SELECT set_config('name', 'value', false)`, and nothing else.
    pub(super) fn is_literal_config(&self) -> bool {
        let is_known = |word: &&str| {
            ["SELECT", "pg_catalog", "set_config", "false"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(word))
        };
        self.names().all(|word| is_known(&word))
    }
}

/// A name without its quotes, in capitals.
pub(super) fn plain(name: &str) -> String {
    name.trim_matches(['"', '`', '[', ']', '\''])
        .to_ascii_uppercase()
}

/// Whether a text has these capitals as a word of its own.
pub(super) fn has_word(capitals: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    capitals.match_indices(word).any(|(at, _)| {
        let begins = word.starts_with(|c| !is_part(c)) || !capitals[..at].ends_with(is_part);
        begins && !capitals[at + word.len()..].starts_with(is_part)
    })
}
