//! Which command a verb is, and what is shown of its answer.

use super::args::Verb;
use crate::commands::down::{self, Choice};
use crate::commands::repair::{self, Decisions};
use crate::commands::{self, Done, Start, Task, baseline, confirm, redo, up};
use crate::db::Past;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::model::Version;
use crate::plan::drift::Drift;
use crate::plan::planner::{self, Request};
use crate::plan::revert::Wish;
use crate::report::{Repairs, Report, Status};

/// Changes one database.
pub(super) async fn act(
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

/// Asks one database; tells the exit code.
pub(super) async fn ask(verb: &Verb, task: &Task, report: &mut dyn Report) -> Result<u8, Error> {
    match verb {
        Verb::Repair(_) => {
            let found = repair::list(task).await?;
            report.repairs(&Repairs {
                name: task.name.as_deref(),
                database: &task.config.database.value.to_string(),
                table: &found.look.ledger.table,
                damages: &found.damages,
                invalid_indexes: &found.invalid_indexes,
            });
            Ok(exit::DONE)
        }
        Verb::Status { exit_code } => {
            let found = commands::status::status(task).await?;
            let code = show(task, &found, report);
            Ok(if *exit_code { code } else { exit::DONE })
        }
        Verb::Up(_) => todo!("the plan is another founder's"),
        Verb::Baseline { .. } | Verb::Confirm | Verb::Down(_) | Verb::Redo => {
            unreachable!("it acts")
        }
    }
}

/// Shows what was found; the code is what `--exit-code` makes of it.
fn show(task: &Task, found: &commands::status::Found, report: &mut dyn Report) -> u8 {
    let database = task.config.database.value.to_string();
    let status = Status {
        name: task.name.as_deref(),
        database: &database,
        server: &found.look.server,
        table: &found.look.ledger.table,
        is_fresh: found.look.past == Past::Fresh,
        migrations: &task.project.migrations,
        repeatables: &task.project.repeatables,
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
