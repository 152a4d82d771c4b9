//! From what was typed to what the verbs work on.

use super::Brought;
use super::platform::Spec;
use crate::bundle;
use crate::commands::Task;
use crate::commands::check::Sources;
use crate::commands::doctor::Patient;
use crate::commands::spec::Asked;
use crate::config::setting::{Origin, Told};
use crate::config::{self, Config, ConfigError, Environment, Options, Setting};
use crate::db::url::DatabaseUrl;
use crate::db::{self, url::UrlError};
use crate::diagnostic::Diagnostic;
use crate::embedded::Embedded;
use crate::error::{self, Error};
use crate::project::{self, AlembicProject, Folder, Home, Project, Wishes};
use crate::python::Places;
use crate::sql;
use crate::tools::alembic::AlembicTool;
use std::path::Path;

/// The project's root, where there is no bundle.
pub(super) const HERE: &str = ".";

/// Where the project is, with the migrations that the program brings.
pub(super) fn home(
    options: &Options,
    environment: &Environment,
    brought: Option<Brought>,
) -> Result<Home, Error> {
    let (embedded, additions) = brought.unzip();
    find_home(options, environment, embedded)?.with(additions.unwrap_or_default())
}

/// The named configuration file's folder, the working directory where a folder is
/// named, what the program carries, the bundle beside the executable, or the
/// working directory.
fn find_home(
    options: &Options,
    environment: &Environment,
    embedded: Option<Embedded>,
) -> Result<Home, Error> {
    let here = Path::new(HERE);
    if let Some(path) = config::config_file(options, environment)? {
        return Ok(Home::with_file(&path)?.or_embedded(embedded));
    }
    if config::dir(options, environment)?.is_some() {
        return Home::open(here);
    }
    if let Some(embedded) = embedded {
        return Home::embedded(embedded);
    }
    match bundled()? {
        Some(home) => Ok(home),
        None => Home::open(here),
    }
}

/// Where a new migration goes.
pub(super) enum NewIn {
    Folder(Folder),
    /// Its tool's program makes it.
    Tool {
        tool: Box<AlembicTool>,
        project: Box<Project>,
    },
}

