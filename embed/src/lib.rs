//! What the `build.rs` of a project calls that embeds its migrations:
//!
//! ```no_run
//! // fn main() of build.rs
//! migrate_build::embed("migrations");
//! ```
//!
//! It lists the folder for `migrate::main!("migrations")`, and tells cargo to
//! compile again whenever the folder has changed: a macro alone could do neither
//! on stable Rust. It needs nothing but the standard library, so that it costs a
//! build next to nothing.

#![allow(
    clippy::print_stdout,
    reason = "cargo is told on standard output what to do"
)]

mod carried;

use carried::Carried;
use std::path::PathBuf;
use std::{env, fs, process};

/// What `migrate::main!` includes. Not MIGRATE_…: `cargo run` sets it for the
/// program, too, which would take it for a misspelt option.
const VARIABLE: &str = "EMBEDDED_MIGRATIONS";

/// Embeds a folder of migrations, relative to the package's Cargo.toml: its SQL
/// files and those of its `repeatable/`, the `sqlx.toml` that counts for it, and
/// the `migrate.toml` beside Cargo.toml.
///
/// A folder that is not there, or cannot be read, is an error of the build.
pub fn embed(folder: &str) {
    embed_all(&[folder]);
}

/// The same for the folders of several databases, which `migrate.toml` names.
pub fn embed_all(folders: &[&str]) {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let generated = PathBuf::from(variable("OUT_DIR")).join("migrate-embedded.rs");
    let carried = Carried::of(&root, folders).unwrap_or_else(|error| fail(&error));
    for path in &carried.watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if let Err(error) = fs::write(&generated, carried.to_rust()) {
        fail(&format!("{}: {error}", generated.display()));
    }
    println!("cargo::rustc-env={VARIABLE}={}", generated.display());
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("{name} is not set: this is for a build.rs")))
}

/// Ends the build with one line of reason.
#[expect(clippy::exit, reason = "cargo asks a build script for its exit code")]
fn fail(reason: &str) -> ! {
    println!("cargo::error={reason}");
    process::exit(1)
}
