//! What is to be done: a pure function of files, history and wishes.

use super::drift::{self, Drift};
use super::history::History;
use crate::formats::Format;
use crate::model::Migration;

/// What the user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub out_of_order: OutOfOrder,
    pub unknown_applied: UnknownApplied,
}

/// What to do with a pending migration that sorts before an applied one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfOrder {
    Apply,
    #[default]
    Error,
}

/// What to do with an applied version that no file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownApplied {
    Error,
    /// A warning where all such are newer than the newest file: an older image
    /// after a rollback. An error otherwise.
    #[default]
    Newer,
    Warn,
}

/// The migrations to apply, in order, and what is worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    pub steps: Vec<&'a Migration>,
    pub warnings: Vec<Drift>,
}

/// Nothing may be applied: files and history disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Never empty.
    pub drifts: Vec<Drift>,
}

impl PlanError {
    /// Whether a migration has begun and not ended, which may be because another
    /// migrator is at it.
    #[must_use]
    pub fn is_half_applied(&self) -> bool {
        self.drifts
            .iter()
            .any(|drift| matches!(drift, Drift::HalfApplied { .. }))
    }
}

/// Plans an `up`.
///
/// # Errors
/// Every disagreement that the request does not tolerate.
pub fn plan<'a>(
    format: &dyn Format,
    migrations: &'a [Migration],
    history: &History,
    request: Request,
) -> Result<Plan<'a>, PlanError> {
    let warnings = judge(drift::find(format, migrations, history), request)?;
    Ok(Plan {
        steps: migrations
            .iter()
            .filter(|migration| {
                // What is not complete passed the judgement: it can go on.
                history
                    .find(migration.version)
                    .is_none_or(|applied| !applied.complete)
            })
            .collect(),
        warnings,
    })
}

/// What of the disagreements is worth a warning.
///
/// # Errors
/// Those that the request does not tolerate, if there is one.
pub fn judge(drifts: Vec<Drift>, request: Request) -> Result<Vec<Drift>, PlanError> {
    let (warnings, drifts): (Vec<_>, Vec<_>) = drifts
        .into_iter()
        .filter(|drift| !is_wanted(drift, request))
        .partition(|drift| is_tolerated(drift, request));
    if drifts.is_empty() {
        Ok(warnings)
    } else {
        Err(PlanError { drifts })
    }
}

fn is_wanted(drift: &Drift, request: Request) -> bool {
    matches!(drift, Drift::OutOfOrder { .. }) && request.out_of_order == OutOfOrder::Apply
}

fn is_tolerated(drift: &Drift, request: Request) -> bool {
    match drift {
        Drift::LineEndings { .. } | Drift::Resumable { .. } => true,
        Drift::Missing { newer, .. } => match request.unknown_applied {
            UnknownApplied::Error => false,
            UnknownApplied::Newer => *newer,
            UnknownApplied::Warn => true,
        },
        Drift::Edited { .. } | Drift::HalfApplied { .. } | Drift::OutOfOrder { .. } => false,
    }
}
