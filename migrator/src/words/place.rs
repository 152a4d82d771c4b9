//! Where in its file a migration failed, and what is said there.

use super::{first_line, one_line};
use crate::db::fault::Fault;
use crate::diagnostic::Place;
use crate::error::MigrationFailure;
use crate::text::{SourceFile, Span};

/// What the database told, else the statement's first line.
pub(super) fn place(failure: &MigrationFailure) -> Option<Place> {
    let file = &failure.file;
    let offset = failure.offset.or_else(|| inside(failure));
    let span = match (offset, failure.statement) {
        (Some(offset), _) => word_at(file, offset),
        (None, Some((_, span))) => first_line(file, span),
        (None, None) => return None,
    };
    Some(Place::new(file, span))
}

/// Where a statement of a function failed, if the function stands in this file
/// and the statement once in it.
fn inside(failure: &MigrationFailure) -> Option<usize> {
    let inner = failure.fault.inner.as_ref()?;
    let mut places = failure.file.text().match_indices(&inner.text);
    let (start, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let before: usize = inner
        .text
        .chars()
        .take(inner.character)
        .map(char::len_utf8)
        .sum();
    Some(start + before)
}

/// What stands at the caret: MySQL's messages are for the title only.
pub(super) fn label(fault: &Fault) -> String {
    let message = one_line(&fault.message);
    if message.chars().count() > 60 {
        "here".to_owned()
    } else {
        message
    }
}

/// The word that begins at an offset, or the one character.
fn word_at(file: &SourceFile, offset: usize) -> Span {
    let rest = file.text().get(offset..).unwrap_or_default();
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let one = rest.chars().next().map_or(0, char::len_utf8);
    Span::new(offset, offset + word.max(one))
}
