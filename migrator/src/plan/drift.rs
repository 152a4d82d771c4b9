//! Files against history: where the two do not tell the same story.

use super::resume;
use crate::history::{Applied, History};
use crate::model::{Checksum, Direction, Migration, Version};
use crate::order::Rules;
use std::collections::HashMap;
use std::time::Duration;

/// One way in which files and history disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// An applied file was changed.
    Edited { version: Version, path: String },
    /// A file had no statement when it was applied, and has one now.
    FilledIn { version: Version, path: String },
    /// An applied migration began and nobody recorded its end.
    HalfApplied { version: Version, name: String },
    /// It is being taken back, and nobody recorded the end; that can go on.
    HalfReverted { version: Version, name: String },
    /// An applied file was changed in its line endings or byte order mark only.
    LineEndings { version: Version, path: String },
    /// History knows a version that no file has. `newer` where it is newer than
    /// every file, as after a rollback to an older image.
    Missing {
        version: Version,
        name: String,
        newer: bool,
    },
    /// A pending migration sorts before an applied one.
    OutOfOrder {
        version: Version,
        path: String,
        newest: Version,
    },
    /// An applied migration began and did not end, and can go on.
    Resumable { version: Version, name: String },
    /// A version was asked for that no file has.
    Unknown { version: Version },
}

/// All disagreements, in order of version.
#[must_use]
pub fn find(rules: &dyn Rules, migrations: &[Migration], history: &History) -> Vec<Drift> {
    let files: HashMap<&Version, &Migration> = migrations
        .iter()
        .map(|migration| (&migration.version, migration))
        .collect();
    let known = history.by_version();
    let newest_file = migrations.last().map(|migration| &migration.version);
    let newest_applied = history.applied.last().map(|applied| &applied.version);
    let is_after = |one: &Version, other: &Version| {
        rules
            .compare(one, other)
            .is_some_and(std::cmp::Ordering::is_gt)
    };
    let is_newer = |version: &Version| match newest_file {
        None => true,
        // Where no order tells, one that is remembered as applied came after what there
        // is, if all of that is known to be applied, too.
        Some(newest) => match rules.compare(version, newest) {
            Some(order) => order.is_gt(),
            None => history.was_applied(version) && all_applied(migrations, history),
        },
    };

    let mut drifts = Vec::new();
    for applied in &history.applied {
        if !applied.complete {
            let version = applied.version.clone();
            let name = applied.name.clone();
            let ours = resume::direction(applied, &history.marks(&version));
            drifts.push(match ours.filter(|_| files.contains_key(&version)) {
                Some(Direction::Up) => Drift::Resumable { version, name },
                Some(Direction::Down) => Drift::HalfReverted { version, name },
                None => Drift::HalfApplied { version, name },
            });
        } else if let Some(migration) = files.get(&applied.version) {
            drifts.extend(edited(rules, migration, applied));
        } else {
            drifts.push(Drift::Missing {
                version: applied.version.clone(),
                name: applied.name.clone(),
                newer: is_newer(&applied.version),
            });
        }
    }
    drifts.extend(
        migrations
            .iter()
            .filter(|migration| !known.contains_key(&migration.version))
            .filter_map(|migration| {
                let newest = newest_applied.filter(|it| is_after(it, &migration.version))?;
                Some(Drift::OutOfOrder {
                    version: migration.version.clone(),
                    path: migration.up.file.path().to_owned(),
                    newest: newest.clone(),
                })
            }),
    );
    let by_version = |one: &Drift, other: &Drift| {
        let order = rules.compare(one.version(), other.version());
        order.unwrap_or(std::cmp::Ordering::Equal)
    };
    drifts.sort_by(by_version);
    drifts
}

/// Whether every file is known to be applied, although not all of the history is known.
fn all_applied(migrations: &[Migration], history: &History) -> bool {
    migrations.iter().all(|migration| {
        let version = &migration.version;
        history.find(version).is_some() || history.was_applied(version)
    })
}

fn edited(rules: &dyn Rules, migration: &Migration, applied: &Applied) -> Option<Drift> {
    let recorded = changed_since(migration, applied)?;
    let version = migration.version.clone();
    let path = migration.up.file.path().to_owned();
    Some(if rules.same_but_for_line_endings(migration, recorded) {
        Drift::LineEndings { version, path }
    } else if is_filled_in(rules, migration, applied) {
        Drift::FilledIn { version, path }
    } else {
        Drift::Edited { version, path }
    })
}

/// Whether nothing of an applied migration has ever run, and its file was changed
/// since. What a baseline records has happened before.
#[must_use]
pub fn is_filled_in(rules: &dyn Rules, migration: &Migration, applied: &Applied) -> bool {
    let is_baseline = applied.took == Some(Duration::ZERO);
    let was_empty = |recorded: &Checksum| {
        !rules.same_but_for_line_endings(migration, recorded)
            && rules.was_empty(migration, recorded)
    };
    !is_baseline && changed_since(migration, applied).is_some_and(was_empty)
}

/// The recorded checksum where the file has another; of a tool that keeps none,
/// nothing can be said.
fn changed_since<'a>(migration: &Migration, applied: &'a Applied) -> Option<&'a Checksum> {
    let recorded = applied.checksum.as_ref()?;
    let now = migration.checksum.as_ref()?;
    (recorded != now).then_some(recorded)
}

impl Drift {
    #[must_use]
    pub fn version(&self) -> &Version {
        match self {
            Self::Edited { version, .. }
            | Self::FilledIn { version, .. }
            | Self::HalfApplied { version, .. }
            | Self::HalfReverted { version, .. }
            | Self::LineEndings { version, .. }
            | Self::Missing { version, .. }
            | Self::OutOfOrder { version, .. }
            | Self::Resumable { version, .. }
            | Self::Unknown { version } => version,
        }
    }
}
