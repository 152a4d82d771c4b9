//! The verbs that change no database. Each finds no more than it needs.

use super::args::{Ask, Question};
use super::tasks::{NewIn, Scope};
use super::{signals, stop, tasks, tell, turn};
use crate::commands::check::Findings;
use crate::commands::doctor::Checkup;
use crate::commands::plan::Planned;
use crate::commands::status::Found;
use crate::commands::{self, Task};
use crate::db::Past;
use crate::diagnostic::Diagnostic;
use crate::engine::event::Event;
use crate::error::Error;
use crate::exit;
use crate::model::{Operation, Subject};
use crate::plan::planner;
use crate::project::Project;
use crate::report::{
    Answered, Check, CheckedBase, CheckedDatabase, Created, DatabaseProgress, Doctor, Pending,
    Plan, Repairs, Report, Stanza, Status,
};
use crate::words;
use std::path::Path;

/// What was asked, and where.
pub(super) struct Asked<'a> {
    pub(super) scope: Scope<'a>,
    /// What is worth knowing beside the answer.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Asked<'_> {
    fn tasks(&self) -> Result<Vec<Task>, Error> {
        let mut tasks = self.scope.tasks()?;
        if let Some(first) = tasks.first_mut() {
            let warnings = self.warnings.iter().cloned();
            first.warnings.splice(..0, warnings);
        }
        Ok(tasks)
    }
}

/// Does what is asked for, one database after the other; the code is the worst of
/// theirs.
pub(super) async fn ask(
    ask: &Ask,
    asked: &Asked<'_>,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    let scope = &asked.scope;
    let here = Path::new(tasks::HERE);
    match ask {
        Ask::CheckOffline { base } => check_offline(asked, base.as_deref(), report).await,
        Ask::Doctor { spec } => {
            let mut checkups = scope.checkups()?;
            let mut stop = stop(checkups.iter().filter_map(Checkup::limits))?;
            for checkup in &mut checkups {
                stop.or(checkup.settle()).await?;
            }
            let found =
                commands::doctor::examine(here, &checkups, spec.as_deref(), &asked.warnings);
            let found = stop.or(Box::pin(found)).await??;
            Ok(report.answer(&Doctor {
                looked_at: &found.looked_at,
                findings: &found.findings,
                unreachable: &found.unreachable,
            }))
        }
        Ask::New { name, reversible } => {
            let created = match scope.new_in()? {
                NewIn::Tool {
                    mut tool,
                    mut project,
                } => {
                    let mut signals = signals()?;
                    signals.or(tool.locate(&mut project)).await??;
                    let made = tool.new_revision(&project, name);
                    Created {
                        paths: signals.or(made).await??,
                        folder: None,
                        warnings: Vec::new(),
                    }
                }
                NewIn::Folder(folder) => commands::new::new(here, &folder, name, *reversible)?,
            };
            Ok(report.answer(&created))
        }
        Ask::Spec(spec) => {
            let asked = scope.deployed(spec)?;
            let stanza = commands::spec::spec(here, asked)?;
            Ok(report.answer(&Stanza {
                file: stanza.file,
                text: &stanza.text,
            }))
        }
        Ask::Wait => {
            let databases = scope.configs()?;
            let mut stop = stop(databases.iter().map(|config| config.limits))?;
            for config in &databases {
                for warning in tasks::unused_parameters(config) {
                    report.event(&Event::Warning(warning));
                }
                let took = commands::wait::wait(config, &mut stop, report).await?;
                let database = config.database.value.to_string();
                report.answer(&Answered {
                    database: &database,
                    took,
                });
            }
            Ok(exit::DONE)
        }
        Ask::Question(question) => {
            let mut tasks = asked.tasks()?;
            let mut stop = stop(tasks.iter().map(|task| task.config.limits))?;
            for task in &mut tasks {
                stop.or(task.settle()).await??;
            }
            let mut worst = exit::DONE;
            for (number, task) in tasks.iter().enumerate() {
                if let Some(turn) = turn(&tasks, number) {
                    report.turn(turn);
                }
                tell(&task.config, report);
                let code = stop.or(Box::pin(answer(question, task, report))).await??;
                worst = worse(worst, code);
            }
            Ok(worst)
        }
    }
}

