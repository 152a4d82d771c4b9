//! What can be typed.

use super::platform::Spec;
use crate::commands::Task;
use crate::config::environment::{Unknown, variable};
use crate::config::{ConfigError, Options};
use crate::error::Error;
use crate::formats::naming;
use crate::plan::planner;
use crate::plan::repair::Resolution;
use crate::report::Success;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::ffi::OsString;
use std::time::Duration;

/// Applies database migrations exactly once, and reports what it changed.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    version,
    after_help = "Every option above can be set as MIGRATE_<OPTION> in the environment and, except \
                  --config, --database and --yes, as the same key in migrate.toml. DATABASE_URL is \
                  used if MIGRATE_DATABASE_URL is not set."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) command: Option<Verb>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(super) struct Shared {
    /// Database: postgres://, mysql://, mariadb:// or sqlite:
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// CA certificate for the database: PEM text, or a path
    #[arg(long, global = true, value_name = "PEM")]
    database_ca_cert: Option<String>,
    /// Use only this database of migrate.toml [default: all, in order]
    #[arg(long, global = true, value_name = "NAME")]
    database: Option<String>,
    /// Folder of the migrations [default: the bundle, or ./migrations]
    #[arg(long, global = true)]
    dir: Option<String>,
    /// Format of the migrations: alembic or sqlx [default: detected]
    #[arg(long, global = true, value_name = "FORMAT")]
    format: Option<String>,
    /// Section of Alembic's ini file, as in alembic -n [default: alembic]
    #[arg(long, global = true, value_name = "NAME")]
    alembic_section: Option<String>,
    /// Configuration file; its paths are relative to its folder [default: ./migrate.toml]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<String>,
    #[arg(
        long,
        global = true,
        help = "History table [default: that of sqlx.toml, or _sqlx_migrations]"
    )]
    table: Option<String>,
    /// One transaction for each migration, or for all of a run: each or all [default: each]
    #[arg(long, global = true, value_name = "SCOPE")]
    transaction: Option<String>,
    /// If a pending migration sorts before an applied one: error or apply [default: error]
    #[arg(long, global = true, value_name = "POLICY")]
    out_of_order: Option<String>,
    /// If an applied version has no file: newer, warn or error [default: newer]
    #[arg(long, global = true, value_name = "POLICY")]
    unknown_applied: Option<String>,
    /// How long to wait for the database to answer [default: 60s]
    #[arg(long, global = true, value_name = "DURATION")]
    wait: Option<String>,
    /// How long to wait for another migrator to finish [default: 10m]
    #[arg(long, global = true, value_name = "DURATION")]
    lock_wait: Option<String>,
    /// How long a statement waits for a table lock; 0 means no limit [default: 5s]
    #[arg(long, global = true, value_name = "DURATION")]
    lock_timeout: Option<String>,
    /// How long a statement may run; 0 means no limit [default: 0]
    #[arg(long, global = true, value_name = "DURATION")]
    statement_timeout: Option<String>,
    /// How long the whole run may take [default: 25m]
    #[arg(long, global = true, value_name = "DURATION")]
    deadline: Option<String>,
    /// Output format: human or json [default: human]
    #[arg(long, global = true, value_name = "FORM")]
    output: Option<String>,
    /// Skip all questions; without a terminal nothing is asked anyway
    #[arg(long, short, global = true)]
    yes: bool,
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        help = "Colours in diagnostics: auto, always or never; NO_COLOR is respected [default: auto]"
    )]
    color: Option<String>,
    /// Print only the result
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Also print every setting that is not the default, and where it came from
    #[arg(long, short, global = true)]
    verbose: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Verb {
    /// Apply what is pending (the default command)
    Up(Up),
    /// Revert with the migrations' own down scripts; by default the newest migration
    Down(Down),
    /// Revert the newest migration and apply it again
    Redo,
    /// Mark the runs so far as live, because a deploy has succeeded
    Confirm,
    /// Record everything up to a version as applied, without running it
    Baseline {
        /// Version the database is already at
        #[arg(allow_negative_numbers = true)]
        version: String,
        /// Allow a history that is not empty
        #[arg(long)]
        force: bool,
    },
    /// After an accident: list what can be repaired, or repair it
    Repair(Repair),
    /// Check the files, also against the database's history and a git branch
    Check {
        /// Do not connect to a database
        #[arg(long)]
        offline: bool,
        /// Branch that this one will be merged into, such as origin/main: its migrations
        /// may not be edited or deleted, and new ones must sort after them
        #[arg(long, value_name = "REF")]
        base: Option<String>,
    },
    /// Print a completion script for a shell
    Completions { shell: Shell },
    /// Look for what would fail or harm a deploy, in the project, its app spec and its database
    Doctor {
        #[arg(
            long,
            value_name = "FILE",
            help = "App spec of DigitalOcean [default: .do/app.yaml, if it exists]"
        )]
        spec: Option<String>,
    },
    /// Create the file of a new migration, named and numbered like the others
    New {
        /// What it does, in a few words
        #[arg(value_parser = words)]
        name: String,
        /// Also create a down migration
        #[arg(long)]
        reversible: bool,
    },
    /// Show what migrate up would do: each migration in order, how it runs, and its SQL
    Plan,
    /// Print the configuration with which a platform runs migrate before a deploy
    Spec(Spec),
    /// Show every migration: applied, pending, changed or missing
    Status {
        /// Exit with 7 if files and history disagree, or with 6 if migrations are pending
        #[arg(long)]
        exit_code: bool,
    },
    /// Wait until the database answers, for up to --wait
    Wait,
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Up {
    /// Apply nothing after this version
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true)]
    pub(super) to: Option<String>,
    /// Apply no more migrations than this
    #[arg(long, value_name = "NUMBER")]
    pub(super) steps: Option<usize>,
    /// Only show what would be done, as migrate plan does
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Up {
    /// What it asks for, beside what the settings do.
    ///
    /// # Errors
    /// What can be no version.
    pub(super) fn request(&self, task: &Task) -> Result<planner::Request, Error> {
        let to = self.to.as_deref();
        Ok(planner::Request {
            to: to.map(|to| task.typed(to)).transpose()?,
            steps: self.steps,
            ..task.config.request.clone()
        })
    }
}

