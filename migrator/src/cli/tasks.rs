//! From what was typed to what the verbs work on.

use crate::bundle;
use crate::commands::Task;
use crate::config::{self, Config, ConfigError, Environment, Options, Setting};
use crate::error::Error;
use crate::project::{self, Home, Wishes};
use std::path::Path;

/// Where the project is: the named configuration file's folder, the working
/// directory where a folder is named, the bundle beside the executable, or the
/// working directory.
pub(super) fn home(options: &Options, environment: &Environment) -> Result<Home, Error> {
    let here = Path::new(".");
    if let Some(path) = config::config_file(options, environment)? {
        return Home::with_file(&path);
    }
    if config::dir(options, environment)?.is_some() {
        return Home::open(here);
    }
    match bundled()? {
        Some(home) => Ok(home),
        None => Home::open(here),
    }
}

/// What the command works on, one task for each database in the order written,
/// or for the one that was picked. All are read and verified before the first is
/// touched.
pub(super) fn find(
    home: &Home,
    options: &Options,
    environment: &Environment,
) -> Result<Vec<Task>, Error> {
    let databases = match config::picked(options, environment)? {
        Some(name) => vec![Some(pick(home, name)?)],
        None => home
            .databases()
            .into_iter()
            .map(|name| name.map(str::to_owned))
            .collect(),
    };
    let wishes = Wishes {
        dir: config::dir(options, environment)?,
        format: config::format(options, environment)?.map(|format| format.value),
        table: config::table(options, environment)?.map(|table| table.value),
    };
    let names: Vec<Option<&str>> = databases.iter().map(Option::as_deref).collect();
    let url = config::database_url(options, environment)?;
    for wish in [&wishes.dir, &url] {
        project::refuse_one_for_several(wish.as_ref(), &names)?;
    }
    names
        .into_iter()
        .map(|name| {
            let project = home.project(name, &wishes)?;
            let config = Config::resolve(options, environment, &home.file.settings(name))?;
            Ok(Task {
                name: name.map(str::to_owned),
                project,
                config,
                variables: |name| std::env::var(name).ok(),
            })
        })
        .collect()
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
