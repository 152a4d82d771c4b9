//! What is to be taken back: first which migrations, once and for all, then in
//! every round the operations that are left of them. Were they counted anew in each
//! round, a run whose answer was lost would take back more than it was asked to.

use super::planner::{Plan, Request, tolerate};
use super::{drift, resume};
use crate::history::{Applied, Ending, History, Run, UP};
use crate::model::{Direction, Migration, Needs, Operation, Subject, Version};
use crate::order::{self, Rules};
use std::collections::HashSet;
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevertTarget {
    /// The newest so many.
    Steps(usize),
    /// All after this version, which stays; after zero, all.
    To(Version),
}

/// Why nothing is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevertError {
    /// One that has begun and not ended, in the other direction or by another
    /// tool, is in the way.
    HalfApplied { version: Version, name: String },
    /// These have no down script, or no file at all.
    Irreversible {
        without: Vec<(Version, String)>,
        /// All that was to be taken back, the newest first.
        all: Vec<Version>,
    },
    /// The version that is to stay is not applied.
    NotApplied { version: Version },
    /// There is nothing to take back.
    NothingApplied,
    /// Another run has applied a newer one meanwhile.
    Overtaken { by: Version },
    /// These are applied, no file has them, and what they stand on is not known.
    Unknown { versions: Vec<Version> },
}

/// Why an unconfirmed run is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftAlone {
    /// It was confirmed: what stands is live.
    Confirmed,
    /// Nobody has ever confirmed anything here, so that nothing tells what is live.
    NeverConfirmed,
    /// Nothing that it did stands.
    NothingStands,
    /// No run is remembered.
    NoRun,
    /// It was started for another deployment.
    OtherDeployment,
    /// Newer ones stand that are none of it.
    Overtaken,
    /// Another run has begun since the one that was to be taken back.
    Superseded,
    /// It began longer ago than it may.
    TooOld { age: Duration, within: Duration },
}

/// What a run did that may be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// The run's name.
    pub run: String,
    /// What of it stands, the newest first.
    pub stand: Vec<Version>,
}

/// The migrations that a wish is about, the newest first. What has begun to be
/// applied and has not ended is none of them: it is in the way, or another run's
/// that goes on.
///
/// # Errors
/// A version that is not applied, or a history of which not all is known.
pub fn targets(
    files: &[Migration],
    history: &History,
    wish: &RevertTarget,
) -> Result<Vec<Version>, RevertError> {
    must_be_whole(files, history)?;
    if let RevertTarget::To(version) = wish
        && *version != Version::zero()
        && history
            .find(version)
            .is_none_or(|applied| !applied.complete)
    {
        return Err(RevertError::NotApplied {
            version: version.clone(),
        });
    }
    let newest_first = history
        .applied
        .iter()
        .rev()
        .filter(|applied| applied.complete || goes_back(applied, history))
        .map(|applied| applied.version.clone());
    Ok(match wish {
        RevertTarget::Steps(steps) => newest_first.take(*steps).collect(),
        RevertTarget::To(version) => match find(files, version) {
            // Of a graph, what stands on it.
            Some(Migration {
                needs: Needs::These { .. },
                ..
            }) => {
                let after = order::after(files, version);
                let above = |applied: &Version| after.iter().any(|it| it.version == *applied);
                newest_first.filter(above).collect()
            }
            // Where zero is a version like any other, it stays like any other: else it is
            // never met.
            _ => newest_first.take_while(|newer| newer != version).collect(),
        },
    })
}

/// # Errors
/// What is applied that no file has, where all that it stands on is therefore unknown.
fn must_be_whole(files: &[Migration], history: &History) -> Result<(), RevertError> {
    if !history.is_partial {
        return Ok(());
    }
    let applied = history.applied.iter().map(|applied| &applied.version);
    let unknown = applied.filter(|version| find(files, version).is_none());
    Err(RevertError::Unknown {
        versions: unknown.cloned().collect(),
    })
}

fn find<'a>(files: &'a [Migration], version: &Version) -> Option<&'a Migration> {
    files.iter().find(|migration| migration.version == *version)
}

/// Whether somebody has begun to take it back, and that can go on.
fn goes_back(applied: &Applied, history: &History) -> bool {
    resume::direction(applied, &history.marks(&applied.version)) == Some(Direction::Down)
}

/// The migrations of the newest run, if they may be taken back because the
/// deploy that they belong to has failed.
///
/// # Errors
/// Why they are left alone.
pub fn unconfirmed(
    files: &[Migration],
    history: &History,
    within: Duration,
    deployment: impl Fn(&Run) -> bool,
) -> Result<Unconfirmed, LeftAlone> {
    let newest = newest_unconfirmed(history, within, deployment)?;
    let did: HashSet<&Version> = newest.did.iter().filter_map(Subject::version).collect();
    let is_its = |applied: &&Applied| did.contains(&applied.version);
    let mut stand: Vec<&Applied> = history.applied.iter().filter(is_its).collect();
    stand.reverse();
    if stand.is_empty() {
        return Err(LeftAlone::NothingStands);
    }
    if history.is_partial || stand_on(files, history, &did).any(|it| !is_its(&it)) {
        return Err(LeftAlone::Overtaken);
    }
    Ok(Unconfirmed {
        run: newest.name.clone(),
        stand: stand.into_iter().map(|it| it.version.clone()).collect(),
    })
}

