//! For people: one flushed line an event on standard output, diagnostics in full
//! on standard error. The last line of a failure tells all once more, since some
//! platforms keep only that stream.

use super::answer::{Answer, Line};
use super::live::Live;
use super::pace::Pace;
use super::words::{duration, printable, things};
use super::{DatabaseProgress, Ended, Reply, Report, Success, Tally, lines, snippet, state_after};
use crate::config::Detail;
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Activity, Event, Listener};
use crate::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

/// No line is longer: log readers stop at 64 KiB, and some far earlier.
const LONGEST_LINE: usize = 8 * 1024;

/// What the last line repeats of a message leaves room for what follows it.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// The stream that somebody reads who can be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asks {
    OnOutput,
    OnError,
}

/// Reports to a person.
pub(crate) struct Human<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Control sequences in diagnostics.
    styled: bool,
    detail: Detail,
    /// Where somebody is there to be asked.
    asks: Option<Asks>,
    /// Where standard output is a terminal.
    live: Option<Live>,
    /// Where it is none.
    pace: Pace,
    tally: Tally,
    /// Where there are several databases.
    turn: Option<DatabaseProgress>,
    /// Whether anything was changed, in any of them.
    has_changed: bool,
}

impl<'a> Human<'a> {
    pub(crate) fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        styled: bool,
        detail: Detail,
    ) -> Self {
        Self {
            out,
            err,
            styled,
            detail,
            asks: None,
            live: None,
            pace: Pace::new(),
            tally: Tally::default(),
            turn: None,
            has_changed: false,
        }
    }

    /// Asks before something is done that is hard to undo.
    pub(crate) fn asking(self, asks: Option<Asks>) -> Self {
        Self { asks, ..self }
    }

    /// Standard output is a terminal, of so many columns if that is known: what
    /// runs is shown in a line that is drawn again and again.
    pub(crate) fn on_terminal(mut self, columns: Option<usize>) -> Self {
        self.live = (self.detail != Detail::Quiet).then(|| Live::new(columns));
        self
    }

    /// Shows a diagnostic in full.
    fn diagnose(&mut self, diagnostic: &Diagnostic) {
        let drawn = snippet::draw(diagnostic, self.styled);
        self.clear();
        for line in drawn.lines() {
            // A closed stream is no reason to stop a migration.
            let _ = writeln!(self.err, "{}", cut(line, LONGEST_LINE));
        }
        let _ = self.err.flush();
    }

    fn say(&mut self, line: impl Display) {
        let line = printable(&line.to_string());
        self.clear();
        let _ = writeln!(self.out, "{}", cut(&line, LONGEST_LINE));
        let _ = self.out.flush();
    }

    /// Takes the live line away: it may be the same terminal.
    fn clear(&mut self) {
        if let Some(live) = &mut self.live {
            live.clear(self.out);
        }
    }

    /// What runs: a line on a terminal, and elsewhere one now and then.
    fn running(
        &mut self,
        label: &str,
        sent_with_it: usize,
        elapsed: Duration,
        activity: &Activity,
    ) {
        let elapsed_text = duration(elapsed);
        if let Some(live) = &mut self.live {
            let line = lines::live(label, sent_with_it, &elapsed_text, activity);
            live.draw(self.out, &printable(&line));
        } else if self.pace.is_due(elapsed) {
            self.detail(lines::still(label, sent_with_it, &elapsed_text, activity));
        }
    }

    /// What is worth knowing beside the answer.
    fn note(&mut self, line: impl Display) {
        if self.detail != Detail::Quiet {
            let line = printable(&format!("note: {line}"));
            let _ = writeln!(self.err, "{}", cut(&line, LONGEST_LINE));
        }
    }

    fn detail(&mut self, line: impl Display) {
        if self.detail != Detail::Quiet {
            self.say(line);
        }
    }
}

