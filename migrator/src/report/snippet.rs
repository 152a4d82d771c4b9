//! A diagnostic drawn for a person: the line of the source with a caret.

use super::words::printable;
use crate::diagnostic::{Diagnostic, Place, Severity};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How many lines of the source are shown before and after the place.
const LINES_AROUND: usize = 2;

/// Draws a diagnostic, with control sequences only where `styled`.
pub(super) fn draw(diagnostic: &Diagnostic, styled: bool) -> String {
    let notes = diagnostic.notes.iter();
    let notes = notes.map(|note| (Level::NOTE, note.as_str()));
    let help = diagnostic.help.as_deref();
    let help = help.map(|help| (Level::HELP, help));
    render(diagnostic, notes.chain(help), styled)
}

/// Draws what a doctor found, in his words, without its correction.
pub(super) fn draw_finding(finding: &Diagnostic) -> String {
    let why = finding.why();
    let said = [
        ("why", why.as_deref()),
        ("see", finding.see),
        ("fix", finding.help.as_deref()),
    ];
    let said = said.into_iter();
    let said = said.filter_map(|(name, text)| Some((Level::NOTE.with_name(name), text?)));
    render(finding, said, false)
}

fn render<'a>(
    diagnostic: &Diagnostic,
    said: impl Iterator<Item = (Level<'a>, &'a str)>,
    styled: bool,
) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(printable(&diagnostic.title));
    let mut group = Group::with_title(title.id(diagnostic.code));
    let place = diagnostic.place.as_ref();
    if let Some((place, excerpt)) = place.map(|place| (place, Excerpt::around(place))) {
        group = group.element(
            Snippet::source(excerpt.text)
                .path(printable(place.file.path()))
                .line_start(excerpt.first_line)
                .fold(false)
                .annotation(
                    AnnotationKind::Primary
                        .span(excerpt.start..excerpt.end)
                        .label(printable(&diagnostic.label)),
                ),
        );
    }
    for (level, text) in said {
        group = group.element(level.message(printable(text)));
    }
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group])
}

/// The few lines of a file that are worth showing: a file may have megabytes.
struct Excerpt<'a> {
    text: &'a str,
    first_line: usize,
    /// The place, in bytes of the excerpt.
    start: usize,
    end: usize,
}

impl<'a> Excerpt<'a> {
    fn around(place: &'a Place) -> Self {
        let text = place.file.text();
        let span = place.span;
        let mut first = line_start(text, span.start);
        for _ in 0..LINES_AROUND {
            first = line_start(text, first.saturating_sub(1));
        }
        let mut last = line_end(text, span.end.max(span.start));
        for _ in 0..LINES_AROUND {
            last = line_end(text, (last + 1).min(text.len()));
        }
        Self {
            text: &text[first..last],
            first_line: place.file.pos(first).line,
            start: span.start - first,
            end: span.end - first,
        }
    }
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find('\n')
        .map_or(text.len(), |newline| offset + newline)
}