/// Checks the files alone, of one database after the other.
async fn check_offline(
    asked: &Asked<'_>,
    base: Option<&str>,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    let mut worst = exit::DONE;
    let mut all = asked.scope.sources()?;
    let mut signals = signals()?;
    for sources in &mut all {
        signals.or(sources.settle()).await??;
    }
    let names: Vec<_> = all
        .iter()
        .map(|sources| sources.project.database.as_deref())
        .collect();
    for (number, sources) in all.iter().enumerate() {
        if let Some(turn) = DatabaseProgress::of(&names, number) {
            report.turn(turn);
        }
        let findings = commands::check::offline(sources, base).await?;
        let code = report.answer(&checked(&sources.project, None, &findings));
        worst = worse(worst, code);
    }
    Ok(worst)
}

/// Answers what is asked of one database.
async fn answer(question: &Question, task: &Task, report: &mut dyn Report) -> Result<u8, Error> {
    match question {
        Question::Check { base } => {
            let findings = commands::check::check(task, base.as_deref()).await?;
            let database = task.config.database.value.to_string();
            Ok(report.answer(&checked(&task.project, Some(&database), &findings)))
        }
        Question::Plan(up) => {
            let request = up.request(task)?;
            let planned = commands::plan::plan(task, &request).await?;
            Ok(show_plan(task, &planned, report))
        }
        Question::Repairs => {
            let found = commands::repair::list(task).await?;
            Ok(report.answer(&Repairs {
                name: task.name.as_deref(),
                database: &task.config.database.value.to_string(),
                table: &found.look.ledger.table,
                damages: &found.damages,
                invalid_indexes: &found.invalid_indexes,
            }))
        }
        Question::Status { exit_code } => {
            let found = commands::status::status(task).await?;
            let code = show_status(task, &found, report);
            Ok(if *exit_code { code } else { exit::DONE })
        }
    }
}

/// Of two databases' codes the one that says more.
fn worse(one: u8, other: u8) -> u8 {
    let order = [exit::DONE, exit::PENDING, exit::DRIFT, exit::CONFIGURATION];
    let rank = |code: u8| order.iter().position(|known| *known == code);
    if rank(one) < rank(other) { other } else { one }
}

/// All that a check found.
fn checked<'a>(
    project: &'a Project,
    database: Option<&'a str>,
    findings: &'a Findings<'_>,
) -> Check<'a> {
    let look = findings.look.as_ref();
    let ledger = look.map_or(project.format.ledger(), |look| &look.ledger);
    Check {
        name: project.database.as_deref(),
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
        files: &findings.files,
        history: &findings.history,
        pending: findings.pending.iter().flatten().map(pending).collect(),
        half_applied: findings.begun.applied,
        half_reverted: findings.begun.reverted,
    }
}

fn pending(operation: &Operation<'_>) -> Pending {
    Pending {
        id: match operation.subject() {
            Subject::Migration(version) => version.to_string(),
            Subject::Repeatable(name) => format!("repeatable/{name}"),
        },
        label: operation.label(),
    }
}

/// Shows what would be done.
fn show_plan(task: &Task, planned: &Planned<'_>, report: &mut dyn Report) -> u8 {
    let look = planned.look.as_ref();
    let ledger = look.map_or(task.project.format.ledger(), |look| &look.ledger);
    let mut warnings = task.warnings();
    warnings.extend(words::warnings(&planned.warnings));
    warnings.extend(planned.empty().map(words::empty));
    warnings.extend(planned.notices.iter().cloned());
    let sql = planned.sql.as_ref();
    report.answer(&Plan {
        name: task.name.as_deref(),
        database: &task.config.database.value.to_string(),
        server: look.map(|look| look.server.as_str()),
        table: &ledger.table,
        is_fresh: planned.is_fresh(),
        newest: planned.newest.as_deref(),
        steps: &planned.steps,
        sql: sql.map(|sql| sql.as_deref().map_err(String::as_str)),
        warnings,
    })
}

/// Shows what was found.
fn show_status(task: &Task, found: &Found, report: &mut dyn Report) -> u8 {
    let look = found.look.as_ref();
    let ledger = look.map_or(task.project.format.ledger(), |look| &look.ledger);
    report.answer(&Status {
        name: task.name.as_deref(),
        database: &task.config.database.value.to_string(),
        server: look.map(|look| look.server.as_str()),
        table: &ledger.table,
        is_fresh: look.is_none_or(|look| look.past == Past::Fresh),
        rules: &*task.project.format,
        is_ambiguous: task.project.is_ambiguous,
        migrations: &task.project.migrations,
        repeatables: &task.project.repeatables,
        history: &found.history,
        drifts: &found.drifts,
        is_agreed: planner::tolerate(found.drifts.clone(), &task.config.request).is_ok(),
        warnings: task.warnings(),
    })
}