#[derive(Args, Clone, Debug)]
pub(super) struct Down {
    /// Revert everything after this version, which stays applied; 0 reverts all
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true, conflicts_with_all = ["steps", "unconfirmed"])]
    pub(super) to: Option<String>,
    /// Number of migrations to revert [default: 1]
    #[arg(long, value_name = "NUMBER", conflicts_with = "unconfirmed")]
    pub(super) steps: Option<usize>,
    /// Revert what the newest run applied, if its deploy was not confirmed
    #[arg(long)]
    pub(super) unconfirmed: bool,
    /// How long ago that run may have begun
    #[arg(long, value_name = "DURATION", default_value = "1h", requires = "unconfirmed", value_parser = humantime::parse_duration)]
    pub(super) within: Duration,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Repair {
    /// Record the current checksum of an applied file that was changed
    #[arg(long, value_name = "VERSION", allow_negative_numbers = true)]
    pub(super) accept: Vec<String>,
    /// Resolve a half applied migration: VERSION=applied or =reverted, or for a
    /// statement in doubt =done or =not-done
    #[arg(long, value_name = "VERSION=ANSWER", value_parser = resolution, allow_hyphen_values = true)]
    pub(super) resolve: Vec<(String, Resolution)>,
}

fn resolution(text: &str) -> Result<(String, Resolution), String> {
    let (version, answer) = text
        .split_once('=')
        .ok_or("expected VERSION=ANSWER, as in 5=applied")?;
    let resolution = match answer {
        "applied" => Resolution::Applied,
        "not-done" => Resolution::NotDone,
        "done" => Resolution::Done,
        "reverted" => Resolution::Reverted,
        _ => return Err("expected the answer applied, reverted, done or not-done".to_owned()),
    };
    Ok((version.to_owned(), resolution))
}

impl Cli {
    /// Reads what was typed, program first. Without a verb, the options of `up` are
    /// taken, too, since no verb means `up`.
    ///
    /// # Errors
    /// As clap's own.
    pub(super) fn read(args: Vec<OsString>) -> Result<Self, clap::Error> {
        let refused = |error: &clap::Error| error.kind() == ErrorKind::UnknownArgument;
        let mut with_verb = args.clone();
        with_verb.insert(1.min(args.len()), OsString::from("up"));
        match Self::try_parse_from(args) {
            // A word that was typed as a verb is one argument too many for `up`.
            Err(error) if refused(&error) => match Self::try_parse_from(with_verb) {
                Err(other) if refused(&other) => Err(error),
                result => result,
            },
            result => result,
        }?
        .checked()
    }

