//! What is to be said about something, as data: a report draws it, nobody else
//! prints it.

use crate::text::{Pos, SourceFile, Span};
use std::fmt;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// Where it is, in a text that the user owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<SourceFile>,
    pub span: Span,
}

/// One thing to say, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable word that programs compare: `snake_case`, listed in docs/.
    pub code: &'static str,
    pub severity: Severity,
    /// What failed, in one sentence without a full stop.
    pub title: String,
    pub place: Option<Place>,
    /// What stands at the place's caret.
    pub label: String,
    /// Facts: the database's detail, what was changed, what was not.
    pub notes: Vec<String>,
    /// What to do next.
    pub help: Option<String>,
    /// The address of the documentation that says so: of the doctor's findings.
    pub see: Option<&'static str>,
    /// The lines (YAML, SQL) that should stand there: of the doctor's findings.
    pub correction: Option<String>,
}

impl Diagnostic {
    #[must_use]
    pub fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            title: title.into(),
            place: None,
            label: String::new(),
            notes: Vec::new(),
            help: None,
            see: None,
            correction: None,
        }
    }

    #[must_use]
    pub fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, title)
        }
    }

    #[must_use]
    pub fn at(mut self, place: Option<Place>, label: impl Into<String>) -> Self {
        self.place = place;
        self.label = label.into();
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Why it bites, and the address of the documentation that says so.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>, see: &'static str) -> Self {
        self.see = Some(see);
        self.note(why)
    }

    /// The lines that should stand there.
    #[must_use]
    pub fn correction(mut self, lines: impl Into<String>) -> Self {
        self.correction = Some(lines.into());
        self
    }

    /// Its notes as one.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        (!self.notes.is_empty()).then(|| self.notes.join("; "))
    }

    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Place {
    /// A place of a text; where its variables were filled in, of the text as it
    /// was written.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>, span: Span) -> Self {
        let (file, span) = file.written(span);
        Self { file, span }
    }

    #[must_use]
    pub fn pos(&self) -> Pos {
        self.file.pos(self.span.start)
    }
}

/// `file:line:column`, the form that terminals and editors understand.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pos { line, column } = self.pos();
        write!(f, "{}:{line}:{column}", self.file.path())
    }
}

/// Everything in plain text, for readers without a drawing of the source.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.title)?;
        if !self.label.is_empty() && self.label != self.title {
            write!(f, "\n  {}", self.label)?;
        }
        for note in &self.notes {
            write!(f, "\n  {note}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\nNext: {help}")?;
        }
        Ok(())
    }
}
