//! Adopting a database that grew without a history: which migrations are recorded
//! as applied without being run.

use crate::history::History;
use crate::model::{Migration, Version};
use crate::order;

/// Why nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineError {
    /// One that has begun and not ended is among them.
    HalfApplied { version: Version },
    /// There is a history already.
    NotEmpty { applied: usize, newest: Version },
    /// No file has the version.
    Unknown { version: Version },
}

/// The migrations up to a version that the history lacks.
///
/// # Errors
/// Why none is to be recorded.
pub fn missing<'a>(
    migrations: &'a [Migration],
    history: &History,
    version: &Version,
    force: bool,
) -> Result<Vec<&'a Migration>, BaselineError> {
    let wanted = order::lineage(migrations, [version]);
    if wanted.is_empty() {
        return Err(BaselineError::Unknown {
            version: version.clone(),
        });
    }
    let known = history.by_version();
    // That comes first: no `--force` records what is half in the database.
    let mut rows = wanted.iter().filter_map(|it| known.get(&it.version));
    if let Some(applied) = rows.find(|applied| !applied.complete) {
        return Err(BaselineError::HalfApplied {
            version: applied.version.clone(),
        });
    }
    if let Some(newest) = history.applied.last().filter(|_| !force) {
        return Err(BaselineError::NotEmpty {
            applied: history.applied.len(),
            newest: newest.version.clone(),
        });
    }
    let is_missing = |migration: &&Migration| !known.contains_key(&migration.version);
    Ok(wanted.into_iter().filter(is_missing).collect())
}
