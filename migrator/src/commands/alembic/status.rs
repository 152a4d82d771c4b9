//! `status`: every revision, and whether the database has it. It only asks.

use super::{AlembicTask, WANTED};
use crate::db::{self, Look};
use crate::error::Error;
use crate::formats::alembic::Graph;

/// What was found.
pub(crate) struct Found {
    pub look: Look,
    pub graph: Graph,
}

impl Found {
    /// Whether files and database disagree, or the files among themselves.
    pub(crate) fn disagrees(&self) -> bool {
        let mut unknown = self.graph.unknown(self.look.past.current());
        unknown.next().is_some() || (self.graph.heads().len() > 1 && !self.graph.has_branches())
    }

    pub(crate) fn has_pending(&self) -> bool {
        let heads = self.graph.heads();
        let heads = heads.iter().map(|head| head.id.as_str());
        !self
            .graph
            .pending(heads, self.look.past.current())
            .is_empty()
    }
}

/// Asks the database.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn status(task: &AlembicTask) -> Result<Found, Error> {
    let graph = task.sources.graph().await?;
    let url = &task.config.database.value;
    let (wait, ledger) = (task.config.limits.wait, task.ledger());
    let (reader, look) = db::read_and_look(url, wait, ledger, WANTED).await?;
    let look = task.settled(reader, look).await?;
    Ok(Found { look, graph })
}
