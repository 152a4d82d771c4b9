//! The source that is compiled: the migrator's, as the buildpack carries it (see
//! build.rs), or the app's, as it is.

use flate2::read::GzDecoder;
use libcnb::Env;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::{fmt::Write as _, fs};

/// What `cargo package` made of the workspace's migrator.
const CRATE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/migrator.crate"));

/// The project's release profile, a `profile.release.… = …` a line.
const PROFILE: &str = include_str!(concat!(env!("OUT_DIR"), "/profile.txt"));

/// What a test's build is compiled with in its place.
const TEST_PROFILE: &str = "MIGRATE_TEST_PROFILE";

/// The file that says of a folder that it can be made again (cargo's `target`).
const CACHE: &str = "CACHEDIR.TAG";

/// A crate that stands alone, or a workspace: files by their path in it.
pub(crate) struct Source {
    files: BTreeMap<PathBuf, Contents>,
}

enum Contents {
    Bytes(Vec<u8>),
    /// On the disk, at this path.
    File(PathBuf),
    /// A link that leads there.
    Link(PathBuf),
}

impl Source {
    /// The migrator's.
    pub(crate) fn carried() -> io::Result<Self> {
        Self::from_crate(CRATE)
    }

    /// All of an app, but for what is made of it. All of it counts: whatever was
    /// left out could be what its build scripts and macros read, and a program that
    /// is stale is worse than one that is compiled once more.
    pub(crate) fn of_app(app: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        collect(app, Path::new(""), &mut files)?;
        Ok(Self { files })
    }

    /// A crate of a test's own.
    #[cfg(test)]
    pub(crate) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        Self {
            files: files
                .into_iter()
                .map(|(path, text)| (path.into(), Contents::Bytes(text.into())))
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
                files.insert(path, Contents::Bytes(contents));
            }
        }
        Ok(Self { files })
    }

    /// What a compiler makes of it depends on this, and on nothing else of it.
    pub(crate) fn digest(&self) -> io::Result<String> {
        let mut digest = Sha256::new();
        for (path, contents) in &self.files {
            let path = path.as_os_str().as_encoded_bytes();
            // Lengths, so that no two different crates are one row of bytes.
            digest.update((path.len() as u64).to_le_bytes());
            digest.update(path);
            let contents = contents.read()?;
            digest.update((contents.len() as u64).to_le_bytes());
            digest.update(&contents);
        }
        Ok(hex(&digest.finalize()))
    }

    /// The crate's Cargo.lock, or nothing for a crate that has none.
    pub(crate) fn lock(&self) -> String {
        self.files
            .get(Path::new("Cargo.lock"))
            .and_then(|contents| contents.read().ok())
            .map(|contents| String::from_utf8_lossy(&contents).into_owned())
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
            match contents {
                Contents::Bytes(bytes) => fs::write(path, bytes)?,
                Contents::File(file) => {
                    fs::copy(file, path)?;
                }
                Contents::Link(to) => symlink(to, path)?,
            }
        }
        Ok(())
    }
}

impl Contents {
    fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.into()),
            Self::File(path) => fs::read(path).map(Cow::from),
            Self::Link(to) => Ok(to.as_os_str().as_encoded_bytes().into()),
        }
    }
}

fn collect(app: &Path, below: &Path, files: &mut BTreeMap<PathBuf, Contents>) -> io::Result<()> {
    for entry in fs::read_dir(app.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            files.insert(path, Contents::Link(fs::read_link(entry.path())?));
        } else if kind.is_file() {
            files.insert(path, Contents::File(entry.path()));
        } else if kind.is_dir() && !is_made(&entry.path()) {
            collect(app, &path, files)?;
        }
    }
    Ok(())
}

/// What others make and no crate is made of.
fn is_made(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default();
    name == ".git" || name == "node_modules" || folder.join(CACHE).is_file()
}

/// The project's release profile, as settings for cargo's `--config`.
///
/// A debug build of the buildpack, which only the image tests make, can be given
/// another one: they compile often, and seldom to see what is optimised.
pub(crate) fn profile(env: &Env) -> Vec<String> {
    let other = env.get(TEST_PROFILE).filter(|_| cfg!(debug_assertions));
    let profile = other.map_or(PROFILE.into(), |other| other.to_string_lossy());
    profile.lines().map(str::to_owned).collect()
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
        let digest_of = |source: Source| source.digest().unwrap();
        let digest = digest_of(packed([("Cargo.toml", "a"), ("src/main.rs", "b")]));
        let also = |path| {
            digest_of(packed([
                ("Cargo.toml", "a"),
                ("src/main.rs", "b"),
                (path, "c"),
            ]))
        };
        assert_eq!(also(".cargo_vcs_info.json"), digest);
        assert_eq!(also("Cargo.toml.orig"), digest);
        assert_ne!(also("src/lib.rs"), digest);
        assert_ne!(also("Cargo.lock"), digest);
        assert_ne!(
            digest_of(packed([("Cargo.toml", "ab"), ("src/main.rs", "")])),
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
    fn an_app_is_all_of_it_but_for_what_is_made_of_it() {
        let app = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("Cargo.toml", "a"),
            (".cargo/config.toml", "b"),
            ("migrations/1_a.sql", "c"),
            (".git/HEAD", "d"),
            ("target/CACHEDIR.TAG", "e"),
            ("target/release/migrate", "f"),
        ] {
            let path = app.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        symlink("migrations", app.path().join("sql")).unwrap();
        let source = Source::of_app(app.path()).unwrap();
        let paths: Vec<_> = source
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(
            paths,
            [
                ".cargo/config.toml",
                "Cargo.toml",
                "migrations/1_a.sql",
                "sql"
            ]
        );
        let before = source.digest().unwrap();
        let copy = tempfile::tempdir().unwrap();
        source.unpack(copy.path()).unwrap();
        let copied = fs::read_to_string(copy.path().join("sql/1_a.sql")).unwrap();
        assert_eq!(copied, "c");
        fs::write(app.path().join("migrations/2_b.sql"), "g").unwrap();
        let after = Source::of_app(app.path()).unwrap().digest().unwrap();
        assert_ne!(after, before);
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
        let profile = profile(&Env::new());
        let has = |setting| profile.iter().any(|line| line == setting);
        assert!(has("profile.release.opt-level = \"s\""));
        assert!(has("profile.release.panic = \"abort\""));
        assert!(has("profile.release.codegen-units = 1"));
    }
}
