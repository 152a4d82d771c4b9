//! Which table a statement is about, where that decides whether a server takes
//! it: known by its first words, and by none where those are not certain.

use super::Dialect;
use super::scanner::{Scanner, TokenKind};

/// A table's name, as the server reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub schema: Option<String>,
    pub table: String,
}

/// The table or view that only its owner may be asked to change so; `None` for
/// every other statement.
pub(crate) fn needs_owner_of(text: &str, dialect: Dialect) -> Option<Name> {
    let tokens = tokens(text, dialect);
    let mut rest = Rest(&tokens);
    if rest.skips(&["CREATE"]) {
        rest.skips(&["UNIQUE"]);
        if !rest.skips(&["INDEX"]) {
            return None;
        }
        let on = rest.0.iter().position(|token| token.is("ON"))?;
        rest.0 = &rest.0[on + 1..];
        rest.skips(&["ONLY"]);
        return rest.name();
    }
    if !rest.skips(&["ALTER"]) && !rest.skips(&["DROP"]) {
        return None;
    }
    let is_table = ["TABLE", "VIEW"].iter().any(|kind| rest.skips(&[kind]))
        || rest.skips(&["MATERIALIZED", "VIEW"]);
    if !is_table {
        return None;
    }
    rest.skips(&["IF", "EXISTS"]);
    rest.skips(&["ONLY"]);
    rest.name()
}

/// Whether a statement creates a table without a primary key.
pub(crate) fn lacks_key(text: &str, dialect: Dialect) -> bool {
    let tokens = tokens(text, dialect);
    let mut rest = Rest(&tokens);
    if !rest.skips(&["CREATE", "TABLE"]) {
        return false;
    }
    // Its columns, and their keys, are those of another table.
    if rest.0.iter().any(|token| token.is("LIKE")) {
        return false;
    }
    let has_key = rest.0.windows(2).any(|pair| {
        pair[0].is("PRIMARY") && pair[1].is("KEY")
            // A column's `KEY` alone is its primary key.
            || pair[0].is("KEY") && matches!(pair[1], Token::Symbol(b',' | b')'))
    });
    !has_key
}

pub(super) enum Token<'a> {
    Symbol(u8),
    /// A name, without the quotes that it may have had.
    Quoted(String),
    Word(&'a str),
}

impl Token<'_> {
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn name(&self) -> Option<String> {
        match self {
            Self::Quoted(name) => Some(name.clone()),
            Self::Symbol(_) => None,
            Self::Word(word) => Some(word.to_lowercase()),
        }
    }

    /// The name as it is written, without its quotes.
    pub(super) fn written(&self) -> Option<String> {
        match self {
            Self::Quoted(name) => Some(name.clone()),
            Self::Symbol(_) => None,
            Self::Word(word) => Some((*word).to_owned()),
        }
    }

    /// The same text for every spelling of the token.
    pub(super) fn normal(&self) -> String {
        match self {
            Self::Quoted(name) => name.to_ascii_lowercase(),
            Self::Symbol(symbol) => char::from(*symbol).to_string(),
            Self::Word(word) => word.to_ascii_lowercase(),
        }
    }
}

/// What is still to be read of a statement.
pub(super) struct Rest<'a>(pub(super) &'a [Token<'a>]);

impl Rest<'_> {
    /// Goes past these words, if they are next.
    pub(super) fn skips(&mut self, words: &[&str]) -> bool {
        let Some((head, tail)) = self.0.split_at_checked(words.len()) else {
            return false;
        };
        let are_next = head.iter().zip(words).all(|(token, word)| token.is(word));
        if are_next {
            self.0 = tail;
        }
        are_next
    }

    /// Goes past a name as it is written, with its schema where it has one.
    pub(super) fn qualified(&mut self) -> Option<Name> {
        let first = self.0.first()?.written()?;
        if let [_, Token::Symbol(b'.'), second, rest @ ..] = self.0 {
            self.0 = rest;
            return Some(Name {
                schema: Some(first),
                table: second.written()?,
            });
        }
        self.0 = self.0.get(1..).unwrap_or_default();
        Some(Name {
            schema: None,
            table: first,
        })
    }

    fn name(&self) -> Option<Name> {
        let first = self.0.first()?.name()?;
        Some(match self.0 {
            [_, Token::Symbol(b'.'), second, ..] => Name {
                schema: Some(first),
                table: second.name()?,
            },
            _ => Name {
                schema: None,
                table: first,
            },
        })
    }
}

