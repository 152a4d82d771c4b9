//! `doctor`: what was looked at, every finding, and what they come to.

use super::words::{count, printable};
use crate::diagnostic::{Diagnostic, Severity};
use serde_json::{Value, json};

/// What a doctor found.
pub(crate) struct Doctor<'a> {
    /// What was looked at, and what was not and why: a line each.
    pub looked_at: &'a [String],
    pub findings: &'a [Diagnostic],
    pub exit_code: u8,
}

impl Doctor<'_> {
    /// What it comes to.
    pub(super) fn summary(&self) -> String {
        let of = |severity| {
            let found = self.findings.iter();
            found.filter(|found| found.severity == severity).count()
        };
        match (of(Severity::Error), of(Severity::Warning)) {
            (0, 0) => "Nothing found that would fail or harm a deploy.".to_owned(),
            (0, warnings) => format!(
                "{}, but no error that would fail or harm a deploy.",
                count(warnings, "warning")
            ),
            (errors, warnings) => format!(
                "{} that would fail or harm a deploy, {}.",
                count(errors, "error"),
                count(warnings, "warning")
            ),
        }
    }

    /// The report as a document.
    pub(super) fn document(&self) -> Value {
        json!({
            "looked_at": self.looked_at,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "exit_code": self.exit_code,
        })
    }
}

/// The lines that should stand there, below the finding.
pub(super) fn correction(finding: &Diagnostic) -> Vec<String> {
    let lines = finding.correction.iter().flat_map(|text| text.lines());
    lines
        .map(|line| format!("      {}", printable(line)))
        .collect()
}

fn finding(finding: &Diagnostic) -> Value {
    let place = finding.place.as_ref();
    let correction = finding.correction.as_deref();
    json!({
        "code": finding.code,
        "severity": match finding.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": finding.title,
        "file": place.map(|place| place.file.path()),
        "line": place.map(|place| place.pos().line),
        "column": place.map(|place| place.pos().column),
        "label": (!finding.label.is_empty()).then_some(&finding.label),
        "why": finding.why(),
        "see": finding.see,
        "fix": finding.help,
        "correction": correction.map(|text| text.lines().collect::<Vec<_>>()),
    })
}
