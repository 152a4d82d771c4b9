//! The command line: what was typed becomes what is meant, a verb runs, a report
//! tells, and a code comes out.

mod actions;
mod args;
mod completions;
mod platform;
mod questions;
mod start;
mod tasks;

use crate::commands::{Start, Task};
use crate::config::{
    Color, Config, ConfigError, Environment, Lookup, Options, Output, Presentation,
};
use crate::db;
use crate::diagnostic::Diagnostic;
use crate::embedded::Embedded;
use crate::engine::event::Event;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::limits::Limits;
use crate::model::Addition;
use crate::project::Workspace;
use crate::report::{Asks, DatabaseProgress, Ended, Human, Json, Report};
use crate::words;
use args::{Act, Cli, Request};
use questions::Asked;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;
use tasks::Scope;

/// What a project's own program carries, and its migrations that are no files.
pub(crate) type Brought = (Embedded, Vec<Addition>);

/// Runs the program with the process's own arguments, environment and streams.
#[must_use]
pub fn main() -> ExitCode {
    run_program(None)
}

/// The same, with what a project's own program brings.
pub(crate) fn run_program(brought: Option<Brought>) -> ExitCode {
    let environment = Environment::new(std::env::vars_os());
    let typed = without_redundant_word(std::env::args_os());
    let cli = match Cli::read(typed.clone()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(not_a_command(&error, &typed, &environment)),
    };
    let options = cli.shared.options();
    let request = Request::from(cli.command.unwrap_or_default());
    if let Request::Completions(shell) = request {
        // A closed stream leaves nobody to tell.
        let _ = std::io::stdout().write_all(&completions::script(shell));
        return ExitCode::from(exit::DONE);
    }
    let lookup = Lookup {
        options: &options,
        environment: &environment,
    };
    let workspace = tasks::workspace(lookup, brought);
    let file = workspace.as_ref().ok().map(|workspace| &workspace.file);
    let (presentation, result) = Presentation::resolve(lookup, file);
    let workspace = result.map_err(Error::from).and(workspace);
    let mut out = std::io::stdout();
    let mut err = std::io::stderr();
    let code = match presentation.output {
        Output::Human => {
            let styled = match presentation.color {
                Color::Always => true,
                Color::Auto => std::io::stderr().is_terminal(),
                Color::Never => false,
            };
            let is_terminal = out.is_terminal();
            let mut report = Human::new(&mut out, &mut err, styled, presentation.detail);
            // One that moves no cursor is none for this.
            let is_dumb = environment.get("TERM").ok().flatten() == Some("dumb");
            if is_terminal && !is_dumb {
                let columns = environment.get("COLUMNS").ok().flatten();
                report = report.on_terminal(columns.and_then(|columns| columns.parse().ok()));
            }
            if std::io::stdin().is_terminal() {
                let on_error = std::io::stderr().is_terminal().then_some(Asks::OnError);
                report = report.asking(if is_terminal {
                    Some(Asks::OnOutput)
                } else {
                    on_error
                });
            }
            run(&request, lookup, workspace, &mut report)
        }
        Output::Json => {
            let mut report = Json::new(&mut out, presentation.detail);
            run(&request, lookup, workspace, &mut report)
        }
    };
    ExitCode::from(code)
}

/// Tells what is wrong with what was typed, or the help that was asked for.
fn not_a_command(error: &clap::Error, typed: &[OsString], environment: &Environment) -> u8 {
    // It quotes what was typed, and a URL may have been typed anywhere.
    let said = db::url::without_user_info(&error.render().to_string());
    // A closed stream leaves nobody to tell.
    if !error.use_stderr() {
        let _ = std::io::stdout().write_all(said.as_bytes());
        return exit::DONE;
    }
    let options = Options::of([("output", args::output_typed(typed))]);
    let lookup = Lookup {
        options: &options,
        environment,
    };
    let workspace = tasks::workspace(lookup, None);
    let file = workspace.as_ref().ok().map(|workspace| &workspace.file);
    let (presentation, _) = Presentation::resolve(lookup, file);
    match presentation.output {
        Output::Human => {
            let _ = std::io::stderr().write_all(said.as_bytes());
        }
        Output::Json => {
            let mut out = std::io::stdout();
            Json::new(&mut out, presentation.detail).unanswered(&Error::Usage { said });
        }
    }
    exit::USAGE
}

