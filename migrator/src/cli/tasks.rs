//! From what was typed to what the verbs work on.

use super::Brought;
use super::platform::Spec;
use crate::bundle;
use crate::commands::Task;
use crate::commands::check::Sources;
use crate::commands::doctor::Checkup;
use crate::commands::spec::Asked;
use crate::config::file::Settings;
use crate::config::setting::{EffectiveSetting, Origin};
use crate::config::{
    self, Config, ConfigError, Environment, Folder, Lookup, Overrides, Setting, UrlReader,
};
use crate::db::{self, url::UrlError};
use crate::diagnostic::Diagnostic;
use crate::embedded::Embedded;
use crate::error::Error;
use crate::project::{self, Project, Workspace};
use crate::python::SearchPaths;
use crate::sql;
use crate::tools::Tool;
use crate::words;
use std::path::Path;

/// The project's root, where there is no bundle.
pub(super) const HERE: &str = ".";

/// Where the project is, with the migrations that the program brings.
pub(super) fn workspace(lookup: Lookup<'_>, brought: Option<Brought>) -> Result<Workspace, Error> {
    let (embedded, additions) = brought.unzip();
    find_home(lookup, embedded)?.with(additions.unwrap_or_default())
}

/// The named configuration file's folder, the working directory where a folder is
/// named, what the program carries, the bundle beside the executable, or the
/// working directory.
fn find_home(lookup: Lookup<'_>, embedded: Option<Embedded>) -> Result<Workspace, Error> {
    let here = Path::new(HERE);
    if let Some(path) = lookup.find("config", None)? {
        return Ok(Workspace::with_file(&path)?.or_embedded(embedded));
    }
    if lookup.find::<Folder>("dir", None)?.is_some() {
        return Workspace::open(here);
    }
    if let Some(embedded) = embedded {
        return Workspace::embedded(embedded);
    }
    match bundled()? {
        Some(workspace) => Ok(workspace),
        None => Workspace::open(here),
    }
}

/// Where what is asked for is looked for.
pub(super) struct Scope<'a> {
    workspace: &'a Workspace,
    lookup: Lookup<'a>,
    overrides: Overrides,
    /// What the file says of each database that is meant, and over it what was said
    /// elsewhere, in the order written.
    databases: Vec<Settings>,
}

/// Where a new migration goes.
pub(super) enum NewIn {
    Folder(project::Folder),
    /// Its tool's program makes it.
    Tool {
        tool: Box<Tool>,
        project: Box<Project>,
    },
}

impl<'a> Scope<'a> {
    /// Of the databases that are meant.
    ///
    /// # Errors
    /// A database that is picked and does not exist, or a value that is none.
    pub(super) fn of(workspace: &'a Workspace, lookup: Lookup<'a>) -> Result<Self, Error> {
        let overrides = Overrides::of(lookup)?;
        let names: Vec<_> = if let Some(name) = lookup.find("database", None)? {
            vec![Some(pick(workspace, name)?)]
        } else {
            let names = workspace.databases().into_iter();
            names.map(|name| name.map(str::to_owned)).collect()
        };
        let settings = |name: Option<String>| workspace.file.settings(name.as_deref());
        let databases = names
            .into_iter()
            .map(|name| settings(name).with(&overrides));
        Ok(Self {
            databases: databases.collect(),
            workspace,
            lookup,
            overrides,
        })
    }

    /// One task for each database. All are read and verified before the first is
    /// touched.
    ///
    /// # Errors
    /// What keeps one of them from being worked on.
    pub(super) fn tasks(&self) -> Result<Vec<Task>, Error> {
        let names = self
            .databases
            .iter()
            .map(|settings| settings.name.as_deref());
        let names: Vec<_> = names.collect();
        let url = self.lookup.given("database-url")?;
        let Overrides {
            alembic_section,
            dir,
            ..
        } = &self.overrides;
        project::refuse_one_for_several(dir.as_ref(), &names)?;
        project::refuse_one_for_several(alembic_section.as_ref(), &names)?;
        project::refuse_one_for_several(url.as_ref(), &names)?;
        self.databases.iter().map(|it| self.task(it)).collect()
    }