    /// What clap cannot say of what was typed: two answers to one question.
    ///
    /// # Errors
    /// As clap's own.
    fn checked(self) -> Result<Self, clap::Error> {
        if let Some(Verb::Spec(spec)) = &self.command {
            spec.fits()
                .map_err(|what| Self::command().error(ErrorKind::ArgumentConflict, what))?;
        }
        if let Some(Verb::Repair(repair)) = &self.command {
            // As a number, 05 is 5.
            let plain = |(version, _): &(String, _)| version.trim_start_matches('0').to_owned();
            let mut versions: Vec<_> = repair.resolve.iter().map(plain).collect();
            versions.sort();
            if let Some([version, _]) = versions.array_windows().find(|[one, other]| one == other) {
                return Err(Self::command().error(
                    ErrorKind::ArgumentConflict,
                    format!("--resolve has two answers for {version}"),
                ));
            }
        }
        Ok(self)
    }
}

impl Default for Verb {
    fn default() -> Self {
        Self::Up(Up::default())
    }
}

/// What was asked for: whoever acts cannot be given a question, nor the other way
/// round.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Act(Act),
    Ask(Ask),
    Completions(Shell),
}

/// What changes databases.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Baseline { version: String, force: bool },
    Confirm,
    Down(Down),
    Redo,
    Repair(Repair),
    Up(Up),
}

/// What changes none.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    CheckOffline { base: Option<String> },
    Doctor { spec: Option<String> },
    New { name: String, reversible: bool },
    Question(Question),
    Spec(Spec),
    Wait,
}

/// What is asked of databases.
#[derive(Clone, Debug)]
pub(super) enum Question {
    Check { base: Option<String> },
    Plan(Up),
    Repairs,
    Status { exit_code: bool },
}

impl From<Verb> for Request {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Baseline { version, force } => Self::Act(Act::Baseline { version, force }),
            Verb::Check {
                offline: true,
                base,
            } => Self::Ask(Ask::CheckOffline { base }),
            Verb::Check { base, .. } => Self::Ask(Ask::Question(Question::Check { base })),
            Verb::Completions { shell } => Self::Completions(shell),
            Verb::Confirm => Self::Act(Act::Confirm),
            Verb::Doctor { spec } => Self::Ask(Ask::Doctor { spec }),
            Verb::Down(down) => Self::Act(Act::Down(down)),
            Verb::New { name, reversible } => Self::Ask(Ask::New { name, reversible }),
            Verb::Plan => Self::Ask(Ask::Question(Question::Plan(Up::default()))),
            Verb::Redo => Self::Act(Act::Redo),
            Verb::Repair(Repair { accept, resolve }) if accept.is_empty() && resolve.is_empty() => {
                Self::Ask(Ask::Question(Question::Repairs))
            }
            Verb::Repair(repair) => Self::Act(Act::Repair(repair)),
            Verb::Spec(spec) => Self::Ask(Ask::Spec(spec)),
            Verb::Status { exit_code } => Self::Ask(Ask::Question(Question::Status { exit_code })),
            Verb::Up(up) if up.dry_run => Self::Ask(Ask::Question(Question::Plan(up))),
            Verb::Up(up) => Self::Act(Act::Up(up)),
            Verb::Wait => Self::Ask(Ask::Wait),
        }
    }
}

impl Act {
    /// What it has done where it succeeded.
    pub(super) fn success(&self) -> Success {
        match self {
            Self::Baseline { .. } => Success::Records,
            Self::Confirm => Success::Confirms,
            Self::Down(_) => Success::Reverts,
            Self::Repair(_) => Success::Repairs,
            Self::Redo | Self::Up(_) => Success::Applies,
        }
    }

    /// Whether it is about versions, which are one database's own.
    pub(super) fn is_for_one(&self) -> bool {
        match self {
            Self::Baseline { .. } | Self::Redo | Self::Repair(_) => true,
            Self::Down(down) => !down.unconfirmed,
            Self::Confirm | Self::Up(_) => false,
        }
    }
}

