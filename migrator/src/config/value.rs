//! What settings may be: each kind of value reads itself from a text and from
//! the file, and says what it takes. The JSON Schema asks the same kinds.

use super::presentation::{Color, Output};
use crate::formats::FormatName;
use crate::limits::Transaction;
use crate::model::Rule;
use crate::plan::planner::{OutOfOrder, UnknownApplied};
use std::time::Duration;

/// Nobody waits for longer; and beyond the clock's end it could not.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A kind of value.
pub trait Value: Clone {
    /// What it may be, as part of a sentence: "takes …".
    fn takes() -> String;

    /// Reads the text of an option or a variable; `None` where it is none.
    fn read(text: &str) -> Option<Self>;

    /// Reads a string of the file.
    fn from_string(text: &str) -> Option<Self> {
        Self::read(text)
    }

    /// Reads a boolean of the file.
    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    /// The value as it would be written.
    fn show(&self) -> String;

    /// What the file's JSON Schema says of it.
    #[cfg(test)]
    fn schema() -> schemars::Schema;
}

/// A value that is one of a few words.
pub trait Words: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Words> Value for T {
    fn takes() -> String {
        let words: Vec<_> = T::WORDS
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect();
        match &words[..] {
            [] => String::new(),
            [only] => format!("only {only}"),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        T::WORDS
            .iter()
            .find(|(word, _)| *word == text)
            .map(|(_, value)| *value)
    }

    fn show(&self) -> String {
        T::WORDS
            .iter()
            .find(|(_, value)| value == self)
            .map_or(String::new(), |(word, _)| (*word).to_owned())
    }

    #[cfg(test)]
    fn schema() -> schemars::Schema {
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
        schemars::json_schema!({ "type": "string", "enum": words })
    }
}

impl Words for Color {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("auto", Self::Auto),
        ("always", Self::Always),
        ("never", Self::Never),
    ];
}

impl Words for FormatName {
    const WORDS: &'static [(&'static str, Self)] =
        &[("alembic", Self::Alembic), ("sqlx", Self::Sqlx)];
}

impl Words for OutOfOrder {
    const WORDS: &'static [(&'static str, Self)] =
        &[("error", Self::Error), ("apply", Self::Apply)];
}

impl Words for Output {
    const WORDS: &'static [(&'static str, Self)] = &[("human", Self::Human), ("json", Self::Json)];
}

impl Words for Rule {
    const WORDS: &'static [(&'static str, Self)] = Self::NAMES;
}

impl Words for Transaction {
    const WORDS: &'static [(&'static str, Self)] = &[("each", Self::Each), ("all", Self::All)];
}

impl Words for UnknownApplied {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("newer", Self::Newer),
        ("warn", Self::Warn),
        ("error", Self::Error),
    ];
}

/// A boolean is a boolean in the file, and a word or a digit elsewhere.
impl Value for bool {
    fn takes() -> String {
        "true or false".to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn from_string(_: &str) -> Option<Self> {
        None
    }

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }

    fn show(&self) -> String {
        self.to_string()
    }

    #[cfg(test)]
    fn schema() -> schemars::Schema {
        schemars::json_schema!({ "type": "boolean" })
    }
}

/// How long: humantime's form, or `0`.
impl Value for Duration {
    fn takes() -> String {
        "a duration such as 30s, 5m or 1h".to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::ZERO);
        }
        humantime::parse_duration(text)
            .ok()
            .map(|duration| duration.min(LONGEST))
    }

    fn from_string(text: &str) -> Option<Self> {
        Self::read(text.trim())
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string()
    }

    #[cfg(test)]
    fn schema() -> schemars::Schema {
        // humantime's units (2.3, `duration.rs`).
        let units = "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|\
                     hours?|hrs?|h|days?|d|weeks?|wks?|w|months?|M|years?|yrs?|y";
        schemars::json_schema!({
            "type": "string",
            "pattern": format!(r"^\s*(0|([0-9][0-9\s]*(\.\s*[0-9][0-9\s]*)?({units})\s*)+)\s*$"),
            "examples": ["30s", "5m", "1h 30m", "0"],
        })
    }
}

/// The path of a folder. An empty one would mean the current folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(pub String);

impl Value for Folder {
    fn takes() -> String {
        "the path of a folder".to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        String::read(text).map(Self)
    }

    fn show(&self) -> String {
        self.0.clone()
    }

    #[cfg(test)]
    fn schema() -> schemars::Schema {
        String::schema()
    }
}

/// A text: a path, a name, a URL.
impl Value for String {
    fn takes() -> String {
        "text that is not empty".to_owned()
    }

    fn read(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }

    #[cfg(test)]
    fn schema() -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"\S" })
    }
}
