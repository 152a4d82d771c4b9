//! The verbs that change a database: which command each is.

use super::args::Act;
use crate::commands::down::{self, Choice};
use crate::commands::repair::{self, Decisions};
use crate::commands::{Done, Start, Task, baseline, confirm, redo, up};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::plan::revert::RevertTarget;
use crate::report::Report;

/// Changes one database.
pub(super) async fn act(
    act: &Act,
    task: &Task,
    start: &Start,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    match act {
        Act::Baseline { version, force } => {
            let version = task.typed(version)?;
            baseline::baseline(task, start, &version, *force, stop, report).await
        }
        Act::Confirm => confirm::confirm(task, start, stop, report).await,
        Act::Down(down) => {
            let to = down.to.as_deref().map(|to| task.typed(to)).transpose()?;
            let choice = match (to, down.unconfirmed) {
                (_, true) => Choice::Unconfirmed {
                    within: down.within,
                },
                (Some(version), false) => Choice::RevertTarget(RevertTarget::To(version)),
                (None, false) => Choice::RevertTarget(RevertTarget::Steps(down.steps.unwrap_or(1))),
            };
            down::down(task, start, choice, stop, report).await
        }
        Act::Redo => redo::redo(task, start, stop, report).await,
        Act::Repair(repair) => {
            let accept = repair.accept.iter().map(|version| task.typed(version));
            let resolve = repair.resolve.iter();
            let resolve = resolve.map(|(version, answer)| Ok((task.typed(version)?, *answer)));
            let decisions = Decisions {
                accept: accept.collect::<Result<_, Error>>()?,
                resolve: resolve.collect::<Result<_, Error>>()?,
            };
            repair::repair(task, start, &decisions, stop, report).await
        }
        Act::Up(up) => {
            let request = up.request(task)?;
            up::up(task, start, &request, stop, report).await
        }
    }
}
