//! Statements that only set the session in which they run, and are forgotten with
//! it.

use super::Dialect;
use super::subject::{Rest, Token, tokens};

/// SQLite's pragmas that are of one connection. All others may be of the file.
const OF_CONNECTION: [&str; 17] = [
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "defer_foreign_keys",
    "foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "locking_mode",
    "mmap_size",
    "query_only",
    "recursive_triggers",
    "synchronous",
    "temp_store",
    "trusted_schema",
    "writable_schema",
];

/// What follows `SET` where it changes more than the session.
const OF_SERVER: [&str; 5] = ["DEFAULT", "GLOBAL", "PASSWORD", "PERSIST", "PERSIST_ONLY"];

/// Whether a statement does nothing that outlives its session.
#[must_use]
pub(crate) fn sets_session(text: &str, dialect: Dialect) -> bool {
    let tokens = tokens(text, dialect);
    let mut rest = Rest(&tokens);
    match dialect {
        Dialect::Sqlite => {
            if rest.skips(&["PRAGMA"]) {
                let name = rest.qualified().map(|name| name.table);
                return name.is_some_and(|name| {
                    let known = OF_CONNECTION.iter();
                    known
                        .into_iter()
                        .any(|known| known.eq_ignore_ascii_case(&name))
                });
            }
            rest.skips(&["ATTACH"]) || rest.skips(&["DETACH"])
        }
        Dialect::Postgres => rest.skips(&["RESET"]) || rest.skips(&["SET"]),
        Dialect::Mysql => {
            let outlives = |token: &Token<'_>| OF_SERVER.iter().any(|word| token.is(word));
            rest.skips(&["USE"]) || (rest.skips(&["SET"]) && !tokens.iter().any(outlives))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_with_the_session_is_known() {
        for (text, dialect, does) in [
            ("PRAGMA foreign_keys = OFF", Dialect::Sqlite, true),
            ("PRAGMA main.cache_size = 9", Dialect::Sqlite, true),
            ("PRAGMA journal_mode = WAL", Dialect::Sqlite, false),
            ("PRAGMA user_version = 9", Dialect::Sqlite, false),
            ("ATTACH 'a.db' AS a", Dialect::Sqlite, true),
            ("VACUUM", Dialect::Sqlite, false),
            ("SET search_path = a", Dialect::Postgres, true),
            ("RESET ROLE", Dialect::Postgres, true),
            ("ALTER SYSTEM SET a = 1", Dialect::Postgres, false),
            ("SET foreign_key_checks = 0", Dialect::Mysql, true),
            ("SET GLOBAL max_connections = 9", Dialect::Mysql, false),
            ("SET @@global.max_connections = 9", Dialect::Mysql, false),
            ("SET PERSIST max_connections = 9", Dialect::Mysql, false),
            ("USE a", Dialect::Mysql, true),
        ] {
            assert_eq!(sets_session(text, dialect), does, "{text}");
        }
    }
}
