//! What is to be taken back: first which migrations, once and for all, then in
//! every round the deeds that are left of them. Were they counted anew in each
//! round, a run whose answer was lost would take back more than it was asked to.

use super::planner::{Plan, Request, judge};
use super::{drift, resume};
use crate::formats::Format;
use crate::history::{Applied, Ending, History, Run};
use crate::model::{Deed, Direction, Migration, Subject, Version};
use std::collections::HashSet;
use std::time::Duration;

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The newest so many.
    Steps(usize),
    /// All after this version, which stays; after zero, all.
    To(Version),
}

/// The version before all others, where none of them has its name.
const ZERO: &str = "0";

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
/// A version that is not applied.
pub fn targets(history: &History, wish: &Wish) -> Result<Vec<Version>, RevertError> {
    if let Wish::To(version) = wish
        && version.as_str() != ZERO
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
        Wish::Steps(steps) => newest_first.take(*steps).collect(),
        // Where zero is a version like any other, it stays like any other: else it is
        // never met.
        Wish::To(version) => newest_first.take_while(|newer| newer != version).collect(),
    })
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
    history: &History,
    within: Duration,
    deployment: impl Fn(&Run) -> bool,
) -> Result<Unconfirmed, LeftAlone> {
    let newest = newest_unconfirmed(history, within, deployment)?;
    let did: HashSet<&Version> = newest.did.iter().filter_map(Subject::version).collect();
    let is_its = |applied: &Applied| did.contains(&applied.version);
    let since_its_first = history.applied.iter().skip_while(|it| !is_its(it));
    let mut stand: Vec<_> = since_its_first.collect();
    stand.reverse();
    if stand.is_empty() {
        return Err(LeftAlone::NothingStands);
    }
    if !stand.iter().all(|applied| is_its(applied)) {
        return Err(LeftAlone::Overtaken);
    }
    Ok(Unconfirmed {
        run: newest.name.clone(),
        stand: stand.into_iter().map(|it| it.version.clone()).collect(),
    })
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

/// The verb of the runs that apply.
pub const UP: &str = "up";

/// The deeds that are left of the targets, the newest first.
///
/// # Errors
/// Why none of them may be done; nothing is taken back then.
pub fn plan<'a>(
    format: &dyn Format,
    migrations: &'a [Migration],
    history: &History,
    targets: &[Version],
    request: &Request,
) -> Result<Plan<'a>, RevertError> {
    let mut steps = Vec::new();
    let mut without = Vec::new();
    let file = |version: &Version| {
        migrations
            .iter()
            .find(|migration| migration.version == *version)
    };
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
        match file(version).and_then(|migration| Some((migration, migration.down.as_ref()?))) {
            Some((migration, down)) => steps.push(Deed::Revert(migration, down)),
            None => without.push((version.clone(), applied.name.clone())),
        }
    }
    // The targets are the newest first; of what is taken back already nothing is left.
    let oldest = targets.last();
    let newest_first = history.applied.iter().rev();
    let mut newer = newest_first.take_while(|applied| {
        oldest.is_some_and(|oldest| format.compare(&applied.version, oldest).is_gt())
    });
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
    let warnings = judge(drift::find(format, migrations, history), &tolerant);
    Ok(Plan {
        steps,
        warnings: warnings.unwrap_or_else(|error| error.drifts),
    })
}
