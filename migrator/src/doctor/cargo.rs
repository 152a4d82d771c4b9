//! What a Rust buildpack makes of a project that compiles its own `migrate`.

use super::files::Files;
use super::{see, toml_file};
use crate::diagnostic::{Diagnostic, Place};
use crate::text::{SourceFile, Span};
use std::sync::Arc;
use toml::{Table, Value};

/// What the binary is called that a deploy runs.
const BINARY: &str = "migrate";

/// Whether the project's Cargo.toml makes a binary `migrate`.
pub(crate) fn makes_migrate(files: &Files<'_>) -> bool {
    let manifest = files
        .file("Cargo.toml")
        .and_then(|file| toml_file::read(&file).ok());
    manifest.is_some_and(|manifest| has_binary(files, &manifest))
}

fn has_binary(files: &Files<'_>, manifest: &Table) -> bool {
    let bins = manifest.get("bin").and_then(Value::as_array);
    let mut bins = bins.into_iter().flatten();
    let is_named = |value: &Value| value.get("name").and_then(Value::as_str) == Some(BINARY);
    let package = manifest
        .get("package")
        .and_then(|package| package.get("name"));
    bins.any(is_named)
        || files.has("src/bin/migrate.rs")
        || files.has("src/bin/migrate/main.rs")
        || (package.and_then(Value::as_str) == Some(BINARY) && files.has("src/main.rs"))
}

/// What is wrong with the lock of such a project; nothing where it is none.
pub(crate) fn judge(files: &Files<'_>) -> Vec<Diagnostic> {
    let Some(file) = files.file("Cargo.toml") else {
        return Vec::new();
    };
    let manifest = match toml_file::read(&file) {
        Ok(manifest) => manifest,
        Err(finding) => return vec![finding],
    };
    if !has_binary(files, &manifest) {
        return Vec::new();
    }
    let Some(lock) = files.file("Cargo.lock") else {
        return vec![
            Diagnostic::error("lock_missing", "there is no Cargo.lock next to Cargo.toml")
                .at(Some(Place::new(&file, Span::default())), "has no lock file")
                .because(
                    "the Rust buildpack takes part only if both are at the root: without the lock \
                     it silently does not, and another buildpack, or none, builds the app",
                    see::CARGO_LOCK,
                )
                .help("create it, and commit it")
                .correction("cargo generate-lockfile\ngit add Cargo.lock"),
        ];
    };
    let locked = match toml_file::read(&lock) {
        Ok(locked) => locked,
        Err(finding) => return vec![finding],
    };
    stale(&manifest, &lock, &locked).into_iter().collect()
}

/// A dependency that the lock does not know, or another version of the package.
fn stale(manifest: &Table, file: &Arc<SourceFile>, locked: &Table) -> Option<Diagnostic> {
    let listed = locked.get("package").and_then(Value::as_array);
    let listed: Vec<(&str, &str)> = listed
        .into_iter()
        .flatten()
        .filter_map(|package| {
            let text = |key: &str| package.get(key).and_then(Value::as_str);
            Some((text("name")?, text("version")?))
        })
        .collect();
    let tables = ["build-dependencies", "dependencies", "dev-dependencies"];
    let wanted = tables.into_iter().flat_map(|table| {
        let table = manifest.get(table).and_then(Value::as_table);
        table.into_iter().flatten().map(|(name, value)| {
            let renamed = value.get("package").and_then(Value::as_str);
            renamed.unwrap_or(name)
        })
    });
    let unknown = wanted
        .into_iter()
        .find(|name| !listed.iter().any(|(listed, _)| listed == name))
        .map(|name| format!("Cargo.toml names {name}, but the lock does not"));
    let of_package = |key: &str| manifest.get("package")?.get(key)?.as_str();
    let versioned = || {
        let (name, version) = (of_package("name")?, of_package("version")?);
        let (_, locked) = listed.iter().find(|(listed, _)| *listed == name)?;
        (*locked != version)
            .then(|| format!("Cargo.toml has {name} {version}, but the lock has {locked}"))
    };
    let why = unknown.or_else(versioned)?;
    Some(
        Diagnostic::error("lock_stale", "Cargo.lock does not match Cargo.toml")
            .at(Some(toml_file::find(file, "[[package]]")), why)
            .because(
                "the build runs cargo with --locked, which refuses to change the lock",
                see::CARGO_LOCK,
            )
            .help("build once, and commit the lock")
            .correction("cargo build\ngit add Cargo.lock"),
    )
}
