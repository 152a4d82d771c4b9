//! Adopting a database that grew without a history: which migrations are recorded
//! as applied without being run.

use crate::history::History;
use crate::model::{Migration, Version};

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
    let Some(last) = migrations.iter().position(|it| it.version == *version) else {
        return Err(BaselineError::Unknown {
            version: version.clone(),
        });
    };
    let wanted = migrations.iter().take(last + 1);
    let known = history.by_version();
    // That comes first: no `--force` records what is half in the database.
    let mut rows = wanted.clone().filter_map(|it| known.get(&it.version));
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
    Ok(wanted.filter(is_missing).collect())
}
