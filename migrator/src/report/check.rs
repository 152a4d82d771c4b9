//! `check`: all that was found, and what it comes to.

use super::words::count;
use crate::diagnostic::{Diagnostic, Severity};
use serde_json::{Value, json};

/// What `check` found.
pub(crate) struct Check<'a> {
    /// Of one of several databases.
    pub name: Option<&'a str>,
    /// `None` where no database was asked.
    pub database: Option<CheckedDatabase<'a>>,
    pub base: Option<CheckedBase<'a>>,
    /// How many migrations there are.
    pub migrations: usize,
    pub findings: Vec<&'a Diagnostic>,
    pub pending: Vec<Pending>,
    /// How many have begun and not ended.
    pub half_applied: usize,
    pub half_reverted: usize,
    pub exit_code: u8,
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
    pub(super) fn heading(&self) -> Vec<String> {
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
    pub(super) fn summary(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .pending
            .iter()
            .map(|pending| format!("  pending  {}", pending.label))
            .collect();
        let of = |severity| {
            let found = self.findings.iter();
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

    /// The report as a document; `finding` is the form of each finding.
    pub(super) fn document(&self, finding: impl Fn(&Diagnostic) -> Value) -> Value {
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
        json!({
            "database": database.map(|database| database.name),
            "server": database.and_then(|database| database.server),
            "history": database.map(|database| database.table),
            "base": base,
            "migrations": self.migrations,
            "findings": self.findings.iter().copied().map(finding).collect::<Vec<_>>(),
            "pending": pending,
            "half_applied": database.map(|_| self.half_applied),
            "half_reverted": database.map(|_| self.half_reverted),
            "exit_code": self.exit_code,
        })
    }
}

/// As much of a commit's name as people read.
fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
