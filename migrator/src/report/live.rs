//! The line that a terminal shows of what runs, drawn again in its place some
//! four times a second. Only a terminal is sent its control sequences.

use std::io::Write;

/// Where the width of a terminal is not known.
const COLUMNS: usize = 78;

/// To the line's beginning, and all of it away.
const CLEAR: &str = "\r\x1b[2K";
/// What is too wide all the same (some characters take two columns) is cut by
/// the terminal and does not run on into a second line, which would stay.
const WITHOUT_WRAPPING: &str = "\x1b[?7l";
const WRAPPING: &str = "\x1b[?7h";

pub(super) struct Live {
    columns: usize,
    is_drawn: bool,
}

impl Live {
    /// A line for a terminal of so many columns, if that is known.
    pub(super) fn new(columns: Option<usize>) -> Self {
        Self {
            columns: columns.unwrap_or(COLUMNS),
            is_drawn: false,
        }
    }

    /// Shows a text without control characters in the place of the last.
    pub(super) fn draw(&mut self, out: &mut dyn Write, text: &str) {
        // The last column stays free: some terminals wrap as soon as it is full.
        let room = self.columns.saturating_sub(1);
        let text = if text.chars().count() > room {
            let cut: String = text.chars().take(room.saturating_sub(1)).collect();
            cut + "…"
        } else {
            text.to_owned()
        };
        // A closed stream is no reason to stop a migration.
        let _ = write!(out, "{CLEAR}{WITHOUT_WRAPPING}{text}{WRAPPING}");
        let _ = out.flush();
        self.is_drawn = true;
    }

    /// Takes the line away, before anything else is written.
    pub(super) fn clear(&mut self, out: &mut dyn Write) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(out, "{CLEAR}");
            let _ = out.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_cut_to_the_terminal_and_cleared_once() {
        let mut out = Vec::new();
        let mut live = Live::new(Some(10));
        live.clear(&mut out);
        assert!(out.is_empty());
        live.draw(&mut out, "größer als erlaubt");
        live.clear(&mut out);
        live.clear(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\r\x1b[2K\x1b[?7lgrößer a…\x1b[?7h\r\x1b[2K"
        );
    }
}
