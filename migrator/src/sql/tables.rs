//! What a statement of SQLite does to tables, their foreign keys, indexes and
//! triggers: as much as a rebuild of a table needs, read by the first words.

use super::subject::{Name, Rest, Token, first_tokens, tokens};
use super::{Dialect, Statement};
use crate::text::SourceFile;
use std::collections::HashSet;

/// As many words as `INSERT OR REPLACE` has.
const FEW: usize = 3;

/// What becomes of a child's row when its parent's is deleted. Other actions
/// than these make the deletion fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDelete {
    Cascade,
    SetDefault,
    SetNull,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Adds columns, or a whole table, with the parents that it names.
    Create {
        table: Name,
        parents: Vec<(String, OnDelete)>,
    },
    CreateIndex {
        name: String,
        table: String,
        /// What stands after the table's name.
        columns: String,
    },
    CreateTrigger {
        name: String,
    },
    Drop(Name),
    /// An index or a trigger.
    DropObject {
        name: String,
    },
    Rename {
        from: Name,
        to: String,
    },
    /// None of these; whether rows that are there may be deleted or changed.
    Other {
        may_change_rows: bool,
    },
}

impl OnDelete {
    /// The action of these words; `None` where it keeps every row as it is.
    #[must_use]
    #[cfg_attr(
        not(feature = "sqlite"),
        allow(dead_code, reason = "only SQLite asks for it")
    )]
    pub(crate) fn of(words: &str) -> Option<Self> {
        [Self::Cascade, Self::SetDefault, Self::SetNull]
            .into_iter()
            .find(|action| action.words().eq_ignore_ascii_case(words))
    }

    /// The action as SQL has it.
    #[must_use]
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Cascade => "CASCADE",
            Self::SetDefault => "SET DEFAULT",
            Self::SetNull => "SET NULL",
        }
    }
}

impl Effect {
    /// The effect of a statement of SQLite.
    #[must_use]
    pub(crate) fn of(text: &str) -> Self {
        let begin = first_tokens(text, Dialect::Sqlite, FEW);
        let is_schema = ["ALTER", "CREATE", "DROP"].iter();
        let is_schema = is_schema
            .into_iter()
            .any(|word| Rest(&begin).skips(&[word]));
        let tokens = if is_schema {
            tokens(text, Dialect::Sqlite)
        } else {
            begin
        };
        let mut rest = Rest(&tokens);
        let effect = if rest.skips(&["CREATE"]) {
            create(&mut rest)
        } else if rest.skips(&["DROP"]) {
            drop(&mut rest)
        } else if rest.skips(&["ALTER", "TABLE"]) {
            alter(&mut rest)
        } else {
            None
        };
        effect.unwrap_or_else(|| {
            let harmless = ["CREATE", "EXPLAIN", "INSERT", "PRAGMA", "REINDEX", "SELECT"];
            let is_harmless = tokens
                .first()
                .is_some_and(|first| harmless.iter().any(|word| first.is(word)));
            let replaces = tokens.iter().take(FEW).any(|token| token.is("REPLACE"));
            Self::Other {
                may_change_rows: !is_harmless || replaces,
            }
        })
    }
}

/// The table that a statement of SQLite drops.
#[must_use]
#[cfg_attr(
    not(feature = "sqlite"),
    allow(dead_code, reason = "only SQLite asks for it")
)]
pub(crate) fn dropped_table(text: &str) -> Option<Name> {
    match Effect::of(text) {
        Effect::Drop(name) => Some(name),
        _ => None,
    }
}

/// The tables, in small letters, that later statements of a file drop without
/// having named them before: whatever a statement does to their rows before that,
/// the file says that they go.
#[must_use]
pub(crate) fn dropped_later(
    file: &SourceFile,
    statements: &[Statement],
    number: usize,
) -> HashSet<String> {
    let schema = |name: &Name| name.schema.as_deref().map(str::to_ascii_lowercase);
    let text = |statement: &Statement| file.slice(statement.span);
    let Some(Effect::Drop(first)) = statements.get(number).map(|it| Effect::of(text(it))) else {
        return HashSet::new();
    };
    let mut dropped = HashSet::new();
    let mut named = HashSet::new();
    for statement in statements.iter().skip(number + 1) {
        if let Effect::Drop(name) = Effect::of(text(statement)) {
            let table = name.table.to_ascii_lowercase();
            if schema(&name) == schema(&first) && !named.contains(&table) {
                dropped.insert(table);
            }
        }
        named.extend(words(text(statement)));
    }
    dropped
}

/// Every name and word of a statement of SQLite, in small letters.
#[must_use]
pub(crate) fn words(text: &str) -> HashSet<String> {
    let tokens = tokens(text, Dialect::Sqlite);
    tokens.iter().map(Token::normal).collect()
}

fn create(rest: &mut Rest<'_>) -> Option<Effect> {
    let temporary = rest.skips(&["TEMP"]) || rest.skips(&["TEMPORARY"]);
    let unique = rest.skips(&["UNIQUE"]);
    if rest.skips(&["INDEX"]) {
        rest.skips(&["IF", "NOT", "EXISTS"]);
        let name = rest.qualified()?.table;
        if !rest.skips(&["ON"]) {
            return None;
        }
        let table = rest.qualified()?.table;
        let columns: Vec<String> = rest.0.iter().map(Token::normal).collect();
        let unique = if unique { "unique " } else { "" };
        return Some(Effect::CreateIndex {
            name,
            table,
            columns: format!("{unique}{}", columns.join(" ")),
        });
    }
    if rest.skips(&["TRIGGER"]) {
        rest.skips(&["IF", "NOT", "EXISTS"]);
        let name = rest.qualified()?.table;
        return Some(Effect::CreateTrigger { name });
    }
    if !rest.skips(&["TABLE"]) {
        return None;
    }
    rest.skips(&["IF", "NOT", "EXISTS"]);
    let mut table = rest.qualified()?;
    if temporary {
        table.schema = Some("temp".to_owned());
    }
    Some(Effect::Create {
        table,
        parents: parents(rest.0),
    })
}

