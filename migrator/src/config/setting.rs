//! A value and where it came from.

use super::ConfigError;
use super::value::Value;
use crate::diagnostic::Place;
use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The program carries it.
    Embedded,
    /// A variable of the environment.
    Environment(String),
    /// A key of `migrate.toml`, and where its value stands.
    File { key: String, place: Place },
    /// A command-line option, without its dashes.
    Option(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

/// A setting that is not the default, for who asks where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveSetting {
    pub option: &'static str,
    /// Without secrets.
    pub value: String,
    pub origin: Origin,
}

impl<T> Setting<T> {
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }
}

impl Setting<String> {
    /// Reads the text as a value of the option.
    pub(super) fn read<T: Value>(self, option: &'static str) -> Result<Setting<T>, ConfigError> {
        match T::read(self.value.trim()) {
            Some(value) => Ok(Setting::new(value, self.origin)),
            None => Err(ConfigError::BadValue {
                option,
                origin: self.origin,
                value: self.value,
                takes: T::takes(),
            }),
        }
    }
}

impl Origin {
    /// Where the value stands, if it is in a file.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::File { place, .. } => Some(place.clone()),
            Self::Embedded | Self::Environment(_) | Self::Option(_) => None,
        }
    }

    /// 0 is what counts most.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Option(_) => 0,
            Self::Environment(_) => 1,
            Self::File { .. } => 2,
            Self::Embedded => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the program itself"),
            Self::Environment(name) => write!(f, "the variable {name}"),
            Self::File { key, place } => write!(f, "`{key}` in {}", place.file.path()),
            Self::Option(option) => write!(f, "the option --{option}"),
        }
    }
}
