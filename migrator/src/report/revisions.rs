//! `status` and `plan` of Alembic's revisions.

use super::json::run;
use super::status::said;
use super::words::count;
use crate::formats::alembic::{Graph, Revision};
use crate::history::Run;
use serde_json::{Value, json};

/// How many runs are shown to a person, and in a document.
const RUNS_SHOWN: usize = 5;
const RUNS_IN_DOCUMENT: usize = 50;

/// What `status` found.
pub(crate) struct Revisions<'a> {
    /// The database's name, where there are several.
    pub name: Option<&'a str>,
    pub database: &'a str,
    pub server: &'a str,
    pub table: &'a str,
    /// Whether the version table is still to be created.
    pub is_fresh: bool,
    pub graph: &'a Graph,
    pub current: &'a [String],
    pub runs: &'a [Run],
}

/// What `up` would do.
pub(crate) struct Upgrade<'a> {
    pub name: Option<&'a str>,
    pub database: &'a str,
    /// `None` where the database is a file that is still to be created.
    pub server: Option<&'a str>,
    pub table: &'a str,
    pub current: &'a [String],
    /// In order.
    pub revisions: Vec<Upgraded<'a>>,
    /// All of it, or why Alembic does not tell.
    pub sql: Result<&'a str, &'a str>,
}

/// A revision that would be applied.
pub(crate) struct Upgraded<'a> {
    pub id: &'a str,
    pub message: &'a str,
    pub path: &'a str,
}

impl Revisions<'_> {
    fn rows(&self) -> Vec<(&'static str, &str, &str, Option<&str>)> {
        let applied = self.graph.lineage(self.current.iter().map(String::as_str));
        let state = |revision: &Revision| {
            if applied.iter().any(|it| it.id == revision.id) {
                "applied"
            } else {
                "pending"
            }
        };
        let known = self.graph.revisions().iter().map(|it| {
            let path = it.file.path();
            (state(it), it.id.as_str(), it.message.as_str(), Some(path))
        });
        let unknown = self
            .graph
            .unknown(self.current)
            .map(|id| ("unknown", id.as_str(), "no file has it", None));
        known.chain(unknown).collect()
    }

    /// The report, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let rows = self.rows();
        let width = rows.iter().map(|row| row.1.len()).max().unwrap_or_default();
        let mut lines = vec![heading(
            self.name,
            self.database,
            Some(self.server),
            self.table,
            self.is_fresh,
        )];
        lines.extend(rows.iter().map(|(state, id, message, _)| {
            format!("  {state:<12}  {id:<width$}  {message}")
                .trim_end()
                .to_owned()
        }));
        let of = |wanted| rows.iter().filter(|row| row.0 == wanted).count();
        let unknown = match of("unknown") {
            0 => String::new(),
            number => format!(", {number} unknown"),
        };
        lines.push(format!(
            "{}, {} applied, {} pending{unknown}.",
            count(self.graph.revisions().len(), "revision"),
            of("applied"),
            of("pending"),
        ));
        let heads = self.graph.heads();
        if heads.len() > 1 && !self.graph.has_branches() {
            let ids: Vec<_> = heads.iter().map(|head| head.id.as_str()).collect();
            lines.push(format!(
                "There are {} heads: {}. `up` would not know which is meant.",
                heads.len(),
                ids.join(", ")
            ));
        }
        if !self.runs.is_empty() {
            lines.push("Runs, the newest first:".to_owned());
        }
        for run in self.runs.iter().take(RUNS_SHOWN) {
            lines.push(format!("  {}", said(run)));
        }
        lines
    }

    /// The report as a document.
    pub(super) fn document(&self) -> Value {
        let rows = self.rows();
        let migrations: Vec<_> = rows
            .iter()
            .map(|(state, id, message, path)| {
                json!({"version": id, "name": message, "state": state, "file": path})
            })
            .collect();
        json!({
            "name": self.name,
            "database": self.database,
            "server": self.server,
            "history": self.table,
            "history_exists": !self.is_fresh,
            "current": self.current,
            "heads": self.graph.heads().iter().map(|head| &head.id).collect::<Vec<_>>(),
            "migrations": migrations,
            "runs": self.runs.iter().take(RUNS_IN_DOCUMENT).map(run).collect::<Vec<_>>(),
        })
    }
}

impl Upgrade<'_> {
    /// The report, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![heading(
            self.name,
            self.database,
            self.server,
            self.table,
            self.current.is_empty(),
        )];
        if self.revisions.is_empty() {
            let at = match self.current {
                [] => String::new(),
                current => format!("; the schema is at {}", current.join(", ")),
            };
            lines.push(format!("Nothing to do{at}."));
            return lines;
        }
        for Upgraded { id, message, path } in &self.revisions {
            lines.push(format!("  {id} {message} ({path})"));
        }
        lines.push(String::new());
        match self.sql {
            Ok(sql) => {
                lines.extend(sql.trim().lines().map(|line| {
                    let line = format!("    {line}");
                    line.trim_end().to_owned()
                }));
            }
            Err(why) => lines.push(format!(
                "  What each of them does, only Alembic knows: its --sql says: {why}"
            )),
        }
        lines.push(String::new());
        lines.push(format!(
            "{} to apply, by Alembic.",
            count(self.revisions.len(), "revision")
        ));
        lines
    }

    /// The report as a document, but for its warnings.
    pub(super) fn document(&self) -> Value {
        let steps: Vec<_> = self
            .revisions
            .iter()
            .map(|it| json!({"version": it.id, "name": it.message, "file": it.path, "how": "alembic"}))
            .collect();
        json!({
            "name": self.name,
            "database": self.database,
            "server": self.server,
            "history": self.table,
            "history_exists": !self.current.is_empty(),
            "current": self.current,
            "steps": steps,
            "sql": self.sql.ok().map(|sql| sql.trim().lines().collect::<Vec<_>>()),
            "sql_error": self.sql.err(),
        })
    }
}

fn heading(
    name: Option<&str>,
    database: &str,
    server: Option<&str>,
    table: &str,
    is_fresh: bool,
) -> String {
    format!(
        "{}{database} ({}), history in {table}{}",
        name.map_or(String::new(), |name| format!("{name}: ")),
        server.unwrap_or("does not exist yet"),
        if is_fresh { " (empty)" } else { "" }
    )
}
