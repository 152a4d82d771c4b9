//! What can be typed.

use crate::config::Options;
use crate::formats::naming;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Applies database migrations exactly once, and says truthfully what it did.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    version,
    after_help = "Every option that takes a value can be set as MIGRATE_<OPTION> in the \
                  environment and as the same key in migrate.toml. DATABASE_URL serves where MIGRATE_DATABASE_URL is unset."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) shared: Shared,
    #[command(subcommand)]
    pub(super) command: Option<Verb>,
}

#[derive(Debug, Args)]
pub(super) struct Shared {
    /// The database: postgres://, mysql://, mariadb:// or sqlite:
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// The authority of the database's certificate: its text or its file's path
    #[arg(long, global = true, value_name = "PEM")]
    database_ca_cert: Option<String>,
    /// The folder of the migrations [default: the bundle, or ./migrations]
    #[arg(long, global = true)]
    dir: Option<String>,
    /// The history table [default: sqlx.toml's, or `_sqlx_migrations`]
    #[arg(long, global = true)]
    table: Option<String>,
    /// How long to wait for the database to answer [default: 60s]
    #[arg(long, global = true, value_name = "DURATION")]
    wait: Option<String>,
    /// How long to wait for another migrator to finish [default: 10m]
    #[arg(long, global = true, value_name = "DURATION")]
    lock_wait: Option<String>,
    /// How long a statement waits for a table lock; 0 is for ever [default: 5s]
    #[arg(long, global = true, value_name = "DURATION")]
    lock_timeout: Option<String>,
    /// How long the whole run may take [default: 25m]
    #[arg(long, global = true, value_name = "DURATION")]
    deadline: Option<String>,
    /// A pending migration that sorts before an applied one: error or apply
    #[arg(long, global = true, value_name = "POLICY")]
    out_of_order: Option<String>,
    /// An applied version that no file has: newer, warn or error [default: newer]
    #[arg(long, global = true, value_name = "POLICY")]
    unknown_applied: Option<String>,
    /// For people or for programs: human or json [default: human]
    #[arg(long, global = true, value_name = "FORM")]
    output: Option<String>,
    /// Colours in diagnostics; `NO_COLOR` is respected
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Say only how it ended
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

#[derive(Clone, Debug, Default, Subcommand)]
pub(super) enum Verb {
    /// Apply what is pending (what `migrate` alone does)
    #[default]
    Up,
    /// Verify the files, also against the database's history and a git branch
    Check {
        /// Ask no database
        #[arg(long)]
        offline: bool,
        /// The branch that this one is to be merged into, as in origin/main: what it
        /// has may not be edited or deleted, and what is new must sort after it
        #[arg(long, value_name = "REF")]
        base: Option<String>,
    },
    /// Print a shell's script that completes the verbs and options of `migrate`
    Completions { shell: Shell },
    /// Create a migration's file, named and numbered as the folder's are
    New {
        /// What it does, in a few words
        #[arg(value_parser = words)]
        name: String,
        /// With a file for the way back
        #[arg(long)]
        reversible: bool,
    },
    /// Show what `up` would do: each migration in order, how it runs, and its SQL
    Plan,
    /// Show every migration: applied, pending, changed or missing
    Status {
        /// Exit with 7 when files and history disagree, else 6 when pending
        #[arg(long)]
        exit_code: bool,
    },
    /// Wait until the database answers, for up to --wait
    Wait,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Always,
    Auto,
    Never,
}

impl Verb {
    /// Whether it changes anything; the others only ask.
    pub(super) fn acts(&self) -> bool {
        match self {
            Self::Up => true,
            Self::Check { .. }
            | Self::Completions { .. }
            | Self::New { .. }
            | Self::Plan
            | Self::Status { .. }
            | Self::Wait => false,
        }
    }
}

fn words(name: &str) -> Result<String, &'static str> {
    naming::words(name).ok_or("it has neither a letter nor a digit")
}

impl Shared {
    /// What may also be set elsewhere.
    pub(super) fn options(&self) -> Options {
        Options {
            database_ca_cert: self.database_ca_cert.clone(),
            database_url: self.database_url.clone(),
            deadline: self.deadline.clone(),
            dir: self.dir.clone(),
            lock_timeout: self.lock_timeout.clone(),
            lock_wait: self.lock_wait.clone(),
            out_of_order: self.out_of_order.clone(),
            output: self.output.clone(),
            table: self.table.clone(),
            unknown_applied: self.unknown_applied.clone(),
            wait: self.wait.clone(),
        }
    }
}
