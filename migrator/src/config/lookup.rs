//! Where every setting is looked for, in one order: the option that was typed, the
//! variable of the environment, the file. An empty variable counts as unset: it is
//! what a platform leaves of nothing.

use super::ConfigError;
use super::environment::{self, Environment};
use super::setting::{Origin, Setting};
use super::value::Value;
use std::collections::BTreeMap;

/// What was typed, by the options' names, before it is resolved.
#[derive(Clone, Debug, Default)]
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// Of those that have a value.
    #[must_use]
    pub fn of<const N: usize>(typed: [(&'static str, Option<String>); N]) -> Self {
        let typed = typed.into_iter();
        Self(
            typed
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
        )
    }

    /// The same with one more.
    #[cfg(test)]
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        assert!(super::OPTIONS.contains(&name), "{name} has no variable");
        self.0.insert(name, value.to_owned());
        self
    }
}

/// The options and the environment together.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    pub options: &'a Options,
    pub environment: &'a Environment,
}

impl Lookup<'_> {
    /// Finds a value by the order of all settings; `file` is what the file says.
    ///
    /// # Errors
    /// A text that is no such value, or no text.
    pub fn find<T: Value>(
        &self,
        option: &'static str,
        file: Option<&Setting<T>>,
    ) -> Result<Option<Setting<T>>, ConfigError> {
        match self.given(option)? {
            Some(found) => found.read(option).map(Some),
            None => Ok(file.cloned()),
        }
    }

    /// What the command line or the environment says of an option.
    ///
    /// # Errors
    /// A variable that is no text.
    pub fn given(&self, option: &'static str) -> Result<Option<Setting<String>>, ConfigError> {
        if let Some(value) = self.options.0.get(option) {
            return Ok(Some(Setting::new(value.clone(), Origin::Option(option))));
        }
        self.environment.setting(&environment::variable(option))
    }
}