/// The form of output that was typed, in what is otherwise no command.
pub(super) fn output_typed(typed: &[OsString]) -> Option<String> {
    let words: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    let forms = words.iter().enumerate().filter_map(|(at, word)| {
        if word == "--output" {
            return Some(words.get(at + 1)?.to_string());
        }
        word.strip_prefix("--output=").map(str::to_owned)
    });
    let mut forms: Vec<_> = forms.collect();
    forms.pop()
}

/// A verb's own option, as a variable, would be passed over: a `--dry-run` that
/// changes the database.
///
/// # Errors
/// The first of them.
pub(super) fn may_be_variables(unknown: &[Unknown]) -> Result<(), ConfigError> {
    let cli = Cli::command();
    let verbs = cli.get_subcommands();
    let own: Vec<_> = verbs
        .flat_map(Command::get_arguments)
        .filter_map(Arg::get_long)
        .collect();
    let typed = |unknown: &Unknown| {
        let option = own.iter().find(|own| variable(own) == unknown.name)?;
        Some(ConfigError::OnlyTyped {
            name: unknown.name.clone(),
            option: (*option).to_owned(),
        })
    };
    unknown.iter().find_map(typed).map_or(Ok(()), Err)
}

fn words(name: &str) -> Result<String, &'static str> {
    naming::words(name).ok_or("it has neither a letter nor a digit")
}

impl Shared {
    /// What may also be set elsewhere.
    pub(super) fn options(&self) -> Options {
        // A flag that was not typed says nothing; the environment may.
        let flag = |typed: bool| typed.then(|| "true".to_owned());
        Options::of([
            ("alembic-section", self.alembic_section.clone()),
            ("color", self.color.clone()),
            ("config", self.config.clone()),
            ("database", self.database.clone()),
            ("database-ca-cert", self.database_ca_cert.clone()),
            ("database-url", self.database_url.clone()),
            ("deadline", self.deadline.clone()),
            ("dir", self.dir.clone()),
            ("format", self.format.clone()),
            ("lock-timeout", self.lock_timeout.clone()),
            ("lock-wait", self.lock_wait.clone()),
            ("out-of-order", self.out_of_order.clone()),
            ("output", self.output.clone()),
            ("quiet", flag(self.quiet)),
            ("statement-timeout", self.statement_timeout.clone()),
            ("table", self.table.clone()),
            ("transaction", self.transaction.clone()),
            ("unknown-applied", self.unknown_applied.clone()),
            ("verbose", flag(self.verbose)),
            ("wait", self.wait.clone()),
            ("yes", flag(self.yes)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OPTIONS;
    use clap::CommandFactory;

    fn read(line: &str) -> Result<Cli, ErrorKind> {
        let words = line.split_whitespace().map(OsString::from).collect();
        Cli::read(words).map_err(|error| error.kind())
    }

    #[test]
    fn the_options_of_up_need_no_verb() {
        for line in [
            "migrate --steps 1 --dry-run --to 5",
            "migrate --dir x --steps 1 --dry-run -q --to 5",
            "migrate up --steps 1 --dry-run --to 5",
        ] {
            let Some(Verb::Up(up)) = read(line).unwrap().command else {
                panic!("{line} is not `up`");
            };
            assert!(up.dry_run && up.steps == Some(1) && up.to.as_deref() == Some("5"));
        }
        assert!(read("migrate --dir x").unwrap().command.is_none());
    }

    #[test]
    fn an_option_of_up_before_another_verb_is_refused() {
        for line in [
            "migrate --steps 1 down",
            "migrate --dry-run status",
            "migrate status --steps 1",
            "migrate --unconfirmed",
            "migrate --stepz 1",
        ] {
            assert_eq!(
                read(line).unwrap_err(),
                ErrorKind::UnknownArgument,
                "{line}"
            );
        }
        assert_eq!(
            read("migrate --steps one").unwrap_err(),
            ErrorKind::ValueValidation
        );
    }

    #[test]
    fn every_option_has_its_variable() {
        let command = Cli::command();
        let mut options: Vec<_> = command
            .get_arguments()
            .filter_map(clap::Arg::get_long)
            .filter(|long| !["help", "version"].contains(long))
            .collect();
        options.sort_unstable();
        assert_eq!(options, OPTIONS);
    }
}
