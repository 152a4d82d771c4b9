//! How new files are named: as sqlx's own `migrate add` would, by sqlx.toml where
//! it says how, otherwise as the newest file of the folder is.

use super::toml::{Defaults, MigrationType, Versioning};
use super::{FormatError, Name};
use crate::diagnostic::Diagnostic;
use crate::formats::naming::{Draft, DraftFile, NewMigration};
use crate::sources::{Content, Listing};

/// What sqlx gives the first of a project's counters.
const WIDTH: usize = 4;

/// From here on a version is a date, of whatever precision: `YYYYMMDD`.
const FIRST_DATE: i64 = 10_000_101;

/// The newest version of a folder.
struct Newest<'a> {
    version: i64,
    path: String,
    /// The version as it is written, with its leading zeros.
    written: &'a str,
    is_pair: bool,
}

/// The files of a new migration, which sorts after all that are there.
///
/// # Errors
/// A name that sqlx rejects, or no number left.
pub(super) fn draft(
    defaults: Defaults,
    listing: &Listing,
    wanted: &NewMigration<'_>,
) -> Result<Draft, FormatError> {
    let newest = newest(listing)?;
    let is_counted = match defaults.migration_versioning {
        Versioning::Inferred => newest
            .as_ref()
            .is_some_and(|newest| newest.version < FIRST_DATE),
        Versioning::Sequential => true,
        Versioning::Timestamp => false,
    };
    let next = match &newest {
        Some(newest) => newest.version.checked_add(1).ok_or_else(|| {
            let path = newest.path.clone();
            FormatError::NoVersionLeft { path }
        })?,
        None => 1,
    };
    let mut warnings = Vec::new();
    let version = if is_counted {
        let width = newest.as_ref().map_or(WIDTH, |newest| newest.written.len());
        format!("{next:0width$}")
    } else {
        if let Some(newest) = newest
            .as_ref()
            .filter(|newest| newest.version > wanted.soon)
        {
            warnings.push(ahead_of_the_clock(newest));
        }
        wanted.now.max(next).to_string()
    };
    let is_reversible = wanted.reversible
        || match defaults.migration_type {
            MigrationType::Inferred => newest.is_some_and(|newest| newest.is_pair),
            MigrationType::Reversible => true,
            MigrationType::Simple => false,
        };
    let file = |suffix, direction| DraftFile {
        name: format!("{version}_{}{suffix}", wanted.name),
        // Not the name alone: it could read like another tool's directive.
        text: format!("-- {direction}: {}\n", wanted.name.replace('_', " ")),
    };
    let files = if is_reversible {
        vec![file(".up.sql", "Up"), file(".down.sql", "Down")]
    } else {
        vec![file(".sql", "Up")]
    };
    Ok(Draft { files, warnings })
}

fn newest(listing: &Listing) -> Result<Option<Newest<'_>>, FormatError> {
    let mut found: Option<Newest<'_>> = None;
    for entry in &listing.entries {
        let Content::File(_) = entry.content else {
            continue;
        };
        let path = listing.path(&entry.name);
        let Some(name) = Name::parse(&path, &entry.name)? else {
            continue;
        };
        if found
            .as_ref()
            .is_none_or(|found| name.version >= found.version)
        {
            found = Some(Newest {
                version: name.version,
                path,
                written: entry.name.split('_').next().unwrap_or_default(),
                is_pair: name.suffix != ".sql",
            });
        }
    }
    Ok(found)
}

