//! The layer `migrations`: the files as the app has them, and a manifest. A layer
//! of its own, so that a change of SQL compiles nothing, and a copy, so that other
//! buildpacks may delete the source. The program finds it from its own place.

use crate::{BuildpackError, MigrateBuildpack};
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::layer::UncachedLayerDefinition;
use migrate::bundle::{BundledFolder, MANIFEST, Manifest};
use migrate::project::Project;
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

#[derive(Debug)]
pub(crate) enum BundleError {
    Manifest(String),
    Read { file: String, cause: io::Error },
    Write { file: String, cause: io::Error },
}

/// Always written anew: copying is cheaper than asking whether it is needed.
/// Tells how many files it holds; `None` where there is no such layer, since
/// Alembic's revisions are run where their application is.
pub(crate) fn bundle(
    context: &BuildContext<MigrateBuildpack>,
    found: &[Project],
) -> libcnb::Result<Option<usize>, BuildpackError> {
    let projects: Vec<&Project> = found.iter().filter_map(Project::bundled).collect();
    if projects.len() < found.len() {
        return Ok(None);
    }
    let layer = context.uncached_layer(
        layer_name!("migrations"),
        UncachedLayerDefinition {
            build: false,
            launch: true,
        },
    )?;
    let count = fill(&layer.path(), &context.app_dir, &projects).map_err(BuildpackError::Bundle)?;
    Ok(Some(count))
}

fn fill(layer: &Path, app: &Path, projects: &[&Project]) -> Result<usize, BundleError> {
    // Databases may share a folder, and they share migrate.toml.
    let files: BTreeSet<&String> = projects.iter().flat_map(|project| &project.files).collect();
    let files = files
        .into_iter()
        .map(|file| match fs::read(app.join(file)) {
            Ok(content) => Ok((file.as_str(), content)),
            Err(cause) => Err(BundleError::Read {
                file: file.clone(),
                cause,
            }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let contents = files.iter().map(|(file, content)| (*file, &content[..]));
    let folders = projects.iter().map(|project| BundledFolder {
        database: project.database.clone(),
        dir: project.dir(),
    });
    let manifest = Manifest::new(folders.collect(), contents)
        .to_toml()
        .map_err(|error| BundleError::Manifest(error.to_string()))?;
    for (file, content) in &files {
        write(layer, file, content)?;
    }
    write(layer, MANIFEST, manifest.as_bytes())?;
    Ok(files.len())
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
    use migrate::config::Overrides;
    use migrate::project::Workspace;
    use std::fs;

    #[test]
    fn the_layers_are_called_as_the_program_looks_for_them() {
        assert_eq!(layer_name!("migrations").as_str(), MIGRATIONS_LAYER);
        assert_eq!(layer_name!("migrator").as_str(), MIGRATOR_LAYER);
    }

    fn projects(workspace: &Workspace) -> Vec<Project> {
        workspace.projects(&Overrides::default()).unwrap()
    }

    fn fill_from(layer: &Path, app: &Path) -> Result<usize, BundleError> {
        let projects = projects(&Workspace::open(app).unwrap());
        fill(layer, app, &projects.iter().collect::<Vec<_>>())
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
        fill_from(layer.path(), app.path()).unwrap();
        let copied = layer.path().join("db/migrations/0001_users.sql");
        assert_eq!(fs::read_to_string(copied).unwrap(), "SELECT 1;");
        let manifest = fs::read_to_string(layer.path().join(MANIFEST)).unwrap();
        assert!(
            manifest.contains("db/migrations/0001_users.sql"),
            "{manifest}"
        );
        // The program reads there what it would read of the app.
        let of_the_app = projects(&Workspace::open(app.path()).unwrap());
        let bundled = projects(&Workspace::bundled(layer.path()).unwrap().unwrap());
        assert_eq!(bundled[0].migrations, of_the_app[0].migrations);
        assert_eq!(bundled[0].repeatables, of_the_app[0].repeatables);
        assert_eq!(bundled[0].repeatables[0].name, "totals");
        fs::write(layer.path().join("db/migrations/repeatable/totals.sql"), "").unwrap();
        assert!(Workspace::bundled(layer.path()).is_err());
    }

    #[test]
    fn every_databases_folder_is_laid_and_found_again() {
        let app = tempfile::tempdir().unwrap();
        let layer = tempfile::tempdir().unwrap();
        for (path, text) in [
            (
                "migrate.toml",
                "database-ca-cert = \"certs/ca.pem\"\n[database.b]\n[database.a]\ndir = \"a\"\n",
            ),
            ("certs/ca.pem", "-----BEGIN CERTIFICATE-----"),
            ("migrations/0001_users.sql", "SELECT 1;"),
            ("a/0001_bills.sql", "SELECT 2;"),
        ] {
            write(app.path(), path, text.as_bytes()).unwrap();
        }
        assert_eq!(fill_from(layer.path(), app.path()).unwrap(), 4);
        let workspace = Workspace::bundled(layer.path()).unwrap().unwrap();
        let found = projects(&workspace);
        let found: Vec<_> = found
            .iter()
            .map(|project| (project.database.as_deref(), project.dirs[0].as_str()))
            .collect();
        assert_eq!(found, [(Some("b"), "migrations"), (Some("a"), "a")]);
        // A bundle that is not whole is none.
        fs::write(layer.path().join("migrate.toml"), "").unwrap();
        assert!(Workspace::bundled(layer.path()).is_err());
    }

    #[test]
    fn a_file_that_went_away_is_named() {
        let app = tempfile::tempdir().unwrap();
        fs::create_dir_all(app.path().join("migrations")).unwrap();
        let file = app.path().join("migrations/0001_users.sql");
        fs::write(&file, "SELECT 1;").unwrap();
        let projects = projects(&Workspace::open(app.path()).unwrap());
        fs::remove_file(&file).unwrap();
        assert!(matches!(
            fill(app.path(), app.path(), &projects.iter().collect::<Vec<_>>()),
            Err(BundleError::Read { file, .. }) if file == "migrations/0001_users.sql"
        ));
    }
}
