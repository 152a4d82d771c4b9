//! Whether a SQLite file and its folder can be written, and who has its lock
//! file: seen without writing, creating or locking anything.

use super::lock_file;
use crate::db::health::{self, Health, Own};
use crate::db::url::DatabaseUrl;
use crate::db::{BlockingSession, Lock};
use nix::unistd::{AccessFlags, access};
use std::path::Path;
use std::time::Duration;

/// The state of the file that a URL names. It is not opened: closing it would give
/// back whatever locks this process has on it.
pub(in crate::db) fn health(url: &DatabaseUrl) -> Health {
    let path = url.file().map(|file| file.path.clone()).unwrap_or_default();
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => Path::new(".").to_owned(),
    };
    let exists = path.exists();
    Health {
        held: held(&lock_file::beside(&path)),
        own: Own::Sqlite(health::Sqlite {
            exists,
            opened_to_read: opens_to_read(url),
            file: exists.then(|| refusal(&path, AccessFlags::W_OK)).flatten(),
            beside: refusal(&folder, AccessFlags::W_OK | AccessFlags::X_OK),
            folder,
            path,
        }),
        ..Health::default()
    }
}

fn opens_to_read(url: &DatabaseUrl) -> bool {
    let (_, parameters) = url.for_driver().split_once('?').unwrap_or_default();
    parameters
        .split('&')
        .any(|pair| matches!(pair, "mode=ro" | "immutable=1" | "immutable=true"))
}

/// What keeps this process from what it would do with a path.
fn refusal(path: &Path, wanted: AccessFlags) -> Option<String> {
    let refused = access(path, wanted).err()?;
    Some(refused.desc().to_lowercase())
}

/// Who has the lock file, by what the kernel says of its locks.
#[cfg(target_os = "linux")]
fn held(path: &Path) -> Option<Vec<(Lock, BlockingSession)>> {
    use nix::sys::stat::{major, minor};
    use std::os::unix::fs::MetadataExt;
    let place = match path.metadata() {
        Ok(file) => format!(
            "{:02x}:{:02x}:{}",
            major(file.dev()),
            minor(file.dev()),
            file.ino()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let holders = locks.lines().filter_map(|line| holder(line, &place));
    Some(holders.map(|holder| (Lock::Own, holder)).collect())
}

#[cfg(not(target_os = "linux"))]
fn held(_path: &Path) -> Option<Vec<(Lock, BlockingSession)>> {
    None
}

/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`; of one who waits there is an
/// arrow in front.
#[cfg(target_os = "linux")]
fn holder(line: &str, place: &str) -> Option<BlockingSession> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, "WRITE", process, found, ..] = words[..] else {
        return None;
    };
    (found == place).then(|| BlockingSession {
        process: process.to_owned(),
        application: String::new(),
        state: String::new(),
        age: Duration::ZERO,
        query: String::new(),
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_known_by_its_files_place() {
        let line = "3: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF";
        let place = "08:01:1234";
        let process = |place| holder(line, place).map(|holder| holder.process);
        assert_eq!(process(place).as_deref(), Some("4711"));
        assert_eq!(process("08:02:1234"), None);
        assert_eq!(process("08:01:234"), None);
        let waits = "3: -> FLOCK  ADVISORY  WRITE 4712 08:01:1234 0 EOF";
        assert!(holder(waits, place).is_none());
        let other = "4: POSIX  ADVISORY  WRITE 4711 08:01:1234 0 EOF";
        assert!(holder(other, place).is_none());
    }
}
