//! What the options and the environment ask for before anything of a project is
//! read.

use super::setting::{self, Setting};
use super::value::Folder;
use super::{ConfigError, Environment, Options};
use crate::formats::FormatName;

/// The configuration file that the options or the environment name, if any.
///
/// # Errors
/// A variable that is no text.
pub fn config_file(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    setting::find("config", options.config.as_ref(), environment, None)
}

/// The database that the options or the environment pick, if any.
///
/// # Errors
/// A name of nothing.
pub fn picked(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    setting::find("database", options.database.as_ref(), environment, None)
}

/// The folder that the options or the environment name, if any. A script's
/// variable that was not set must not mean this folder.
///
/// # Errors
/// A folder without a name.
pub fn dir(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    let found = setting::find::<Folder>("dir", options.dir.as_ref(), environment, None)?;
    Ok(found.map(|found| Setting::new(found.value.0, found.origin)))
}

/// The history table that the options or the environment name, if any.
///
/// # Errors
/// A table without a name.
pub fn table(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    setting::find("table", options.table.as_ref(), environment, None)
}

/// The section of Alembic's ini file that the options or the environment name, if
/// any.
///
/// # Errors
/// A section without a name.
pub fn alembic_section(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    let flag = options.alembic_section.as_ref();
    setting::find("alembic-section", flag, environment, None)
}

/// The format that the options or the environment name, if any.
///
/// # Errors
/// A format that there is not.
pub fn format(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<FormatName>>, ConfigError> {
    setting::find("format", options.format.as_ref(), environment, None)
}

/// The URL that the options or the environment name for whichever database it
/// is, if any. `DATABASE_URL` is none: an application has it in any case.
///
/// # Errors
/// A variable that is no text.
pub fn database_url(
    options: &Options,
    environment: &Environment,
) -> Result<Option<Setting<String>>, ConfigError> {
    setting::given("database-url", options.database_url.as_ref(), environment)
}
