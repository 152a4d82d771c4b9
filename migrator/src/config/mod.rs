//! From what was typed to what is meant: every value knows where it came from.

pub mod file;
pub mod setting;

use crate::db::url::{DatabaseUrl, UrlError};
use crate::limits::Limits;
use crate::plan::planner::{OutOfOrder, Request, UnknownApplied};
use crate::sources;
use crate::text::{SourceFile, Span};
use file::File;
pub use setting::{Origin, Setting};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What may be set by option, environment and file, before it is resolved.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub database_ca_cert: Option<String>,
    pub database_url: Option<String>,
    pub deadline: Option<String>,
    pub dir: Option<String>,
    pub lock_timeout: Option<String>,
    pub lock_wait: Option<String>,
    pub out_of_order: Option<String>,
    pub output: Option<String>,
    pub table: Option<String>,
    pub unknown_applied: Option<String>,
    pub wait: Option<String>,
}

/// What is meant.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: Setting<DatabaseUrl>,
    pub request: Request,
    pub limits: Limits,
}

/// Why the settings are not to be used.
#[derive(Debug)]
pub enum ConfigError {
    /// A certificate authority that is none.
    Authority {
        origin: Origin,
        problem: String,
    },
    /// A value that its setting does not take.
    BadValue {
        option: &'static str,
        origin: Origin,
        value: String,
        takes: &'static str,
    },
    /// The configuration file is wrong.
    File {
        file: Arc<SourceFile>,
        span: Span,
        message: String,
    },
    /// No database URL anywhere.
    NoDatabaseUrl,
    Url {
        origin: Origin,
        error: UrlError,
    },
}

/// The environment, as a function, so that a test needs no process of its own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Resolves what the options, the environment and the file say, in this
    /// order; an empty variable counts as unset, but for the database's URL.
    ///
    /// # Errors
    /// The first value that cannot be used, with its origin.
    pub fn resolve(
        options: &Options,
        environment: Environment,
        file: &File,
    ) -> Result<Self, ConfigError> {
        let find = |option: &'static str, flag: &Option<String>, file: &Option<String>| {
            setting::find(option, flag.as_ref(), environment, file.as_ref())
        };
        let duration = |option, flag, file, default: Duration| match find(option, flag, file) {
            Some(found) => found.parse(option, "a duration such as 30s, 5m or 1h", |text| {
                if text == "0" {
                    return Some(Duration::ZERO);
                }
                // Nobody waits for longer; and beyond the clock's end it could not.
                let longest = Duration::from_hours(24 * 365);
                humantime::parse_duration(text)
                    .ok()
                    .map(|duration| duration.min(longest))
            }),
            None => Ok(default),
        };
        let limits = Limits {
            wait: duration("wait", &options.wait, &file.wait, Duration::from_mins(1))?,
            deadline: duration(
                "deadline",
                &options.deadline,
                &file.deadline,
                Duration::from_mins(25),
            )?,
            lock_wait: duration(
                "lock-wait",
                &options.lock_wait,
                &file.lock_wait,
                Duration::from_mins(10),
            )?,
            lock_timeout: duration(
                "lock-timeout",
                &options.lock_timeout,
                &file.lock_timeout,
                Duration::from_secs(5),
            )?,
        };
        Ok(Self {
            database: database(options, environment, file)?,
            request: request(options, environment, file)?,
            limits,
        })
    }
}

/// What to do where files and history disagree: it needs no database.
///
/// # Errors
/// A policy that there is not.
pub fn request(
    options: &Options,
    environment: Environment,
    file: &File,
) -> Result<Request, ConfigError> {
    let find = |option: &'static str, flag: &Option<String>, file: &Option<String>| {
        setting::find(option, flag.as_ref(), environment, file.as_ref())
    };
    let out_of_order = find("out-of-order", &options.out_of_order, &file.out_of_order)
        .map(|found| {
            found.parse("out-of-order", "`error` or `apply`", |text| match text {
                "error" => Some(OutOfOrder::Error),
                "apply" => Some(OutOfOrder::Apply),
                _ => None,
            })
        })
        .transpose()?
        .unwrap_or_default();
    let unknown_applied = find(
        "unknown-applied",
        &options.unknown_applied,
        &file.unknown_applied,
    )
    .map(|found| {
        found.parse(
            "unknown-applied",
            "`newer`, `warn` or `error`",
            |text| match text {
                "newer" => Some(UnknownApplied::Newer),
                "warn" => Some(UnknownApplied::Warn),
                "error" => Some(UnknownApplied::Error),
                _ => None,
            },
        )
    })
    .transpose()?
    .unwrap_or_default();
    Ok(Request {
        out_of_order,
        unknown_applied,
    })
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    #[default]
    Human,
    Json,
}

