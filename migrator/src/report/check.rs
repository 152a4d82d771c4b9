//! `check`: all that was found, and what it comes to.

use super::answer::{Answer, Document, Line, said};
use super::fields::diagnostic;
use super::snippet;
use super::words::count;
use crate::diagnostic::{Diagnostic, Severity};
use crate::exit;
use serde_json::json;

/// What `check` found.
pub(crate) struct Check<'a> {
    /// Of one of several databases.
    pub name: Option<&'a str>,
    /// `None` where no database was asked.
    pub database: Option<CheckedDatabase<'a>>,
    pub base: Option<CheckedBase<'a>>,
    /// How many migrations there are.
    pub migrations: usize,
    /// What is wrong with the files themselves.
    pub files: &'a [Diagnostic],
    /// Where they disagree with the history, or with what is merged.
    pub history: &'a [Diagnostic],
    pub pending: Vec<Pending>,
    /// How many have begun and not ended.
    pub half_applied: usize,
    pub half_reverted: usize,
}

/// What waits to be applied.
pub(crate) struct Pending {
    /// As programs know it.
    pub id: String,
    /// As a person reads it.
    pub label: String,
}

/// The database that was asked.
pub(crate) struct CheckedDatabase<'a> {
    pub name: &'a str,
    /// `None` where it is a file that is still to be created.
    pub server: Option<&'a str>,
    pub table: &'a str,
}

/// The branch with which the files were compared.
pub(crate) struct CheckedBase<'a> {
    pub reference: &'a str,
    /// Full names of commits: the branch's, and where this one left it.
    pub commit: String,
    pub fork: String,
}

impl Check<'_> {
    /// What it was compared with, line by line.
    fn heading(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(CheckedDatabase {
            name,
            server,
            table,
        }) = &self.database
        {
            let server = server.unwrap_or("does not exist yet");
            let of = self.name.map_or(String::new(), |name| format!("{name}: "));
            lines.push(format!("{of}{name} ({server}), history in {table}"));
        }
        if let Some(base) = &self.base {
            let at = if base.commit == base.fork {
                String::new()
            } else {
                format!("; this branch forked from it at {}", short(&base.fork))
            };
            lines.push(format!(
                "compared with {} ({}){at}",
                base.reference,
                short(&base.commit)
            ));
        }
        lines
    }

    /// What it comes to, line by line.
    fn summary(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .pending
            .iter()
            .map(|pending| format!("  pending  {}", pending.label))
            .collect();
        let of = |severity| {
            let found = self.findings();
            found.filter(|found| found.severity == severity).count()
        };
        let pending = match &self.database {
            Some(_) => {
                let begun = [
                    (self.half_applied, "half applied"),
                    (self.half_reverted, "half reverted"),
                ];
                let begun: Vec<_> = begun
                    .into_iter()
                    .filter(|(number, _)| *number > 0)
                    .map(|(number, state)| format!(", {number} {state}"))
                    .collect();
                format!(", {} pending{}", self.pending.len(), begun.concat())
            }
            None => String::new(),
        };
        lines.push(format!(
            "{} checked, {}, {}{pending}.",
            count(self.migrations, "migration"),
            count(of(Severity::Error), "error"),
            count(of(Severity::Warning), "warning"),
        ));
        lines
    }

    fn findings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.files.iter().chain(self.history)
    }
}

impl Answer for Check<'_> {
    /// All of it on standard output: it is the answer, and no failure.
    fn lines(&self) -> Vec<Line> {
        let mut lines = self.heading();
        for finding in self.findings() {
            let drawn = snippet::draw(finding, false);
            lines.extend(drawn.lines().map(str::to_owned));
            lines.push(String::new());
        }
        lines.extend(self.summary());
        said(lines)
    }

    fn document(&self) -> Document {
        let database = self.database.as_ref();
        let pending = database.map(|_| {
            let pending = self.pending.iter();
            pending.map(|pending| &pending.id).collect::<Vec<_>>()
        });
        let base = self.base.as_ref().map(|base| {
            json!({
                "ref": base.reference,
                "commit": base.commit,
                "fork": base.fork,
            })
        });
        Document::One(json!({
            "database": database.map(|database| database.name),
            "server": database.and_then(|database| database.server),
            "history": database.map(|database| database.table),
            "base": base,
            "migrations": self.migrations,
            "findings": self.findings().map(diagnostic).collect::<Vec<_>>(),
            "pending": pending,
            "half_applied": database.map(|_| self.half_applied),
            "half_reverted": database.map(|_| self.half_reverted),
            "exit_code": self.exit_code(),
        }))
    }

    /// Wrong files, else a disagreement, else what is pending.
    fn exit_code(&self) -> u8 {
        let has_begun = self.half_applied + self.half_reverted > 0;
        if self.files.iter().any(Diagnostic::is_error) {
            exit::CONFIGURATION
        } else if self.history.iter().any(Diagnostic::is_error) {
            exit::DRIFT
        } else if has_begun || !self.pending.is_empty() {
            exit::PENDING
        } else {
            exit::DONE
        }
    }
}

/// As much of a commit's name as people read.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
