//! `plan`: what would be applied, in order, and how.

use super::answer::{Answer, Document, Line, said, with_warnings};
use super::fields;
use super::words::{count, things};
use crate::diagnostic::Diagnostic;
use crate::plan::step::{ExecutionMode, PlannedStep};
use serde_json::{Value, json};

/// What `up` would do.
pub(crate) struct Plan<'a> {
    /// Of one of several databases.
    pub name: Option<&'a str>,
    pub database: &'a str,
    /// `None` where the database is a file that is still to be created.
    pub server: Option<&'a str>,
    pub table: &'a str,
    /// Whether the history table is still to be created.
    pub is_fresh: bool,
    /// Where the schema is.
    pub newest: Option<&'a str>,
    pub steps: &'a [PlannedStep<'a>],
    /// All that another program would send, or why it does not tell; `None` where each
    /// step is sent by this one.
    pub sql: Option<Result<&'a str, &'a str>>,
    pub warnings: Vec<Diagnostic>,
}

impl Plan<'_> {
    /// The report, line by line.
    fn text(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{}{} ({}), history in {}{}",
            self.name.map_or(String::new(), |name| format!("{name}: ")),
            self.database,
            self.server.unwrap_or("does not exist yet"),
            self.table,
            if self.is_fresh {
                " (not created yet)"
            } else {
                ""
            }
        )];
        for step in self.steps {
            lines.push(String::new());
            let path = step.operation.script().file.path();
            lines.push(format!("{} ({path})", step.operation.label()));
            lines.push(format!("  {}", how(step)));
            lines.extend(sql(step).map(|line| {
                let line = format!("    {line}");
                line.trim_end().to_owned()
            }));
        }
        if !self.steps.is_empty() {
            lines.extend(self.told());
            lines.push(String::new());
        }
        lines.push(self.summary());
        lines
    }

    /// What another program tells of all steps together.
    fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.sql {
            Some(Ok(sql)) => {
                lines.push(String::new());
                lines.extend(sql.trim().lines().map(|line| {
                    let line = format!("    {line}");
                    line.trim_end().to_owned()
                }));
            }
            Some(Err(why)) => {
                lines.push(String::new());
                lines.push(format!("  the SQL is not known: {why}"));
            }
            None => {}
        }
        lines
    }

    fn summary(&self) -> String {
        if self.steps.is_empty() {
            let at = self.newest.map_or(String::new(), |version| {
                format!("; the schema is at {version}")
            });
            return format!("Nothing to do{at}.");
        }
        let things = things(self.steps.iter().map(|step| step.operation.subject()));
        if self.sql.is_some() {
            return format!("{things} to apply.");
        }
        let statements = self.steps.iter().map(|step| step.statements).sum();
        format!("{things} to apply, {}.", count(statements, "statement"))
    }
}

impl Answer for Plan<'_> {
    fn lines(&self) -> Vec<Line> {
        said(self.text())
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn document(&self) -> Document {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|step| {
                let (how, done) = match step.mode {
                    ExecutionMode::Code => ("code", None),
                    ExecutionMode::Delegated => ("delegated", None),
                    ExecutionMode::Transaction => ("transaction", None),
                    ExecutionMode::Statements { done: 0 } => ("statements", None),
                    ExecutionMode::Statements { done } => ("statements", Some(done)),
                    ExecutionMode::Locked => ("locked", None),
                };
                fields::operation(
                    step.operation,
                    json!({
                        "how": how,
                        "together": step.together,
                        "statements": step.statements,
                        "done": done,
                        "sql": sql(step).collect::<Vec<_>>(),
                    }),
                )
            })
            .collect();
        let document = json!({
            "name": self.name,
            "database": self.database,
            "server": self.server,
            "history": self.table,
            "history_exists": !self.is_fresh,
            "schema_version": self.newest,
            "steps": steps,
            "sql": self.sql.and_then(Result::ok).map(|sql| sql.trim().lines().collect::<Vec<_>>()),
            "sql_error": self.sql.and_then(Result::err),
        });
        with_warnings(document, &self.warnings)
    }
}

fn how(step: &PlannedStep<'_>) -> String {
    let statements = match step.statements {
        0 => "no statement".to_owned(),
        number => count(number, "statement"),
    };
    match step.mode {
        ExecutionMode::Code => "Rust code of this program, in one transaction".to_owned(),
        ExecutionMode::Delegated => "by its own tool".to_owned(),
        ExecutionMode::Transaction if step.together => {
            format!("{statements}, in one transaction; may be sent together with others")
        }
        ExecutionMode::Transaction => format!("{statements}, in one transaction"),
        ExecutionMode::Statements { done } => {
            let on = match done {
                0 => String::new(),
                done => format!("; it continues after statement {done}"),
            };
            format!("{statements}, one by one, without a transaction{on}")
        }
        ExecutionMode::Locked => format!("{statements}, under the file's own LOCK TABLES"),
    }
}

/// The file as it is, line by line.
fn sql<'a>(step: &PlannedStep<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let script = step.operation.script();
    let text = if script.is_sql() {
        script.file.text()
    } else {
        ""
    };
    text.trim_start_matches('\u{feff}').trim_end().lines()
}
