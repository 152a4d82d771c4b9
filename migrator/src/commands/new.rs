//! `new`: a migration's files, named as the project's are.

use crate::error::Error;
use crate::formats::Drafts;
use crate::formats::naming::NewMigration;
use crate::project::Folder;
use crate::report::Created;
use crate::sources;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Creates the files of a new migration of the project at `root`; `name` is made
/// of words joined by `_`.
///
/// # Errors
/// Why there is no file; then nothing was written but, at most, the folder.
pub(crate) fn new(
    root: &Path,
    folder: &Folder,
    name: &str,
    reversible: bool,
) -> Result<Created, Error> {
    let now = SystemTime::now();
    let wanted = NewMigration {
        name,
        reversible,
        now: stamp(now),
        soon: stamp(now + Duration::from_mins(1)),
    };
    let draft = folder.format.draft(&folder.listing, &wanted)?;
    let files: Vec<_> = draft
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.text.as_str()))
        .collect();
    let is_new = sources::create(&root.join(&folder.dir), &files)?;
    Ok(Created {
        paths: files
            .iter()
            .map(|(name, _)| folder.listing.path(name))
            .collect(),
        folder: is_new.then(|| folder.dir.clone()),
        warnings: draft.warnings,
    })
}

/// `YYYYMMDDHHMMSS` in UTC.
fn stamp(time: SystemTime) -> i64 {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    // Until the year 9999 it has 14 digits.
    digits.parse().unwrap_or_default()
}
