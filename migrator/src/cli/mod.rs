//! The command line: what was typed becomes what is meant, a verb runs, a report
//! tells, and a code comes out.

mod args;
mod completions;
mod questions;
mod tasks;

use crate::commands::{self, Task};
use crate::config::{self, Environment, Options, Output};
use crate::db;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::limits::Limits;
use crate::report::{Human, Json, Report};
use args::{Cli, Color, Verb};
use clap::Parser;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

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
    if let Some(Verb::Completions { shell }) = cli.command {
        // A closed stream leaves nobody to tell.
        let _ = std::io::stdout().write_all(&completions::script(shell));
        return ExitCode::from(exit::DONE);
    }
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
    let verb = cli.command.clone().unwrap_or_default();
    let begun = |report: &mut dyn Report| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unexpected(&format!("the runtime could not be started: {error}")))?;
        runtime.block_on(async {
            if verb.acts() {
                let tasks = tasks::find(options, environment)?;
                Box::pin(act(&verb, &tasks, report)).await
            } else {
                Box::pin(questions::ask(&verb, options, environment, report)).await
            }
        })
    };
    if verb.acts() {
        report.start();
    }
    begun(report).unwrap_or_else(|error| {
        if verb.acts() {
            report.failed(&error);
        } else {
            report.unanswered(&error);
        }
        exit::code(&error)
    })
}

/// Changes one database after the other, up to the first that fails.
async fn act(verb: &Verb, tasks: &[Task], report: &mut dyn Report) -> Result<u8, Error> {
    let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
    for task in tasks {
        let run = run_name();
        let done = match verb {
            Verb::Up => Box::pin(commands::up::up(task, &run, &mut stop, report)).await?,
            _ => unreachable!("it only asks"),
        };
        report.done(&done.outcome, done.newest);
    }
    Ok(exit::DONE)
}

/// Listens for what ends the command before its time: the longest deadline.
fn stop(configs: impl Iterator<Item = Limits>) -> Result<Stop, Error> {
    let limit = configs.map(|limits| limits.deadline).max();
    Stop::after(limit.unwrap_or_default())
        .map_err(|error| unexpected(&format!("no signals: {error}")))
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
