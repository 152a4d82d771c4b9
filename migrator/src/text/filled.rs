//! A text whose variables were filled in: the way back to what was written, and
//! the values, which nobody may read in what a database says of it.

use super::{SourceFile, Span};
use std::collections::HashSet;
use std::sync::Arc;

/// A value in the place of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Where the variable stands in the text as written.
    pub span: Span,
    pub name: String,
    pub value: String,
}

/// A text before its variables were filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) file: Arc<SourceFile>,
    /// In order, none inside another.
    pub(super) fills: Vec<Fill>,
}

/// So many bytes of a value in a row tell of it wherever they stand.
const TELLING: usize = 5;

/// So many do where quotes say that they are what was sent; fewer are chance.
const TELLING_IN_QUOTES: usize = 3;

impl Written {
    /// The text with the values in it.
    pub(super) fn filled(&self) -> String {
        let text = self.file.text();
        let mut filled = String::with_capacity(text.len());
        let mut copied = 0;
        for fill in &self.fills {
            filled.push_str(&text[copied..fill.span.start]);
            filled.push_str(&fill.value);
            copied = fill.span.end;
        }
        filled + &text[copied..]
    }

    /// Where a span of the filled text is in the written one: a part of a value is
    /// its variable, and an empty value is no part of what stands beside it.
    pub(super) fn span(&self, span: Span) -> Span {
        let start = self.offset(span.start, false);
        Span::new(start, self.offset(span.end, true).max(start))
    }

    /// The same, with the variables that stand beside it: their values are blank or
    /// comments, and with others they would be part of it.
    pub(super) fn wide_span(&self, span: Span) -> Span {
        let mut wide = self.span(span);
        let text = self.file.text();
        let is_blank = |start: usize, end: usize| {
            text.get(start..end)
                .is_some_and(|between| between.trim().is_empty())
        };
        for fill in &self.fills {
            if fill.span.start >= wide.end && is_blank(wide.end, fill.span.start) {
                wide.end = fill.span.end;
            }
        }
        for fill in self.fills.iter().rev() {
            if fill.span.end <= wide.start && is_blank(fill.span.end, wide.start) {
                wide.start = fill.span.start;
            }
        }
        wide
    }

    /// Where an offset of the filled text is in the written one, as the beginning
    /// or the end of something.
    fn offset(&self, offset: usize, ends: bool) -> usize {
        // Where the filled and the written text are level.
        let (mut filled, mut written) = (0, 0);
        for fill in &self.fills {
            let begins = filled + (fill.span.start - written);
            if offset < begins || (ends && offset == begins) {
                break;
            }
            if offset < begins + fill.value.len() {
                return if ends { fill.span.end } else { fill.span.start };
            }
            filled = begins + fill.value.len();
            written = fill.span.end;
        }
        written + (offset - filled)
    }

    /// A message without the values, nor any telling part of one: databases quote
    /// what they were sent, cut anywhere, without its escapes, in small letters.
    pub(super) fn without_values(&self, message: &str) -> String {
        let folded = message.to_ascii_lowercase();
        let mut hidden: Vec<Option<usize>> = vec![None; message.len()];
        for (number, fill) in self.fills.iter().enumerate() {
            for form in forms(&fill.value) {
                for span in telling(folded.as_bytes(), form.to_ascii_lowercase().as_bytes()) {
                    hidden[span.range()].fill(Some(number));
                }
            }
        }
        let mut shown = String::with_capacity(message.len());
        let mut last = None;
        for (at, c) in message.char_indices() {
            let by = hidden[at..at + c.len_utf8()].iter().find_map(|by| *by);
            match by {
                None => shown.push(c),
                Some(number) if last != Some(number) => {
                    shown.push_str("${");
                    shown.push_str(&self.fills[number].name);
                    shown.push('}');
                }
                Some(_) => {}
            }
            last = by;
        }
        shown
    }
}

/// A value as databases show it: as it was sent, without the escapes that it has
/// for SQL, and with those that a message has for what cannot be shown.
fn forms(value: &str) -> HashSet<String> {
    let shown: String = value
        .bytes()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02X}"),
        })
        .collect();
    let undoubled = |quote: &str| value.replace(&quote.repeat(2), quote);
    let mut forms = HashSet::from([
        value.to_owned(),
        undoubled("'"),
        undoubled("\""),
        undoubled("`"),
        value
            .replace("\\\\", "\0")
            .replace('\\', "")
            .replace('\0', "\\"),
        shown,
    ]);
    forms.remove("");
    forms
}

/// The parts of a message that tell of a value; both folded.
fn telling(message: &[u8], value: &[u8]) -> Vec<Span> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let around = |span: Span| (span.start.checked_sub(1), span.end);
    let mut telling = shared(message, value, TELLING);
    if value.len() < TELLING {
        telling.extend(
            windows(message, value.len())
                .filter(|(_, window)| *window == value)
                .map(|(span, _)| span)
                // One or two characters in the middle of a word are chance.
                .filter(|span| {
                    let (before, after) = around(*span);
                    let before = before.and_then(|before| message.get(before));
                    value.len() >= TELLING_IN_QUOTES
                        || !(is_word(before) || is_word(message.get(after)))
                }),
        );
    }
    let quotes = |byte: Option<&u8>| byte.is_some_and(|byte| b"'\"`".contains(byte));
    let in_quotes = shared(message, value, TELLING_IN_QUOTES);
    telling.extend(in_quotes.into_iter().filter(|span| {
        let (before, after) = around(*span);
        let part = &message[span.range()];
        let opens = quotes(before.and_then(|before| message.get(before)));
        let closes = quotes(message.get(after)) || message[after..].starts_with(b"...");
        (opens && (closes || value.ends_with(part))) || (closes && value.starts_with(part))
    }));
    telling
}

/// The runs of a message of which every so many bytes stand in the value.
fn shared(message: &[u8], value: &[u8], bytes: usize) -> Vec<Span> {
    let parts: HashSet<_> = value.windows(bytes).collect();
    let mut runs: Vec<Span> = Vec::new();
    for (span, window) in windows(message, bytes) {
        if !parts.contains(window) {
            continue;
        }
        match runs.last_mut() {
            Some(last) if span.start <= last.end => last.end = span.end,
            _ => runs.push(span),
        }
    }
    runs
}

fn windows(text: &[u8], bytes: usize) -> impl Iterator<Item = (Span, &[u8])> {
    let windows = text.windows(bytes).enumerate();
    windows.map(move |(at, window)| (Span::new(at, at + bytes), window))
}
