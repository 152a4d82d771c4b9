//! The migrator's source, as the buildpack carries it: see build.rs.

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::{fmt::Write as _, fs};

/// What `cargo package` made of the workspace's migrator.
const CRATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/migrator.crate"));

/// The project's release profile, a `profile.release.… = …` a line.
const PROFILE: &str = include_str!(concat!(env!("OUT_DIR"), "/profile.txt"));

/// A crate that stands alone: files by their path in it.
pub(crate) struct Source {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Source {
    /// The migrator's.
    pub(crate) fn carried() -> io::Result<Self> {
        Self::from_crate(CRATE)
    }

    /// A crate of a test's own.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self {
            files: files
                .into_iter()
                .map(|(path, contents)| (path.into(), contents.into()))
                .collect(),
        }
    }

    fn from_crate(packed: &[u8]) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(GzDecoder::new(packed)).entries()? {
            let mut entry = entry?;
            // Everything stands in one folder, named for the crate and its version.
            let path: PathBuf = entry.path()?.components().skip(1).collect();
            if is_compiled(&path) {
                let mut contents = Vec::new();
                entry.read_to_end(&mut contents)?;
                files.insert(path, contents);
            }
        }
        Ok(Self { files })
    }

    /// What a compiler makes of it depends on this, and on nothing else of it.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (path, contents) in &self.files {
            let path = path.as_os_str().as_encoded_bytes();
            // Lengths, so that no two different crates are one row of bytes.
            digest.update((path.len() as u64).to_le_bytes());
            digest.update(path);
            digest.update((contents.len() as u64).to_le_bytes());
            digest.update(contents);
        }
        hex(&digest.finalize())
    }

    /// The crate's Cargo.lock, or nothing for a crate that has none.
    pub(crate) fn lock(&self) -> String {
        self.files
            .get(Path::new("Cargo.lock"))
            .map(|contents| String::from_utf8_lossy(contents).into_owned())
            .unwrap_or_default()
    }

    /// Writes the crate into an empty folder. Each file's time is that of writing:
    /// cargo must find sources newer than anything that it compiled before.
    pub(crate) fn unpack(&self, folder: &Path) -> io::Result<()> {
        for (path, contents) in &self.files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, contents)?;
        }
        Ok(())
    }
}

/// The project's release profile, as settings for cargo's `--config`.
pub(crate) fn profile() -> impl Iterator<Item = &'static str> {
    PROFILE.lines()
}

/// Not everything in a `.crate` is: `.cargo_vcs_info.json` changes with every
/// commit, and Cargo.toml.orig is for people.
fn is_compiled(path: &Path) -> bool {
    path.components()
        .all(|component| matches!(component, Component::Normal(_)))
        && path
            .components()
            .next()
            .is_some_and(|first| !first.as_os_str().as_encoded_bytes().starts_with(b"."))
        && path != Path::new("Cargo.toml.orig")
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::time::{Duration, SystemTime};

    fn packed<const N: usize>(files: [(&str, &str); N]) -> Source {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, contents) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(contents.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            archive
                .append_data(&mut header, format!("a-1.0.0/{path}"), contents.as_bytes())
                .unwrap();
        }
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        Source::from_crate(&bytes).unwrap()
    }

    #[test]
    fn the_digest_is_of_what_is_compiled() {
        let digest = packed([("Cargo.toml", "a"), ("src/main.rs", "b")]).digest();
        let also = |path| packed([("Cargo.toml", "a"), ("src/main.rs", "b"), (path, "c")]).digest();
        assert_eq!(also(".cargo_vcs_info.json"), digest);
        assert_eq!(also("Cargo.toml.orig"), digest);
        assert_ne!(also("src/lib.rs"), digest);
        assert_ne!(also("Cargo.lock"), digest);
        assert_ne!(
            packed([("Cargo.toml", "ab"), ("src/main.rs", "")]).digest(),
            digest
        );
    }

    #[test]
    fn files_are_written_with_the_time_of_writing() {
        let folder = tempfile::tempdir().unwrap();
        let before = SystemTime::now() - Duration::from_secs(2);
        packed([("src/main.rs", "fn main() {}")])
            .unpack(folder.path())
            .unwrap();
        let file = folder.path().join("src/main.rs");
        assert_eq!(fs::read_to_string(&file).unwrap(), "fn main() {}");
        assert!(fs::metadata(&file).unwrap().modified().unwrap() >= before);
    }

    #[test]
    fn the_carried_migrator_stands_alone() {
        let source = Source::carried().unwrap();
        let has = |path: &str| source.files.contains_key(Path::new(path));
        assert!(has("Cargo.toml") && has("Cargo.lock") && has("src/main.rs"));
        assert!(source.lock().contains("name = \"cnb-migrate\""));
    }

    #[test]
    fn the_profile_is_the_workspaces() {
        let profile: Vec<_> = profile().collect();
        assert!(profile.contains(&"profile.release.opt-level = \"s\""));
        assert!(profile.contains(&"profile.release.panic = \"abort\""));
        assert!(profile.contains(&"profile.release.codegen-units = 1"));
    }
}
