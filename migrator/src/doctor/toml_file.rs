//! A TOML file of another tool, as far as the doctor must understand it.

use super::see;
use crate::diagnostic::{Diagnostic, Place};
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// Reads it as a table.
///
/// # Errors
/// That it is no TOML, as a finding: a lock in which a merge left its marks.
pub(super) fn read(file: &Arc<SourceFile>) -> Result<toml::Table, Diagnostic> {
    file.text().parse::<toml::Table>().map_err(|error| {
        let span = error.span().unwrap_or_default();
        let place = Place::new(file, Span::new(span.start, span.end));
        let why = error
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        Diagnostic::error(
            "unreadable_file",
            format!("{} is not valid TOML: {why}", file.path()),
        )
        .at(Some(place), "here")
        .because("the build reads it, and fails", see::TOML)
        .help("correct it; let its own tool create a lock again")
    })
}

/// Where a text stands first, or the beginning.
pub(super) fn find(file: &Arc<SourceFile>, text: &str) -> Place {
    let start = file.text().find(text);
    let span = start.map_or_else(Span::default, |start| Span::new(start, start + text.len()));
    Place::new(file, span)
}
