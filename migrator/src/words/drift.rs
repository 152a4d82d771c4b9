//! Words for files and history that disagree.

use crate::diagnostic::Diagnostic;
use crate::model::Version;
use crate::plan::drift::Drift;
use crate::plan::planner::PlanError;

/// One error for all disagreements: the first is the title.
pub(super) fn plan(error: &PlanError) -> Diagnostic {
    let mut said = drifts(&error.drifts).into_iter();
    let Some(first) = said.next() else {
        return Diagnostic::error("drift", "files and history disagree");
    };
    first.notes(said.map(|next| format!("and {}", next.title)))
}

/// How many of those that no file has are named.
const NAMED: usize = 3;

/// Disagreements, as errors: those that no file has are one, for where they are
/// many, another folder's migrations are in the table.
pub(crate) fn drifts(drifts: &[Drift]) -> Vec<Diagnostic> {
    let missing: Vec<_> = drifts
        .iter()
        .filter_map(|drift| match drift {
            Drift::Missing {
                version,
                name,
                newer,
            } => Some((version, name, *newer)),
            _ => None,
        })
        .collect();
    let mut is_said = false;
    let said = |it: &Drift| match it {
        Drift::Missing { .. } if missing.len() > 1 => {
            let is_first = !std::mem::replace(&mut is_said, true);
            is_first.then(|| all_missing(&missing))
        }
        _ => Some(drift(it)),
    };
    drifts.iter().filter_map(said).collect()
}

fn all_missing(missing: &[(&Version, &String, bool)]) -> Diagnostic {
    let names: Vec<_> = missing
        .iter()
        .take(NAMED)
        .map(|(version, name, _)| label(version, name))
        .collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Diagnostic::error(
        "missing_migration",
        format!(
            "{} migrations are applied, but have no file: {}{more}",
            missing.len(),
            names.join(", ")
        ),
    )
    .help(if missing.iter().all(|(_, _, newer)| *newer) {
        "this is expected after a rollback to an older image; otherwise restore the files, or give \
         this folder its own history table with --table"
    } else {
        "restore the files, or run with --unknown-applied warn if they were removed on purpose; if \
         they belong to another folder, give this folder its own history table with --table"
    })
}

/// Version and name; a tool's table need not hold a name.
fn label(version: &Version, name: &str) -> String {
    match name {
        "" => version.to_string(),
        name => format!("{version} {name}"),
    }
}

/// A disagreement, as an error; who tolerates it makes it a warning.
pub(crate) fn drift(drift: &Drift) -> Diagnostic {
    match drift {
        Drift::Edited { version, path } => Diagnostic::error(
            "edited_migration",
            format!("{path} was changed after migration {version} was applied"),
        )
        .help(format!(
            "restore the file as it was applied and put the change into a new migration; or, if \
             the change does not affect the schema, accept it: migrate repair --accept {version}"
        )),
        Drift::FilledIn { version, path } => Diagnostic::error(
            "filled_in_migration",
            format!(
                "{path} had no statement when migration {version} was applied, but has statements \
                 now: they have not run"
            ),
        )
        .help(format!(
            "to run them, make the migration pending again: `migrate repair --resolve \
             {version}=reverted`, then `migrate up` (with --out-of-order apply if newer ones are \
             applied); or restore the file and put its statements into a new migration"
        )),
        Drift::HalfApplied { version, name } => Diagnostic::error(
            "half_applied",
            format!("migration {version} {name} began, but its end was not recorded"),
        )
        .help(format!(
            "check how much of it is in the database; then either finish it by hand and run \
             `migrate repair --resolve {version}=applied`, or undo it by hand and run `migrate \
             repair --resolve {version}=reverted`"
        )),
        Drift::HalfReverted { version, name } => Diagnostic::error(
            "half_reverted",
            format!("the revert of migration {version} {name} began, but its end was not recorded"),
        )
        .help("run migrate down, which continues the revert, and then migrate up"),
        Drift::LineEndings { version, path } => Diagnostic::error(
            "line_endings_changed",
            format!(
                "{path} differs from the applied migration {version} in line endings or a byte \
                 order mark only"
            ),
        )
        .help("nothing needs to be done; `*.sql text eol=lf` in .gitattributes keeps them equal"),
        Drift::Missing {
            version,
            name,
            newer,
        } => Diagnostic::error(
            "missing_migration",
            format!(
                "migration {} is applied, but has no file",
                label(version, name)
            ),
        )
        .help(if *newer {
            "this is expected after a rollback to an older image; otherwise restore the file"
        } else {
            "restore the file, or run with --unknown-applied warn if it was removed on purpose"
        }),
        Drift::Resumable { version, name } => Diagnostic::error(
            "resumable",
            format!("migration {version} {name} began but did not end"),
        )
        .help("the next run continues after the last statement that is known to have completed"),
        Drift::Unknown { version } => Diagnostic::error(
            "unknown_version",
            format!("no file has the version {version}"),
        )
        .help("run `migrate status` to list the versions"),
        Drift::OutOfOrder {
            version,
            path,
            newest,
        } => Diagnostic::error(
            "out_of_order",
            format!("{path} is pending, but sorts before {newest}, which is applied"),
        )
        .help(format!(
            "give it a version after {newest}, or run with --out-of-order apply if the order does \
             not matter (version {version})"
        )),
    }
}
