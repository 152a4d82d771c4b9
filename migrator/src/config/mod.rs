//! From what was typed to what is meant: every value knows where it came from.

pub mod environment;
mod error;
pub mod file;
mod lookup;
mod overrides;
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
pub use environment::Environment;
pub use error::ConfigError;
use file::Settings;
pub use lookup::{Lookup, Options};
pub use overrides::Overrides;
pub use presentation::{Color, Detail, Output, Presentation};
use setting::EffectiveSetting;
pub use setting::{Origin, Setting};
use std::time::Duration;
pub use target::variable as url_variable;
pub use target::{UrlReader, handed_on};
pub use value::Folder;
use value::Value;

const DEADLINE: Duration = Duration::from_mins(25);
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
const LOCK_WAIT: Duration = Duration::from_mins(10);
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
    pub told: Vec<EffectiveSetting>,
}

impl Config {
    /// Resolves what the options, the environment and the file say, in this
    /// order; an empty variable counts as unset, except for the database's URL.
    ///
    /// # Errors
    /// The first value that cannot be used, with its origin.
    pub fn resolve(
        lookup: Lookup<'_>,
        file: &Settings,
        reader: &UrlReader,
    ) -> Result<Self, ConfigError> {
        let mut telling = Telling {
            lookup,
            told: Vec::new(),
        };
        let database = target::find(lookup, file, reader)?;
        telling.told.push(EffectiveSetting {
            option: "database-url",
            value: database.value.to_string(),
            origin: database.origin.clone(),
        });
        let transaction = telling.find("transaction", file.transaction.as_ref())?;
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
            wait: telling.or("wait", file.wait.as_ref(), WAIT)?,
            deadline: telling.or("deadline", file.deadline.as_ref(), DEADLINE)?,
            lock_wait: telling.or("lock-wait", file.lock_wait.as_ref(), LOCK_WAIT)?,
            lock_timeout: telling.or("lock-timeout", file.lock_timeout.as_ref(), LOCK_TIMEOUT)?,
            statement_timeout: telling.or(
                "statement-timeout",
                file.statement_timeout.as_ref(),
                Duration::ZERO,
            )?,
        };
        let request = telling.request(file)?;
        Ok(Self {
            database,
            request,
            limits,
            transaction: transaction.map(|found| found.value).unwrap_or_default(),
            yes: telling.or("yes", None, false)?,
            told: telling.told,
        })
    }
}

/// What to do where files and history disagree: it needs no database.
///
/// # Errors
/// A policy that does not exist.
pub fn request(lookup: Lookup<'_>, file: &Settings) -> Result<Request, ConfigError> {
    let mut telling = Telling {
        lookup,
        told: Vec::new(),
    };
    telling.request(file)
}

/// How long a run may take, and how long it waits for its database: they need no
/// database either. A deadline of the default has no origin.
///
/// # Errors
/// What is no duration.
pub fn patience(lookup: Lookup<'_>, file: &Settings) -> Result<Patience, ConfigError> {
    let deadline = lookup.find("deadline", file.deadline.as_ref())?;
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

/// A lookup that keeps what was found.
struct Telling<'a> {
    lookup: Lookup<'a>,
    told: Vec<EffectiveSetting>,
}

impl Telling<'_> {
    fn request(&mut self, file: &Settings) -> Result<Request, ConfigError> {
        let out_of_order = self.find("out-of-order", file.out_of_order.as_ref())?;
        let unknown_applied = self.find("unknown-applied", file.unknown_applied.as_ref())?;
        Ok(Request {
            out_of_order: out_of_order.map(|found| found.value).unwrap_or_default(),
            unknown_applied: unknown_applied.map(|found| found.value).unwrap_or_default(),
            ..Request::default()
        })
    }

    fn find<T: Value>(
        &mut self,
        option: &'static str,
        file: Option<&Setting<T>>,
    ) -> Result<Option<Setting<T>>, ConfigError> {
        let found = self.lookup.find(option, file)?;
        self.told
            .extend(found.as_ref().map(|found| EffectiveSetting {
                option,
                value: found.value.show(),
                origin: found.origin.clone(),
            }));
        Ok(found)
    }

    fn or<T: Value>(
        &mut self,
        option: &'static str,
        file: Option<&Setting<T>>,
        default: T,
    ) -> Result<T, ConfigError> {
        Ok(self
            .find(option, file)?
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
