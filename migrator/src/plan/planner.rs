//! What is to be done: a pure function of files, history and wishes.

use super::drift::{self, Drift};
use crate::history::History;
use crate::model::{Migration, Operation, Repeatable, Version};
use crate::order::{self, Rules};
use std::collections::HashSet;

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub out_of_order: OutOfOrder,
    pub unknown_applied: UnknownApplied,
    /// No version after this one.
    pub to: Option<Version>,
    /// No more migrations than this.
    pub steps: Option<usize>,
    /// This version and no other.
    pub only: Option<Version>,
}

/// What there are files of, each in order.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    pub migrations: &'a [Migration],
    pub repeatables: &'a [Repeatable],
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

/// What to do, in order, and what is worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<'a> {
    pub steps: Vec<Operation<'a>>,
    pub warnings: Vec<Drift>,
}

/// Nothing may be applied: files and history disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// Never empty.
    pub drifts: Vec<Drift>,
}

impl PlanError {
    /// Whether all that is wrong is a version that was asked for.
    #[must_use]
    pub fn is_unknown_version(&self) -> bool {
        self.drifts
            .iter()
            .all(|drift| matches!(drift, Drift::Unknown { .. }))
    }

    /// Whether a migration has begun and not ended, which may be because another
    /// migrator is at it.
    #[must_use]
    pub fn is_half_applied(&self) -> bool {
        self.drifts.iter().any(|drift| {
            matches!(
                drift,
                Drift::HalfApplied { .. } | Drift::HalfReverted { .. }
            )
        })
    }
}

/// Plans an `up`: what is pending, and after all of it the repeatables that have
/// changed; they wait while a migration does that the request leaves out, for
/// they may need it, and where newer ones are applied than there are files of:
/// what an older image knows of them was replaced with those.
///
/// # Errors
/// Every disagreement that the request does not tolerate.
pub fn plan<'a>(
    rules: &dyn Rules,
    files: Files<'a>,
    history: &History,
    request: &Request,
) -> Result<Plan<'a>, PlanError> {
    let warnings = tolerate(drift::find(rules, files.migrations, history), request)?;
    if history.is_partial && (request.to.is_some() || request.only.is_some()) {
        // Nobody can say that it is there, nor bring it in.
        return Err(PlanError { drifts: warnings });
    }
    // What is not complete passed the judgement: it can go on.
    let (migrations, repeatables): (Vec<_>, Vec<_>) = pending(files, history)
        .into_iter()
        .partition(|operation| matches!(operation, Operation::Apply(_)));
    let is_wanted = |operation: &Operation<'_>| match (operation.migration(), &request.only) {
        (Some(migration), Some(only)) => migration.version == *only,
        _ => true,
    };
    let up_to = request.to.as_ref().map(|to| up_to(rules, files, to));
    let is_before = |operation: &Operation<'_>| match (operation.migration(), &up_to) {
        (Some(migration), Some(up_to)) => up_to.contains(&migration.version),
        _ => true,
    };
    let wanted = migrations.iter().copied().filter(is_wanted);
    let steps = request.steps.unwrap_or(usize::MAX);
    let mut steps: Vec<_> = wanted.filter(is_before).take(steps).collect();
    if let (Some(_), Some(last)) = (request.steps, steps.last().copied()) {
        // Of two branches, only what the last one stands on comes with it.
        let last = last.migration().map(|migration| &migration.version);
        let lineage = order::lineage(files.migrations, last);
        let lineage: HashSet<&Version> = lineage.iter().map(|it| &it.version).collect();
        let is_in = |operation: &Operation<'_>| {
            operation
                .migration()
                .is_none_or(|it| lineage.contains(&it.version))
        };
        steps.retain(is_in);
    }
    let is_newer = |drift: &Drift| matches!(drift, Drift::Missing { newer: true, .. });
    if steps.len() == migrations.len() && !warnings.iter().any(is_newer) {
        steps.extend(repeatables);
    }
    Ok(Plan { steps, warnings })
}

/// The versions up to one, which need not be one of the files'.
fn up_to<'a>(rules: &dyn Rules, files: Files<'a>, to: &Version) -> HashSet<&'a Version> {
    let migrations = files.migrations.iter();
    let is_no_later = |migration: &&Migration| {
        let order = rules.compare(&migration.version, to);
        order.is_some_and(std::cmp::Ordering::is_le)
    };
    let before: HashSet<_> = migrations
        .filter(is_no_later)
        .map(|it| &it.version)
        .collect();
    let lineage = order::lineage(files.migrations, [to]);
    let lineage = lineage.into_iter().map(|migration| &migration.version);
    before.into_iter().chain(lineage).collect()
}

/// All that is not applied in full, the repeatables that have changed with it;
/// nothing where what the database has no file says: then nothing can be known.
#[must_use]
pub fn pending<'a>(files: Files<'a>, history: &History) -> Vec<Operation<'a>> {
    if history.is_partial {
        return Vec::new();
    }
    let known = history.by_version();
    let migrations = files.migrations.iter().filter(|migration| {
        known
            .get(&migration.version)
            .is_none_or(|applied| !applied.complete)
    });
    let repeatables = files.repeatables.iter().filter(|repeatable| {
        history
            .repeated(&repeatable.name)
            .is_none_or(|repeated| repeated.checksum != repeatable.checksum)
    });
    migrations
        .map(Operation::Apply)
        .chain(repeatables.map(Operation::Repeat))
        .collect()
}

/// Whether there is such a version as the request names.
///
/// # Errors
/// A version that no file has.
pub fn known(files: Files<'_>, request: &Request) -> Result<(), PlanError> {
    match &request.to {
        Some(to) if files.migrations.iter().all(|it| it.version != *to) => Err(PlanError {
            drifts: vec![Drift::Unknown {
                version: to.clone(),
            }],
        }),
        _ => Ok(()),
    }
}

/// What of the disagreements is worth a warning.
///
/// # Errors
/// Those that the request does not tolerate, if there is one.
pub fn tolerate(drifts: Vec<Drift>, request: &Request) -> Result<Vec<Drift>, PlanError> {
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

fn is_wanted(drift: &Drift, request: &Request) -> bool {
    matches!(drift, Drift::OutOfOrder { .. }) && request.out_of_order == OutOfOrder::Apply
}

fn is_tolerated(drift: &Drift, request: &Request) -> bool {
    match drift {
        Drift::LineEndings { .. } | Drift::Resumable { .. } => true,
        Drift::Missing { newer, .. } => match request.unknown_applied {
            UnknownApplied::Error => false,
            UnknownApplied::Newer => *newer,
            UnknownApplied::Warn => true,
        },
        Drift::Edited { .. }
        | Drift::FilledIn { .. }
        | Drift::HalfApplied { .. }
        | Drift::HalfReverted { .. }
        | Drift::OutOfOrder { .. }
        | Drift::Unknown { .. } => false,
    }
}
