//! `status`: every migration, and what the files and the history say of it. It
//! only asks, and needs no right but SELECT.

use super::{Task, opening};
use crate::db::{self, Look, Wanted};
use crate::error::Error;
use crate::formats::Format;
use crate::plan::drift::{self, Drift};
use crate::plan::history::History;

/// What was found.
pub(crate) struct Found {
    pub look: Look,
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
    let url = &config.database.value;
    let wanted = Wanted {
        repeated: !project.repeatables.is_empty(),
        runs: true,
    };
    let ledger = project.format.ledger();
    let (mut reader, look) = db::read_and_look(url, config.limits.wait, ledger, wanted).await?;
    let look = opening::settled(task, &mut reader, look, wanted).await?;
    let history = look.past.history();
    let drifts = drift::find(&project.format, &project.migrations, &history);
    Ok(Found {
        look,
        history,
        drifts,
    })
}