fn ahead_of_the_clock(newest: &Newest<'_>) -> Diagnostic {
    Diagnostic::warning(
        "ahead_of_the_clock",
        format!("the version of {} is a time in the future", newest.path),
    )
    .help(
        "the new migration is numbered after it, so that it sorts last; check the clock of this \
         machine",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::sqlx::{Settings, Sqlx};
    use crate::formats::{Drafts, naming};
    use crate::sources::Entry;
    use crate::text::SourceFile;
    use std::sync::Arc;

    const NOW: i64 = 20_260_131_120_000;

    fn named(settings: &str, folder: &[&str], reversible: bool) -> (Vec<String>, usize) {
        let file = Arc::new(SourceFile::new("sqlx.toml", settings));
        let format = Sqlx::new(&Settings::parse(&file).unwrap(), None);
        let mut names = folder.to_vec();
        names.sort_unstable();
        let listing = Listing {
            dir: "m".into(),
            entries: names
                .into_iter()
                .map(|name| Entry {
                    name: name.into(),
                    content: Content::File(Vec::new()),
                })
                .collect(),
        };
        let wanted = NewMigration {
            name: &naming::words("Add x").unwrap(),
            reversible,
            now: NOW,
            soon: NOW + 100,
        };
        let draft = format.draft(&listing, &wanted).unwrap();
        let names = draft.files.into_iter().map(|file| file.name).collect();
        (names, draft.warnings.len())
    }

    #[test]
    fn the_folders_habit_is_kept() {
        for (folder, expected) in [
            (&[][..], "20260131120000_add_x.sql"),
            (&["20250101000000_a.sql"], "20260131120000_add_x.sql"),
            (&["20250101_a.sql"], "20260131120000_add_x.sql"),
            (&["1700000000_a.sql"], "20260131120000_add_x.sql"),
            (&["20260131120000_a.sql"], "20260131120001_add_x.sql"),
            (&["20260131120030_a.sql"], "20260131120031_add_x.sql"),
            (&["0_a.sql"], "1_add_x.sql"),
            (&["1_a.sql", "9_b.sql", "3_c.sql"], "10_add_x.sql"),
            (&["009_b.sql"], "010_add_x.sql"),
            (&["0009_b.sql", "README.sql"], "0010_add_x.sql"),
            (&["999_b.sql"], "1000_add_x.sql"),
            // A way back that lost its way there has a version all the same.
            (&["1_a.sql", "2_b.down.sql", "3_c.sql"], "4_add_x.sql"),
        ] {
            assert_eq!(named("", folder, false), (vec![expected.into()], 0));
        }
    }

    #[test]
    fn a_newest_file_of_the_future_is_followed_with_a_warning() {
        assert_eq!(
            named("", &["20270101000000_a.sql"], false),
            (vec!["20270101000001_add_x.sql".into()], 1)
        );
    }

    #[test]
    fn a_pair_is_made_where_it_is_asked_for_or_the_habit() {
        let pair = vec!["2_add_x.up.sql".to_owned(), "2_add_x.down.sql".to_owned()];
        let pairs = ["1_a.up.sql", "1_a.down.sql"];
        let simple = "[migrate.defaults]\nmigration-type = \"simple\"\n";
        let reversible = "[migrate.defaults]\nmigration-type = \"reversible\"\n";
        assert_eq!(named("", &["1_a.sql"], true).0, pair);
        assert_eq!(named("", &pairs, false).0, pair);
        assert_eq!(named(reversible, &["1_a.sql"], false).0, pair);
        assert_eq!(named(simple, &pairs, false).0, ["2_add_x.sql"]);
        assert_eq!(named(simple, &pairs, true).0, pair);
    }

    #[test]
    fn sqlx_toml_decides_where_it_says_how() {
        let of = |word: &str| format!("[migrate.defaults]\nmigration-versioning = \"{word}\"\n");
        for (word, folder, expected) in [
            ("sequential", &[][..], "0001_add_x.sql"),
            (
                "sequential",
                &["20250101000000_a.sql"],
                "20250101000001_add_x.sql",
            ),
            ("timestamp", &["0007_a.sql"], "20260131120000_add_x.sql"),
            ("inferred", &["0007_a.sql"], "0008_add_x.sql"),
        ] {
            assert_eq!(named(&of(word), folder, false).0, [expected]);
        }
    }
}
