//! The layer `toolchain`: the pinned Rust, installed only where something has to
//! be compiled and the build image has none that will do.

use crate::config::Config;
use crate::toolchain::{Component, Pinned};
use crate::{BuildpackError, MigrateBuildpack};
use bullet_stream::global::print;
use bullet_stream::style;
use flate2::read::GzDecoder;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::{
    CachedLayerDefinition, InvalidMetadataAction, LayerRef, LayerState, RestoredLayerAction,
};
use libherokubuildpack::digest::sha256;
use libherokubuildpack::download::{DownloadError, download_file};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{self, Path, PathBuf};

#[derive(Debug)]
pub(crate) enum InstallError {
    /// The server or mirror gave something else than what was pinned.
    Checksum {
        url: String,
        expected: String,
        actual: String,
    },
    Download {
        url: String,
        cause: String,
    },
    Io(io::Error),
    Unpack {
        url: String,
        cause: io::Error,
    },
}

/// Neither `build` nor `launch`: a Rust toolchain that turns up on the PATH of the
/// buildpacks that follow, or in the image, would be a surprise to them.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    /// The sums of the components: the toolchain, whatever its name.
    components: Vec<String>,
    version: String,
}

/// Installs the toolchain, or finds it installed; returns its folder.
pub(crate) fn install(
    context: &BuildContext<MigrateBuildpack>,
    config: &Config,
    pinned: &Pinned,
) -> libcnb::Result<PathBuf, BuildpackError> {
    let layer = layer(context, pinned)?;
    let folder = layer.path();
    if let LayerState::Restored { .. } = layer.state {
        print::sub_bullet(format!("Using cached Rust {}", pinned.version));
        return Ok(folder);
    }
    let server = config.rust_mirror.as_deref().unwrap_or(&pinned.server);
    fill(&folder, server, &pinned.components).map_err(BuildpackError::Install)?;
    // Last: what stands in a layer without metadata is never used again.
    layer.write_metadata(metadata(pinned))?;
    Ok(folder)
}

/// Hands a restored toolchain on to the next build. A layer that a build does not
/// mention drops out of the cache.
pub(crate) fn keep(
    context: &BuildContext<MigrateBuildpack>,
    pinned: &Pinned,
) -> libcnb::Result<(), BuildpackError> {
    if context.layers_dir.join("toolchain.toml").exists() {
        layer(context, pinned)?;
    }
    Ok(())
}

fn layer(
    context: &BuildContext<MigrateBuildpack>,
    pinned: &Pinned,
) -> libcnb::Result<LayerRef<MigrateBuildpack, (), ()>, BuildpackError> {
    let wanted = metadata(pinned);
    context.cached_layer(
        layer_name!("toolchain"),
        CachedLayerDefinition {
            build: false,
            launch: false,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|restored: &Metadata, _| {
                if restored.components == wanted.components {
                    RestoredLayerAction::KeepLayer
                } else {
                    RestoredLayerAction::DeleteLayer
                }
            },
        },
    )
}

fn metadata(pinned: &Pinned) -> Metadata {
    Metadata {
        components: pinned
            .components
            .iter()
            .map(|component| component.sha256.clone())
            .collect(),
        version: pinned.version.clone(),
    }
}

/// Downloads and verifies every component before the first is unpacked, and leaves
/// the folder empty where anything fails.
fn fill(folder: &Path, server: &str, components: &[Component]) -> Result<(), InstallError> {
    let downloads = tempfile::tempdir().map_err(InstallError::Io)?;
    let mut verified = Vec::new();
    for component in components {
        let url = format!("{server}/{}", component.path);
        let file = downloads.path().join(&component.name);
        let timer = print::sub_start_timer(format!(
            "Downloading {}",
            style::url(without_credentials(&url))
        ));
        fetch(&url, &file, &component.sha256)?;
        timer.done();
        verified.push((url, file));
    }
    for (url, file) in verified {
        if let Err(cause) = unpack(&file, folder) {
            // What is half there must not be taken for a toolchain.
            empty(folder).map_err(InstallError::Io)?;
            let url = without_credentials(&url);
            return Err(InstallError::Unpack { url, cause });
        }
    }
    Ok(())
}

/// libherokubuildpack downloads through reqwest, which obeys `HTTPS_PROXY`,
/// `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, and trusts what the system trusts or
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name (rustls-native-certs).
fn fetch(url: &str, file: &Path, expected: &str) -> Result<(), InstallError> {
    let shown = without_credentials(url);
    download_file(url, file).map_err(|error| InstallError::Download {
        cause: cause(error),
        url: shown.clone(),
    })?;
    let actual = sha256(file).map_err(InstallError::Io)?;
    if actual == expected {
        Ok(())
    } else {
        Err(InstallError::Checksum {
            url: shown,
            expected: expected.to_string(),
            actual,
        })
    }
}

/// What went wrong, down to its root: reqwest's own text stops at "error sending
/// request" and repeats the address, with its password.
fn cause(error: DownloadError) -> String {
    let error: Box<dyn Error> = match error {
        DownloadError::HttpError(error) => Box::new(error.without_url()),
        DownloadError::IoError(error) => Box::new(error),
    };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(deeper) = source {
        text = format!("{text}: {deeper}");
        source = deeper.source();
    }
    text
}

/// Unpacks what compiling needs of a component, `<package>/<component>/…` in its
/// archive: the two programs and the libraries, not documentation.
fn unpack(archive: &Path, folder: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path: PathBuf = entry.path()?.components().skip(2).collect();
        let wanted = path.starts_with("lib")
            || path == Path::new("bin/cargo")
            || path == Path::new("bin/rustc");
        let inside = path
            .components()
            .all(|component| matches!(component, path::Component::Normal(_)));
        if wanted && inside {
            let target = folder.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            entry.unpack(target)?;
        }
    }
    Ok(())
}

fn empty(folder: &Path) -> io::Result<()> {
    fs::remove_dir_all(folder)?;
    fs::create_dir_all(folder)
}

/// A mirror's address may hold a password, and a build's log is read by many.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_string();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests;
