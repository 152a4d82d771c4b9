//! A tool's history table in a database: whose it is, and under which name it
//! stands there.

use super::table::{Table, Writes};
use crate::model::Checksum;
use crate::sql::Dialect;

/// A history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What its tool has made of it.
    pub kind: &'static dyn Table,
    /// As the user wrote it: it may be qualified by a schema, and quoted.
    pub table: String,
    /// Schemas to create before the table.
    pub schemas: Vec<String>,
}

/// One that is written here.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    pub ledger: &'a Ledger,
    pub writes: &'static dyn Writes,
}

impl Ledger {
    /// The table for whoever writes it; `None` where only its tool does.
    #[must_use]
    pub fn written(&self) -> Option<Written<'_>> {
        Some(Written {
            ledger: self,
            writes: self.kind.writes()?,
        })
    }

    /// All rows in any order, every column as text.
    #[must_use]
    pub fn select(&self, dialect: Dialect) -> String {
        self.kind.select(&self.table, dialect)
    }

    /// Creates the schemas and the table where they are missing; nothing where only
    /// its tool does. SQLite has no schemas to create.
    #[must_use]
    pub fn create(&self, dialect: Dialect) -> Vec<String> {
        let Some(create) = self.kind.create(&self.table, dialect) else {
            return Vec::new();
        };
        let schemas = match dialect {
            Dialect::Sqlite => &[],
            Dialect::Postgres | Dialect::Mysql => self.schemas.as_slice(),
        };
        let schemas = schemas.iter();
        schemas
            .map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema}"))
            .chain([create])
            .collect()
    }

    /// The first of its names that is none: neither plain nor quoted, or of more
    /// than two parts.
    #[must_use]
    pub fn bad_name(&self, dialect: Dialect) -> Option<&str> {
        let table = (!is_name(dialect, &self.table, 2)).then_some(&self.table);
        let mut schemas = self.schemas.iter();
        table
            .or_else(|| schemas.find(|schema| !is_name(dialect, schema, 1)))
            .map(String::as_str)
    }
}

/// A text as a literal that means the same whatever the session's settings are.
#[must_use]
pub fn quote(dialect: Dialect, text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match dialect {
        Dialect::Postgres => format!("E'{}'", doubled.replace('\\', "\\\\")),
        // Hexadecimal: NO_BACKSLASH_ESCAPES changes what a quoted text means, and SET
        // NAMES what its bytes do.
        Dialect::Mysql if text.contains('\\') || !text.is_ascii() => {
            format!("CONVERT({} USING utf8mb4)", hex_literal(text.as_bytes()))
        }
        Dialect::Mysql | Dialect::Sqlite => format!("'{doubled}'"),
    }
}

/// Whether a text is a name of at most so many parts, each plain or quoted.
fn is_name(dialect: Dialect, text: &str, parts: usize) -> bool {
    let quotes: &[(char, char)] = match dialect {
        Dialect::Postgres => &[('"', '"')],
        Dialect::Mysql => &[('`', '`')],
        Dialect::Sqlite => &[('"', '"'), ('`', '`'), ('[', ']')],
    };
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let opened = quotes.iter().find(|(open, _)| text.starts_with(*open));
    let (first, rest) = match opened {
        Some((_, close)) => {
            let inside = &text[1..];
            // A doubled quote is one of the name's own.
            let mut places = inside.match_indices(*close).map(|(at, _)| at).peekable();
            let end = loop {
                match (places.next(), places.peek()) {
                    (Some(at), Some(next)) if at + 1 == *next => places.next(),
                    (Some(at), _) => break at,
                    (None, _) => return false,
                };
            };
            (&inside[..end], &inside[end + 1..])
        }
        None => text.split_at(text.find(|c| !is_plain(c)).unwrap_or(text.len())),
    };
    match rest.strip_prefix('.') {
        _ if first.is_empty() || parts == 0 => false,
        Some(next) => is_name(dialect, next, parts - 1),
        None => rest.is_empty(),
    }
}

/// How a table of ours is kept, whatever the server's and the database's defaults
/// are. On MySQL these may have no transactions, too short keys, or texts that
/// know neither every character nor small letters from capitals.
pub(super) fn as_written(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Mysql => {
            " ENGINE=InnoDB ROW_FORMAT=DYNAMIC CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        }
        Dialect::Postgres | Dialect::Sqlite => "",
    }
}

pub(super) fn bytes(dialect: Dialect, checksum: &Checksum) -> String {
    match dialect {
        Dialect::Postgres => format!("decode('{}', 'hex')", checksum.hex()),
        Dialect::Mysql | Dialect::Sqlite => hex_literal(&checksum.0),
    }
}

fn hex_literal(bytes: &[u8]) -> String {
    format!("X'{}'", Checksum(bytes.to_vec()).hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::sqlx::SQLX;

    #[test]
    fn literals_mean_the_same_under_every_setting() {
        assert_eq!(quote(Dialect::Postgres, r"it's a \ "), r"E'it''s a \\ '");
        assert_eq!(quote(Dialect::Mysql, "it's"), "'it''s'");
        assert_eq!(quote(Dialect::Mysql, r"\"), "CONVERT(X'5c' USING utf8mb4)");
        assert_eq!(quote(Dialect::Sqlite, r"it's \"), r"'it''s \'");
    }

    #[test]
    fn a_name_is_plain_or_quoted_and_nothing_else() {
        for (dialect, name, is) in [
            (Dialect::Sqlite, "_sqlx_migrations", true),
            (Dialect::Sqlite, "main.\"a \"\" b\"", true),
            (Dialect::Sqlite, "[a b]", true),
            (Dialect::Sqlite, "a.b.c", false),
            (Dialect::Sqlite, "x; DROP TABLE a; --", false),
            (Dialect::Sqlite, "\"x", false),
            (Dialect::Sqlite, "\"x\"\"", false),
            (Dialect::Sqlite, "\"x\" y", false),
            (Dialect::Sqlite, "", false),
            (Dialect::Sqlite, "\"\"", false),
            (Dialect::Sqlite, "a.", false),
            (Dialect::Mysql, "`größe`.h_1", true),
            (Dialect::Mysql, "größe", true),
            (Dialect::Mysql, "\"x\"", false),
        ] {
            let ledger = Ledger {
                kind: &SQLX,
                table: name.to_owned(),
                schemas: Vec::new(),
            };
            assert_eq!(ledger.bad_name(dialect).is_none(), is, "{name}");
        }
    }
}
