//! A value and where it came from.

use super::{ConfigError, Environment};
use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A variable of the environment.
    Environment(String),
    /// A key of `migrate.toml`.
    File(&'static str),
    /// A command-line option, without its dashes.
    Option(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Setting<T> {
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl Setting<String> {
    /// Reads the value; `takes` says what it may be.
    pub(super) fn parse<T>(
        self,
        option: &'static str,
        takes: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        read(self.value.trim()).ok_or(ConfigError::BadValue {
            option,
            origin: self.origin,
            value: self.value,
            takes,
        })
    }
}

/// Finds a value by the order of all settings: option, environment, file.
pub(super) fn find(
    option: &'static str,
    flag: Option<&String>,
    environment: Environment,
    file: Option<&String>,
) -> Option<Setting<String>> {
    if let Some(value) = flag {
        return Some(Setting::new(value.clone(), Origin::Option(option)));
    }
    let name = variable(option);
    if let Some(value) = environment(&name).filter(|value| !value.is_empty()) {
        return Some(Setting::new(value, Origin::Environment(name)));
    }
    file.map(|value| Setting::new(value.clone(), Origin::File(option)))
}

/// The variable of an option: `lock-wait` has `MIGRATE_LOCK_WAIT`.
fn variable(option: &str) -> String {
    format!("MIGRATE_{}", option.replace('-', "_").to_uppercase())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the variable {name}"),
            Self::File(key) => write!(f, "`{key}` in migrate.toml"),
            Self::Option(option) => write!(f, "the option --{option}"),
        }
    }
}
