//! Variables in SQL: the names that a file's opening comment lines declare, as in
//! `-- migrate:env OWNER PASSWORD`, and the places where `${OWNER}` stands. What
//! is not declared is no variable, whatever it looks like.

use crate::text::{Fill, SourceFile, Span};
use std::sync::Arc;

const DIRECTIVE: &str = "migrate:env";

/// Why a file's variables cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableError {
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    pub kind: VariableErrorKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariableErrorKind {
    /// It could be no variable's name.
    BadName,
    /// It is declared after the lines that open the file, where nothing is filled
    /// in: its places would be sent as they are.
    Misplaced,
    /// It has no value; an empty one is a value.
    Missing,
}

/// The names that a text declares, in the order written.
#[must_use]
pub fn names(text: &str) -> Vec<&str> {
    let (declared, _) = declared(text);
    declared
        .into_iter()
        .map(|span| &text[span.range()])
        .collect()
}

/// The file with its variables filled in; the same file where it declares none.
///
/// # Errors
/// The first declared name that has no value.
pub fn fill(
    file: &Arc<SourceFile>,
    value: impl Fn(&str) -> Option<String>,
) -> Result<Arc<SourceFile>, VariableError> {
    let (declared, opening) = declared(file.text());
    if let Some(span) = declared_late(file.text(), opening) {
        return Err(VariableError {
            name: file.slice(span).to_owned(),
            span,
            kind: VariableErrorKind::Misplaced,
        });
    }
    if declared.is_empty() {
        return Ok(Arc::clone(file));
    }
    let mut fills = Vec::new();
    for span in declared {
        let name = file.slice(span);
        let error = |kind| VariableError {
            name: name.to_owned(),
            span,
            kind,
        };
        if !is_name(name) {
            return Err(error(VariableErrorKind::BadName));
        }
        let value = value(name).ok_or(error(VariableErrorKind::Missing))?;
        let place = format!("${{{name}}}");
        fills.extend(file.text().match_indices(&place).map(|(at, _)| Fill {
            span: Span::new(at, at + place.len()),
            name: name.to_owned(),
            value: value.clone(),
        }));
    }
    fills.sort_by_key(|fill| fill.span);
    // Declared twice, it is filled in once.
    fills.dedup_by_key(|fill| fill.span);
    Ok(Arc::new(SourceFile::filled(file, fills)))
}

/// The names in the comment lines that open the text, and where those lines end.
fn declared(text: &str) -> (Vec<Span>, usize) {
    let mut names = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches('\u{feff}').trim();
        if !(content.is_empty() || content.starts_with("--")) {
            break;
        }
        names.extend(names_in(line).into_iter().map(|name| name.after(start)));
        start += line.len();
    }
    (names, start)
}

/// The first name that a later line declares.
fn declared_late(text: &str, opening: usize) -> Option<Span> {
    let mut start = opening;
    for line in text[opening..].split_inclusive('\n') {
        if let Some(name) = names_in(line).first() {
            return Some(name.after(start));
        }
        start += line.len();
    }
    None
}

/// The names in a line that declares some.
fn names_in(line: &str) -> Vec<Span> {
    let content = line.trim_start_matches('\u{feff}').trim_start();
    let rest = content
        .strip_prefix("--")
        .and_then(|comment| comment.trim_start().strip_prefix(DIRECTIVE))
        .filter(|rest| rest.starts_with(char::is_whitespace));
    // A slice of the line: its address tells its place.
    let at = |name: &str| name.as_ptr() as usize - line.as_ptr() as usize;
    rest.unwrap_or_default()
        .split_whitespace()
        .map(|name| Span::new(at(name), at(name) + name.len()))
        .collect()
}

fn is_name(name: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Arc<SourceFile>, VariableError> {
        let file = Arc::new(SourceFile::new("1_a.sql", text));
        fill(&file, |name| match name {
            "OWNER" => Some("the owner".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn only_what_is_declared_is_filled_in() {
        let text = "-- a note\n\n-- migrate:env OWNER EMPTY\nGRANT ${OWNER}${EMPTY} TO ${OTHER};\n";
        let file = filled(text).unwrap();
        assert!(file.text().ends_with("GRANT the owner TO ${OTHER};\n"));
    }

    #[test]
    fn what_is_declared_too_late_would_be_sent_as_it_is() {
        let later = "/* a licence */\n  -- migrate:env OWNER\nSELECT '${OWNER}'";
        let error = filled(later).unwrap_err();
        assert_eq!(error.kind, VariableErrorKind::Misplaced);
        assert_eq!((error.name.as_str(), error.span.start), ("OWNER", 33));
        // Other words are no declaration.
        let other = "SELECT 1; -- migrate:env OWNER\n-- migrate:envy\n";
        assert_eq!(filled(other).unwrap().text(), other);
    }

    #[test]
    fn a_name_without_a_value_is_told_with_its_place() {
        let error = filled("-- migrate:env OWNER  MISSING\n").unwrap_err();
        assert_eq!(error.kind, VariableErrorKind::Missing);
        assert_eq!((error.name.as_str(), error.span.start), ("MISSING", 22));
        let error = filled("\u{feff}-- migrate:env $OWNER\n").unwrap_err();
        assert_eq!(error.kind, VariableErrorKind::BadName);
    }

    #[test]
    fn places_lead_back_to_what_was_written_and_values_stay_secret() {
        let file = filled("-- migrate:env OWNER\nSELECT ${OWNER}, wrong;").unwrap();
        let at = file.text().find("wrong").unwrap();
        let (written, span) = file.written(Span::new(at, at + 5));
        assert_eq!(written.slice(span), "wrong");
        let inside = file.text().find("owner").unwrap();
        let (written, span) = file.written(Span::new(inside, inside + 5));
        assert_eq!(written.slice(span), "${OWNER}");
        assert_eq!(
            file.without_values("no \"the owner\" here"),
            "no \"${OWNER}\" here"
        );
        assert_eq!(
            file.without_values("near 'he owner' at"),
            "near '${OWNER}' at"
        );
    }
}
