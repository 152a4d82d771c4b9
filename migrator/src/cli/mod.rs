//! The command line: what was typed becomes what is meant, a verb runs, a report
//! tells, and a code comes out.

mod args;
mod tasks;

use crate::commands::down::{self, Choice};
use crate::commands::repair::{self, Decisions};
use crate::commands::{self, Done, Start, Task, baseline, confirm, redo, up};
use crate::config::{self, Environment, Options, Output};
use crate::db::{self, Past};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::model::Version;
use crate::plan::drift::Drift;
use crate::plan::history::Who;
use crate::plan::planner::{self, Request};
use crate::plan::revert::Wish;
use crate::report::{Ended, Human, Json, Repairs, Report, Status};
use args::{Cli, Color, Verb};
use clap::Parser;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Runs the program with the process's own arguments, environment and streams.
#[must_use]
pub fn main() -> ExitCode {
    let environment = |name: &str| std::env::var(name).ok();
    let typed = Cli::try_parse_from(without_redundant_word(std::env::args_os()));
    let cli = match typed.and_then(Cli::checked) {
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
    let asks = !cli.shared.yes && std::io::stdin().is_terminal() && out.is_terminal();
    let options = cli.shared.options();
    let code = match config::output(&options, &environment) {
        Ok(Output::Human) => {
            let mut report = Human::new(&mut out, &mut err, styled, cli.shared.quiet).asking(asks);
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
        let tasks = tasks::find(options, environment)?;
        runtime.block_on(async {
            if verb.acts() {
                Box::pin(act(&verb, &tasks, environment, report)).await
            } else {
                Box::pin(ask(&verb, &tasks, report)).await
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
async fn act(
    verb: &Verb,
    tasks: &[Task],
    environment: Environment<'_>,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    let limit = tasks.iter().map(|task| task.config.limits.deadline).max();
    let mut stop = Stop::after(limit.unwrap_or_default())
        .map_err(|error| unexpected(&format!("no signals: {error}")))?;
    for task in tasks {
        let start = Start {
            name: run_name(),
            who: who(environment),
        };
        let done = Box::pin(change(verb, task, &start, &mut stop, report)).await?;
        report.done(&Ended {
            outcome: done.outcome.as_ref(),
            reverts: done.reverts,
            newest: done.newest,
        });
    }
    Ok(exit::DONE)
}

async fn change(
    verb: &Verb,
    task: &Task,
    start: &Start,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    match verb {
        Verb::Baseline { version, force } => {
            let version = Version(*version);
            baseline::baseline(task, start, version, *force, stop, report).await
        }
        Verb::Confirm => confirm::confirm(task, start, stop, report).await,
        Verb::Down(down) => {
            let choice = match (down.to, down.unconfirmed) {
                (_, true) => Choice::Unconfirmed {
                    within: down.within,
                },
                (Some(version), false) => Choice::Wish(Wish::To(Version(version))),
                (None, false) => Choice::Wish(Wish::Steps(down.steps.unwrap_or(1))),
            };
            down::down(task, start, choice, stop, report).await
        }
        Verb::Redo => redo::redo(task, start, stop, report).await,
        Verb::Repair(repair) => {
            let decisions = Decisions {
                accept: repair.accept.iter().copied().map(Version).collect(),
                resolve: repair.resolve.clone(),
            };
            repair::repair(task, start, &decisions, stop, report).await
        }
        Verb::Up(up) => {
            let request = Request {
                to: up.to.map(Version),
                steps: up.steps,
                ..task.config.request
            };
            up::up(task, start, request, stop, report).await
        }
        Verb::Status { .. } => unreachable!("it only asks"),
    }
}

/// Asks one database after the other; the code is the worst of theirs.
async fn ask(verb: &Verb, tasks: &[Task], report: &mut dyn Report) -> Result<u8, Error> {
    let mut worst = exit::DONE;
    for task in tasks {
        let code = match verb {
            Verb::Status { exit_code } => {
                let found = commands::status::status(task).await?;
                let code = show(task, &found, report);
                if *exit_code { code } else { exit::DONE }
            }
            Verb::Repair(_) => {
                let found = repair::list(task).await?;
                report.repairs(&Repairs {
                    database: &task.config.database.value.to_string(),
                    table: &found.look.ledger.table,
                    damages: &found.damages,
                    invalid_indexes: &found.invalid_indexes,
                });
                exit::DONE
            }
            Verb::Up(_) => todo!("the plan is another founder's"),
            Verb::Baseline { .. } | Verb::Confirm | Verb::Down(_) | Verb::Redo => {
                unreachable!("it acts")
            }
        };
        worst = worst.max(code);
    }
    Ok(worst)
}

/// Shows what was found; the code is what `--exit-code` makes of it.
fn show(task: &Task, found: &commands::status::Found, report: &mut dyn Report) -> u8 {
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
    if agreed.is_err() || found.drifts.iter().any(is_begun) {
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

/// What the platforms name their deployments by.
const COMMITS: [&str; 8] = [
    "MIGRATE_COMMIT",
    "COMMIT_HASH",
    "SOURCE_VERSION",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
];
const DEPLOYMENTS: [&str; 3] = [
    "MIGRATE_DEPLOYMENT",
    "HEROKU_RELEASE_VERSION",
    "RAILWAY_DEPLOYMENT_ID",
];

/// What the environment tells of a run's reason.
fn who(environment: Environment) -> Who {
    let first = |names: &[&str]| {
        let set = |name: &&str| environment(name).filter(|value| !value.is_empty());
        names.iter().find_map(set).map(|mut value| {
            value.truncate(value.floor_char_boundary(255));
            value
        })
    };
    Who {
        commit: first(&COMMITS),
        deployment: first(&DEPLOYMENTS),
        host: first(&["HOSTNAME", "HOST"]),
    }
}