    fn task(&self, settings: &Settings) -> Result<Task, Error> {
        let mut project = self.workspace.find(settings)?;
        let mut tool = tool(&mut project, self.lookup.environment)?;
        let mut config = Config::resolve(self.lookup, settings, &reader(tool.as_ref()))?;
        let mut warnings = unused_parameters(&config);
        if let Some(tool) = &mut tool {
            warnings.extend(without_effect_on_alembic(&config));
            let section = settings
                .alembic_section
                .iter()
                .map(|section| EffectiveSetting {
                    option: "alembic-section",
                    value: section.value.clone(),
                    origin: section.origin.clone(),
                });
            config.told.extend(section);
            tool.database = Some(config.database.value.clone());
            let handed_on = config::handed_on(self.lookup, settings)?.into_iter();
            tool.variables = handed_on
                .map(|(name, value)| (name, value.into()))
                .collect();
        }
        config
            .told
            .extend(project.is_embedded.then(|| EffectiveSetting {
                option: "dir",
                value: project.dir(),
                origin: Origin::Embedded,
            }));
        Ok(Task {
            name: settings.name.clone(),
            project,
            tool,
            config,
            warnings,
            variables: |name| std::env::var(name).ok(),
        })
    }

    /// The same for who asks no database: a URL that is there says only whose SQL the
    /// files are in.
    ///
    /// # Errors
    /// What keeps one of them from being read.
    pub(super) fn sources(&self) -> Result<Vec<Sources>, Error> {
        let sources = self.databases.iter().map(|settings| {
            let mut project = self.workspace.find(settings)?;
            let tool = tool(&mut project, self.lookup.environment)?;
            let reader = reader(tool.as_ref());
            let dialect = match Config::resolve(self.lookup, settings, &reader) {
                Ok(config) => Some(config.database.value.dialect()),
                // In CI a secret that is not there is an empty variable.
                Err(
                    ConfigError::NoDatabaseUrl { .. }
                    | ConfigError::Url {
                        error: UrlError::Empty,
                        ..
                    },
                ) => db::only_dialect(),
                Err(error) => return Err(error.into()),
            };
            Ok(Sources {
                project,
                tool,
                request: config::request(self.lookup, settings)?,
                dialect,
            })
        });
        sources.collect()
    }

    /// The same for who finds fault: what cannot be read is a finding.
    ///
    /// # Errors
    /// A policy that does not exist.
    pub(super) fn checkups(&self) -> Result<Vec<Checkup>, Error> {
        let checkups = self.databases.iter().map(|settings| {
            let mut project = self.workspace.find(settings);
            let tool = match &mut project {
                Ok(project) => tool(project, self.lookup.environment)?,
                Err(_) => None,
            };
            let config = Config::resolve(self.lookup, settings, &reader(tool.as_ref()));
            Ok(Checkup {
                deadline: config::patience(self.lookup, settings)?.deadline,
                variable: match settings.database_url {
                    Some(_) => None,
                    None => Some(config::url_variable(settings)),
                },
                project,
                tool,
                config: config.map_err(Error::from),
                name: settings.name.clone(),
            })
        });
        checkups.collect()
    }

    /// What a platform's stanza must know of the project: it needs neither migrations
    /// nor a database.
    ///
    /// # Errors
    /// A deadline that is no duration.
    pub(super) fn deployed(&self, spec: &Spec) -> Result<Asked, Error> {
        // What cannot be read yet asks for nothing yet.
        let found = self
            .databases
            .iter()
            .filter_map(|it| self.workspace.find(it).ok());
        let mut variables: Vec<String> = Vec::new();
        for project in found {
            for file in project.texts() {
                let asked_for = sql::variables::names(file.text()).into_iter();
                variables.extend(asked_for.map(str::to_owned));
            }
        }
        variables.sort();
        variables.dedup();
        let databases = self.databases.iter();
        Ok(Asked {
            platform: spec.platform,
            via: spec.via,
            with_rollback: spec.with_rollback,
            databases: databases
                .filter(|settings| settings.database_url.is_none())
                .map(|settings| (settings.name.clone(), config::url_variable(settings)))
                .collect(),
            variables,
            patience: config::patience(self.lookup, &self.workspace.file.settings(None))?,
        })
    }

