//! For people: one flushed line an event on standard output, diagnostics in full
//! on standard error. The last line of a failure tells all once more, since some
//! platforms keep only that stream.

use super::repairs::Repairs;
use super::status::Status;
use super::words::{count, duration, left_alone, printable};
use super::{Ended, Report, Tally, snippet, state_after};
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Blocker, Event, Listener, Lock};
use crate::engine::stop::Reason;
use crate::error::Error;
use crate::model::Subject;
use std::fmt::Display;
use std::io::Write;

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
    /// Somebody is there to be asked.
    asks: bool,
    tally: Tally,
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
            asks: false,
            tally: Tally::default(),
        }
    }

    /// Asks before something is done that is hard to undo.
    pub(crate) fn asking(self, asks: bool) -> Self {
        Self { asks, ..self }
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

    fn done(&mut self, ended: &Ended<'_>) {
        let at = ended.newest.map_or(String::new(), |version| {
            format!("; the schema is at {version}")
        });
        match ended.outcome {
            Some(outcome) if outcome.done.is_empty() => {
                self.detail(format_args!("Nothing to do{at}."));
            }
            Some(outcome) => self.detail(format_args!(
                "{} {} in {}{at}.",
                if ended.reverts { "Reverted" } else { "Applied" },
                things(&outcome.done),
                duration(outcome.took)
            )),
            None => {}
        }
        self.say("✅ Migrations completed successfully!");
    }

    fn failed(&mut self, error: &Error) {
        let diagnostic = error.diagnostic();
        let state = state_after(error, self.tally);
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

    fn consent(&mut self, verb: &str, what: &[String]) -> Result<(), Error> {
        if !self.asks {
            return Ok(());
        }
        self.say(format_args!("   about to {verb}:"));
        for line in what {
            self.say(format_args!("     {line}"));
        }
        let _ = write!(self.out, "   Go on? [y/N] ");
        let _ = self.out.flush();
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Error::Declined),
        }
    }

    fn repairs(&mut self, repairs: &Repairs<'_>) {
        for line in repairs.lines() {
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
        self.tally.see(event);
        match event {
            Event::Applied { migration, took } => {
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
            Event::Changed {
                version,
                name,
                before,
                after,
            } => self.detail(format_args!("✅ {version} {name}: {before}, now {after}")),
            Event::Claimed { deed } => self.detail(format_args!(
                "   {} is another run's; looking again",
                deed.label()
            )),
            Event::Confirmed { runs } => self.detail(format_args!(
                "✅ {} marked as live",
                match runs {
                    0 => "no new run; what stands is".to_owned(),
                    _ => count(*runs, "run"),
                }
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
            Event::Edited {
                path,
                recorded,
                now,
                harmless,
            } => self.detail(format_args!(
                "   {path}: SHA-384 {}… was applied, {}… is there now{}",
                &recorded[..recorded.len().min(16)],
                &now[..now.len().min(16)],
                if *harmless {
                    ", with other line endings only"
                } else {
                    ""
                }
            )),
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
            Event::LeftAlone { why } => {
                let (_, reason) = left_alone(why);
                self.detail(format_args!("   nothing is reverted: {reason}"));
            }
            Event::Recovered { subject, reverts } => {
                let did = if *reverts { " reverted" } else { "" };
                self.detail(format_args!("✅ {subject}{did} (only its answer was lost)"));
            }
            Event::Repeated { repeatable, took } => {
                let name = &repeatable.name;
                self.detail(format_args!("✅ repeatable {name} ({})", duration(*took)));
            }
            Event::Reverted {
                migration, took, ..
            } => {
                self.detail(format_args!(
                    "✅ {} reverted ({})",
                    migration.label(),
                    duration(*took)
                ));
            }
            Event::Retrying {
                deed,
                failed,
                pause,
            } => self.detail(format_args!(
                "   {} could not get its lock and was rolled back ({}); again in {}",
                deed.label(),
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

/// What a run did, counted.
fn things(done: &[Subject]) -> String {
    let migrations = done.iter().filter_map(Subject::version).count();
    match (migrations, done.len() - migrations) {
        (_, 0) => count(migrations, "migration"),
        (0, files) => count(files, "repeatable file"),
        (_, files) => format!(
            "{} and {}",
            count(migrations, "migration"),
            count(files, "repeatable file")
        ),
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
