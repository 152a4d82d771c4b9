//! Text with places: a file's text, spans of it, and the line and column that a
//! person reads. It knows nothing of SQL and reads no file.

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

/// A text before its variables were filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    file: Arc<SourceFile>,
    /// In order, none inside another.
    fills: Vec<Fill>,
}

/// A value in the place of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Where the variable stands in the text as written.
    pub span: Span,
    pub name: String,
    pub value: String,
}

/// A shorter part of a value in a message is taken for chance.
const TELLING: usize = 5;

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
        let mut text = String::with_capacity(file.text.len());
        let mut copied = 0;
        for fill in &fills {
            text.push_str(&file.text[copied..fill.span.start]);
            text.push_str(&fill.value);
            copied = fill.span.end;
        }
        text.push_str(&file.text[copied..]);
        Self {
            path: file.path.clone(),
            text,
            written: Some(Written {
                file: Arc::clone(file),
                fills,
            }),
        }
    }

    /// The file as it was written, and where a span of this text is in it: a
    /// part of a value is its variable.
    #[must_use]
    pub fn written(self: &Arc<Self>, span: Span) -> (Arc<Self>, Span) {
        let Some(written) = &self.written else {
            return (Arc::clone(self), span);
        };
        let span = Span::new(written.start(span.start), written.end(span.end));
        (Arc::clone(&written.file), span)
    }

    /// The text of a span as it was written.
    #[must_use]
    pub fn slice_as_written(&self, span: Span) -> &str {
        match &self.written {
            None => self.slice(span),
            Some(written) => {
                let span = Span::new(written.start(span.start), written.end(span.end));
                written.file.slice(span)
            }
        }
    }

    /// A message without the values that were filled in, or any telling part of
    /// one: databases quote what they were sent, cut anywhere.
    #[must_use]
    pub fn without_values(&self, message: &str) -> String {
        let Some(written) = &self.written else {
            return message.to_owned();
        };
        let mut shown = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(c) = rest.chars().next() {
            let found = written
                .fills
                .iter()
                .map(|fill| (shared(rest, &fill.value), fill))
                .max_by_key(|(length, _)| *length)
                .filter(|(length, fill)| *length >= TELLING.min(fill.value.len()).max(1));
            let length = if let Some((length, fill)) = found {
                shown.push_str("${");
                shown.push_str(&fill.name);
                shown.push('}');
                length
            } else {
                shown.push(c);
                c.len_utf8()
            };
            rest = &rest[length..];
        }
        shown
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

/// The bytes that a text begins with and that stand anywhere in a value.
fn shared(text: &str, value: &str) -> usize {
    let longest = value
        .char_indices()
        .map(|(at, _)| {
            let both = text.chars().zip(value[at..].chars());
            both.take_while(|(one, other)| one == other)
                .map(|(c, _)| c.len_utf8())
                .sum()
        })
        .max();
    longest.unwrap_or(0)
}

impl Written {
    /// Where something begins that begins at an offset of the filled text.
    fn start(&self, offset: usize) -> usize {
        self.place(offset, |fill| fill.span.start)
    }

    fn end(&self, offset: usize) -> usize {
        self.place(offset, |fill| fill.span.end)
    }

    fn place(&self, offset: usize, inside: impl Fn(&Fill) -> usize) -> usize {
        // Where the filled and the written text are level.
        let (mut filled, mut written) = (0, 0);
        for fill in &self.fills {
            let begins = filled + (fill.span.start - written);
            if offset <= begins {
                break;
            }
            if offset < begins + fill.value.len() {
                return inside(fill);
            }
            filled = begins + fill.value.len();
            written = fill.span.end;
        }
        written + (offset - filled)
    }
}

impl Span {
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
