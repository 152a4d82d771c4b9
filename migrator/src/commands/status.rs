//! `status`: every migration, and what the files and the history say of it. It
//! only asks, and needs no right but SELECT.

use super::{Task, preflight};
use crate::db::{Look, ReadScope};
use crate::error::Error;
use crate::history::History;
use crate::plan::drift::{self, Drift};

/// What was found.
pub(crate) struct Found {
    /// `None` for a SQLite file that `up` would create.
    pub look: Option<Look>,
    pub history: History,
    pub drifts: Vec<Drift>,
}

/// Asks the database.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn status(task: &Task) -> Result<Found, Error> {
    let Task {
        project, config, ..
    } = task;
    let wanted = ReadScope {
        repeated: !project.repeatables.is_empty(),
        runs: true,
    };
    let look = match preflight::read_at(config, task.ledger(), wanted).await? {
        Some((mut reader, look)) => {
            Some(preflight::settled(task, &mut reader, look, wanted).await?)
        }
        None => None,
    };
    let history = look.as_ref().map(|look| task.history(look));
    let history = history.unwrap_or_default();
    let drifts = drift::find(task.format(), &project.migrations, &history);
    Ok(Found {
        look,
        history,
        drifts,
    })
}
