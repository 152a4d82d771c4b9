//! For people: one flushed line an event on standard output, diagnostics in full
//! on standard error. The last line of a failure tells all once more, since some
//! platforms keep only that stream.

use super::live::Live;
use super::pace::Pace;
use super::status::Status;
use super::words::{count, duration, printable};
use super::{Report, snippet, state_after};
use crate::diagnostic::Diagnostic;
use crate::engine::Outcome;
use crate::engine::event::{Blocker, Event, Listener, Lock, Sight};
use crate::engine::stop::Reason;
use crate::error::Error;
use crate::model::{Migration, Version};
use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

/// No line is longer: log readers stop at 64 KiB, and some far earlier.
const LONGEST_LINE: usize = 8 * 1024;

/// What the last line repeats of a message leaves room for what follows it.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// What the live line has of a migration's label, in characters.
const LONGEST_LABEL: usize = 28;

/// Reports to a person.
pub(crate) struct Human<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Control sequences in diagnostics.
    styled: bool,
    /// Only the outcome is said.
    quiet: bool,
    /// Where standard output is a terminal.
    live: Option<Live>,
    /// Where it is none.
    pace: Pace,
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
            live: None,
            pace: Pace::new(),
            applied: 0,
        }
    }

    /// Standard output is a terminal, of so many columns if that is known: what
    /// runs is shown in a line that is drawn again and again.
    pub(crate) fn live(mut self, columns: Option<usize>) -> Self {
        self.live = (!self.quiet).then(|| Live::new(columns));
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
        migration: &Migration,
        sent_with_it: usize,
        elapsed: Duration,
        sight: &Sight,
    ) {
        let (elapsed_text, doing) = (duration(elapsed), doing(sight));
        if let Some(live) = &mut self.live {
            let label = shortened(&migration.label());
            let others = match sent_with_it {
                0 => String::new(),
                more => format!(" +{more}"),
            };
            let line = format!("⏳ {elapsed_text}  {label}{others}{doing}");
            live.draw(self.out, &printable(&line));
        } else if self.pace.is_due(elapsed) {
            let what = sent(migration, sent_with_it);
            self.detail(format_args!(
                "   {what} still runs after {elapsed_text}{doing}"
            ));
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
                "   waiting for {}: {}",
                who(blocker),
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
            Event::Running {
                migration,
                sent_with_it,
                elapsed,
                sight,
            } => self.running(migration, *sent_with_it, *elapsed, sight),
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
            Event::WaitingForLock {
                lock,
                holder,
                limit,
            } => self.detail(format_args!(
                "   {}{}; waiting for up to {}",
                match lock {
                    Lock::Own => "another migrator is at work",
                    Lock::Tools => "an application holds the lock of sqlx's own migrator",
                },
                holder.map_or(String::new(), |holder| format!(": {}", who(holder))),
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

/// What was sent, of which one runs.
fn sent(migration: &Migration, sent_with_it: usize) -> String {
    let first = migration.label();
    match sent_with_it {
        0 => first,
        1 => format!("{first} or the one sent with it"),
        more => format!("{first} or one of the {more} sent with it"),
    }
}

/// A label that leaves room on one line for what is happening.
fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST_LABEL {
        return label.to_owned();
    }
    let cut: String = label.chars().take(LONGEST_LABEL - 1).collect();
    cut + "…"
}

/// How far it is, and what it waits for.
fn doing(sight: &Sight) -> String {
    let work = sight.work.as_ref().map(|work| {
        // A phase that has a total need not count towards it.
        match work.done.saturating_mul(100).checked_div(work.total) {
            Some(percent) if work.done > 0 => format!("{}, {}%", work.phase, percent.min(100)),
            _ => work.phase.clone(),
        }
    });
    let blocker = sight.blockers.first().map(|blocker| {
        let others = match sight.blockers.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("waiting for {}{others}", who(blocker))
    });
    match (work, blocker) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (Some(work), Some(blocker)) => format!(": {work}; {blocker}"),
    }
}

/// A session, as a person looks for it in the server's list.
fn who(blocker: &Blocker) -> String {
    let name = match blocker.application.as_str() {
        "" => String::new(),
        name => format!("{name}, "),
    };
    let (process, state) = (&blocker.process, &blocker.state);
    let age = duration(blocker.age);
    format!("process {process} ({name}{state}, {age})")
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