/// Platforms that append a command to an image's own make `migrate migrate up`.
fn without_redundant_word(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<_> = args.collect();
    if args.get(1).is_some_and(|word| word == "migrate") {
        args.remove(1);
    }
    args
}

fn run(
    request: &Request,
    lookup: Lookup<'_>,
    workspace: Result<Workspace, Error>,
    report: &mut dyn Report,
) -> u8 {
    let acts = matches!(request, Request::Act(_));
    let begun = |report: &mut dyn Report| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| unexpected(&format!("the runtime could not be started: {error}")))?;
        let workspace = workspace?;
        let others = workspace.file.url_variables();
        let unknown = lookup.environment.unknown(&others);
        if acts {
            args::may_be_variables(&unknown)?;
        }
        let warnings: Vec<_> = unknown.iter().map(words::unknown).collect();
        runtime.block_on(async {
            match request {
                Request::Act(act) => {
                    // At once, since it may be why the next step fails.
                    warn(warnings, report);
                    let mut tasks = Scope::of(&workspace, lookup)?.tasks()?;
                    Box::pin(self::act(act, &mut tasks, lookup.environment, report)).await
                }
                Request::Ask(ask) => {
                    let scope = Scope::of(&workspace, lookup)?;
                    let asked = Asked { scope, warnings };
                    Box::pin(questions::ask(ask, &asked, report)).await
                }
                // It was answered before.
                Request::Completions(_) => Ok(exit::DONE),
            }
        })
    };
    if acts {
        report.start();
    }
    begun(report).unwrap_or_else(|error| {
        if acts {
            report.failed(&error);
        } else {
            report.unanswered(&error);
        }
        exit::code(&error)
    })
}

/// Changes one database after the other, up to the first that fails.
async fn act(
    act: &Act,
    tasks: &mut [Task],
    environment: &Environment,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    if tasks.len() > 1 && act.is_for_one() {
        return Err(ConfigError::PickOne {
            databases: tasks.iter().filter_map(|task| task.name.clone()).collect(),
        }
        .into());
    }
    let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
    for task in &mut *tasks {
        stop.or(task.settle()).await??;
    }
    let tasks = &*tasks;
    for (number, task) in tasks.iter().enumerate() {
        if let (Some(name), Some(turn)) = (&task.name, turn(tasks, number)) {
            report.turn(turn);
            report.event(&Event::Database { name });
        }
        tell(&task.config, report);
        let start = Start {
            name: start::name(),
            who: start::who(environment),
        };
        let done = Box::pin(actions::act(act, task, &start, &mut stop, report)).await?;
        report.done(&Ended {
            success: act.success(),
            outcome: done.outcome.as_ref(),
            newest: done.newest.clone(),
        });
    }
    Ok(exit::DONE)
}

/// Listens for what ends the command before its time: the longest deadline.
fn stop(limits: impl Iterator<Item = Limits>) -> Result<Stop, Error> {
    let limit = limits.map(|limits| limits.deadline).max();
    Stop::after(limit.unwrap_or_default())
        .map_err(|error| unexpected(&format!("signals cannot be handled: {error}")))
}

/// The same for what asks no database, and has no deadline.
fn signals() -> Result<Stop, Error> {
    Stop::after(Duration::MAX)
        .map_err(|error| unexpected(&format!("signals cannot be handled: {error}")))
}

/// Whose turn it is, and whose it was and will be.
fn turn(tasks: &[Task], number: usize) -> Option<DatabaseProgress> {
    let names: Vec<_> = tasks.iter().map(|task| task.name.as_deref()).collect();
    DatabaseProgress::of(&names, number)
}

/// Tells every setting that is not the default.
fn tell(config: &Config, report: &mut dyn Report) {
    for told in &config.told {
        report.event(&Event::Setting {
            option: told.option,
            value: &told.value,
            origin: &told.origin.to_string(),
        });
    }
}

fn warn(warnings: Vec<Diagnostic>, report: &mut dyn Report) {
    for warning in warnings {
        report.event(&Event::Warning(warning));
    }
}

fn unexpected(what: &str) -> Error {
    Error::Unexpected {
        what: what.to_owned(),
    }
}
