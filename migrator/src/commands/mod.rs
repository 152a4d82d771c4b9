//! The verbs: each reads, plans, runs and reports. None of them prints, exits or
//! holds SQL.

pub(crate) mod check;
pub(crate) mod new;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod wait;

use crate::config::Config;
use crate::error::Error;
use crate::project::Project;

/// What every verb works on.
pub(crate) struct Task {
    pub project: Project,
    pub config: Config,
}

/// Refuses a database that another tool keeps.
fn refuse_foreign(look: &crate::db::Look, dialect: crate::sql::Dialect) -> Result<(), Error> {
    match look.past {
        crate::db::Past::Foreign { tool, table } => Err(Error::ForeignHistory {
            tool,
            table,
            create: one_line(&look.ledger.create(dialect).join("; ")),
        }),
        crate::db::Past::Fresh | crate::db::Past::Known(_) => Ok(()),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
