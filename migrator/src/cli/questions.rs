//! The verbs that change no database. Each finds no more than it needs.

use super::args::Verb;
use super::{stop, tasks};
use crate::commands::check::Findings;
use crate::commands::plan::Planned;
use crate::commands::{self, Task};
use crate::config::{Environment, Options};
use crate::db::Past;
use crate::error::{self, Error};
use crate::exit;
use crate::formats::Format;
use crate::plan::drift::Drift;
use crate::plan::planner;
use crate::project::Project;
use crate::report::{Check, CheckedBase, CheckedDatabase, Plan, Report, Status};
use std::path::Path;

/// Does what the verb asks for, one database after the other; the code is the
/// worst of theirs.
pub(super) async fn ask(
    verb: &Verb,
    options: &Options,
    environment: Environment<'_>,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    match verb {
        Verb::Check { offline, base } => {
            let base = base.as_deref();
            let mut worst = exit::DONE;
            if *offline {
                for sources in tasks::sources(options, environment)? {
                    let findings = commands::check::offline(&sources, base)?;
                    let code = show_check(&sources.project, None, &findings, report);
                    worst = worse(worst, code);
                }
                return Ok(worst);
            }
            let tasks = tasks::find(options, environment)?;
            let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
            for task in &tasks {
                let findings = stop.or(commands::check::check(task, base)).await??;
                let database = task.config.database.value.to_string();
                let code = show_check(&task.project, Some(&database), &findings, report);
                worst = worse(worst, code);
            }
            Ok(worst)
        }
        Verb::New { name, reversible } => {
            let folder = tasks::folder(options, environment)?;
            let created = commands::new::new(Path::new(tasks::HERE), &folder, name, *reversible)?;
            report.created(&created.paths, created.folder.as_deref(), &created.warnings);
            Ok(exit::DONE)
        }
        Verb::Plan => {
            let tasks = tasks::find(options, environment)?;
            let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
            for task in &tasks {
                let planned = stop.or(commands::plan::plan(task)).await??;
                show_plan(task, &planned, report);
            }
            Ok(exit::DONE)
        }
        Verb::Status { exit_code } => {
            let tasks = tasks::find(options, environment)?;
            let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
            let mut worst = exit::DONE;
            for task in &tasks {
                let found = stop.or(commands::status::status(task)).await??;
                worst = worst.max(show(task, &found, report));
            }
            Ok(if *exit_code { worst } else { exit::DONE })
        }
        Verb::Wait => {
            let databases = tasks::databases(options, environment)?;
            let mut stop = stop(databases.iter().map(|config| config.limits))?;
            for config in &databases {
                let took = commands::wait::wait(config, &mut stop, report).await?;
                report.answered(&config.database.value.to_string(), took);
            }
            Ok(exit::DONE)
        }
        Verb::Completions { .. } => unreachable!("it was answered before"),
        Verb::Up => unreachable!("it acts"),
    }
}

/// Of two databases' codes the one that says more.
fn worse(one: u8, other: u8) -> u8 {
    let order = [exit::DONE, exit::PENDING, exit::DRIFT, exit::CONFIGURATION];
    let rank = |code: u8| order.iter().position(|known| *known == code);
    if rank(one) < rank(other) { other } else { one }
}

/// Shows all that a check found; the code is what it comes to.
fn show_check(
    project: &Project,
    database: Option<&str>,
    findings: &Findings<'_>,
    report: &mut dyn Report,
) -> u8 {
    let look = findings.look.as_ref();
    let ledger = look.map_or(project.format.ledger(), |look| &look.ledger);
    let exit_code = findings.code();
    report.check(&Check {
        database: database.map(|name| CheckedDatabase {
            name,
            server: look.map(|look| look.server.as_str()),
            table: &ledger.table,
        }),
        base: findings.base.as_ref().map(|base| CheckedBase {
            reference: &base.reference,
            commit: base.commit.to_string(),
            fork: base.fork.to_string(),
        }),
        migrations: project.migrations.len(),
        findings: findings.files.iter().chain(&findings.history).collect(),
        pending: findings.pending.as_deref().unwrap_or_default(),
        exit_code,
    });
    exit_code
}

/// Shows what would be done.
pub(super) fn show_plan(task: &Task, planned: &Planned<'_>, report: &mut dyn Report) {
    let look = planned.look.as_ref();
    let ledger = look.map_or(task.project.format.ledger(), |look| &look.ledger);
    let plan = Plan {
        database: &task.config.database.value.to_string(),
        server: look.map(|look| look.server.as_str()),
        table: &ledger.table,
        is_fresh: planned.is_fresh(),
        newest: planned.newest,
        steps: &planned.steps,
    };
    let mut warnings = task.project.warnings.clone();
    warnings.extend(planned.warnings.iter().map(error::warning));
    report.plan(&plan, &warnings);
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
