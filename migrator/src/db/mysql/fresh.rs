//! A session as if freshly opened. MySQL and MariaDB have no statement for it, and
//! sqlx no message: where a file may have changed its session, the next one gets
//! another.

use super::Mysql;
use crate::db::Job;
use crate::db::fault::Fault;
use crate::sql::{Dialect, session};

/// Schemas of the server itself.
const SYSTEM: &str = "('information_schema', 'mysql', 'performance_schema', 'sys')";

/// What is known of the tables and routines of a server, until a statement changes
/// them.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Tables whose changes no ROLLBACK takes back, each with its database.
    unsafe_tables: Option<Vec<(String, String)>>,
    /// Whether tables are made with transactions where nothing else is said.
    pub(super) has_safe_default: bool,
    /// The databases with triggers or routines, which do what no file shows.
    with_routines: Option<Vec<String>>,
}

impl Mysql {
    /// Another session, unless nothing was changed in this one, or the job goes on
    /// with what this one has begun.
    pub(super) async fn make_fresh(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        if job.goes_on_in(self.held.as_ref()) {
            return Ok(());
        }
        self.renew().await
    }

    /// Another session where something was changed in this one.
    pub(super) async fn renew(&mut self) -> Result<(), Fault> {
        if !self.is_changed && self.held.is_none() {
            return Ok(());
        }
        let url = self.url.clone();
        let mut other = Self::connect(&url).await.map_err(Fault::lost)?;
        other.known = std::mem::take(&mut self.known);
        *self = other;
        Ok(())
    }

    /// Remembers what a job may change in its session, before it is sent.
    pub(super) async fn expect_changes(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        let mut is_changed = job.function().is_some();
        for statement in job.statements {
            let text = job.file.slice(statement.span);
            is_changed |= session::changes_session(text, Dialect::Mysql);
        }
        // What a trigger does, no file shows.
        self.is_changed |= is_changed || self.has_routines(job.file.text()).await?;
        let capitals = job.file.text().to_ascii_uppercase();
        if ["TRIGGER", "FUNCTION", "PROCEDURE", "PACKAGE"]
            .iter()
            .any(|word| capitals.contains(word))
        {
            self.known.with_routines = None;
        }
        Ok(())
    }

    /// Whether a file's statements may start triggers or routines: those of the
    /// connection's database, or of one that it names.
    async fn has_routines(&mut self, text: &str) -> Result<bool, Fault> {
        if self.known.with_routines.is_none() {
            let answer = self
                .rows(&format!(
                    "SELECT CAST(routine_schema AS CHAR) FROM information_schema.routines \
                     WHERE routine_schema NOT IN {SYSTEM} UNION \
                     SELECT CAST(trigger_schema AS CHAR) FROM information_schema.triggers \
                     WHERE trigger_schema NOT IN {SYSTEM}"
                ))
                .await?;
            let names = answer.rows.into_iter().flatten().flatten();
            self.known.with_routines = Some(names.collect());
        }
        let all = self.known.with_routines.as_deref().unwrap_or_default();
        Ok(all.iter().any(|name| self.reaches(name, text)))
    }

    /// Whether a file may mean a database.
    fn reaches(&self, database: &str, text: &str) -> bool {
        database == self.database || session::mentions(text, database)
    }

    /// Whether a file may write into a table whose changes no ROLLBACK takes back:
    /// `MyISAM`, Aria, MEMORY. A trigger may write into any.
    pub(super) async fn writes_for_good(&mut self, text: &str) -> bool {
        let Ok(tables) = self.unsafe_tables().await else {
            return true;
        };
        let mut reached = tables
            .iter()
            .filter(|(database, _)| self.reaches(database, text))
            .peekable();
        if reached.peek().is_none() {
            return false;
        }
        reached.any(|(_, table)| session::mentions(text, table))
            || self.has_routines(text).await.unwrap_or(true)
    }

    async fn unsafe_tables(&mut self) -> Result<Vec<(String, String)>, Fault> {
        if let Some(known) = &self.known.unsafe_tables {
            return Ok(known.clone());
        }
        let answer = self
            .rows(&format!(
                "SELECT CAST(table_schema AS CHAR), CAST(table_name AS CHAR) \
                 FROM information_schema.tables \
                 WHERE table_type = 'BASE TABLE' AND table_schema NOT IN {SYSTEM} \
                 AND engine NOT IN (SELECT engine FROM information_schema.engines \
                 WHERE transactions = 'YES')"
            ))
            .await?;
        let tables: Vec<_> = answer
            .rows
            .into_iter()
            .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
                Ok([Some(database), Some(table)]) => Some((database, table)),
                _ => None,
            })
            .collect();
        self.known.unsafe_tables = Some(tables.clone());
        Ok(tables)
    }

    /// A statement of a schema may have made such a table, or such a routine.
    pub(super) fn forget_what_it_changes(&mut self, statement: &str) {
        let capitals = statement.to_ascii_uppercase();
        if capitals.contains("ENGINE")
            || !self.known.has_safe_default
            || capitals.contains("EXECUTE")
        {
            self.known.unsafe_tables = None;
        }
    }
}