/// The form of the output, which must be known before anything can be said.
///
/// # Errors
/// A form that there is not.
pub fn output(options: &Options, environment: Environment) -> Result<Output, ConfigError> {
    match setting::find("output", options.output.as_ref(), environment, None) {
        None => Ok(Output::default()),
        Some(found) => found.parse("output", "`human` or `json`", |text| match text {
            "human" => Some(Output::Human),
            "json" => Some(Output::Json),
            _ => None,
        }),
    }
}

/// The folder that the options or the environment name, if any.
#[must_use]
pub fn dir(options: &Options, environment: Environment) -> Option<Setting<String>> {
    setting::find("dir", options.dir.as_ref(), environment, None)
}

/// The history table that the options or the environment name, if any.
#[must_use]
pub fn table(options: &Options, environment: Environment) -> Option<Setting<String>> {
    setting::find("table", options.table.as_ref(), environment, None)
}

/// `--database-url`, `MIGRATE_DATABASE_URL`, `DATABASE_URL`, the file: an empty
/// variable is an error here, since it is what a platform leaves of a binding
/// that it could not resolve.
fn database(
    options: &Options,
    environment: Environment,
    file: &File,
) -> Result<Setting<DatabaseUrl>, ConfigError> {
    let variable = |name: &'static str| {
        environment(name).map(|value| Setting::new(value, Origin::Environment(name.to_owned())))
    };
    let found = options
        .database_url
        .clone()
        .map(|value| Setting::new(value, Origin::Option("database-url")))
        .or_else(|| variable("MIGRATE_DATABASE_URL").filter(|found| !found.value.is_empty()))
        .or_else(|| variable("DATABASE_URL"))
        .or_else(|| {
            let value = file.database_url.clone()?;
            Some(Setting::new(value, Origin::File("database-url")))
        })
        .ok_or(ConfigError::NoDatabaseUrl)?;
    match DatabaseUrl::parse(&found.value) {
        Ok(url) => Ok(Setting::new(
            match authority(options, environment, file)? {
                Some(authority) => url.trusting(authority),
                None => url,
            },
            found.origin,
        )),
        Err(error) => Err(ConfigError::Url {
            origin: found.origin,
            error,
        }),
    }
}

/// The certificate authority: its text, as platforms bind it, or its file.
fn authority(
    options: &Options,
    environment: Environment,
    file: &File,
) -> Result<Option<String>, ConfigError> {
    let found = setting::find(
        "database-ca-cert",
        options.database_ca_cert.as_ref(),
        environment,
        file.database_ca_cert.as_ref(),
    )
    .or_else(|| {
        let value = environment("DATABASE_CA_CERT").filter(|value| !value.is_empty())?;
        Some(Setting::new(
            value,
            Origin::Environment("DATABASE_CA_CERT".into()),
        ))
    });
    let Some(found) = found else {
        return Ok(None);
    };
    let wrong = |problem: String| ConfigError::Authority {
        origin: found.origin.clone(),
        problem,
    };
    let is_text = |text: &str| text.contains("-----BEGIN CERTIFICATE-----");
    if is_text(&found.value) {
        return Ok(Some(found.value));
    }
    if found.value.contains("${") {
        let problem = format!(
            "holds {}, which the platform has not filled in",
            found.value
        );
        return Err(wrong(problem));
    }
    match sources::read_optional(Path::new(&found.value)) {
        Ok(Some(text)) if is_text(&text) => Ok(Some(text)),
        Ok(Some(_)) => Err(wrong(format!(
            "names {}, which holds no certificate",
            found.value
        ))),
        Ok(None) | Err(_) => Err(wrong(
            "is neither a certificate nor the path of a file that can be read".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests;
