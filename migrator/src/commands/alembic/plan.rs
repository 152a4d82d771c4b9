//! `plan`: what `up` would apply, with the SQL that Alembic tells of it.

use super::up::pending;
use super::{AlembicTask, Wish, heads};
use crate::db::{Look, Past};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::formats::alembic::Revision;

/// What `up` would do.
pub(crate) struct Planned {
    /// What the database said; `None` for a SQLite file that `up` would create.
    pub look: Option<Look>,
    pub current: Vec<String>,
    /// In order.
    pub revisions: Vec<Revision>,
    /// What would be sent, or why Alembic does not tell.
    pub sql: Result<String, String>,
    pub warning: Option<Diagnostic>,
}

/// Plans what `up` would do.
///
/// # Errors
/// What `up` would fail with before it starts Alembic.
pub(crate) async fn plan(task: &AlembicTask, wish: Wish<'_>) -> Result<Planned, Error> {
    let graph = task.sources.graph().await?;
    let heads = heads(&graph, &task.sources.project)?;
    let look = task.read().await?;
    let past = look.as_ref().map_or(&Past::Fresh, |look| &look.past);
    let pending = pending(task, &graph, past, wish)?;
    let current = past.current().to_vec();
    let sql = match (pending.revisions.last(), &current[..]) {
        (None, _) => Ok(String::new()),
        (Some(last), [] | [_]) => {
            let from = current.first().map_or("base", String::as_str);
            let is_all = wish.to.is_none() && wish.steps.is_none();
            let to = if is_all && heads.len() > 1 {
                "heads"
            } else {
                &last.id
            };
            let range = format!("{from}:{to}");
            let arguments = task.sources.arguments(&["upgrade", &range, "--sql"]);
            // Nothing is connected to, and nothing is run.
            match task.sources.alembic() {
                Ok(alembic) => alembic.answer(&arguments, &task.sources.variables).await,
                Err(error) => Err(error.diagnostic().title),
            }
        }
        (Some(_), _) => Err("the database is on several branches".to_owned()),
    };
    Ok(Planned {
        current,
        revisions: pending.revisions.into_iter().cloned().collect(),
        sql: match sql {
            Ok(sql) => Ok(task.sources.without_secrets(&sql)),
            Err(said) => Err(task.sources.without_secrets(&said)),
        },
        warning: pending.warning,
        look,
    })
}
