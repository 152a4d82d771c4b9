//! The environment, as a value: read once, so that a test needs no process of
//! its own. A variable that is not text is an error where it is asked for, and
//! never taken for one that is not set.

use super::setting::{Origin, Setting};
use super::{ConfigError, OPTIONS, nearest};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What every variable of ours begins with.
const PREFIX: &str = "MIGRATE_";

/// The tests' own variables, which are in their programs' environment, too.
const OF_TESTS: &str = "MIGRATE_TEST_";

/// What a run is told of its reason; no options.
pub const COMMIT: &str = "MIGRATE_COMMIT";
pub const DEPLOYMENT: &str = "MIGRATE_DEPLOYMENT";

/// The variables by their names.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

/// A variable that looks like one of ours, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub name: String,
    /// The one that was probably meant.
    pub nearest: Option<String>,
}

impl Environment {
    /// An environment of the given names and values. A name that is no text is
    /// nobody's whom we would ask for.
    pub fn new<N, V>(variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let text = |(name, value): (N, V)| Some((name.into().into_string().ok()?, value.into()));
        Self {
            variables: variables.into_iter().filter_map(text).collect(),
        }
    }

    /// A variable's value; `None` where it is not set.
    ///
    /// # Errors
    /// Bytes that are no text, by the variable's name.
    pub fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        self.variables
            .get(name)
            .map(|value| {
                value.to_str().ok_or_else(|| ConfigError::NotUnicode {
                    name: name.to_owned(),
                })
            })
            .transpose()
    }

    /// A variable whose value need not be text: a list of paths.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    /// A variable that is set and not empty.
    pub(super) fn setting(&self, name: &str) -> Result<Option<Setting<String>>, ConfigError> {
        Ok(self
            .get(name)?
            .filter(|value| !value.is_empty())
            .map(|value| Setting::new(value.to_owned(), Origin::Environment(name.to_owned()))))
    }

    /// Every variable that begins like ours and is none, nor one of `others`: a
    /// misspelt one that is silently without effect is the worst kind.
    #[must_use]
    pub fn unknown(&self, others: &[String]) -> Vec<Unknown> {
        let known = OPTIONS.map(variable);
        self.variables
            .keys()
            .filter(|name| !name.starts_with(OF_TESTS))
            .filter(|name| ![COMMIT, DEPLOYMENT].contains(&name.as_str()))
            .filter(|name| !known.contains(name) && !others.contains(name))
            .filter_map(|name| {
                // What all of them begin with would make any two alike.
                let word = name.strip_prefix(PREFIX)?;
                let words = known.iter().filter_map(|name| name.strip_prefix(PREFIX));
                Some(Unknown {
                    name: name.clone(),
                    nearest: nearest(word, words).map(|word| format!("{PREFIX}{word}")),
                })
            })
            .collect()
    }
}

/// The variable of an option: `lock-wait` has `MIGRATE_LOCK_WAIT`.
#[must_use]
pub fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.replace('-', "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_none_of_ours_is_told_with_the_nearest() {
        let environment = Environment::new([
            ("MIGRATE_LOCKWAIT", "1s"),
            ("MIGRATE_LOCK_WAIT", "1s"),
            ("MIGRATE_TEST_POSTGRES_URL", "x"),
            ("MIGRATE_XYZZY", "x"),
            (COMMIT, "x"),
            (DEPLOYMENT, "x"),
            ("MIGRATE_BILLING_URL", "x"),
            ("MIGRATION", "x"),
        ]);
        let unknown: Vec<_> = environment
            .unknown(&["MIGRATE_BILLING_URL".to_owned()])
            .into_iter()
            .map(|unknown| (unknown.name, unknown.nearest))
            .collect();
        let of = |name: &str, nearest: Option<&str>| (name.to_owned(), nearest.map(str::to_owned));
        assert_eq!(
            unknown,
            [
                of("MIGRATE_LOCKWAIT", Some("MIGRATE_LOCK_WAIT")),
                of("MIGRATE_XYZZY", None)
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_an_error_and_not_unset() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = OsString::from_vec(vec![b'a', 0xff]);
        let environment = Environment::new([(OsString::from("MIGRATE_WAIT"), bytes)]);
        assert!(matches!(
            environment.get("MIGRATE_WAIT"),
            Err(ConfigError::NotUnicode { name }) if name == "MIGRATE_WAIT"
        ));
        assert!(matches!(environment.get("MIGRATE_DIR"), Ok(None)));
    }
}
