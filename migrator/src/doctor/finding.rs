//! One thing that a doctor found, as data: a report draws it.

use crate::diagnostic::{Place, Severity};

/// What is wrong, why that bites, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The stable word that programs compare: `snake_case`, listed in docs/doctor.md.
    pub code: &'static str,
    /// An error would fail or harm a deploy; a warning may.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub title: String,
    /// Where it stands, if it is in a text that the user owns.
    pub place: Option<Place>,
    /// What stands at the place's caret.
    pub label: String,
    /// Why it bites.
    pub why: String,
    /// The address of the documentation that says so; empty where it is a rule of
    /// this program's own.
    pub see: &'static str,
    /// How to mend it.
    pub fix: String,
    /// The lines (YAML, SQL) that should stand there.
    pub correction: Option<String>,
}

impl Finding {
    /// What would fail or harm a deploy; `why` and `see` are still to be said.
    pub(crate) fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            place: None,
            label: String::new(),
            why: String::new(),
            see: "",
            fix: String::new(),
            correction: None,
        }
    }

    /// What may harm a deploy.
    pub(crate) fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, title)
        }
    }

    pub(crate) fn at(self, place: Option<Place>, label: impl Into<String>) -> Self {
        Self {
            place,
            label: label.into(),
            ..self
        }
    }

    /// Why it bites, and the address of the documentation.
    pub(crate) fn because(self, why: impl Into<String>, see: &'static str) -> Self {
        Self {
            why: why.into(),
            see,
            ..self
        }
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: fix.into(),
            ..self
        }
    }

    /// The lines that should stand there.
    pub(crate) fn correction(self, lines: impl Into<String>) -> Self {
        Self {
            correction: Some(lines.into()),
            ..self
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