fn drop(rest: &mut Rest<'_>) -> Option<Effect> {
    let is_table = rest.skips(&["TABLE"]);
    if !is_table && !rest.skips(&["INDEX"]) && !rest.skips(&["TRIGGER"]) {
        return None;
    }
    rest.skips(&["IF", "EXISTS"]);
    let name = rest.qualified()?;
    Some(if is_table {
        Effect::Drop(name)
    } else {
        Effect::DropObject { name: name.table }
    })
}

fn alter(rest: &mut Rest<'_>) -> Option<Effect> {
    let table = rest.qualified()?;
    if rest.skips(&["RENAME", "TO"]) {
        let to = rest.0.first()?.written()?;
        return Some(Effect::Rename { from: table, to });
    }
    if rest.skips(&["ADD"]) {
        return Some(Effect::Create {
            table,
            parents: parents(rest.0),
        });
    }
    None
}

/// The tables that foreign keys name, where a deletion there reaches the rows here.
fn parents(tokens: &[Token<'_>]) -> Vec<(String, OnDelete)> {
    let starts = tokens.iter().enumerate();
    starts
        .filter(|(_, token)| token.is("REFERENCES"))
        .filter_map(|(at, _)| {
            let after = tokens.get(at + 1..)?;
            let parent = after.first()?.written()?;
            Some((parent, on_delete(after)?))
        })
        .collect()
}

/// The action of one foreign key, which ends where the next column begins.
fn on_delete(tokens: &[Token<'_>]) -> Option<OnDelete> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol(b'(') => depth += 1,
            Token::Symbol(b')' | b',') if depth == 0 => return None,
            Token::Symbol(b')') => depth -= 1,
            _ if token.is("REFERENCES") => return None,
            _ if token.is("ON") => {
                let mut rest = Rest(tokens.get(at..)?);
                if rest.skips(&["ON", "DELETE"]) {
                    let actions = [OnDelete::Cascade, OnDelete::SetDefault, OnDelete::SetNull];
                    return actions.into_iter().find(|action| {
                        let words: Vec<&str> = action.words().split(' ').collect();
                        Rest(rest.0).skips(&words)
                    });
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(text: &str) -> Option<(Option<String>, String)> {
        dropped_table(text).map(|name| (name.schema, name.table))
    }

    #[test]
    fn a_dropped_table_is_known_in_every_spelling() {
        let alone = |name: &str| Some((None, name.to_owned()));
        let of = |schema: &str, name: &str| Some((Some(schema.to_owned()), name.to_owned()));
        for (text, name) in [
            ("DROP TABLE users", alone("users")),
            ("drop\n/* c */ table -- d\n if exists Users", alone("Users")),
            ("DROP TABLE \"a \"\"b\"", alone("a \"b")),
            ("DROP TABLE [a b]", alone("a b")),
            ("DROP TABLE `a``b`", alone("a`b")),
            ("DROP TABLE 'it''s'", alone("it's")),
            ("DROP TABLE É", alone("É")),
            ("DROP TABLE main . users", of("main", "users")),
            ("DROP TABLE IF EXISTS [x].'y'", of("x", "y")),
            ("DROP VIEW users", None),
            ("DELETE FROM users", None),
            ("REPLACE INTO users VALUES (1)", None),
            ("", None),
        ] {
            assert_eq!(dropped(text), name, "{text}");
        }
    }

    #[test]
    fn a_key_is_read_with_its_action() {
        let parents = |text: &str| match Effect::of(text) {
            Effect::Create { parents, .. } => parents,
            other => panic!("{other:?}"),
        };
        let key = |name: &str, action| (name.to_owned(), action);
        assert_eq!(
            parents(
                "CREATE TABLE IF NOT EXISTS c (a INT REFERENCES x ON DELETE CASCADE, b INT \
                 REFERENCES \"Y\" (id) ON UPDATE CASCADE ON DELETE SET NULL, d REFERENCES z, e \
                 REFERENCES w ON DELETE RESTRICT, FOREIGN KEY (a, b) REFERENCES v (a, b) MATCH \
                 FULL ON DELETE SET DEFAULT)"
            ),
            [
                key("x", OnDelete::Cascade),
                key("Y", OnDelete::SetNull),
                key("v", OnDelete::SetDefault),
            ]
        );
        assert_eq!(
            parents("ALTER TABLE c ADD COLUMN x INT REFERENCES y ON DELETE CASCADE"),
            [key("y", OnDelete::Cascade)]
        );
    }

    #[test]
    fn what_keeps_every_row_is_known() {
        let changes = |text: &str| {
            Effect::of(text)
                == Effect::Other {
                    may_change_rows: true,
                }
        };
        assert!(changes("DELETE FROM a"));
        assert!(changes("INSERT OR REPLACE INTO a VALUES (1)"));
        assert!(changes("WITH x AS (SELECT 1) DELETE FROM a"));
        assert!(!changes("INSERT INTO a SELECT * FROM b"));
        assert!(!changes("PRAGMA foreign_keys = ON"));
    }
}
