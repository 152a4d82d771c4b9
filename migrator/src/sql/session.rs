//! What statements leave in the session that ran them, beside what they do to the
//! database: settings, variables, temporary tables. It decides whether a session
//! can be used again, and whether a migration can go on in another one.
//!
//! It goes by words, and where they are not certain it takes the worse for true:
//! the price is a new connection, or a question to a person.

use super::scanner::TokenKind;
use super::traces::{traces, variables};
use super::words::{Words, has_word, plain};
use super::{Dialect, Statement};
use crate::text::SourceFile;

/// What one statement leaves behind that ends with its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// The same text makes it again in another session.
    Setting,
    /// Only this session has it.
    State(State),
}

/// What only the session has in which a statement ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// As a person calls it.
    pub(crate) what: String,
    /// The words, in capitals, of statements that make use of it; none where any
    /// statement may.
    used_by: Vec<String>,
}

/// What the done statements of a file have left in a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// The statements to be run again in another session, by number.
    pub(crate) settings: Vec<usize>,
    /// What cannot be had again, each with the statement that left it.
    pub(crate) states: Vec<(usize, State)>,
}

/// What a statement asks of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// What the last INSERT did.
    Insert,
    /// What the statement before it did.
    Previous,
    /// What all statements of the session did.
    Session,
}

impl State {
    pub(super) fn trace(what: impl Into<String>, used_by: &[&str]) -> Trace {
        Trace::State(Self {
            what: what.into(),
            used_by: used_by
                .iter()
                .map(|word| word.to_ascii_uppercase())
                .collect(),
        })
    }

    /// One that any statement may depend on.
    pub(super) fn of_unknown_use(what: &str) -> Trace {
        Self::trace(what, &[])
    }

    /// Whether a statement with this text may depend on it.
    pub(crate) fn is_used_by(&self, text: &str) -> bool {
        self.used_by.is_empty() || {
            let capitals = text.to_ascii_uppercase();
            self.used_by.iter().any(|word| has_word(&capitals, word))
        }
    }

    /// Whether it is what every session has after an INSERT: the number of its row.
    #[cfg(any(feature = "mysql", feature = "sqlite"))]
    fn is_of_insert(&self) -> bool {
        self.used_by.iter().any(|word| {
            matches!(
                word.as_str(),
                "LAST_INSERT_ID" | "LAST_INSERT_ROWID" | "LASTVAL"
            )
        })
    }
}

/// What the first of a file's statements have left in their session.
pub(crate) fn left_by(file: &SourceFile, statements: &[Statement], dialect: Dialect) -> Session {
    let mut session = Session::default();
    for (number, statement) in statements.iter().enumerate() {
        let text = file.slice(statement.span);
        for trace in traces(text, dialect) {
            match trace {
                // It was computed from what is lost.
                Trace::Setting if session.is_read_by(text) => {
                    let words = variables(text, dialect);
                    let words: Vec<_> = words.iter().map(String::as_str).collect();
                    if let Trace::State(state) = State::trace("a setting", &words) {
                        session.states.push((number, state));
                    }
                }
                Trace::Setting => session.settings.push(number),
                Trace::State(state) => session.states.push((number, state)),
            }
        }
    }
    session
}

impl Session {
    fn is_read_by(&self, text: &str) -> bool {
        self.states
            .iter()
            .any(|(_, state)| !state.used_by.is_empty() && state.is_used_by(text))
    }
}

/// Whether a statement may have changed its session, but for the number of the row
/// that it inserted last.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(crate) fn changes_session(text: &str, dialect: Dialect) -> bool {
    traces(text, dialect).iter().any(|trace| match trace {
        Trace::Setting => true,
        Trace::State(state) => !state.is_of_insert(),
    })
}

/// The statements, by number, that leave something set at a file's end that decides
/// what the names in later files mean, or what their statements do: the schema, the
/// role, whether triggers run.
pub(crate) fn left_set(
    file: &SourceFile,
    statements: &[Statement],
    dialect: Dialect,
) -> Vec<usize> {
    let mut left: Vec<(&str, usize)> = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let text = file.slice(statement.span);
        let words = Words::of(text, dialect);
        match (dialect, words.word(0), words.word(1)) {
            (Dialect::Mysql, "USE", _) => {
                left.retain(|(name, _)| *name != "USE");
                left.push(("USE", number));
            }
            (Dialect::Postgres, "RESET" | "DISCARD", "ALL") => left.clear(),
            (Dialect::Postgres, "RESET", name) => left.retain(|(known, _)| *known != name),
            (Dialect::Postgres, "SET", scope) => {
                let at = 1 + usize::from(scope == "SESSION" && words.word(2) != "AUTHORIZATION");
                let name = match (words.word(at), words.word(at + 1)) {
                    ("SESSION", "AUTHORIZATION") => "SESSION",
                    ("SCHEMA" | "SEARCH_PATH", _) => "SEARCH_PATH",
                    ("ROLE", _) => "ROLE",
                    ("SESSION_REPLICATION_ROLE", _) => "SESSION_REPLICATION_ROLE",
                    _ => continue,
                };
                left.retain(|(known, _)| *known != name);
                let is_default = words
                    .all
                    .iter()
                    .skip(at + 1)
                    .any(|word| matches!(word.as_str(), "DEFAULT" | "NONE" | "ORIGIN"));
                // A dump's empty path makes every later name a full one.
                let is_empty = text.contains("''");
                if !is_default && !is_empty {
                    left.push((name, number));
                }
            }
            _ => {}
        }
    }
    left.into_iter().map(|(_, number)| number).collect()
}

