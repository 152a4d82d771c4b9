//! How a session reads quotes: the server's settings say, and a file may change
//! them from one statement to the next.

use super::Dialect;
use super::rules::Rules;

/// What of quotes is a session's setting. The default is that of a server whose
/// settings nobody has changed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, of one server or another"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quoting {
    /// MySQL, `ANSI_QUOTES`: `"…"` is an identifier.
    ansi: bool,
    /// MySQL, `NO_BACKSLASH_ESCAPES`: a backslash is a character like others.
    no_backslash: bool,
    /// PostgreSQL, `standard_conforming_strings = off`: a backslash hides the next
    /// character in every string.
    backslash: bool,
    /// Whether a file's own settings come too late to matter.
    is_fixed: bool,
}

/// Whose SQL a text is, and how its session reads quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syntax {
    pub dialect: Dialect,
    pub quoting: Quoting,
}

impl Syntax {
    /// Of a server whose settings are not known.
    #[must_use]
    pub fn usual(dialect: Dialect) -> Self {
        Self {
            dialect,
            quoting: Quoting::default(),
        }
    }
}

impl Quoting {
    /// By MySQL's and MariaDB's `sql_mode`.
    #[must_use]
    pub fn of_sql_mode(mode: &str) -> Self {
        let capitals = mode.to_ascii_uppercase();
        let mut modes = capitals.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let mut quoting = Self::default();
        modes.by_ref().for_each(|mode| match mode {
            "NO_BACKSLASH_ESCAPES" => quoting.no_backslash = true,
            // Those that hold it, some of them in old servers only.
            "ANSI" | "ANSI_QUOTES" | "DB2" | "MAXDB" | "MSSQL" | "ORACLE" | "POSTGRESQL" => {
                quoting.ansi = true;
            }
            _ => {}
        });
        quoting
    }

    /// By PostgreSQL's `standard_conforming_strings`.
    #[must_use]
    pub fn of_conforming_strings(setting: &str) -> Self {
        Self {
            backslash: is_off(setting),
            ..Self::default()
        }
    }

    /// The same for a text that is read as a whole before any of it runs, as
    /// PostgreSQL reads a message: no setting in it changes how the rest is read.
    #[must_use]
    pub fn fixed(self) -> Self {
        Self {
            is_fixed: true,
            ..self
        }
    }

    /// A dialect's rules under it.
    pub(super) fn rules(self, dialect: Dialect) -> Rules {
        let rules = *dialect.rules();
        match dialect {
            Dialect::Mysql => Rules {
                backslash_escapes: rules.backslash_escapes && !self.no_backslash,
                double_quoted_strings: rules.double_quoted_strings && !self.ansi,
                ..rules
            },
            Dialect::Postgres => Rules {
                backslash_escapes: self.backslash,
                ..rules
            },
            Dialect::Sqlite => rules,
        }
    }

    /// What it is after a statement; `before` is what the session began with.
    pub(super) fn after(self, statement: &str, dialect: Dialect, before: Self) -> Self {
        if self.is_fixed {
            return self;
        }
        let capitals = statement.to_ascii_uppercase();
        match dialect {
            Dialect::Mysql => match capitals.rsplit_once("SQL_MODE") {
                _ if !capitals.contains("SET") => self,
                Some((_, value)) if !value.trim_start().starts_with([':', '=']) => {
                    self.after_expression(&capitals, before)
                }
                Some((_, value)) => {
                    if value.contains('@') {
                        return before;
                    }
                    Self::of_sql_mode(value)
                }
                None => self,
            },
            Dialect::Postgres => {
                let Some((_, value)) = capitals.rsplit_once("STANDARD_CONFORMING_STRINGS") else {
                    return self;
                };
                if capitals.starts_with("RESET") || value.contains("DEFAULT") {
                    before
                } else {
                    let value =
                        value.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() || c == '\'');
                    let value = value.strip_prefix("TO ").unwrap_or(value);
                    Self::of_conforming_strings(value)
                }
            }
            Dialect::Sqlite => self,
        }
    }

    /// `SET sql_mode = CONCAT(@@sql_mode, ',…')`, or `REPLACE(@@sql_mode, '…', '')`.
    fn after_expression(self, capitals: &str, before: Self) -> Self {
        let named = Self::of_sql_mode(capitals);
        if capitals.contains("CONCAT") {
            Self {
                ansi: self.ansi || named.ansi,
                no_backslash: self.no_backslash || named.no_backslash,
                ..self
            }
        } else if capitals.contains("REPLACE") {
            Self {
                ansi: self.ansi && !named.ansi,
                no_backslash: self.no_backslash && !named.no_backslash,
                ..self
            }
        } else if capitals.contains("SQL_MODE =") || capitals.contains("SQL_MODE=") {
            before
        } else {
            self
        }
    }
}

fn is_off(setting: &str) -> bool {
    let word: String = setting
        .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    ["0", "FALSE", "NO", "OFF"]
        .iter()
        .any(|off| word.eq_ignore_ascii_case(off))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split_as;
    use crate::text::SourceFile;

    fn count(text: &str, dialect: Dialect, quoting: Quoting) -> usize {
        let file = SourceFile::new("1_a.sql", text);
        split_as(&file, Syntax { dialect, quoting }).map_or(0, |all| all.len())
    }

    #[test]
    fn the_splitter_follows_what_the_session_says() {
        let plain = Quoting::default();
        let my = |text, mode| count(text, Dialect::Mysql, Quoting::of_sql_mode(mode));
        assert_eq!(my(r"SELECT 'a\'; SELECT 'b'", "NO_BACKSLASH_ESCAPES"), 2);
        assert_eq!(my(r"SELECT 'a\'; SELECT 'b'; SELECT 1", ""), 0);
        assert_eq!(my(r#"SELECT "a\"; SELECT 2"#, "ANSI_QUOTES"), 2);
        assert_eq!(my(r#"SELECT "a\"; SELECT 2""#, ""), 1);
        assert_eq!(
            my(
                r"SET sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT 'a\'; SELECT 2",
                ""
            ),
            3
        );
        assert_eq!(
            my(
                r"SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES'); SELECT 'a\'; SELECT 2",
                ""
            ),
            3
        );
        assert_eq!(
            my(
                r"SET @old = @@sql_mode, sql_mode = 'NO_BACKSLASH_ESCAPES'; SELECT '\'; SET sql_mode = @old; SELECT '\';'",
                ""
            ),
            4
        );
        assert_eq!(
            my(
                r#"SET SESSION sql_mode = 'ORACLE'; SELECT "a\"; SELECT 2"#,
                ""
            ),
            3
        );
        let pg = |text, on| count(text, Dialect::Postgres, Quoting::of_conforming_strings(on));
        assert_eq!(pg(r"SELECT 'a\'; SELECT 2", "on"), 2);
        assert_eq!(pg(r"SELECT 'a\'; SELECT 2'", "off"), 1);
        assert_eq!(
            pg(
                r"SET standard_conforming_strings = off; SELECT 'a\'; SELECT 2'",
                "on"
            ),
            2
        );
        assert_eq!(
            pg(
                r"SET standard_conforming_strings TO 'off'; RESET standard_conforming_strings; SELECT 'a\'; SELECT 2",
                "on"
            ),
            4
        );
        let fixed = r"SET standard_conforming_strings = off; SELECT 'a\'; SELECT 2";
        assert_eq!(count(fixed, Dialect::Postgres, plain.fixed()), 3);
        assert_eq!(count("SELECT 1", Dialect::Sqlite, plain), 1);
    }
}
