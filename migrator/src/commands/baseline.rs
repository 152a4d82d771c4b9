//! `baseline`: adopts a database that grew by hand.

use super::execute::Execution;
use super::{Done, Start, Task, preflight};
use crate::db::{Edit, Guard, ReadScope};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome, event::Event};
use crate::error::Error;
use crate::history::History;
use crate::model::{Operation, Subject, Version};
use crate::plan::baseline::{self, BaselineError};
use crate::report::Report;
use crate::tools::Aim;

/// Records everything up to a version as applied, without running it.
///
/// # Errors
/// Why it was not recorded; nothing was changed then.
pub(crate) async fn baseline(
    task: &Task,
    start: &Start,
    version: &Version,
    force: bool,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    preflight::announce(task, report);
    let wanted = ReadScope {
        repeated: false,
        ..task.wanted()
    };
    super::must_be_there(task)?;
    let (connection, look) = preflight::look(task, wanted, stop, report).await?;
    let migrations = &task.project.migrations;
    let names = match baseline::missing(migrations, &task.history(&look), version, force) {
        Ok(first) => first.iter().map(|migration| migration.label()).collect(),
        // Another migrator may be at it: only who holds the lock can tell.
        Err(BaselineError::HalfApplied { .. }) => vec![format!("everything up to {version}")],
        Err(error) => return Err(error.into()),
    };
    task.consent("record as applied without running", &names, stop, report)
        .await?;
    if task.tool.is_some() {
        let execution = Execution {
            task,
            start,
            verb: "baseline",
            wanted,
            look: &look,
            aim: Aim::Record,
        };
        let decide = |history: &History| {
            let missing = baseline::missing(migrations, history, version, force)?;
            Ok(missing.into_iter().map(Operation::Apply).collect())
        };
        let (outcome, seen) = execution.run(connection, decide, stop, report).await?;
        return Ok(Done {
            newest: task.newest(&seen, &outcome.done, false),
            outcome: outcome.done.is_empty().then_some(outcome),
        });
    }
    let (recorded, newest) = engine::edit(
        &task.run(start, "baseline", wanted, &look),
        Guard::new(connection),
        async || task.connect().await,
        |history| {
            let missing = baseline::missing(migrations, history, version, force)?;
            let edits = missing.iter().map(|migration| Edit::Record(migration));
            let recorded = [Subject::Migration(version.clone())];
            let newest = task.newest(history, &recorded, false);
            Ok((edits.collect(), (missing, newest)))
        },
        stop,
        report,
    )
    .await?;
    let nothing = recorded.is_empty();
    for migration in recorded {
        report.event(&Event::Changed {
            version: &migration.version,
            name: &migration.name,
            before: "pending",
            after: "recorded as applied",
        });
    }
    Ok(Done {
        outcome: nothing.then(Outcome::default),
        newest,
    })
}
