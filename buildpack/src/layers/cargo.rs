//! The layer `cargo`: `CARGO_HOME`, the target folder and the unpacked source, kept
//! between builds and made safe to reuse.
//!
//! cargo compares times, and a restored file's is the moment of its restoring, in
//! the order of the archive (lifecycle's archive/extract.go sets none). Taken as it
//! is, a dependency looks newer than what was made of it, and is compiled again; a
//! source that was changed before the restoring looks older than the program made
//! of its predecessor, which is then taken for current. So: the whole target folder
//! gets one time, and the source is written after it.

use crate::source::Source;
use crate::{BuildpackError, MigrateBuildpack};
use filetime::FileTime;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::{
    CachedLayerDefinition, InvalidMetadataAction, LayerRef, LayerState, RestoredLayerAction,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

/// After so many compilations the target folder is begun anew: cargo never removes
/// from it what an older source or other options left there.
const MOST_COMPILATIONS: f64 = 20.0;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    /// Not an integer, since lifecycle gives integers back as floats
    /// (buildpacks/lifecycle#884).
    compilations: f64,
    toolchain: String,
}

/// Where cargo works.
pub(crate) struct Workshop {
    pub(crate) workspace: PathBuf,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
}

/// The layer with what can be reused of it, and the source freshly written.
pub(crate) fn open(
    context: &BuildContext<MigrateBuildpack>,
    toolchain: &str,
    source: &Source,
) -> libcnb::Result<Workshop, BuildpackError> {
    let layer = layer(context)?;
    let workshop = Workshop::at(&layer.path());
    let compilations = match layer.state {
        LayerState::Restored {
            cause: (compilations, ref compiled_by),
        } if compiled_by == toolchain && compilations < MOST_COMPILATIONS => compilations,
        _ => {
            workshop.forget().map_err(BuildpackError::CargoLayer)?;
            0.0
        }
    };
    workshop
        .prepare(source)
        .map_err(BuildpackError::CargoLayer)?;
    layer.write_metadata(Metadata {
        compilations: compilations + 1.0,
        toolchain: toolchain.to_string(),
    })?;
    Ok(workshop)
}

/// Hands the restored layer on to the next build: one that is not mentioned drops
/// out of the cache.
pub(crate) fn keep(context: &BuildContext<MigrateBuildpack>) -> libcnb::Result<(), BuildpackError> {
    if context.layers_dir.join("cargo.toml").exists() {
        layer(context)?;
    }
    Ok(())
}

type CargoLayer = LayerRef<MigrateBuildpack, (), (f64, String)>;

fn layer(context: &BuildContext<MigrateBuildpack>) -> libcnb::Result<CargoLayer, BuildpackError> {
    context.cached_layer(
        layer_name!("cargo"),
        CachedLayerDefinition {
            build: false,
            launch: false,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|metadata: &Metadata, _| {
                (
                    RestoredLayerAction::KeepLayer,
                    (metadata.compilations, metadata.toolchain.clone()),
                )
            },
        },
    )
}

impl Workshop {
    fn at(layer: &Path) -> Self {
        Self {
            workspace: layer.join("home"),
            source: layer.join("source"),
            target: layer.join("target"),
        }
    }

    /// Drops what was compiled; what was downloaded stays good.
    fn forget(&self) -> io::Result<()> {
        remove(&self.target)
    }

    fn prepare(&self, source: &Source) -> io::Result<()> {
        for folder in [&self.workspace, &self.target] {
            fs::create_dir_all(folder)?;
        }
        // Not 1980, as is often advised: the files of a published crate are mostly
        // of 2006, and a build script that asks to be run again when one of them
        // changes (libsqlite3-sys: 37 s) would find them newer than its output.
        // An hour ago is later than any of them, and earlier than now.
        let past = SystemTime::now() - Duration::from_hours(1);
        age(&self.target, FileTime::from_system_time(past))?;
        remove(&self.source)?;
        fs::create_dir_all(&self.source)?;
        source.unpack(&self.source)
    }

    /// Leaves what the next build can use: of `CARGO_HOME` the index and the
    /// downloads, from which cargo unpacks the sources when it needs them.
    pub(crate) fn close(&self) -> io::Result<()> {
        remove(&self.source)?;
        keep_only(&self.workspace, &["registry", "git"])?;
        keep_only(&self.workspace.join("registry"), &["cache", "index"])?;
        keep_only(&self.workspace.join("git"), &["db"])
    }
}

/// Gives one time to everything below a folder.
fn age(folder: &Path, time: FileTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            age(&entry.path(), time)?;
        }
        filetime::set_symlink_file_times(entry.path(), time, time)?;
    }
    Ok(())
}

fn keep_only(folder: &Path, names: &[&str]) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if !names.iter().any(|name| entry.file_name() == **name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests;
