//! Packs the migrator for the journey: a packaged buildpack holds its binary and
//! buildpack.toml and nothing else (libcnb-package copies no other file), so the
//! source travels inside the binary.
//!
//! `cargo package` makes of the workspace's member a crate that stands alone: a
//! normalised Cargo.toml and a Cargo.lock of its own with exactly the workspace's
//! versions. What it drops is the workspace's profile; that is carried beside it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const MIGRATOR: &str = "cnb-migrate";

fn main() {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    // cargo walks a folder that is named here, so a new file counts too. Nothing
    // else of the project has a say, or every change would pack again.
    for path in ["build.rs", "Cargo.lock", "Cargo.toml", "migrator"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let packed = pack(&root, &out.join("package"));
    fs::copy(packed, out.join("migrator.crate")).expect("copying the packed migrator");
    fs::write(out.join("profile.txt"), release_profile(&root)).expect("writing the profile");
}

/// Packs the migrator, without compiling it, and tells where the `.crate` lies.
fn pack(root: &Path, target: &Path) -> PathBuf {
    // A crate of an earlier version must not be taken for this one's.
    let packed = target.join("package");
    if packed.exists() {
        fs::remove_dir_all(&packed).expect("removing what was packed before");
    }
    // A folder of its own, since the cargo that runs this script holds the lock
    // on the real one. First without the network, which a warm build needs not.
    let args = [
        "package",
        "--package",
        MIGRATOR,
        "--no-verify",
        "--allow-dirty",
    ];
    let attempt = |offline: &[&str]| {
        Command::new(variable("CARGO"))
            .args(args)
            .args(offline)
            .arg("--target-dir")
            .arg(target)
            .current_dir(root)
            .output()
            .expect("starting cargo")
    };
    let mut output = attempt(&["--offline"]);
    if !output.status.success() {
        output = attempt(&[]);
    }
    assert!(
        output.status.success(),
        "cargo package failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut crates = fs::read_dir(&packed)
        .expect("reading the package folder")
        .map(|entry| entry.expect("reading the package folder").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "crate")
        });
    match (crates.next(), crates.next()) {
        (Some(path), None) => path,
        found => panic!(
            "expected one packed crate in {}: {found:?}",
            packed.display()
        ),
    }
}

/// The workspace's `[profile.release]` as settings for cargo's `--config`, a line
/// each: the one place where its values stand is the root's Cargo.toml.
fn release_profile(root: &Path) -> String {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("reading Cargo.toml");
    let manifest: toml::Table = manifest.parse().expect("parsing Cargo.toml");
    let profile = manifest
        .get("profile")
        .and_then(|profile| profile.get("release"))
        .and_then(toml::Value::as_table)
        .expect("Cargo.toml has no [profile.release]");
    let mut lines = String::new();
    for (key, value) in profile {
        writeln!(lines, "profile.release.{key} = {value}").expect("writing to a string");
    }
    lines
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}