    /// The folder for a new migration: the named one, or that of the project in the
    /// working directory. A bundle is never written. It needs no database; where
    /// `migrate.toml` has several, one must be picked.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn new_in(&self) -> Result<NewIn, Error> {
        let [settings] = &self.databases[..] else {
            let names = self.databases.iter();
            return Err(ConfigError::PickOne {
                databases: names.filter_map(|it| it.name.clone()).collect(),
            }
            .into());
        };
        if let Some(mut project) = self.workspace.delegated(settings)?
            && let Some(tool) = tool(&mut project, self.lookup.environment)?
        {
            return Ok(NewIn::Tool {
                tool: Box::new(tool),
                project: Box::new(project),
            });
        }
        Ok(NewIn::Folder(self.workspace.folder(settings)?))
    }

    /// The databases alone, for what does without migrations.
    ///
    /// # Errors
    /// A setting that cannot be used.
    pub(super) fn configs(&self) -> Result<Vec<Config>, Error> {
        let databases = self.databases.iter();
        databases
            .map(|settings| Ok(Config::resolve(self.lookup, settings, &UrlReader::Sqlx)?))
            .collect()
    }
}

/// Alembic reads URLs by `SQLAlchemy`, and takes paths from the folder in which it is
/// run.
fn reader(tool: Option<&Tool>) -> UrlReader {
    match tool {
        Some(tool) => UrlReader::SqlAlchemy {
            folder: tool.project.root.join(&tool.project.folder),
        },
        None => UrlReader::Sqlx,
    }
}

/// The program that applies a project's migrations, where it is not this one.
fn tool(project: &mut Project, environment: &Environment) -> Result<Option<Tool>, ConfigError> {
    let Some(project) = project.delegated.take() else {
        return Ok(None);
    };
    Ok(Some(Tool {
        search_paths: SearchPaths {
            root: project.root.clone(),
            folder: project.root.join(&project.folder),
            config_folder: project.root.join(project.config_folder()),
            path: environment.path("PATH").unwrap_or_default().to_owned(),
            virtual_env: environment.get("VIRTUAL_ENV")?.map(Into::into),
        },
        project,
        variables: Vec::new(),
        database: None,
    }))
}

/// Settings that have no effect on Alembic, which has its own way for each.
const NOT_ALEMBICS: [(&str, &str); 4] = [
    (
        "transaction",
        "env.py decides this: see Alembic's `transaction_per_migration`",
    ),
    (
        "out-of-order",
        "the revisions themselves define their order",
    ),
    (
        "lock-timeout",
        "set `lock_timeout`, or your database's equivalent, on the connection in env.py",
    ),
    (
        "statement-timeout",
        "set `statement_timeout`, or your database's equivalent, on the connection in env.py",
    ),
];

/// What of the settings has no effect on a project of Alembic.
fn without_effect_on_alembic(config: &Config) -> impl Iterator<Item = Diagnostic> {
    config.told.iter().filter_map(|told| {
        let (_, instead) = NOT_ALEMBICS.iter().find(|(it, _)| *it == told.option)?;
        Some(words::no_effect_on_alembic(&told.origin, instead))
    })
}

/// The parameters of the URL that have no effect.
pub(super) fn unused_parameters(config: &Config) -> Vec<Diagnostic> {
    let url = &config.database;
    let names = url.value.unused_parameters().iter();
    names
        .map(|name| words::unused_parameter(&url.origin, name))
        .collect()
}

/// The name of one of the file's databases.
fn pick(workspace: &Workspace, picked: Setting<String>) -> Result<String, ConfigError> {
    let Setting { value, origin } = picked;
    let known = workspace.file.databases();
    if known.contains(&value.as_str()) {
        return Ok(value);
    }
    Err(ConfigError::UnknownDatabase {
        nearest: config::nearest(&value, known.iter().copied()),
        known: known.into_iter().map(str::to_owned).collect(),
        name: value,
        origin,
    })
}

fn bundled() -> Result<Option<Workspace>, Error> {
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    match executable.ok().and_then(|path| bundle::root_beside(&path)) {
        Some(root) => Workspace::bundled(&root),
        None => Ok(None),
    }
}
