//! The settings around a compilation: which of them change what comes out, and
//! which are the buildpack's alone.

use crate::source;
use libcnb::Env;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

/// A digest of the settings around the source that change what comes out.
pub(crate) fn digest(env: &Env) -> String {
    let mut settings: Vec<(&OsString, &OsString)> = env
        .iter()
        .filter(|(name, _)| is_of_influence(name) && !is_ours(name))
        .collect();
    settings.sort();
    let mut sha256 = Sha256::new();
    for (name, value) in settings {
        for part in [name, value] {
            sha256.update((part.len() as u64).to_le_bytes());
            sha256.update(part.as_encoded_bytes());
        }
    }
    if let Some(file) = user_config(env) {
        sha256.update(fs::read(file).unwrap_or_default());
    }
    source::hex(&sha256.finalize())
}

/// Whether rustc is told to link with something else than `cc`.
pub(crate) fn names_a_linker(env: &Env) -> bool {
    env.iter().any(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_TARGET_") && name.ends_with("_LINKER")
    })
}

/// The config.toml of the `CARGO_HOME` that is in force before ours.
pub(crate) fn user_config(env: &Env) -> Option<PathBuf> {
    let workspace = env
        .get("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env.get("HOME")?).join(".cargo")))?;
    Some(workspace.join("config.toml")).filter(|file| file.is_file())
}

/// Set by the buildpack alone, whatever the app's own build has there.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PROFILE_")
        || matches!(
            &*name,
            "CARGO_BUILD_TARGET"
                | "CARGO_BUILD_TARGET_DIR"
                | "CARGO_HOME"
                | "CARGO_INCREMENTAL"
                | "CARGO_TARGET_DIR"
                | "RUSTC"
        )
}

/// Flags, wrappers, linkers and C compilers; the settings of the bundled SQLite.
fn is_of_influence(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let prefixes = [
        "AR_",
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CC_",
        "CFLAGS_",
        "LIBSQLITE3_",
        "RUSTC_",
        "SQLITE3_",
        "SQLITE_",
    ];
    let names = ["AR", "CARGO_ENCODED_RUSTFLAGS", "CC", "CFLAGS", "RUSTFLAGS"];
    names.contains(&&*name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<const N: usize>(variables: [(&str, &str); N]) -> Env {
        let mut env = Env::new();
        for (name, value) in variables {
            env.insert(name, value);
        }
        env
    }

    #[test]
    fn settings_that_change_the_output_change_the_digest() {
        let with = |name| digest(&env([("PATH", "/bin"), (name, "x")]));
        let plain = digest(&env([]));
        for name in [
            "RUSTFLAGS",
            "CC",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "RUSTC_WRAPPER",
        ] {
            assert_ne!(with(name), plain, "{name}");
        }
        // Ours alone, or without influence.
        for name in [
            "CARGO_PROFILE_RELEASE_LTO",
            "CARGO_TARGET_DIR",
            "HOME",
            "RUSTC",
        ] {
            assert_eq!(with(name), plain, "{name}");
        }
    }

    #[test]
    fn the_build_images_own_cargo_settings_count() {
        let workspace = tempfile::tempdir().unwrap();
        let env = env([("CARGO_HOME", workspace.path().to_str().unwrap())]);
        let before = digest(&env);
        fs::write(workspace.path().join("config.toml"), "[net]\nretry = 5\n").unwrap();
        assert_ne!(digest(&env), before);
        assert_eq!(
            user_config(&env),
            Some(workspace.path().join("config.toml"))
        );
    }
}