impl Report for Human<'_> {
    fn start(&mut self) {
        self.say("🚀 Starting database migrations...");
    }

    fn turn(&mut self, turn: DatabaseProgress) {
        self.tally = Tally::default();
        self.turn = Some(turn);
    }

    fn done(&mut self, ended: &Ended<'_>) {
        let at = ended.newest.as_ref().map_or(String::new(), |version| {
            format!("; the schema is at {version}")
        });
        match ended.outcome {
            Some(outcome) if outcome.done.is_empty() => {
                self.detail(format_args!("Nothing to do{at}."));
            }
            Some(outcome) => self.detail(format_args!(
                "{} {} in {}{at}.",
                if ended.success == Success::Reverts {
                    "Reverted"
                } else {
                    "Applied"
                },
                things(outcome.done.iter().cloned()),
                duration(outcome.took)
            )),
            None => {}
        }
        // What only records has no outcome where it recorded something.
        self.has_changed |= ended.outcome.is_none_or(|outcome| !outcome.done.is_empty());
        if self
            .turn
            .as_ref()
            .is_none_or(|turn| turn.to_come.is_empty())
        {
            let is_unknown = ended.outcome.is_some_and(|outcome| outcome.is_unknown);
            self.say(if is_unknown && !self.has_changed {
                lines::NOT_KNOWN
            } else {
                lines::succeeded(ended.success, self.has_changed)
            });
        }
    }

    fn failed(&mut self, error: &Error) {
        let diagnostic = error.diagnostic();
        let (of, others) = self.turn.as_ref().map_or_else(Default::default, |turn| {
            (format!("database {}: ", turn.name), turn.others())
        });
        let state = state_after(error, self.tally) + &others;
        self.diagnose(&diagnostic.clone().note(format!("state: {state}")));
        let place = diagnostic
            .place
            .map_or(String::new(), |place| format!("{place}: "));
        let help = diagnostic
            .help
            .map_or(String::new(), |help| format!(" Next: {help}."));
        // The place names the file already.
        let title = match place.split(':').next() {
            Some(path) if !path.is_empty() => diagnostic
                .title
                .strip_prefix(&format!("{path}: "))
                .unwrap_or(&diagnostic.title),
            _ => &diagnostic.title,
        };
        self.say(format_args!(
            "❌ Migration failed: {of}{place}{}. State: {state}.{help}",
            cut(title, LONGEST_MESSAGE)
        ));
    }

    fn unanswered(&mut self, error: &Error) {
        let diagnostic = error.diagnostic();
        self.diagnose(&match &self.turn {
            Some(turn) => diagnostic.note(format!("database: {}{}", turn.name, turn.others())),
            None => diagnostic,
        });
    }

    fn question(&mut self, verb: &str, what: &[String]) -> Option<Reply> {
        let asks = self.asks?;
        let what = what
            .iter()
            .map(|line| format!("     {}\n", printable(line)));
        let what: String = what.collect();
        let question = format!("   about to {verb}:\n{what}   Continue? [y/N] ");
        self.clear();
        let stream = match asks {
            Asks::OnOutput => &mut self.out,
            Asks::OnError => &mut self.err,
        };
        // Where it cannot be seen, nobody agrees to it.
        let _ = stream.write_all(question.as_bytes());
        let _ = stream.flush();
        let (answers, answer) = mpsc::channel();
        // A read cannot be given up: the thread ends with the process.
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            let is_yes = matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
            let _ = answers.send(is_yes);
        });
        Some(answer)
    }

    fn answer(&mut self, answer: &dyn Answer) -> u8 {
        for warning in answer.warnings() {
            self.diagnose(warning);
        }
        for line in answer.lines() {
            match line {
                Line::Say(line) => self.say(line),
                Line::Detail(line) => self.detail(line),
                Line::Note(line) => self.note(line),
            }
        }
        answer.exit_code()
    }
}

impl Listener for Human<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.tally.see(event);
        if let Event::Running {
            operation,
            sent_with_it,
            elapsed,
            activity,
        } = event
        {
            let label = match operation {
                Some(operation) => operation.label(),
                None => "the command".to_owned(),
            };
            self.running(&label, *sent_with_it, *elapsed, activity);
        }
        if matches!(event, Event::Setting { .. }) && self.detail != Detail::Verbose {
            return;
        }
        for line in lines::of(event) {
            self.detail(line);
        }
    }
}

/// A line of bounded length.
fn cut(line: &str, longest: usize) -> String {
    let mut line = line.to_owned();
    if line.len() > longest {
        line.truncate(line.floor_char_boundary(longest - '…'.len_utf8()));
        line.push('…');
    }
    line
}