/// Whether a text has a name as a word of its own, in letters of any size.
#[cfg(feature = "mysql")]
pub(crate) fn mentions(text: &str, name: &str) -> bool {
    !name.is_empty() && has_word(&text.to_uppercase(), &name.to_uppercase())
}

/// PostgreSQL: whether a statement may call functions that it does not name: those of
/// triggers. What defines a schema does not.
#[cfg(feature = "postgres")]
pub(crate) fn may_call(text: &str) -> bool {
    let word: String = text
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase();
    !matches!(
        word.as_str(),
        "COMMENT" | "CREATE" | "DROP" | "GRANT" | "REVOKE" | "SET" | "RESET"
    )
}

/// PostgreSQL: whether a text names a setting of an application's own (`app.user`):
/// a session that has had one never forgets that it did, and answers with an empty
/// text where a fresh one has none.
#[cfg(feature = "postgres")]
pub(crate) fn makes_setting(text: &str) -> bool {
    let capitals = text.to_ascii_uppercase();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"');
    capitals.contains("SET_CONFIG")
        || capitals.match_indices("SET").any(|(at, word)| {
            let rest = capitals[at + word.len()..].trim_start();
            let rest = ["LOCAL ", "SESSION "]
                .iter()
                .find_map(|scope| rest.strip_prefix(scope))
                .unwrap_or(rest)
                .trim_start();
            let after = rest.trim_start_matches(is_name);
            after.len() < rest.len()
                && after
                    .strip_prefix('.')
                    .is_some_and(|name| name.starts_with(is_name))
        })
}

/// What a statement asks of those before it in its session.
pub(crate) fn asks(text: &str, dialect: Dialect) -> Option<Asks> {
    let (previous, insert, session): (&[&str], &[&str], &[&str]) = match dialect {
        Dialect::Mysql => (
            &[
                "ROW_COUNT",
                "FOUND_ROWS",
                "WARNING_COUNT",
                "ERROR_COUNT",
                "SHOW WARNINGS",
                "SHOW ERRORS",
                "SHOW COUNT",
                "DIAGNOSTICS",
            ],
            // Nothing of ours changes LAST_INSERT_ID().
            &[],
            &[],
        ),
        Dialect::Sqlite => (&["CHANGES"], &["LAST_INSERT_ROWID"], &["TOTAL_CHANGES"]),
        Dialect::Postgres => return None,
    };
    let capitals = text.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| has_word(&capitals, word));
    if creates_routine(&capitals) {
        None
    } else if has(session) {
        Some(Asks::Session)
    } else if has(insert) {
        Some(Asks::Insert)
    } else if has(previous) {
        Some(Asks::Previous)
    } else {
        None
    }
}

/// MySQL: what a `SET` makes of autocommit, where it does.
pub(crate) fn autocommit(text: &str) -> Option<bool> {
    let words = Words::of(text, Dialect::Mysql);
    let is_name = |text: &str| text.eq_ignore_ascii_case("AUTOCOMMIT");
    let at = words.tokens.iter().rposition(|(_, text)| is_name(text))?;
    let value = words.tokens[at + 1..]
        .iter()
        .find(|(token, _)| !matches!(token.kind, TokenKind::Symbol(b'=' | b':')))?;
    Some(matches!(plain(value.1).as_str(), "1" | "ON" | "TRUE"))
}

