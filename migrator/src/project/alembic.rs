//! An Alembic project: where its configuration is, and what its revisions are.

use super::{Home, Wishes, file, tidy};
use crate::error::Error;
use crate::formats::alembic::{
    self, AlembicError, Configuration, ConfigurationError, INI, PYPROJECT, Revisions,
    is_revision_file,
};
use crate::history::ledger::{Ledger, Shape};
use crate::sources;
use crate::text::SourceFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many folders below the root a configuration is looked for.
const DEEPEST: usize = 3;

/// How deep one is looked for that can only be named.
const FAR_BELOW: usize = 8;

/// The same where a folder of SQL migrations is there: only what lies beside it
/// could be meant instead.
const BESIDE_SQL: usize = 1;

/// Folders that hold other people's projects.
const OTHERS: [&str; 7] = [
    "__pycache__",
    "env",
    "node_modules",
    "site-packages",
    "target",
    "tests",
    "venv",
];

/// The revisions of one database, all read.
#[derive(Debug)]
pub struct AlembicProject {
    /// The database's name, where `migrate.toml` has a table for it.
    pub database: Option<String>,
    /// What relative paths are relative to.
    pub root: PathBuf,
    /// The configuration's folder, in which Alembic is run, relative to the root.
    pub folder: String,
    /// The configuration's file, relative to its folder.
    pub config: String,
    /// The folders of the revisions, relative to the root.
    pub dirs: Vec<String>,
    pub revisions: Revisions,
    pub ledger: Ledger,
}

/// A configuration that was found.
struct Found {
    folder: String,
    config: String,
    configuration: Configuration,
}

impl AlembicProject {
    /// What it is called by where one folder must do.
    #[must_use]
    pub fn dir(&self) -> String {
        self.dirs.join(", ")
    }

    /// A path as a person knows it, of one that is relative to Alembic's folder.
    #[must_use]
    pub fn config_path(&self) -> String {
        below(&self.folder, &self.config)
    }

    /// How many revisions there are, if that can be told without Python.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.revisions {
            Revisions::AskPython(unreadable) => unreadable.len(),
            Revisions::Read(graph) => graph.revisions().len(),
        }
    }
}