/// What is applied after any of these: in a line all since the first of them, in a
/// graph what stands on them.
fn stand_on<'a>(
    files: &[Migration],
    history: &'a History,
    these: &HashSet<&Version>,
) -> impl Iterator<Item = &'a Applied> {
    let is_graph = |file: &Migration| matches!(file.needs, Needs::These { .. });
    let on_them = if files.iter().any(is_graph) {
        let on_them = order::dependents(files, these.iter().copied());
        on_them.iter().map(|it| it.version.clone()).collect()
    } else {
        let applied = history.applied.iter().map(|applied| &applied.version);
        let since = applied.skip_while(|version| !these.contains(version));
        since.cloned().collect::<HashSet<_>>()
    };
    let applied = history.applied.iter();
    applied.filter(move |applied| on_them.contains(&applied.version))
}

/// The newest run, if it may be taken back because the deploy that it belongs to
/// has failed.
///
/// # Errors
/// Why it is left alone.
pub fn newest_unconfirmed(
    history: &History,
    within: Duration,
    deployment: impl Fn(&Run) -> bool,
) -> Result<&Run, LeftAlone> {
    let newest = newest_run(history).ok_or(LeftAlone::NoRun)?;
    if newest.confirmed.is_some() {
        return Err(LeftAlone::Confirmed);
    }
    if history.runs.iter().all(|run| run.confirmed.is_none()) {
        return Err(LeftAlone::NeverConfirmed);
    }
    if !deployment(newest) {
        return Err(LeftAlone::OtherDeployment);
    }
    if newest.age > within {
        let age = newest.age;
        return Err(LeftAlone::TooOld { age, within });
    }
    Ok(newest)
}

/// The newest run that applies. One that applied nothing is passed over where it
/// is known to be another try of the same deployment: a job that failed in the
/// middle is often started once more, and fails at once.
#[must_use]
pub fn newest_run(history: &History) -> Option<&Run> {
    let mut applying = history.runs.iter().filter(|run| run.verb == UP);
    let newest = applying.next()?;
    let tries = std::iter::once(newest).chain(applying.take_while(|run| run.who.is(&newest.who)));
    let mut tries = tries.filter(|run| !run.did.is_empty());
    Some(tries.next().unwrap_or(newest))
}

/// Whether that run may still be at work, for all that its record tells: who
/// holds the lock knows.
#[must_use]
pub fn may_be_at_work(history: &History) -> bool {
    newest_run(history).is_some_and(|run| run.ending == Ending::Running)
}

/// The operations that are left of the targets, the newest first.
///
/// # Errors
/// Why none of them may be done; nothing is taken back then.
pub fn plan<'a>(
    rules: &dyn Rules,
    migrations: &'a [Migration],
    history: &History,
    targets: &[Version],
    request: &Request,
) -> Result<Plan<'a>, RevertError> {
    must_be_whole(migrations, history)?;
    let mut steps = Vec::new();
    let mut without = Vec::new();
    for applied in history.applied.iter().rev() {
        let version = &applied.version;
        let is_target = targets.contains(version);
        if !(applied.complete || is_target && goes_back(applied, history)) {
            return Err(RevertError::HalfApplied {
                version: version.clone(),
                name: applied.name.clone(),
            });
        }
        if !is_target {
            continue;
        }
        match find(migrations, version).and_then(|it| Some((it, it.down.as_ref()?))) {
            Some((migration, down)) => steps.push(Operation::Revert(migration, down)),
            None => without.push((version.clone(), applied.name.clone())),
        }
    }
    // Of what is taken back already nothing is left.
    let on_them = order::dependents(migrations, targets);
    let is_after = |applied: &&Applied| {
        let order = targets
            .last()
            .and_then(|oldest| rules.compare(&applied.version, oldest));
        match order {
            Some(order) => order.is_gt(),
            None => on_them.iter().any(|it| it.version == applied.version),
        }
    };
    let mut newer = history.applied.iter().rev().filter(is_after);
    if let Some(overtaker) = newer
        .find(|applied| !targets.contains(&applied.version))
        .filter(|_| !steps.is_empty())
    {
        return Err(RevertError::Overtaken {
            by: overtaker.version.clone(),
        });
    }
    if !without.is_empty() {
        return Err(RevertError::Irreversible {
            without,
            all: targets.to_vec(),
        });
    }
    // Of what stays nothing is refused, for nothing is done with it.
    let tolerant = Request {
        unknown_applied: super::planner::UnknownApplied::Warn,
        out_of_order: super::planner::OutOfOrder::Apply,
        ..request.clone()
    };
    let warnings = tolerate(drift::find(rules, migrations, history), &tolerant);
    Ok(Plan {
        steps,
        warnings: warnings.unwrap_or_else(|error| error.drifts),
    })
}
