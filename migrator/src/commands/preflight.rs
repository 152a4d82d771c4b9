//! How every verb begins: one that acts tells what was read, and waits for the
//! database and looks at it; one that asks only looks.

use super::{Task, other_history, refuse_foreign};
use crate::config::Config;
use crate::db::{self, Connection, Look, ReadScope, Reader, Session as _};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::history::ledger::Ledger;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

/// How long the database may take to answer before it is said that it does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Says what was read.
pub(super) fn announce(task: &Task, listener: &mut dyn Listener) {
    let project = &task.project;
    listener.event(&Event::Read {
        dir: &project.dir(),
        format: project.format.name(),
        count: project.migrations.len(),
        embedded: project.is_embedded,
    });
    for warning in task.warnings() {
        listener.event(&Event::Warning(warning));
    }
}

/// Connects, waiting for as long as may be, and looks.
///
/// # Errors
/// A database that does not answer, or that another tool keeps.
pub(super) async fn look(
    task: &Task,
    wanted: ReadScope,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<(Connection, Look), Error> {
    let Task {
        project, config, ..
    } = task;
    let (connection, look) = look_at(config, task.ledger(), wanted, stop, listener).await?;
    let mut connection = connection;
    let look = match other_history(&look, &project.migrations)? {
        Some(ledger) => stop.or(connection.look(&ledger, wanted)).await??,
        None => look,
    };
    connected(config, &look, listener);
    refuse_foreign(&look, config.database.value.dialect())?;
    Ok((connection, look))
}

/// Tells which database answered, and where its history is.
fn connected(config: &Config, look: &Look, listener: &mut dyn Listener) {
    listener.event(&Event::Connected {
        database: &config.database.value.to_string(),
        server: &look.server,
        history: &look.ledger.table,
    });
}

/// Connects and looks, and tells nothing of it.
async fn look_at(
    config: &Config,
    ledger: &Ledger,
    wanted: ReadScope,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<(Connection, Look), Error> {
    let url = &config.database.value;
    let database = url.to_string();
    let wait = config.limits.wait;
    let first = db::connect_and_look(url, wait, ledger, wanted);
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
    Ok((connection, look))
}

/// Looks to ask questions only; `None` for a SQLite file that `up` would create.
///
/// # Errors
/// As [`look`].
pub(super) async fn read(task: &Task) -> Result<Option<(Reader, Look)>, Error> {
    let found = read_at(&task.config, task.ledger(), task.wanted()).await?;
    let Some((mut reader, look)) = found else {
        return Ok(None);
    };
    let look = settled(task, &mut reader, look, task.wanted()).await?;
    Ok(Some((reader, look)))
}

/// The look at the history that these migrations have.
///
/// # Errors
/// A database that another tool keeps, or another history that knows these files.
pub(super) async fn settled(
    task: &Task,
    reader: &mut Reader,
    look: Look,
    wanted: ReadScope,
) -> Result<Look, Error> {
    let look = match other_history(&look, &task.project.migrations)? {
        Some(ledger) => reader.look(&ledger, wanted).await?,
        None => look,
    };
    refuse_foreign(&look, task.config.database.value.dialect())?;
    Ok(look)
}

/// Looks to ask questions only; `None` for a SQLite file that `up` would create.
pub(super) async fn read_at(
    config: &Config,
    ledger: &Ledger,
    wanted: ReadScope,
) -> Result<Option<(Reader, Look)>, Error> {
    let url = &config.database.value;
    if url.is_to_be_created() {
        return Ok(None);
    }
    let (reader, look) = db::read_and_look(url, config.limits.wait, ledger, wanted).await?;
    Ok(Some((reader, look)))
}
