//! For people: one flushed line an event on standard output, diagnostics in full
//! on standard error. The last line of a failure tells all once more, since some
//! platforms keep only that stream.

use super::check::Check;
use super::plan::Plan;
use super::status::Status;
use super::words::{count, duration, printable};
use super::{Report, snippet, state_after};
use crate::diagnostic::Diagnostic;
use crate::engine::Outcome;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Reason;
use crate::error::Error;
use crate::model::Version;
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

/// No line is longer: log readers stop at 64 KiB, and some far earlier.
const LONGEST_LINE: usize = 8 * 1024;

/// What the last line repeats of a message leaves room for what follows it.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// Reports to a person.
pub(crate) struct Human<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Control sequences in diagnostics.
    styled: bool,
    /// Only the outcome is said.
    quiet: bool,
    applied: usize,
}

impl<'a> Human<'a> {
    pub(crate) fn new(
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        styled: bool,
        quiet: bool,
    ) -> Self {
        Self {
            out,
            err,
            styled,
            quiet,
            applied: 0,
        }
    }

    /// Shows a diagnostic in full.
    fn diagnose(&mut self, diagnostic: &Diagnostic) {
        let drawn = snippet::draw(diagnostic, self.styled);
        for line in drawn.lines() {
            // A closed stream is no reason to stop a migration.
            let _ = writeln!(self.err, "{}", cut(line, LONGEST_LINE));
        }
        let _ = self.err.flush();
    }

    fn say(&mut self, line: impl Display) {
        let line = printable(&line.to_string());
        let _ = writeln!(self.out, "{}", cut(&line, LONGEST_LINE));
        let _ = self.out.flush();
    }

    /// What is worth knowing beside the answer.
    fn note(&mut self, line: impl Display) {
        if !self.quiet {
            let line = printable(&format!("note: {line}"));
            let _ = writeln!(self.err, "{}", cut(&line, LONGEST_LINE));
        }
    }

    fn detail(&mut self, line: impl Display) {
        if !self.quiet {
            self.say(line);
        }
    }
}

impl Report for Human<'_> {
    fn start(&mut self) {
        self.say("🚀 Starting database migrations...");
    }

    fn done(&mut self, outcome: &Outcome, newest: Option<Version>) {
        let at = newest.map_or(String::new(), |version| {
            format!("; the schema is at {version}")
        });
        if outcome.applied.is_empty() {
            self.detail(format_args!("Nothing to do{at}."));
        } else {
            self.detail(format_args!(
                "Applied {} in {}{at}.",
                count(outcome.applied.len(), "migration"),
                duration(outcome.took)
            ));
        }
        self.say("✅ Migrations completed successfully!");
    }

    fn failed(&mut self, error: &Error) {
        let diagnostic = error.diagnostic();
        let state = state_after(error, self.applied);
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
            "❌ Migration failed: {place}{}. State: {state}.{help}",
            cut(title, LONGEST_MESSAGE)
        ));
    }

    fn unanswered(&mut self, error: &Error) {
        self.diagnose(&error.diagnostic());
    }

    fn answered(&mut self, database: &str, took: Option<Duration>) {
        match took {
            Some(took) => self.say(format_args!(
                "{database} answers, after {}.",
                duration(took)
            )),
            None => self.say(format_args!(
                "{database} does not exist yet; `up` creates it."
            )),
        }
    }

    /// All of it on standard output: it is the answer, and no failure.
    fn check(&mut self, check: &Check<'_>) {
        for line in check.heading() {
            self.say(line);
        }
        for finding in &check.findings {
            for line in snippet::draw(finding, false).lines() {
                self.say(line);
            }
            self.say("");
        }
        for line in check.summary() {
            self.say(line);
        }
    }

    /// The paths alone on standard output, so that an editor can be given them.
    fn created(&mut self, paths: &[String], folder: Option<&str>, warnings: &[Diagnostic]) {
        for warning in warnings {
            self.diagnose(warning);
        }
        if let Some(folder) = folder {
            self.note(format_args!("the folder {folder} is new"));
        }
        for path in paths {
            self.say(path);
        }
    }

    fn plan(&mut self, plan: &Plan<'_>, warnings: &[Diagnostic]) {
        for warning in warnings {
            self.diagnose(warning);
        }
        for line in plan.lines() {
            self.say(line);
        }
    }

    fn status(&mut self, status: &Status<'_>, warnings: &[Diagnostic]) {
        for warning in warnings {
            self.diagnose(warning);
        }
        for line in status.lines() {
            self.say(line);
        }
    }
}

impl Listener for Human<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Applied { migration, took } => {
                self.applied += 1;
                self.detail(format_args!(
                    "✅ {} ({})",
                    migration.label(),
                    duration(*took)
                ));
            }
            Event::Blocked { blocker } => self.detail(format_args!(
                "   waiting for process {} ({}{}, open for {}): {}",
                blocker.process,
                match blocker.application.as_str() {
                    "" => String::new(),
                    name => format!("{name}, "),
                },
                blocker.state,
                duration(blocker.age),
                blocker.query,
            )),
            Event::Claimed { migration } => self.detail(format_args!(
                "   {} is another run's; looking again",
                migration.label()
            )),
            Event::Connected {
                database,
                server,
                history,
            } => self.detail(format_args!(
                "   database    {database} ({server}), history in {history}"
            )),
            Event::Creating { database } => {
                self.detail(format_args!(
                    "   creating    {database}, which does not exist yet"
                ));
            }
            Event::GuardGaveWay => self.detail(
                "   the pool has no second connection; going on without the lock, by the history \
                 rows alone",
            ),
            Event::Reconnecting => self.detail(
                "   the connection was lost; connecting again to see what the history says",
            ),
            Event::Read {
                dir,
                format,
                count: number,
            } => self.detail(format_args!(
                "   migrations  {dir} ({format}), {}",
                count(*number, "migration")
            )),
            Event::Recovered { version } => {
                self.applied += 1;
                self.detail(format_args!("✅ {version} (only its answer was lost)"));
            }
            Event::Retrying {
                migration,
                failed,
                pause,
            } => self.detail(format_args!(
                "   {} could not get its lock and was rolled back ({}); again in {}",
                migration.label(),
                count(*failed as usize, "try"),
                duration(*pause)
            )),
            Event::Stopping { reason } => self.detail(format_args!(
                "   {}; cancelling what runs",
                match reason {
                    Reason::Deadline { .. } => "the deadline has passed",
                    Reason::Interrupt => "SIGINT",
                    Reason::Terminate => "SIGTERM",
                }
            )),
            Event::WaitingForDatabase { database, limit } => self.detail(format_args!(
                "   {database} does not answer yet; waiting for up to {}",
                duration(*limit)
            )),
            Event::WaitingForLock { limit } => self.detail(format_args!(
                "   another migrator is at work; waiting for up to {}",
                duration(*limit)
            )),
            Event::Warning(warning) => {
                self.detail(format_args!("⚠️  {}", warning.title));
                if let Some(help) = &warning.help {
                    self.detail(format_args!("   {help}"));
                }
            }
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
