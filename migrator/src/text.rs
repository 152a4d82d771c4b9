//! Text with places: a file's text, spans of it, and the line and column that a
//! person reads. It knows nothing of SQL and reads no file.

mod filled;
mod path;
mod shell;

pub use filled::Fill;
pub use path::{below, tidy};
pub use shell::shell_word;

use filled::Written;
use std::ops::Range;
use std::sync::Arc;

/// A file's text and the path by which a person knows it.
///
/// A byte order mark at the beginning stays part of the text: checksums are of
/// the text as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: String,
    text: String,
    /// Of a text whose variables were filled in: how it was written.
    written: Option<Written>,
}

/// A part of a [`SourceFile`]: byte offsets, both on character boundaries,
/// `end` exclusive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// A place as a person counts: line and column begin at 1, columns are
/// characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos {
    pub line: usize,
    pub column: usize,
}

impl SourceFile {
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            written: None,
        }
    }

    /// The file with values in the place of its variables; `fills` in order.
    #[must_use]
    pub fn filled(file: &Arc<Self>, fills: Vec<Fill>) -> Self {
        let written = Written {
            file: Arc::clone(file),
            fills,
        };
        Self {
            path: file.path.clone(),
            text: written.filled(),
            written: Some(written),
        }
    }

    /// The same file without some spans of its text, which are in order; places lead
    /// back to what was written.
    #[must_use]
    pub fn without(file: &Arc<Self>, spans: &[Span]) -> Self {
        let (whole, mut fills) = match &file.written {
            None => (Arc::clone(file), Vec::new()),
            Some(written) => (Arc::clone(&written.file), written.fills.clone()),
        };
        fills.extend(spans.iter().map(|span| Fill {
            span: file.written(*span).1,
            name: String::new(),
            value: String::new(),
        }));
        fills.sort_by_key(|fill| fill.span);
        Self::filled(&whole, fills)
    }

    /// The file as it was written, and where a span of this text is in it: a
    /// part of a value is its variable.
    #[must_use]
    pub fn written(self: &Arc<Self>, span: Span) -> (Arc<Self>, Span) {
        match &self.written {
            None => (Arc::clone(self), span),
            Some(written) => (Arc::clone(&written.file), written.span(span)),
        }
    }

    /// The text of a span as it was written, whatever its variables' values are.
    #[must_use]
    pub fn slice_as_written(&self, span: Span) -> &str {
        match &self.written {
            None => self.slice(span),
            Some(written) => written.file.slice(written.wide_span(span)),
        }
    }

    /// A message without the values that were filled in, or any telling part of
    /// one: databases quote what they were sent.
    #[must_use]
    pub fn without_values(&self, message: &str) -> String {
        match &self.written {
            None => message.to_owned(),
            Some(written) => written.without_values(message),
        }
    }

    /// The path as it is shown to a person.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    /// The span of the whole text.
    #[must_use]
    pub fn span(&self) -> Span {
        Span::new(0, self.text.len())
    }

    /// Line and column of a byte offset; an offset past the end, or inside a
    /// character, counts as the nearest place before it. Lines end with `\n`; a
    /// `\r` before it belongs to the line, and a byte order mark is no column.
    #[must_use]
    pub fn pos(&self, offset: usize) -> Pos {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Pos {
            line: before.matches('\n').count() + 1,
            column: before[line_start..]
                .trim_start_matches('\u{feff}')
                .chars()
                .count()
                + 1,
        }
    }

    /// The byte offset of the character with the given 0-based number, or the
    /// text's length when it has fewer. Databases count characters.
    #[must_use]
    pub fn offset_of_char(&self, number: usize) -> usize {
        self.text
            .char_indices()
            .nth(number)
            .map_or(self.text.len(), |(offset, _)| offset)
    }
}

impl Span {
    /// The same part of a text that stands so many bytes later.
    #[must_use]
    pub fn after(self, bytes: usize) -> Self {
        Self::new(self.start + bytes, self.end + bytes)
    }

    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let file = SourceFile::new("a.sql", "é1\r\nsecond\n");
        assert_eq!(file.pos(0), Pos { line: 1, column: 1 });
        assert_eq!(file.pos(2), Pos { line: 1, column: 2 });
        assert_eq!(file.pos(5), Pos { line: 2, column: 1 });
        assert_eq!(file.pos(7), Pos { line: 2, column: 3 });
        assert_eq!(file.pos(999), Pos { line: 3, column: 1 });
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        let file = SourceFile::new("a.sql", "\u{feff}SELECT 1");
        assert_eq!(file.pos(3), Pos { line: 1, column: 1 });
        assert_eq!(file.pos(4), Pos { line: 1, column: 2 });
    }

    #[test]
    fn characters_are_found_by_number() {
        let file = SourceFile::new("a.sql", "aéb");
        assert_eq!(file.offset_of_char(2), 3);
        assert_eq!(file.offset_of_char(9), 4);
    }
}
