//! The command line: what was typed becomes what is meant, a verb runs, a report
//! tells, and a code comes out.

use crate::bundle;
use crate::commands::{self, Task};
use crate::config::{self, Config, ConfigError, Environment, Options, Output};
use crate::db::{self, Past};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::plan::drift::Drift;
use crate::plan::planner;
use crate::project::{self, Project};
use crate::report::{Human, Json, Report, Status};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Applies database migrations exactly once, and says truthfully what it did.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    version,
    after_help = "Every option that takes a value can be set as MIGRATE_<OPTION> in the \
                  environment and as the same key in migrate.toml. DATABASE_URL serves where MIGRATE_DATABASE_URL is unset."
)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    command: Option<Verb>,
}

#[derive(Debug, Args)]
struct Shared {
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
    color: Color,
    /// Say only how it ended
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Apply what is pending (what `migrate` alone does)
    Up,
    /// Show every migration: applied, pending, changed or missing
    Status {
        /// Exit with 7 when files and history disagree, else 6 when pending
        #[arg(long)]
        exit_code: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Always,
    Auto,
    Never,
}

/// Runs the program with the process's own arguments, environment and streams.
#[must_use]
pub fn main() -> ExitCode {
    let environment = |name: &str| std::env::var(name).ok();
    let cli = match Cli::try_parse_from(without_redundant_word(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            let asked_for = !error.use_stderr();
            // It quotes what was typed, and a URL may have been typed anywhere.
            let said = db::url::without_user_info(&error.render().to_string());
            // A closed stream leaves nobody to tell.
            let _ = if asked_for {
                std::io::stdout().write_all(said.as_bytes())
            } else {
                std::io::stderr().write_all(said.as_bytes())
            };
            return ExitCode::from(if asked_for { exit::DONE } else { exit::USAGE });
        }
    };
    let styled = match cli.shared.color {
        Color::Always => true,
        Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        Color::Never => false,
    };
    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    let options = cli.shared.options();
    let code = match config::output(&options, &environment) {
        Ok(Output::Human) => {
            let mut report = Human::new(&mut out, &mut err, styled, cli.shared.quiet);
            if std::io::stdout().is_terminal() && environment("TERM").as_deref() != Some("dumb") {
                let columns = environment("COLUMNS");
                report = report.live(columns.and_then(|columns| columns.parse().ok()));
            }
            run(&cli, &options, &environment, &mut report)
        }
        Ok(Output::Json) => run(&cli, &options, &environment, &mut Json::new(&mut out)),
        Err(error) => {
            let error = error.into();
            Human::new(&mut out, &mut err, styled, cli.shared.quiet).unanswered(&error);
            exit::code(&error)
        }
    };
    ExitCode::from(code)
}

/// Platforms that append a command to an image's own make `migrate migrate up`.
fn without_redundant_word(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    if args.get(1).is_some_and(|word| word == "migrate") {
        args.remove(1);
    }
    args
}

fn run(cli: &Cli, options: &Options, environment: Environment, report: &mut dyn Report) -> u8 {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        report.unanswered(&unexpected("the runtime could not be started"));
        return exit::UNEXPECTED;
    };
    match &cli.command {
        None | Some(Verb::Up) => {
            report.start();
            let result = task(options, environment).and_then(|task| {
                runtime.block_on(async {
                    let mut stop = Stop::after(task.config.limits.deadline)
                        .map_err(|error| unexpected(&format!("no signals: {error}")))?;
                    Box::pin(commands::up::up(&task, &run_name(), &mut stop, report)).await
                })
            });
            match result {
                Ok(done) => {
                    report.done(&done.outcome, done.newest);
                    exit::DONE
                }
                Err(error) => {
                    report.failed(&error);
                    exit::code(&error)
                }
            }
        }
        Some(Verb::Status { exit_code }) => {
            let result = task(options, environment).and_then(|task| {
                let found = runtime.block_on(commands::status::status(&task))?;
                Ok((task, found))
            });
            match result {
                Ok((task, found)) => show(&task, &found, *exit_code, report),
                Err(error) => {
                    report.unanswered(&error);
                    exit::code(&error)
                }
            }
        }
    }
}

/// What the command works on: the named folder, the bundle beside the
/// executable, or the project in the working directory.
fn task(options: &Options, environment: Environment) -> Result<Task, Error> {
    let here = Path::new(".");
    let table = config::table(options, environment);
    let table = table.as_ref().map(|table| table.value.as_str());
    let project = match config::dir(options, environment) {
        Some(dir) if dir.value.trim().is_empty() => {
            // A script's variable that was not set must not mean this folder.
            return Err(ConfigError::BadValue {
                option: "dir",
                origin: dir.origin,
                value: dir.value,
                takes: "the path of a folder",
            }
            .into());
        }
        Some(dir) => project::find(here, Some(&dir.value), table)?,
        None => match bundled(table)? {
            Some(project) => project,
            None => project::find(here, None, table)?,
        },
    };
    let config = Config::resolve(options, environment, &project.file)?;
    Ok(Task { project, config })
}

fn bundled(table: Option<&str>) -> Result<Option<Project>, Error> {
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    match executable.ok().and_then(|path| bundle::root_beside(&path)) {
        Some(root) => project::find_bundled(&root, table),
        None => Ok(None),
    }
}

fn show(
    task: &Task,
    found: &commands::status::Found,
    exit_code: bool,
    report: &mut dyn Report,
) -> u8 {
    let database = task.config.database.value.to_string();
    let status = Status {
        database: &database,
        server: &found.look.server,
        table: &found.look.ledger.table,
        is_fresh: found.look.past == Past::Fresh,
        migrations: &task.project.migrations,
        history: &found.history,
        drifts: &found.drifts,
    };
    report.status(&status, &task.project.warnings);
    let agreed = planner::judge(found.drifts.clone(), task.config.request);
    let is_begun = |drift: &Drift| matches!(drift, Drift::Resumable { .. });
    if !exit_code {
        exit::DONE
    } else if agreed.is_err() || found.drifts.iter().any(is_begun) {
        exit::DRIFT
    } else if status.has_pending() {
        exit::PENDING
    } else {
        exit::DONE
    }
}

fn unexpected(what: &str) -> Error {
    Error::Unexpected {
        what: what.to_owned(),
    }
}

/// The name of this run in the server: the time, and chance for those of the
/// same second.
fn run_name() -> String {
    use std::hash::BuildHasher;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let chance = std::hash::RandomState::new().hash_one(now) & 0xff_ffff;
    format!("migrate {now:x}-{chance:06x}")
}

impl Shared {
    fn options(&self) -> Options {
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
