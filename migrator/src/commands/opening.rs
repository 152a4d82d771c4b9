//! How every verb that acts begins: what was read is told, and the database is
//! waited for and looked at.

use super::{Task, refuse_foreign};
use crate::db::{self, Connection, Look, Wanted};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::formats::Format;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer before it is said that it does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says what was read.
pub(super) fn announce(task: &Task, listener: &mut dyn Listener) {
    let project = &task.project;
    listener.event(&Event::Read {
        dir: &project.dir,
        format: project.format.name(),
        count: project.migrations.len(),
    });
    for warning in &project.warnings {
        listener.event(&Event::Warning(warning.clone()));
    }
}

/// Connects, waiting for as long as may be, and looks.
///
/// # Errors
/// A database that does not answer, or that another tool keeps.
pub(super) async fn look(
    task: &Task,
    wanted: Wanted,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<(Connection, Look), Error> {
    let Task {
        project, config, ..
    } = task;
    let url = &config.database.value;
    let database = url.to_string();
    let wait = config.limits.wait;
    let first = db::connect_and_look(url, wait, project.format.ledger(), wanted);
    let mut first = pin!(first);
    let (connection, look) = if let Ok(first) = stop.or(timeout(PATIENCE, &mut first)).await? {
        first?
    } else {
        listener.event(&Event::WaitingForDatabase {
            database: &database,
            limit: wait,
        });
        stop.or(first).await??
    };
    listener.event(&Event::Connected {
        database: &database,
        server: &look.server,
        history: &look.ledger.table,
    });
    refuse_foreign(&look, url.dialect())?;
    Ok((connection, look))
}
