//! `spec`: the stanza by which a platform runs `migrate`, for this project. It
//! needs no database, writes no file, and reads only what it must to be right.

use crate::config::{Origin, Patience};
use crate::doctor::cargo;
use crate::doctor::files::Files;
use crate::error::Error;
use crate::git::Git;
use crate::platforms::{self, Database, Deploy, Platform, Stanza, Via};
use crate::repository::Repository;
use crate::sources::read_optional;
use std::path::Path;

/// Files of a Python project.
const PYTHON: [&str; 6] = [
    "Pipfile",
    "poetry.lock",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "uv.lock",
];

/// What was asked, and what the settings say.
pub(crate) struct Asked {
    pub platform: Platform,
    pub via: Option<Via>,
    pub with_rollback: bool,
    /// The databases' names, where they have any, and their variables.
    pub databases: Vec<(Option<String>, String)>,
    /// Variables that migrations ask for.
    pub variables: Vec<String>,
    pub patience: Patience,
}

/// The stanza for the project at `root`.
///
/// # Errors
/// A deadline that the platform does not wait for.
pub(crate) fn spec(root: &Path, asked: Asked) -> Result<Stanza, Error> {
    let exists = |path: &str| root.join(path).exists();
    let read = |path: &str| read_optional(&root.join(path)).ok().flatten();
    let files = Files {
        exists: &exists,
        read: &read,
    };
    let (origin, branch) = Git::of(root).map_or((None, None), |git| git.origin());
    let repository = origin.as_deref().and_then(Repository::of);
    let Patience {
        deadline,
        origin: said,
    } = asked.patience;
    let via = asked.via.unwrap_or_else(|| via(&files));
    let says_deadline = match &said {
        Some(Origin::Environment(_) | Origin::Option(_)) => true,
        // The Rust buildpack deletes the file with the sources.
        Some(Origin::File { .. }) => via == Via::Binary && asked.platform == Platform::DigitalOcean,
        // The program brings its file wherever it runs.
        Some(Origin::Embedded) | None => false,
    };
    let deploy = Deploy {
        app: name(root, repository.as_ref()),
        databases: databases(asked.databases),
        variables: asked.variables,
        deadline,
        says_deadline,
        via,
        with_rollback: asked.with_rollback,
        repository,
        branch,
    };
    platforms::stanza(asked.platform, &deploy, said)
        .map_err(|too_long| Error::TooLong(Box::new(too_long)))
}

/// By what the project is: its own binary, a Python project, or neither.
fn via(files: &Files<'_>) -> Via {
    if cargo::makes_migrate(files) {
        Via::Binary
    } else if PYTHON.iter().any(|path| files.has(path)) {
        Via::Wheel
    } else {
        Via::Image
    }
}

/// The repository's name, which is the same for everybody, or else the folder's.
fn name(root: &Path, repository: Option<&Repository>) -> String {
    let name = if let Some(repository) = repository {
        repository.name.rsplit('/').next().map(str::to_owned)
    } else {
        let folder = root.canonicalize().ok();
        let name = folder.as_deref().and_then(Path::file_name);
        name.map(|name| name.to_string_lossy().into_owned())
    };
    platforms::component(&name.unwrap_or_default(), "app")
}

fn databases(named: Vec<(Option<String>, String)>) -> Vec<Database> {
    let database = |(name, variable): (Option<String>, String)| Database {
        component: name.map_or_else(|| "db".to_owned(), |name| platforms::component(&name, "db")),
        variable,
    };
    named.into_iter().map(database).collect()
}
