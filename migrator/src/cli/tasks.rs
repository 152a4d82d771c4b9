//! From what was typed to what the verbs work on.

use crate::bundle;
use crate::commands::Task;
use crate::commands::check::Sources;
use crate::config::{self, Config, ConfigError, Environment, Options};
use crate::db::url::UrlError;
use crate::error::Error;
use crate::project::{self, Folder, Project};
use std::path::{Path, PathBuf};

/// The project's root, where there is no bundle.
pub(super) const HERE: &str = ".";

/// What the command works on, one task for each database.
pub(super) fn find(options: &Options, environment: Environment) -> Result<Vec<Task>, Error> {
    let project = project(options, environment)?;
    let config = Config::resolve(options, environment, &project.file)?;
    Ok(vec![Task { project, config }])
}

/// The same for who asks no database: a URL that is there says only whose SQL the
/// files are in.
pub(super) fn sources(options: &Options, environment: Environment) -> Result<Vec<Sources>, Error> {
    let project = project(options, environment)?;
    let request = config::request(options, environment, &project.file)?;
    let dialect = match Config::resolve(options, environment, &project.file) {
        Ok(config) => Some(config.database.value.dialect()),
        // In CI a secret that is not there is an empty variable.
        Err(
            ConfigError::NoDatabaseUrl
            | ConfigError::Url {
                error: UrlError::Empty,
                ..
            },
        ) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(vec![Sources {
        project,
        request,
        dialect,
    }])
}

/// The named folder, the bundle beside the executable, or the project in the
/// working directory.
fn project(options: &Options, environment: Environment) -> Result<Project, Error> {
    let here = Path::new(HERE);
    let table = config::table(options, environment);
    let table = table.as_ref().map(|table| table.value.as_str());
    match dir(options, environment)? {
        Some(dir) => project::find(here, Some(&dir), table),
        None => match bundled(table)? {
            Some(project) => Ok(project),
            None => project::find(here, None, table),
        },
    }
}

/// The folder for a new migration: the named one, or that of the project in the
/// working directory. A bundle is never written. It needs no database; where
/// `migrate.toml` has several, each has a folder, and `--database` must pick one.
pub(super) fn folder(options: &Options, environment: Environment) -> Result<Folder, Error> {
    project::folder(Path::new(HERE), dir(options, environment)?.as_deref())
}

/// The folder that is named, if one is.
fn dir(options: &Options, environment: Environment) -> Result<Option<String>, Error> {
    match config::dir(options, environment) {
        Some(dir) if dir.value.trim().is_empty() => {
            // A script's variable that was not set must not mean this folder.
            Err(ConfigError::BadValue {
                option: "dir",
                origin: dir.origin,
                value: dir.value,
                takes: "the path of a folder",
            }
            .into())
        }
        dir => Ok(dir.map(|dir| dir.value)),
    }
}

/// The databases alone, for what does without migrations.
pub(super) fn databases(options: &Options, environment: Environment) -> Result<Vec<Config>, Error> {
    let root = bundle_root().filter(|root| root.join(bundle::MANIFEST).exists());
    let root = root.as_deref().unwrap_or(Path::new(HERE));
    let file = project::configuration(root)?;
    Ok(vec![Config::resolve(options, environment, &file)?])
}

fn bundled(table: Option<&str>) -> Result<Option<Project>, Error> {
    match bundle_root() {
        Some(root) => project::find_bundled(&root, table),
        None => Ok(None),
    }
}

/// Where a bundle is, if the buildpack laid this executable.
fn bundle_root() -> Option<PathBuf> {
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    executable.ok().and_then(|path| bundle::root_beside(&path))
}
