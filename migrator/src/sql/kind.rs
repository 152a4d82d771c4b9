//! What an engine must know of a statement before it sends it, by its keywords.
//!
//! Only what is certain: what a server alone can know (a partitioned table, the
//! state of a subscription) is left for the server to refuse.

use super::scanner::{Scanner, TokenKind};
use super::{Dialect, mysql, postgres, sqlite};

/// What a statement is to whoever runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// PostgreSQL: `COPY … FROM STDIN`, with the lines of data that follow it in the
    /// file. Only a client like psql can send them.
    CopyFromStdin,
    /// PostgreSQL: `COPY … TO STDOUT`.
    CopyToStdout,
    /// SQLite: turns foreign keys on or off, which does nothing in a transaction,
    /// and does not say so.
    ForeignKeys(bool),
    /// MySQL: `LOCK TABLES`, after which no table may be used but those named.
    LockTables,
    /// Cannot run in a transaction. The name is for messages.
    NoTransaction(&'static str),
    Other,
    /// A line for psql, beginning with a backslash: no SQL at all.
    PsqlCommand,
    /// Begins or ends a transaction, or changes when one is ended; savepoints do
    /// not.
    TransactionControl,
}

impl StatementKind {
    /// The kind of a statement with this text.
    pub(super) fn of(text: &str, dialect: Dialect) -> Self {
        let mut head = Head::new(text, dialect);
        match dialect {
            Dialect::Mysql => mysql::kind(&mut head),
            Dialect::Postgres => postgres::kind(&mut head),
            Dialect::Sqlite => sqlite::kind(&mut head),
        }
    }
}

/// How many words outside of parentheses are looked at. No keyword that matters
/// comes later, and a statement may be of any length.
const FAR_ENOUGH: usize = 16;

/// How many words inside of parentheses are kept.
const OPTIONS: usize = 64;

/// The first words of a statement, read only as far as questions about them need.
pub(super) struct Head<'a> {
    scanner: Scanner<'a>,
    parentheses: usize,
    /// Words, quoted names and literals outside of parentheses.
    words: Vec<&'a str>,
    /// The same inside of parentheses.
    inner: Vec<&'a str>,
    ended: bool,
}

impl<'a> Head<'a> {
    fn new(text: &'a str, dialect: Dialect) -> Self {
        Self {
            scanner: Scanner::new(text, dialect.rules()),
            parentheses: 0,
            words: Vec::new(),
            inner: Vec::new(),
            ended: false,
        }
    }

    /// Whether the first words are those of the phrase.
    pub(super) fn begins_with(&mut self, phrase: &str) -> bool {
        phrase.split(' ').enumerate().all(|(number, expected)| {
            self.word(number)
                .is_some_and(|word| word.eq_ignore_ascii_case(expected))
        })
    }

    /// The phrase that the first words are.
    pub(super) fn begins_with_any(&mut self, phrases: &[&'static str]) -> Option<&'static str> {
        phrases
            .iter()
            .copied()
            .find(|phrase| self.begins_with(phrase))
    }

    /// Whether the words outside of parentheses have these among them, in a row.
    pub(super) fn has_phrase(&mut self, phrase: &str) -> bool {
        self.read_all();
        let expected: Vec<&str> = phrase.split(' ').collect();
        self.words.windows(expected.len()).any(|words| {
            words
                .iter()
                .zip(&expected)
                .all(|(word, expected)| word.eq_ignore_ascii_case(expected))
        })
    }

    /// Whether the word stands anywhere, and is not an option turned off.
    pub(super) fn has(&mut self, word: &str) -> bool {
        self.read_all();
        let mut all = self.words.iter().chain(&self.inner);
        all.any(|found| found.eq_ignore_ascii_case(word)) && !self.has_option_off(word)
    }

    /// Whether nothing stands outside of parentheses but these words.
    pub(super) fn has_only(&mut self, words: &[&str]) -> bool {
        self.read_all();
        self.words
            .iter()
            .all(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
    }

    /// Whether parentheses hold `option = false`, in any of its spellings.
    pub(super) fn has_option_off(&mut self, option: &str) -> bool {
        self.read_all();
        self.inner.windows(2).any(|pair| {
            matches!(pair, [name, value] if name.eq_ignore_ascii_case(option) && is_off(value))
        })
    }

    /// Whether a pragma, with or without a schema before it, is given a value.
    pub(super) fn sets_pragma(&mut self, name: &str) -> bool {
        self.pragma_value(name).is_some()
    }

    /// The value that a pragma is given, as it is written.
    pub(super) fn pragma_value(&mut self, name: &str) -> Option<&'a str> {
        self.read_all();
        let named = (1..=2).find(|number| {
            self.words
                .get(*number)
                .is_some_and(|word| word.eq_ignore_ascii_case(name))
        })?;
        let value = self.words.get(named + 1).or_else(|| self.inner.first());
        value.copied()
    }

    /// `ROLLBACK TO`, which ends nothing.
    pub(super) fn is_rollback_to_savepoint(&mut self) -> bool {
        self.begins_with_any(&["ROLLBACK TO", "ROLLBACK TRANSACTION TO", "ROLLBACK WORK TO"])
            .is_some()
    }

    fn word(&mut self, number: usize) -> Option<&'a str> {
        while self.words.len() <= number && !self.ended {
            self.read_token();
        }
        self.words.get(number).copied()
    }

    fn read_all(&mut self) {
        self.word(FAR_ENOUGH - 1);
    }

    fn read_token(&mut self) {
        // What cannot be scanned was reported when the file was split.
        let Ok(Some(token)) = self.scanner.next() else {
            self.ended = true;
            return;
        };
        match token.kind {
            TokenKind::Symbol(b'(') => self.parentheses += 1,
            TokenKind::Symbol(b')') => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Literal | TokenKind::QuotedIdentifier | TokenKind::Word => {
                let text = self.scanner.text(token.span);
                if self.parentheses == 0 {
                    self.words.push(text);
                } else if self.inner.len() < OPTIONS {
                    self.inner.push(text);
                }
            }
            TokenKind::Delimiter | TokenKind::ExecutableMark | TokenKind::Symbol(_) => {}
        }
    }
}

fn is_off(value: &str) -> bool {
    let value = value.trim_matches('\'');
    ["0", "false", "no", "off"]
        .iter()
        .any(|off| value.eq_ignore_ascii_case(off))
}
