//! The bundle: a project's migrations as the buildpack lays them into an image,
//! in a layer of their own with a manifest. Paths in it are the project's own,
//! so that everything reads as in the project. Pure: text in, text out.

use crate::model::Checksum;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The manifest's file name, at the bundle's root.
pub const MANIFEST: &str = "manifest.toml";

/// The layers of the buildpack that must find each other, by name.
pub const MIGRATIONS_LAYER: &str = "migrations";
pub const MIGRATOR_LAYER: &str = "migrator";

/// The one shape of manifest that this version writes and reads.
const SCHEMA: u32 = 1;

/// What a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: u32,
    /// The migrations folders: one, or one for each database of `migrate.toml`.
    pub folders: Vec<BundledFolder>,
    pub files: Vec<BundledFile>,
}

/// A migrations folder of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFolder {
    /// Whose it is, where the databases have names.
    pub database: Option<String>,
    /// Relative to the bundle's root.
    pub dir: String,
}

/// A file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFile {
    /// Relative to the bundle's root.
    pub path: String,
    /// In lower-case hexadecimal digits.
    pub sha256: String,
}

/// Why a bundle cannot be used.
#[derive(Debug)]
pub enum BundleError {
    /// A file of it is not what the build put there.
    Changed { path: PathBuf },
    /// The manifest is not one that this version reads.
    Unreadable { path: PathBuf, message: String },
}

impl Manifest {
    /// A manifest for folders and the files of a bundle with their contents.
    #[must_use]
    pub fn new<'a>(
        folders: Vec<BundledFolder>,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            folders,
            files: files
                .into_iter()
                .map(|(path, content)| BundledFile {
                    path: path.to_owned(),
                    sha256: sha256(content),
                })
                .collect(),
        }
    }

    /// The manifest's text.
    ///
    /// # Errors
    /// None in practice: every field has a form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// Reads a manifest's text; `path` is for the error.
    ///
    /// # Errors
    /// Anything that this version did not write.
    pub fn parse(path: &Path, text: &str) -> Result<Self, BundleError> {
        let unreadable = |message: String| BundleError::Unreadable {
            path: path.to_owned(),
            message,
        };
        let manifest: Self =
            toml::from_str(text).map_err(|error| unreadable(error.message().to_owned()))?;
        if manifest.schema == SCHEMA {
            Ok(manifest)
        } else {
            Err(unreadable(format!(
                "it has schema {}, but this migrator reads schema {SCHEMA}",
                manifest.schema
            )))
        }
    }

    /// The folder of a database, or of the only one.
    #[must_use]
    pub fn dir(&self, database: Option<&str>) -> Option<&str> {
        self.folders
            .iter()
            .find(|folder| folder.database.as_deref() == database)
            .map(|folder| folder.dir.as_str())
    }

    /// Whether a file's content is what the manifest says.
    #[must_use]
    pub fn holds(&self, path: &str, content: &[u8]) -> bool {
        self.files
            .iter()
            .any(|file| file.path == path && file.sha256 == sha256(content))
    }
}

/// The bundle's root beside an executable that the buildpack laid:
/// `LAYERS/migrator/bin/migrate` has it in `LAYERS/migrations`.
#[must_use]
pub fn root_beside(executable: &Path) -> Option<PathBuf> {
    let bin = executable.parent()?;
    let layer = bin.parent()?;
    (bin.file_name()? == "bin" && layer.file_name()? == MIGRATOR_LAYER)
        .then(|| layer.parent().map(|layers| layers.join(MIGRATIONS_LAYER)))?
}

fn sha256(content: &[u8]) -> String {
    Checksum(Sha256::digest(content).to_vec()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_its_text() {
        let folder = |database: Option<&str>, dir: &str| BundledFolder {
            database: database.map(str::to_owned),
            dir: dir.to_owned(),
        };
        let manifest = Manifest::new(
            vec![folder(None, "db/migrations"), folder(Some("billing"), "b")],
            [("db/migrations/1_a.sql", &b"A"[..])],
        );
        assert_eq!(manifest.dir(None), Some("db/migrations"));
        assert_eq!(manifest.dir(Some("billing")), Some("b"));
        assert_eq!(manifest.dir(Some("other")), None);
        let text = manifest.to_toml().unwrap();
        let read = Manifest::parse(Path::new("manifest.toml"), &text).unwrap();
        assert_eq!(read, manifest);
        assert!(read.holds("db/migrations/1_a.sql", b"A"));
        assert!(!read.holds("db/migrations/1_a.sql", b"B"));
        assert!(!read.holds("db/migrations/2_b.sql", b"A"));
    }

    #[test]
    fn a_manifest_of_another_version_is_refused() {
        for text in ["schema = 2\nfolders = []\nfiles = []\n", "folders = 1", ""] {
            assert!(Manifest::parse(Path::new("m"), text).is_err());
        }
    }

    #[test]
    fn only_the_buildpacks_own_layers_have_a_bundle_beside_them() {
        assert_eq!(
            root_beside(Path::new("/layers/x/migrator/bin/migrate")),
            Some("/layers/x/migrations".into())
        );
        assert_eq!(root_beside(Path::new("/usr/local/bin/migrate")), None);
    }
}
