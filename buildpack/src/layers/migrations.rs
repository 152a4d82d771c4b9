//! The layer `migrations`: the files as the app has them, and a manifest. A layer
//! of its own, so that a change of SQL compiles nothing, and a copy, so that other
//! buildpacks may delete the source. The program finds it from its own place.

use crate::{BuildpackError, MigrateBuildpack};
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::UncachedLayerDefinition;
use migrate::bundle::{MANIFEST, Manifest};
use migrate::project::Project;
use std::path::Path;
use std::{fs, io};

#[derive(Debug)]
pub(crate) enum BundleError {
    Manifest(String),
    Read { file: String, cause: io::Error },
    Write { file: String, cause: io::Error },
}

/// Always written anew: copying is cheaper than asking whether it is needed.
pub(crate) fn bundle(
    context: &BuildContext<MigrateBuildpack>,
    project: &Project,
) -> libcnb::Result<(), BuildpackError> {
    let layer = context.uncached_layer(
        layer_name!("migrations"),
        UncachedLayerDefinition {
            build: false,
            launch: true,
        },
    )?;
    fill(&layer.path(), &context.app_dir, project).map_err(BuildpackError::Bundle)?;
    Ok(())
}

fn fill(layer: &Path, app: &Path, project: &Project) -> Result<(), BundleError> {
    let files = project
        .files
        .iter()
        .map(|file| match fs::read(app.join(file)) {
            Ok(content) => Ok((file.as_str(), content)),
            Err(cause) => Err(BundleError::Read {
                file: file.clone(),
                cause,
            }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let contents = files.iter().map(|(file, content)| (*file, &content[..]));
    let manifest = Manifest::new(&project.dir, contents)
        .to_toml()
        .map_err(|error| BundleError::Manifest(error.to_string()))?;
    for (file, content) in &files {
        write(layer, file, content)?;
    }
    write(layer, MANIFEST, manifest.as_bytes())
}

fn write(layer: &Path, file: &str, content: &[u8]) -> Result<(), BundleError> {
    let path = layer.join(file);
    fs::create_dir_all(path.parent().unwrap_or(layer))
        .and_then(|()| fs::write(&path, content))
        .map_err(|cause| BundleError::Write {
            file: file.to_string(),
            cause,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrate::bundle::{MIGRATIONS_LAYER, MIGRATOR_LAYER};
    use std::fs;

    #[test]
    fn the_layers_are_called_as_the_program_looks_for_them() {
        assert_eq!(layer_name!("migrations").as_str(), MIGRATIONS_LAYER);
        assert_eq!(layer_name!("migrator").as_str(), MIGRATOR_LAYER);
    }

    #[test]
    fn files_keep_their_places_and_stand_in_the_manifest() {
        let app = tempfile::tempdir().unwrap();
        let layer = tempfile::tempdir().unwrap();
        fs::create_dir_all(app.path().join("db/migrations")).unwrap();
        fs::write(app.path().join("db/migrations/0001_users.sql"), "SELECT 1;").unwrap();
        fs::write(
            app.path().join("db/migrations/README.md"),
            "not a migration",
        )
        .unwrap();
        let repeatable = app.path().join("db/migrations/repeatable");
        fs::create_dir(&repeatable).unwrap();
        fs::write(repeatable.join("totals.sql"), "SELECT 2;").unwrap();
        let project = migrate::project::find(app.path(), Some("db/migrations"), None).unwrap();
        fill(layer.path(), app.path(), &project).unwrap();
        let copied = layer.path().join("db/migrations/0001_users.sql");
        assert_eq!(fs::read_to_string(copied).unwrap(), "SELECT 1;");
        let manifest = fs::read_to_string(layer.path().join(MANIFEST)).unwrap();
        assert!(
            manifest.contains("db/migrations/0001_users.sql"),
            "{manifest}"
        );
        // The program reads there what it would read of the app.
        let bundled = migrate::project::find_bundled(layer.path(), None);
        let bundled = bundled.unwrap().unwrap();
        assert_eq!(bundled.migrations, project.migrations);
        assert_eq!(bundled.repeatables, project.repeatables);
        assert_eq!(bundled.repeatables[0].name, "totals");
        fs::write(layer.path().join("db/migrations/repeatable/totals.sql"), "").unwrap();
        assert!(migrate::project::find_bundled(layer.path(), None).is_err());
    }

    #[test]
    fn a_file_that_went_away_is_named() {
        let app = tempfile::tempdir().unwrap();
        fs::create_dir_all(app.path().join("migrations")).unwrap();
        let file = app.path().join("migrations/0001_users.sql");
        fs::write(&file, "SELECT 1;").unwrap();
        let project = migrate::project::find(app.path(), None, None).unwrap();
        fs::remove_file(&file).unwrap();
        assert!(matches!(
            fill(app.path(), app.path(), &project),
            Err(BundleError::Read { file, .. }) if file == "migrations/0001_users.sql"
        ));
    }
}
