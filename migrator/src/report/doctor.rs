//! `doctor`: what was looked at, every finding, and what they come to.

use super::answer::{Answer, Document, Line};
use super::snippet;
use super::words::{count, printable};
use crate::diagnostic::{Diagnostic, Severity};
use crate::exit;
use serde_json::{Value, json};

/// What a doctor found.
pub(crate) struct Doctor<'a> {
    /// What was looked at, and what was not and why: a line each.
    pub looked_at: &'a [String],
    pub findings: &'a [Diagnostic],
    /// What keeps from asking a database.
    pub unreachable: &'a [Diagnostic],
}

impl Doctor<'_> {
    /// What it comes to.
    fn summary(&self) -> String {
        let of = |severity| {
            let found = self.all();
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

    fn all(&self) -> impl Iterator<Item = &Diagnostic> {
        self.findings.iter().chain(self.unreachable)
    }
}

impl Answer for Doctor<'_> {
    /// All of it on standard output: it is the answer, and no failure.
    fn lines(&self) -> Vec<Line> {
        let looked_at = self.looked_at.iter().cloned();
        let mut lines: Vec<_> = looked_at.map(Line::Detail).collect();
        for finding in self.all() {
            lines.push(Line::Detail(String::new()));
            let drawn = snippet::draw_finding(finding);
            lines.extend(drawn.lines().map(|line| Line::Say(line.to_owned())));
            lines.extend(correction(finding).into_iter().map(Line::Say));
        }
        lines.push(Line::Detail(String::new()));
        lines.push(Line::Say(self.summary()));
        lines
    }

    fn document(&self) -> Document {
        Document::One(json!({
            "looked_at": self.looked_at,
            "findings": self.all().map(finding).collect::<Vec<_>>(),
            "exit_code": self.exit_code(),
        }))
    }

    /// What would fail or harm a deploy, else a database that does not answer.
    fn exit_code(&self) -> u8 {
        if self.findings.iter().any(Diagnostic::is_error) {
            exit::CONFIGURATION
        } else if self.unreachable.is_empty() {
            exit::DONE
        } else {
            exit::CONNECTION
        }
    }
}

/// The lines that should stand there, below the finding.
fn correction(finding: &Diagnostic) -> Vec<String> {
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
