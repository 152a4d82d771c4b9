//! The verbs of a project of Alembic: which command each is.

use super::args::Verb;
use super::tasks;
use crate::commands::alembic::down::{self, Back};
use crate::commands::alembic::{AlembicTask, Wish, check, confirm, plan, status, up};
use crate::commands::{Done, Start};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::exit;
use crate::formats::alembic::AlembicError;
use crate::project::AlembicProject;
use crate::report::{
    Check, CheckedBase, CheckedDatabase, Pending, Report, Revisions, Upgrade, Upgraded,
};

/// Changes one database.
pub(super) async fn act(
    verb: &Verb,
    task: &AlembicTask,
    start: &Start,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    match verb {
        Verb::Baseline { .. } => Err(AlembicError::NotOfAlembic {
            what: "`baseline`",
            instead: "run `alembic stamp REVISION`: it records a revision without running it",
        }
        .into()),
        Verb::Confirm => confirm::confirm(task, start, stop, report).await,
        Verb::Down(down) => {
            let back = if down.unconfirmed {
                Back::Unconfirmed {
                    within: down.within,
                }
            } else {
                Back::Wish(Wish {
                    to: down.to.as_deref(),
                    steps: down.steps,
                })
            };
            down::down(task, start, back, stop, report).await
        }
        Verb::Redo => down::redo(task, start, stop, report).await,
        Verb::Repair(_) => Err(no_repair().into()),
        Verb::Up(wanted) => up::up(task, start, wanted.wish(), stop, report).await,
        Verb::Check { .. }
        | Verb::Completions { .. }
        | Verb::Doctor { .. }
        | Verb::New { .. }
        | Verb::Plan
        | Verb::Spec(_)
        | Verb::Status { .. }
        | Verb::Wait => unreachable!("it only asks"),
    }
}

fn no_repair() -> AlembicError {
    AlembicError::NotOfAlembic {
        what: "`repair`",
        instead: "see with `migrate status` where the database is, and set it right by hand and \
                  `alembic stamp REVISION`",
    }
}

/// Answers what is asked of one database.
pub(super) async fn answer(
    verb: &Verb,
    task: &AlembicTask,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    match verb {
        Verb::Check { base, .. } => {
            let findings = check::check(task, base.as_deref()).await?;
            let database = task.config.database.value.to_string();
            Ok(show_check(
                &task.sources.project,
                Some(&database),
                &findings,
                report,
            ))
        }
        Verb::Plan => show_plan(task, Wish::default(), report).await,
        Verb::Up(up) => show_plan(task, up.wish(), report).await,
        Verb::Repair(_) => Err(no_repair().into()),
        Verb::Status { exit_code } => {
            let found = status::status(task).await?;
            let history = found.look.past.history();
            report.revisions(&Revisions {
                name: task.sources.project.database.as_deref(),
                database: &task.config.database.value.to_string(),
                server: &found.look.server,
                table: &found.look.ledger.table,
                is_fresh: found.look.past == crate::db::Past::Fresh,
                graph: &found.graph,
                current: found.look.past.current(),
                runs: &history.runs,
            });
            Ok(if !exit_code {
                exit::DONE
            } else if found.disagrees() {
                exit::DRIFT
            } else if found.has_pending() {
                exit::PENDING
            } else {
                exit::DONE
            })
        }
        _ => unreachable!("it is answered without a database"),
    }
}

async fn show_plan(
    task: &AlembicTask,
    wish: Wish<'_>,
    report: &mut dyn Report,
) -> Result<u8, Error> {
    let planned = plan::plan(task, wish).await?;
    let mut warnings = tasks::without_effect_on_alembic(&task.config);
    warnings.extend(planned.warning);
    let look = planned.look.as_ref();
    report.upgrade(
        &Upgrade {
            name: task.sources.project.database.as_deref(),
            database: &task.config.database.value.to_string(),
            server: look.map(|look| look.server.as_str()),
            table: look.map_or(&task.sources.project.ledger.table, |look| {
                &look.ledger.table
            }),
            current: &planned.current,
            revisions: planned
                .revisions
                .iter()
                .map(|revision| Upgraded {
                    id: &revision.id,
                    message: &revision.message,
                    path: revision.file.path(),
                })
                .collect(),
            sql: planned.sql.as_deref().map_err(String::as_str),
        },
        &warnings,
    );
    Ok(exit::DONE)
}

/// Shows all that a check found; the code is what it comes to.
pub(super) fn show_check(
    project: &AlembicProject,
    database: Option<&str>,
    findings: &check::Findings,
    report: &mut dyn Report,
) -> u8 {
    let look = findings.look.as_ref();
    let exit_code = findings.code();
    report.check(&Check {
        name: project.database.as_deref(),
        database: database.map(|name| CheckedDatabase {
            name,
            server: look.map(|look| look.server.as_str()),
            table: look.map_or(&project.ledger.table, |look| &look.ledger.table),
        }),
        base: findings.base.as_ref().map(|base| CheckedBase {
            reference: &base.reference,
            commit: base.commit.to_string(),
            fork: base.fork.to_string(),
        }),
        migrations: findings.count,
        findings: findings.files.iter().chain(&findings.history).collect(),
        pending: findings
            .pending
            .iter()
            .flatten()
            .map(|(id, label)| Pending {
                id: id.clone(),
                label: label.clone(),
            })
            .collect(),
        half_applied: 0,
        half_reverted: 0,
        exit_code,
    });
    exit_code
}
