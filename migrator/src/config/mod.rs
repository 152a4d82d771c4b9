//! From what was typed to what is meant: every value knows where it came from.

mod asked;
pub mod environment;
mod error;
pub mod file;
pub mod presentation;
#[cfg(test)]
mod schema;
pub mod setting;
mod target;
mod value;

use crate::db::url::DatabaseUrl;
use crate::limits::{Limits, Transaction};
use crate::plan::planner::Request;
use crate::sql::Dialect;
pub use asked::{alembic_section, config_file, database_url, dir, format, picked, table};
pub use environment::Environment;
pub use error::ConfigError;
use file::Settings;
pub use presentation::{Color, Detail, Output, Presentation};
use setting::Told;
pub use setting::{Origin, Setting};
use std::time::Duration;
pub use target::variable as url_variable;
pub use target::{handed_on, of_sqlalchemy};
use value::Value;

const DEADLINE: Duration = Duration::from_mins(25);
const WAIT: Duration = Duration::from_mins(1);

/// Every option that has a variable, as it is called.
pub const OPTIONS: [&str; 21] = [
    "alembic-section",
    "color",
    "config",
    "database",
    "database-ca-cert",
    "database-url",
    "deadline",
    "dir",
    "format",
    "lock-timeout",
    "lock-wait",
    "out-of-order",
    "output",
    "quiet",
    "statement-timeout",
    "table",
    "transaction",
    "unknown-applied",
    "verbose",
    "wait",
    "yes",
];

/// What was typed, before it is resolved.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub alembic_section: Option<String>,
    pub color: Option<String>,
    pub config: Option<String>,
    pub database: Option<String>,
    pub database_ca_cert: Option<String>,
    pub database_url: Option<String>,
    pub deadline: Option<String>,
    pub dir: Option<String>,
    pub format: Option<String>,
    pub lock_timeout: Option<String>,
    pub lock_wait: Option<String>,
    pub out_of_order: Option<String>,
    pub output: Option<String>,
    pub quiet: Option<String>,
    pub statement_timeout: Option<String>,
    pub table: Option<String>,
    pub transaction: Option<String>,
    pub unknown_applied: Option<String>,
    pub verbose: Option<String>,
    pub wait: Option<String>,
    pub yes: Option<String>,
}

/// What is meant, of one database.
#[derive(Clone, Debug)]
pub struct Config {
    pub database: Setting<DatabaseUrl>,
    pub request: Request,
    pub limits: Limits,
    pub transaction: Transaction,
    /// Nothing is asked.
    pub yes: bool,
    /// Every setting that is not the default.
    pub told: Vec<Told>,
}

impl Config {
    /// Resolves what the options, the environment and the file say, in this
    /// order; an empty variable counts as unset, but for the database's URL.
    ///
    /// # Errors
    /// The first value that cannot be used, with its origin.
    pub fn resolve(
        options: &Options,
        environment: &Environment,
        file: &Settings,
    ) -> Result<Self, ConfigError> {
        let mut order = Order {
            environment,
            told: Vec::new(),
        };
        let database = target::find(options, environment, file)?;
        order.told.push(Told {
            option: "database-url",
            value: database.value.to_string(),
            origin: database.origin.clone(),
        });
        let transaction = order.find(
            "transaction",
            options.transaction.as_ref(),
            file.transaction.as_ref(),
        )?;
        if let Some(Setting {
            value: Transaction::All,
            origin,
        }) = &transaction
            && database.value.dialect() == Dialect::Mysql
        {
            return Err(ConfigError::TransactionAll {
                origin: origin.clone(),
            });
        }
        let limits = Limits {
            wait: order.or("wait", options.wait.as_ref(), file.wait.as_ref(), WAIT)?,
            deadline: order.or(
                "deadline",
                options.deadline.as_ref(),
                file.deadline.as_ref(),
                DEADLINE,
            )?,
            lock_wait: order.or(
                "lock-wait",
                options.lock_wait.as_ref(),
                file.lock_wait.as_ref(),
                Duration::from_mins(10),
            )?,
            lock_timeout: order.or(
                "lock-timeout",
                options.lock_timeout.as_ref(),
                file.lock_timeout.as_ref(),
                Duration::from_secs(5),
            )?,
            statement_timeout: order.or(
                "statement-timeout",
                options.statement_timeout.as_ref(),
                file.statement_timeout.as_ref(),
                Duration::ZERO,
            )?,
        };
        let request = order.request(options, file)?;
        Ok(Self {
            database,
            request,
            limits,
            transaction: transaction.map(|found| found.value).unwrap_or_default(),
            yes: order.or("yes", options.yes.as_ref(), None, false)?,
            told: order.told,
        })
    }
}

/// What to do where files and history disagree: it needs no database.
///
/// # Errors
/// A policy that there is not.
pub fn request(
    options: &Options,
    environment: &Environment,
    file: &Settings,
) -> Result<Request, ConfigError> {
    let mut order = Order {
        environment,
        told: Vec::new(),
    };
    order.request(options, file)
}

/// How long a run may take, and how long it waits for its database: they need no
/// database either. A deadline of the default has no origin.
///
/// # Errors
/// What is no duration.
pub fn patience(
    options: &Options,
    environment: &Environment,
    file: &Settings,
) -> Result<Patience, ConfigError> {
    let deadline = setting::find(
        "deadline",
        options.deadline.as_ref(),
        environment,
        file.deadline.as_ref(),
    )?;
    Ok(Patience {
        deadline: deadline.as_ref().map_or(DEADLINE, |found| found.value),
        origin: deadline.map(|found| found.origin),
    })
}

/// What [`patience`] finds.
#[derive(Clone, Debug)]
pub struct Patience {
    pub deadline: Duration,
    /// Who said the deadline.
    pub origin: Option<Origin>,
}

/// Where values are looked for, and what was found.
struct Order<'a> {
    environment: &'a Environment,
    told: Vec<Told>,
}

impl Order<'_> {
    fn request(&mut self, options: &Options, file: &Settings) -> Result<Request, ConfigError> {
        Ok(Request {
            out_of_order: self
                .find(
                    "out-of-order",
                    options.out_of_order.as_ref(),
                    file.out_of_order.as_ref(),
                )?
                .map(|found| found.value)
                .unwrap_or_default(),
            unknown_applied: self
                .find(
                    "unknown-applied",
                    options.unknown_applied.as_ref(),
                    file.unknown_applied.as_ref(),
                )?
                .map(|found| found.value)
                .unwrap_or_default(),
            ..Request::default()
        })
    }

    fn find<T: Value>(
        &mut self,
        option: &'static str,
        flag: Option<&String>,
        file: Option<&Setting<T>>,
    ) -> Result<Option<Setting<T>>, ConfigError> {
        let found = setting::find(option, flag, self.environment, file)?;
        self.told.extend(found.as_ref().map(|found| Told {
            option,
            value: found.value.show(),
            origin: found.origin.clone(),
        }));
        Ok(found)
    }

    fn or<T: Value>(
        &mut self,
        option: &'static str,
        flag: Option<&String>,
        file: Option<&Setting<T>>,
        default: T,
    ) -> Result<T, ConfigError> {
        Ok(self
            .find(option, flag, file)?
            .map_or(default, |found| found.value))
    }
}

/// The known word that was probably meant; none where nothing is close.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    known
        .into_iter()
        .map(|candidate| {
            let likeness = match strsim::osa_distance(word, candidate) {
                // One slip is much of a short word.
                1 => 1.0,
                _ => strsim::jaro_winkler(word, candidate),
            };
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests;