pub(super) fn tokens(text: &str, dialect: Dialect) -> Vec<Token<'_>> {
    first_tokens(text, dialect, usize::MAX)
}

/// As many tokens as are asked for: a statement may be of any length.
pub(super) fn first_tokens(text: &str, dialect: Dialect, most: usize) -> Vec<Token<'_>> {
    let mut scanner = Scanner::new(text, dialect.rules());
    let mut tokens = Vec::new();
    // What cannot be scanned was reported when the file was split.
    while tokens.len() < most
        && let Ok(Some(token)) = scanner.next()
    {
        let text = scanner.text(token.span);
        tokens.push(match token.kind {
            TokenKind::Symbol(symbol) => Token::Symbol(symbol),
            TokenKind::QuotedIdentifier => Token::Quoted(unquoted(text)),
            // SQLite takes a string for a name where only a name may be.
            TokenKind::Literal if dialect == Dialect::Sqlite && text.starts_with('\'') => {
                Token::Quoted(unquoted(text))
            }
            TokenKind::Word => Token::Word(text),
            TokenKind::Delimiter | TokenKind::ExecutableMark | TokenKind::Literal => continue,
        });
    }
    tokens
}

fn unquoted(text: &str) -> String {
    let inside = text.get(1..text.len() - 1).unwrap_or_default();
    match text.get(..1) {
        Some(quote @ ("\"" | "`" | "'")) => inside.replace(&quote.repeat(2), quote),
        _ => inside.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_an_owner_may_do_names_the_table() {
        for (text, name) in [
            ("ALTER TABLE a ADD b INT", Some((None, "a"))),
            (
                "alter table if exists only S.\"A b\" add x int",
                Some((Some("s"), "A b")),
            ),
            ("DROP /* it */ TABLE IF EXISTS a, b", Some((None, "a"))),
            ("DROP MATERIALIZED VIEW m", Some((None, "m"))),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY i ON ONLY s.t (x)",
                Some((Some("s"), "t")),
            ),
            ("CREATE INDEX ON t (x)", Some((None, "t"))),
            ("CREATE TABLE a (id INT)", None),
            ("ALTER ROLE a SET x = 1", None),
            ("INSERT INTO a VALUES (1)", None),
            ("", None),
        ] {
            let found = needs_owner_of(text, Dialect::Postgres);
            let found = found
                .as_ref()
                .map(|name| (name.schema.as_deref(), name.table.as_str()));
            assert_eq!(found, name, "{text}");
        }
    }

    #[test]
    fn a_table_without_a_primary_key_is_known() {
        for (text, lacks) in [
            ("CREATE TABLE a (id INT)", true),
            ("CREATE TABLE a (id INT, UNIQUE KEY k (id))", true),
            ("CREATE TABLE a AS SELECT 1 AS id", true),
            ("CREATE TABLE `primary key` (id INT)", true),
            ("CREATE TABLE a (id INT PRIMARY KEY)", false),
            ("create table a (id int, primary key (id))", false),
            ("CREATE TABLE a (id INT KEY, b INT)", false),
            ("CREATE TABLE a LIKE b", false),
            ("CREATE TEMPORARY TABLE a (id INT)", false),
            ("ALTER TABLE a ADD b INT", false),
        ] {
            assert_eq!(lacks_key(text, Dialect::Mysql), lacks, "{text}");
        }
    }
}