fn creates_routine(capitals: &str) -> bool {
    capitals.trim_start().starts_with("CREATE")
        && ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"]
            .iter()
            .any(|word| has_word(capitals, word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split;

    /// What is left by all statements but the last, and is used by the last.
    fn lost(text: &str, dialect: Dialect) -> (Vec<usize>, Vec<String>) {
        let file = SourceFile::new("1_a.sql", text);
        let statements = split(&file, dialect).unwrap();
        let (last, done) = statements.split_last().unwrap();
        let session = left_by(&file, done, dialect);
        let last = file.slice(last.span);
        let states = session.states.iter();
        let used = states.filter(|(_, state)| state.is_used_by(last));
        (
            session.settings.clone(),
            used.map(|(_, state)| state.what.clone()).collect(),
        )
    }

    #[test]
    fn what_a_session_alone_has_is_known_by_who_uses_it() {
        let none: [&str; 0] = [];
        for (text, settings, states) in [
            ("USE a; SELECT 1", vec![0], &none[..]),
            ("SET NAMES latin1; SELECT 1", vec![0], &none),
            ("SET @a = 1, @b = 'x'; SELECT @a", vec![0], &none),
            (
                "SET @old = @@sql_mode, sql_mode = ''; SELECT @old",
                vec![0],
                &none,
            ),
            (
                "SET sql_mode = CONCAT(@@sql_mode, ',X'); SELECT 1",
                vec![0],
                &none,
            ),
            (
                "SET @a = LAST_INSERT_ID(); SELECT @A",
                vec![],
                &["the variable @a"],
            ),
            ("SET @a = LAST_INSERT_ID(); SELECT 1", vec![], &none),
            (
                "SET @a = (SELECT 1); SELECT @a",
                vec![],
                &["the variable @a"],
            ),
            ("SELECT 1 INTO @a; SELECT @a", vec![], &["the variable @a"]),
            (
                "SELECT 1, 2 INTO @b, @a; SELECT @a",
                vec![],
                &["the variable @a"],
            ),
            ("SELECT @a := 1; SELECT @a", vec![], &["the variable @a"]),
            ("SELECT @a FROM t; SELECT @a", vec![], &none),
            (
                "INSERT INTO t VALUES (1); SELECT LAST_INSERT_ID()",
                vec![],
                &["the number of the inserted row"],
            ),
            ("INSERT INTO t VALUES (1); SELECT 1", vec![], &none),
            (
                "CREATE TEMPORARY TABLE s (a INT); INSERT INTO s VALUES (1)",
                vec![],
                &["the temporary table s"],
            ),
            ("CREATE TEMPORARY TABLE s (a INT); SELECT 1", vec![], &none),
            (
                "CALL p(); SELECT 1",
                vec![],
                &["whatever the procedure set"],
            ),
            ("GRANT SELECT ON a.* TO 'u'@'h'; SELECT 1", vec![], &none),
            ("SET GLOBAL max_connections = 7; SELECT 1", vec![], &none),
            (
                "CREATE PROCEDURE p() BEGIN SET @a = 1; END; SELECT @a",
                vec![],
                &none,
            ),
            (
                "INSERT INTO t VALUES (1); SET @o = LAST_INSERT_ID(); SET @p = @o; SELECT @p",
                vec![],
                &["a setting"],
            ),
        ] {
            let (again, used) = lost(text, Dialect::Mysql);
            assert_eq!(
                (again, used.iter().map(String::as_str).collect()),
                (settings, states.to_vec()),
                "{text}"
            );
        }
    }

    #[test]
    fn postgres_has_settings_that_functions_make() {
        for (text, settings, is_lost) in [
            ("SET search_path = a; SELECT 1", vec![0], false),
            ("SET LOCAL search_path = a; SELECT 1", vec![], false),
            (
                "SELECT set_config('a.b', 'c', false); SELECT 1",
                vec![0],
                false,
            ),
            (
                "SELECT pg_catalog.set_config('a.b', 'c', true); SELECT 1",
                vec![],
                false,
            ),
            (
                "SELECT set_config('a.b', max(id)::text, false) FROM t; SELECT 1",
                vec![],
                true,
            ),
            ("SELECT set_actor(7); SELECT 1", vec![], true),
            ("SELECT count(*) FROM t; SELECT 1", vec![], false),
            (
                "CREATE TEMP TABLE s AS SELECT 1; SELECT * FROM s",
                vec![],
                true,
            ),
            ("CREATE TEMP TABLE s AS SELECT 1; SELECT 1", vec![], false),
            ("PREPARE p AS SELECT 1; EXECUTE p", vec![], true),
            (
                "INSERT INTO t DEFAULT VALUES; SELECT lastval()",
                vec![],
                true,
            ),
            (
                "DO $$ BEGIN UPDATE t SET a = 1; END $$; SELECT 1",
                vec![],
                false,
            ),
            ("DO $$ BEGIN SET a.b = 1; END $$; SELECT 1", vec![], true),
            (
                "CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1",
                vec![],
                false,
            ),
        ] {
            let (again, used) = lost(text, Dialect::Postgres);
            assert_eq!((again, !used.is_empty()), (settings, is_lost), "{text}");
        }
    }

    #[test]
    fn only_what_inserts_leave_is_in_every_session() {
        for (text, dialect, changes) in [
            ("INSERT INTO t VALUES (1)", Dialect::Mysql, false),
            ("INSERT INTO t VALUES (@a := 1)", Dialect::Mysql, true),
            ("SET time_zone = 'SYSTEM'", Dialect::Mysql, true),
            ("CREATE TABLE t (a INT)", Dialect::Mysql, false),
            ("CREATE TEMPORARY TABLE t (a INT)", Dialect::Mysql, true),
            ("/*!40101 SET NAMES utf8 */", Dialect::Mysql, true),
            ("UPDATE t SET a = 1", Dialect::Sqlite, false),
            ("PRAGMA foreign_keys = OFF", Dialect::Sqlite, true),
            ("CREATE TEMP TABLE t (a INT)", Dialect::Sqlite, true),
        ] {
            assert_eq!(changes_session(text, dialect), changes, "{text}");
        }
    }
}
