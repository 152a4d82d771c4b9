//! What a question found. Each answer knows what it says to a person and to a
//! program, and what it comes to.

use super::fields::{diagnostic, milliseconds};
use super::words::duration;
use crate::diagnostic::Diagnostic;
use crate::exit;
use serde_json::{Value, json};
use std::time::Duration;

/// What a question found.
pub(crate) trait Answer {
    /// To a person.
    fn lines(&self) -> Vec<Line>;

    /// To a program.
    fn document(&self) -> Document;

    /// What a person should know beside it.
    fn warnings(&self) -> &[Diagnostic] {
        &[]
    }

    /// What it comes to.
    fn exit_code(&self) -> u8 {
        exit::DONE
    }
}

/// A line on standard output, which is the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Say(String),
    /// Left out where only the end is wanted.
    Detail(String),
    /// On standard error, beside the answer.
    Note(String),
}

/// What is written for a program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// One of several databases' answers, or the only one.
    One(Value),
    /// A line each, by the events' names.
    Events(Vec<(&'static str, Value)>),
}

/// Each text as a line.
pub(super) fn said(lines: Vec<String>) -> Vec<Line> {
    lines.into_iter().map(Line::Say).collect()
}

/// A document with what is worth knowing beside it.
pub(super) fn with_warnings(mut document: Value, warnings: &[Diagnostic]) -> Document {
    document["warnings"] = warnings.iter().map(diagnostic).collect();
    Document::One(document)
}

/// `new`: the files that were created.
pub(crate) struct Created {
    pub paths: Vec<String>,
    /// The folder, where it is new, too.
    pub folder: Option<String>,
    pub warnings: Vec<Diagnostic>,
}

impl Answer for Created {
    /// The paths alone on standard output, so that an editor can be given them.
    fn lines(&self) -> Vec<Line> {
        let folder = self.folder.iter();
        let notes = folder.map(|folder| Line::Note(format!("created the folder {folder}")));
        let paths = self.paths.iter().cloned().map(Line::Say);
        notes.chain(paths).collect()
    }

    fn document(&self) -> Document {
        let warnings = self.warnings.iter();
        let warnings = warnings.map(|warning| ("warning", diagnostic(warning)));
        let folder = self.folder.iter();
        let folder = folder.map(|folder| ("created_folder", json!({"path": folder})));
        let paths = self.paths.iter();
        let paths = paths.map(|path| ("created", json!({"path": path})));
        Document::Events(warnings.chain(folder).chain(paths).collect())
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

/// `spec`: what is to be written into which file; nobody has written it.
pub(crate) struct Stanza<'a> {
    pub file: &'a str,
    pub text: &'a str,
}

impl Answer for Stanza<'_> {
    /// Alone on standard output, so that it can be redirected.
    fn lines(&self) -> Vec<Line> {
        said(self.text.lines().map(str::to_owned).collect())
    }

    fn document(&self) -> Document {
        let lines: Vec<_> = self.text.lines().collect();
        Document::One(json!({"file": self.file, "lines": lines}))
    }
}

/// `wait`: that the database answered.
pub(crate) struct Answered<'a> {
    pub database: &'a str,
    /// After so long; `None` where it is a file that is still to be created.
    pub took: Option<Duration>,
}

impl Answer for Answered<'_> {
    fn lines(&self) -> Vec<Line> {
        let database = self.database;
        said(vec![match self.took {
            Some(took) => format!("{database} answers, after {}.", duration(took)),
            None => format!("{database} does not exist yet; `up` creates it."),
        }])
    }

    fn document(&self) -> Document {
        let fields = json!({
            "database": self.database,
            "exists": self.took.is_some(),
            "took_ms": self.took.map(milliseconds),
            "exit_code": self.exit_code(),
        });
        Document::Events(vec![("answered", fields)])
    }
}