impl Home {
    /// The Alembic project of one database, if there is one: where it is asked for,
    /// or where nothing else is found.
    ///
    /// # Errors
    /// One that is not as it should be, or of which it is not clear whether it is
    /// meant.
    pub(super) fn alembic(
        &self,
        database: Option<&str>,
        wishes: &Wishes,
        is_asked_for: bool,
    ) -> Result<Option<AlembicProject>, Error> {
        let settings = self.file.settings(database);
        let named = match (&wishes.dir, &settings.dir) {
            (Some(dir), _) => Some(tidy(&dir.value)),
            (None, Some(_)) => Some(self.own_folder(&settings)?),
            (None, None) => None,
        };
        let found = match &named {
            Some(dir) => self.named(dir, is_asked_for)?,
            None => self.unnamed(&settings, is_asked_for)?,
        };
        match found {
            Some(found) => self.read(database, found, wishes, &settings).map(Some),
            None if is_asked_for => {
                let dir = named.unwrap_or_else(|| ".".to_owned());
                Err(AlembicError::NoConfiguration { dir }.into())
            }
            None => Ok(None),
        }
    }

    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "Alembic is given it as it is written"
    )]
    /// In a folder that was named: it holds the configuration, or is it, or lies
    /// below it.
    fn named(&self, dir: &str, is_asked_for: bool) -> Result<Option<Found>, Error> {
        let path = self.root.join(dir);
        let is_configuration = dir.ends_with(".ini") || dir == PYPROJECT;
        if path.is_file() && (is_configuration || is_asked_for) {
            let name = Path::new(dir);
            let config = name.file_name().unwrap_or_default().to_string_lossy();
            let folder = name.parent().unwrap_or(Path::new("")).to_string_lossy();
            return self.configured(&folder, &config);
        }
        let is_alembics = path.join(INI).is_file()
            || path.join("env.py").is_file()
            || path.join("../env.py").is_file();
        if !is_alembics && !is_asked_for {
            return Ok(None);
        }
        for above in Path::new(dir).ancestors() {
            if let Some(found) = self.in_folder(&above.to_string_lossy())? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// At the root or below it.
    fn unnamed(
        &self,
        settings: &file::Settings,
        is_asked_for: bool,
    ) -> Result<Option<Found>, Error> {
        let sql = match self.own_folder(settings) {
            Ok(dir) => Some(dir),
            Err(Error::NoFolder { .. }) => None,
            Err(error) => return Err(error),
        };
        let depth = if sql.is_some() && !is_asked_for {
            BESIDE_SQL
        } else {
            DEEPEST
        };
        let mut level = vec![String::new()];
        for _ in 0..=depth {
            let mut found = Vec::new();
            for folder in &level {
                found.extend(self.in_folder(folder)?);
            }
            if found.len() > 1 {
                let paths = found.iter().map(|it| below(&it.folder, &it.config));
                return Err(AlembicError::SeveralConfigurations {
                    paths: paths.collect(),
                }
                .into());
            }
            if let Some(found) = found.pop() {
                return match sql {
                    Some(dir) if !is_asked_for && self.holds_sql(&dir)? => {
                        let config = below(&found.folder, &found.config);
                        Err(AlembicError::BesideSql { config, dir }.into())
                    }
                    _ => Ok(Some(found)),
                };
            }
            level = level
                .iter()
                .flat_map(|folder| folders_in(&self.root, folder))
                .collect();
        }
        Ok(None)
    }

    /// Whether the folder's migrations are SQL, and not Alembic's own.
    fn holds_sql(&self, dir: &str) -> Result<bool, Error> {
        let listing = sources::read(&self.root, dir)?;
        let is_alembics = listing.entries.iter().any(|entry| entry.name == "env.py");
        Ok(!is_alembics && listing.entries.iter().any(|it| sources::is_sql(&it.name)))
    }

    fn in_folder(&self, folder: &str) -> Result<Option<Found>, Error> {
        if self.root.join(folder).join(INI).is_file() {
            return self.configured(folder, INI);
        }
        self.pyproject(folder).map(|configuration| {
            configuration.map(|configuration| Found {
                folder: tidy(folder),
                config: PYPROJECT.to_owned(),
                configuration,
            })
        })
    }

    /// By an ini file; what it does not say, pyproject.toml may.
    fn configured(&self, folder: &str, config: &str) -> Result<Option<Found>, Error> {
        let path = below(folder, config);
        let text = sources::read_optional(&self.root.join(&path))?.unwrap_or_default();
        let mut configuration =
            Configuration::of_ini(&text).map_err(|error| wrong(&path, error))?;
        if let Some(other) = self.pyproject(folder)? {
            configuration = configuration.or(other);
        }
        if configuration.script_location.is_none() {
            return Err(AlembicError::NoLocation { path }.into());
        }
        Ok(Some(Found {
            folder: tidy(folder),
            config: config.to_owned(),
            configuration,
        }))
    }

    fn pyproject(&self, folder: &str) -> Result<Option<Configuration>, Error> {
        let path = below(folder, PYPROJECT);
        match sources::read_optional(&self.root.join(&path))? {
            // Whatever else is wrong with it is none of ours.
            Some(text) if text.contains("[tool.alembic]") => {
                Ok(Configuration::of_pyproject(&text).map_err(|error| wrong(&path, error))?)
            }
            _ => Ok(None),
        }
    }

    fn read(
        &self,
        database: Option<&str>,
        found: Found,
        wishes: &Wishes,
        settings: &file::Settings,
    ) -> Result<AlembicProject, Error> {
        let Found {
            folder,
            config,
            configuration,
        } = found;
        let dirs = configuration.folders();
        let dirs: Vec<_> = dirs.iter().map(|dir| below(&folder, dir)).collect();
        let mut files = Vec::new();
        for dir in &dirs {
            let path = self.root.join(dir);
            if !path.is_dir() {
                // A project that has just begun has none.
                if path.parent().is_some_and(Path::is_dir) {
                    continue;
                }
                return Err(AlembicError::NoVersions { path }.into());
            }
            let is_deep = configuration.is_recursive;
            files.extend(sources::texts(&self.root, dir, is_deep, is_revision_file)?);
        }
        let files: Vec<_> = files
            .into_iter()
            .map(|(path, text)| Arc::new(SourceFile::new(path, text)))
            .collect();
        let location = configuration.script_location.unwrap_or_default();
        let env = below(&below(&folder, &location), "env.py");
        let env = sources::read_optional(&self.root.join(env))?.unwrap_or_default();
        let table = match (&wishes.table, &settings.table) {
            (Some(table), _) => table.clone(),
            (None, Some(table)) => table.value.clone(),
            (None, None) => match alembic::version_table(&env) {
                (Some(schema), name) => {
                    format!("{schema}.{}", name.as_deref().unwrap_or(alembic::TABLE))
                }
                (None, name) => name.unwrap_or_else(|| alembic::TABLE.to_owned()),
            },
        };
        Ok(AlembicProject {
            database: database.map(str::to_owned),
            root: self.root.clone(),
            folder,
            config,
            dirs,
            revisions: Revisions::read(&files).map_err(AlembicError::Graph)?,
            ledger: Ledger {
                shape: Shape::Alembic,
                table,
                schemas: Vec::new(),
            },
        })
    }
}

/// The first folder below those that are looked at that holds a configuration.
pub(super) fn far_below(root: &Path) -> Option<String> {
    let mut level = vec![String::new()];
    for _ in 0..=FAR_BELOW {
        let has_one = |folder: &&String| root.join(folder).join(INI).is_file();
        if let Some(found) = level.iter().find(has_one) {
            return Some(found.clone());
        }
        level = level
            .iter()
            .flat_map(|folder| folders_in(root, folder))
            .collect();
    }
    None
}

fn folders_in(root: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(folder));
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        // No link: it could lead back.
        .filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !OTHERS.contains(&name.as_str()))
        .collect();
    names.sort();
    names.iter().map(|name| below(folder, name)).collect()
}

fn wrong(path: &str, error: ConfigurationError) -> AlembicError {
    AlembicError::Configuration {
        path: path.to_owned(),
        message: error.message,
    }
}

/// A path below a folder, which may be the root itself.
fn below(folder: &str, path: &str) -> String {
    match (folder, Path::new(path).is_absolute()) {
        (_, true) | ("" | ".", _) => path.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}
