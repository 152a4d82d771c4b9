//! The catalogue's indexes: what a CREATE INDEX CONCURRENTLY builds, and the
//! invalid ones that it leaves where it fails.

use super::fault::INVALID_NAME;
use super::{DIALECT, PAUSE, Postgres};
use crate::db::fault::{Fault, FaultKind};
use crate::history::ledger::quote;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long dropping an invalid index may wait for those who have its table open.
const DROP_WITHIN: &str = "10s";

/// What a name in the catalogue stands for.
pub(super) enum Index {
    Absent,
    BeingBuilt,
    Invalid { name: String },
    Valid,
}

impl Postgres {
    /// Of the indexes that these statements build, those that are invalid and
    /// that nobody is building.
    pub(super) async fn left_invalid(&mut self, statements: &[&str]) -> Result<Vec<String>, Fault> {
        let mut invalid = Vec::new();
        for statement in statements {
            if let Some((name, table)) = concurrent_index(statement)
                && let Index::Invalid { name } = self.index(&name, &table).await?
            {
                invalid.push(name);
            }
        }
        Ok(invalid)
    }

    /// Drops the index that a statement has left invalid, if it has.
    pub(super) async fn drop_left_invalid(&mut self, statement: &str) -> Result<(), Fault> {
        for name in self.left_invalid(&[statement]).await? {
            // It waits for everybody who has the table open, and nobody is told so.
            self.rows(&format!("SET lock_timeout = '{DROP_WITHIN}'"))
                .await?;
            let dropped = self.rows(&format!("DROP INDEX CONCURRENTLY {name}")).await;
            let _ = self.rows("RESET lock_timeout").await;
            dropped?;
        }
        Ok(())
    }

    /// An index that a killed CONCURRENTLY left: IF NOT EXISTS would take it for
    /// the real one, and without that its name would be in the way.
    pub(super) async fn clear_invalid(
        &mut self,
        name: &str,
        table: &str,
        patience: Duration,
    ) -> Result<(), Fault> {
        let end = Instant::now() + patience;
        loop {
            match self.index(name, table).await? {
                Index::Absent | Index::Valid => return Ok(()),
                Index::Invalid { name } => {
                    let drop = format!("DROP INDEX CONCURRENTLY {name}");
                    return self.rows(&drop).await.map(|_| ());
                }
                Index::BeingBuilt if Instant::now() < end => sleep(PAUSE).await,
                Index::BeingBuilt => {
                    let message = format!("another session is building the index {name}");
                    return Err(Fault::new(FaultKind::LockTimeout, message));
                }
            }
        }
    }

    pub(super) async fn index(&mut self, name: &str, table: &str) -> Result<Index, Fault> {
        let (name, table) = (quote(DIALECT, name), quote(DIALECT, table));
        let answer = self
            .rows(&format!(
                "SELECT i.indisvalid::text, \
                 EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)::text, \
                 c.oid::regclass::text \
                 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                 WHERE i.indrelid = to_regclass({table}) AND c.relname = (parse_ident({name}))[1]"
            ))
            .await;
        let answer = match answer {
            // What is no name is no index's.
            Err(fault) if fault.has_code(&INVALID_NAME) => return Ok(Index::Absent),
            answer => answer?,
        };
        let Some(row) = answer.rows.first() else {
            return Ok(Index::Absent);
        };
        let is = |at: usize| row.get(at).and_then(Option::as_deref) == Some("true");
        Ok(if is(0) {
            Index::Valid
        } else if is(1) {
            Index::BeingBuilt
        } else {
            Index::Invalid {
                name: row.get(2).cloned().flatten().unwrap_or_default(),
            }
        })
    }
}

/// Name and table of a CREATE INDEX CONCURRENTLY that names its index.
pub(super) fn concurrent_index(statement: &str) -> Option<(String, String)> {
    let mut words = words(statement).into_iter().peekable();
    let mut next_is = |expected: &str| words.next_if(|word| word.eq_ignore_ascii_case(expected));
    next_is("CREATE")?;
    let _ = next_is("UNIQUE");
    next_is("INDEX")?;
    next_is("CONCURRENTLY")?;
    if next_is("IF").is_some() {
        next_is("NOT")?;
        next_is("EXISTS")?;
    }
    if next_is("ON").is_some() {
        return None;
    }
    let name = words.next()?;
    words.next_if(|word| word.eq_ignore_ascii_case("ON"))?;
    let _ = words.next_if(|word| word.eq_ignore_ascii_case("ONLY"));
    Some((name, words.next()?))
}

/// The name of a DROP INDEX CONCURRENTLY, which takes but one.
pub(super) fn dropped_index(statement: &str) -> Option<String> {
    let mut words = words(statement).into_iter().peekable();
    let mut next_is = |expected: &str| words.next_if(|word| word.eq_ignore_ascii_case(expected));
    next_is("DROP")?;
    next_is("INDEX")?;
    next_is("CONCURRENTLY")?;
    if next_is("IF").is_some() {
        next_is("EXISTS")?;
    }
    words.next().filter(|name| !name.is_empty())
}

/// The first words of a statement; a quoted name is one, with its quotes.
fn words(statement: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in statement.chars() {
        if words.len() > 12 {
            break;
        }
        quoted ^= c == '"';
        let ends = !quoted && (c.is_whitespace() || c == '(' || c == ';');
        match words.last_mut() {
            Some(word) if !ends => word.push(c),
            Some(word) if !word.is_empty() => words.push(String::new()),
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_index_is_known_by_its_name() {
        for (statement, name) in [
            ("DROP INDEX CONCURRENTLY a", Some("a")),
            (
                "drop index concurrently if exists s.\"A b\" CASCADE",
                Some("s.\"A b\""),
            ),
            ("DROP INDEX a", None),
            ("DROP TABLE a", None),
        ] {
            assert_eq!(dropped_index(statement).as_deref(), name, "{statement}");
        }
    }

    #[test]
    fn an_index_is_known_by_its_name_and_table() {
        for (statement, name, table) in [
            ("CREATE INDEX CONCURRENTLY a ON t (id)", "a", "t"),
            (
                "create unique index concurrently if not exists \"A b\" on only s.\"T\"(id)",
                "\"A b\"",
                "s.\"T\"",
            ),
            (
                "CREATE INDEX CONCURRENTLY\n  a\n  ON t\n  USING gin (x)",
                "a",
                "t",
            ),
        ] {
            assert_eq!(
                concurrent_index(statement),
                Some((name.to_owned(), table.to_owned())),
                "{statement}"
            );
        }
        for statement in [
            "CREATE INDEX a ON t (id)",
            "CREATE INDEX CONCURRENTLY ON t (id)",
            "DROP INDEX CONCURRENTLY a",
            "",
        ] {
            assert_eq!(concurrent_index(statement), None, "{statement}");
        }
    }
}
