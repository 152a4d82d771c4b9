//! What holds a run's lock on SQLite: a file beside the database, since a
//! connection locks nothing between transactions.

use crate::db::fault::{Fault, FaultKind};
use crate::db::{Attempt, GuardSession, Handle, Lock, Look};
use crate::history::table::LockKey;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// The lock file, once it is locked.
pub(in crate::db) struct LockFile {
    file: Option<File>,
}

impl LockFile {
    pub(in crate::db) fn new() -> Self {
        Self { file: None }
    }
}

impl GuardSession for LockFile {
    async fn try_lock(&mut self, look: &Look, _run: &str) -> Result<Attempt, Fault> {
        let LockKey::File(path) = &look.lock else {
            return Ok(Attempt::Locked);
        };
        let unusable = |error: std::io::Error| {
            Fault::new(
                FaultKind::File,
                format!("the lock file {} cannot be used: {error}", path.display()),
            )
        };
        // Never removed: two migrators could then lock two files of one name.
        let file = File::options()
            .create(true)
            // A process that inherits it as its input finds nothing there.
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {
                self.file = Some(file);
                Ok(Attempt::Locked)
            }
            Err(TryLockError::WouldBlock) => Ok(Attempt::Held(Lock::Own)),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    async fn cancel(&mut self, worker: &Handle, _run: &str) -> Result<(), Fault> {
        if let Handle::Flag(flag) = worker {
            flag.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The lock is the open file's: whoever has inherited it holds it, too.
    fn inherited_lock(&self) -> Option<File> {
        self.file.as_ref()?.try_clone().ok()
    }

    async fn release(&mut self) {
        self.file = None;
    }
}

/// The lock file of a database: the form is fixed for ever.
pub(super) fn beside(database: &Path) -> PathBuf {
    // One file for all of a database's names.
    let whole = database.canonicalize();
    let mut name = OsString::from(whole.as_deref().unwrap_or(database));
    name.push(".migrate-lock");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        assert_eq!(
            beside(Path::new("/srv/app.db")),
            Path::new("/srv/app.db.migrate-lock")
        );
    }
}