/// What the command works on, one task for each database in the order written,
/// or for the one that was picked. All are read and verified before the first is
/// touched.
pub(super) fn find(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Task>, Error> {
    let databases = names(home, options, environment)?;
    let wishes = wishes(options, environment)?;
    let names: Vec<Option<&str>> = databases.iter().map(Option::as_deref).collect();
    let url = config::database_url(options, environment)?;
    for wish in [&wishes.dir, &wishes.section, &url] {
        project::refuse_one_for_several(wish.as_ref(), &names)?;
    }
    names
        .into_iter()
        .map(|name| {
            let mut project = home.find(name, &wishes)?;
            let settings = home.file.settings(name);
            let mut config = Config::resolve(options, environment, &settings)?;
            let mut warnings = unused_parameters(&config);
            let mut tool = tool(&mut project, environment)?;
            if let Some(tool) = &mut tool {
                warnings.extend(without_effect_on_alembic(&config));
                let url = config::of_sqlalchemy(options, environment, &settings)?;
                see_as_alembic(&mut config, url, &tool.project);
                let section = wishes.section.clone().or(settings.alembic_section.clone());
                config.told.extend(section.map(|section| Told {
                    option: "alembic-section",
                    value: section.value,
                    origin: section.origin,
                }));
                tool.database = Some(config.database.value.clone());
                let handed_on = config::handed_on(options, environment, &settings)?.into_iter();
                tool.variables = handed_on
                    .map(|(name, value)| (name, value.into()))
                    .collect();
            }
            config.told.extend(project.is_embedded.then(|| Told {
                option: "dir",
                value: project.dir(),
                origin: Origin::Embedded,
            }));
            Ok(Task {
                name: name.map(str::to_owned),
                project,
                tool,
                config,
                warnings,
                variables: |name| std::env::var(name).ok(),
            })
        })
        .collect()
}

/// The program that applies a project's migrations, where it is not this one.
fn tool(
    project: &mut Project,
    environment: &Environment,
) -> Result<Option<AlembicTool>, ConfigError> {
    let Some(project) = project.delegated.take() else {
        return Ok(None);
    };
    Ok(Some(AlembicTool {
        places: Places {
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
        Some(error::no_effect_on_alembic(&told.origin, instead))
    })
}

/// The parameters of the URL that have no effect.
pub(super) fn unused_parameters(config: &Config) -> Vec<Diagnostic> {
    let url = &config.database;
    let names = url.value.unused_parameters().iter();
    names
        .map(|name| error::unused_parameter(&url.origin, name))
        .collect()
}

/// The same for who asks no database: a URL that is there says only whose SQL the
/// files are in.
pub(super) fn sources(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Sources>, Error> {
    let wishes = wishes(options, environment)?;
    names(home, options, environment)?
        .iter()
        .map(|name| {
            let settings = home.file.settings(name.as_deref());
            let dialect = match Config::resolve(options, environment, &settings) {
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
            let mut project = home.find(name.as_deref(), &wishes)?;
            let tool = tool(&mut project, environment)?;
            Ok(Sources {
                project,
                tool,
                request: config::request(options, environment, &settings)?,
                dialect,
            })
        })
        .collect()
}

/// The same for who finds fault: what cannot be read is a finding.
///
/// # Errors
/// A database that is picked and is none, or a policy that there is not.
pub(super) fn patients(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Patient>, Error> {
    let wishes = wishes(options, environment)?;
    names(home, options, environment)?
        .into_iter()
        .map(|name| {
            let settings = home.file.settings(name.as_deref());
            let patience = config::patience(options, environment, &settings)?;
            let mut project = home.find(name.as_deref(), &wishes);
            let tool = match &mut project {
                Ok(project) => tool(project, environment)?,
                Err(_) => None,
            };
            let mut config = Config::resolve(options, environment, &settings);
            if let (Some(tool), Ok(config)) = (&tool, &mut config) {
                let url = config::of_sqlalchemy(options, environment, &settings)?;
                see_as_alembic(config, url, &tool.project);
            }
            Ok(Patient {
                deadline: patience.deadline,
                variable: match settings.database_url {
                    Some(_) => None,
                    None => Some(config::url_variable(&settings)),
                },
                project,
                tool,
                config: config.map_err(Error::from),
                name,
            })
        })
        .collect()
}

/// What a platform's stanza must know of the project: it needs neither migrations
/// nor a database.
pub(super) fn deployed(
    home: &Home,
    options: &Options,
    environment: &Environment,
    spec: &Spec,
) -> Result<Asked, Error> {
    let wishes = wishes(options, environment)?;
    let names = names(home, options, environment)?;
    let settings: Vec<_> = names
        .iter()
        .map(|name| home.file.settings(name.as_deref()))
        .collect();
    let mut variables = Vec::new();
    for name in &names {
        // What cannot be read yet asks for nothing yet.
        let found = home.find(name.as_deref(), &wishes).ok();
        let files = found.iter().flat_map(Project::texts);
        for file in files {
            let asked_for = sql::variables::names(file.text()).into_iter();
            variables.extend(asked_for.map(str::to_owned));
        }
    }
    variables.sort();
    variables.dedup();
    let patience = config::patience(options, environment, &home.file.settings(None))?;
    Ok(Asked {
        platform: spec.platform,
        via: spec.via,
        with_rollback: spec.with_rollback,
        databases: settings
            .into_iter()
            .filter(|settings| settings.database_url.is_none())
            .map(|settings| (settings.name.clone(), config::url_variable(&settings)))
            .collect(),
        variables,
        patience,
    })
}

/// The folder for a new migration: the named one, or that of the project in the
/// working directory. A bundle is never written. It needs no database; where
/// `migrate.toml` has several, one must be picked.
pub(super) fn folder(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<NewIn, Error> {
    let names = names(home, options, environment)?;
    match names.as_slice() {
        [name] => {
            let wishes = wishes(options, environment)?;
            if let Some(mut project) = home.delegated(name.as_deref(), &wishes)?
                && let Some(tool) = tool(&mut project, environment)?
            {
                return Ok(NewIn::Tool {
                    tool: Box::new(tool),
                    project: Box::new(project),
                });
            }
            Ok(NewIn::Folder(home.folder(name.as_deref(), &wishes)?))
        }
        _ => Err(ConfigError::PickOne {
            databases: names.into_iter().flatten().collect(),
        }
        .into()),
    }
}

/// A SQLite file is the one that Alembic means, which reads URLs by `SQLAlchemy`
/// and takes paths from the folder in which it is run.
fn see_as_alembic(config: &mut Config, url: Option<DatabaseUrl>, project: &AlembicProject) {
    let folder = project.root.join(&project.folder);
    let url = url.unwrap_or_else(|| config.database.value.clone());
    config.database.value = url.seen_from(&folder);
    // What is told must be what is used.
    let mut told = config.told.iter_mut();
    if let Some(told) = told.find(|told| told.option == "database-url") {
        told.value = config.database.value.to_string();
    }
}

/// The databases alone, for what does without migrations.
pub(super) fn databases(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Config>, Error> {
    names(home, options, environment)?
        .iter()
        .map(|name| {
            let settings = home.file.settings(name.as_deref());
            Ok(Config::resolve(options, environment, &settings)?)
        })
        .collect()
}

/// The names of the databases that are meant, in the order written.
fn names(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Option<String>>, Error> {
    Ok(match config::picked(options, environment)? {
        Some(name) => vec![Some(pick(home, name)?)],
        None => home
            .databases()
            .into_iter()
            .map(|name| name.map(str::to_owned))
            .collect(),
    })
}

fn wishes(options: &Options, environment: &Environment) -> Result<Wishes, Error> {
    Ok(Wishes {
        dir: config::dir(options, environment)?,
        format: config::format(options, environment)?.map(|format| format.value),
        section: config::alembic_section(options, environment)?,
        table: config::table(options, environment)?.map(|table| table.value),
    })
}

/// The name of one of the file's databases.
fn pick(home: &Home, picked: Setting<String>) -> Result<String, ConfigError> {
    let Setting { value, origin } = picked;
    let known = home.file.databases();
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

fn bundled() -> Result<Option<Home>, Error> {
    let executable = std::env::current_exe().and_then(std::fs::canonicalize);
    match executable.ok().and_then(|path| bundle::root_beside(&path)) {
        Some(root) => Home::bundled(&root),
        None => Ok(None),
    }
}
