//! The nouns: what a migration is, whatever tool's format it was written in.

use crate::text::SourceFile;
use std::any::Any;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A migration's version: what names it for ever, as its tool's history table holds
/// it. It orders nothing by itself: in which order files are applied, their format
/// tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// A fingerprint of a migration's text, as the format in use computes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum(pub Vec<u8>);

/// Whether a migration is brought in or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// One direction of a migration. Up and down may share a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The text; of code, its place in the program's source, and no text.
    pub file: Arc<SourceFile>,
    /// False where the file asks to be run outside a transaction.
    pub transaction: bool,
    pub body: Body,
    /// The rules that `migrate.toml` allows it to break.
    pub allow: Vec<Rule>,
}

/// What is run of a script, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The SQL of the file.
    Sql,
    /// Code of this program.
    Code(Code),
    /// The file, by the program of the tool that it is written for.
    Delegated,
}

/// What is refused unless somebody says that it is meant: in a line before the
/// statement, or in `migrate.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// SQLite: a DROP TABLE that deletes or changes rows of other tables.
    DropCascades,
    /// A file's own BEGIN and COMMIT, wherever they stand: it is run as sqlx runs it,
    /// which opens a transaction before it and commits after it.
    TransactionControl,
}

impl Rule {
    /// Every rule, by the name that a user writes.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("drop_cascades", Self::DropCascades),
        ("transaction_control", Self::TransactionControl),
    ];

    /// The name that a user writes.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, rule)| *rule == self)
            .map_or("", |(name, _)| name)
    }
}

/// Code of the program itself that is run as a migration. What it is, only the
/// databases' room knows: it works on a driver's connection.
#[derive(Clone)]
pub struct Code(Arc<dyn Any>);

impl Code {
    #[must_use]
    pub fn new(function: impl Any) -> Self {
        Self(Arc::new(function))
    }

    /// The function, for who knows its type.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// Two are the same where they are one function.
impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Code {}

/// One step of a schema's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    pub version: Version,
    /// The description, as the format in use records it.
    pub name: String,
    pub up: Script,
    pub down: Option<Script>,
    /// `None` where the tool keeps none.
    pub checksum: Option<Checksum>,
    pub needs: Needs,
}

/// What must be applied before a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Needs {
    /// Whatever sorts before it.
    #[default]
    AllBefore,
    /// What its file names, and nothing else.
    These {
        /// Those that it comes after: none for a beginning, several for a merge.
        follows: Vec<Version>,
        /// Those of other branches.
        depends_on: Vec<Version>,
    },
}

/// A migration that is no file: the program brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Whose it is, where the databases have names.
    pub database: Option<&'static str>,
    pub migration: Migration,
}

/// A file that is run again whenever it has changed, after the migrations: a
/// view, a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeatable {
    /// The file's name without its ending.
    pub name: String,
    pub script: Script,
    pub checksum: Checksum,
}

/// One thing to do to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    Apply(&'a Migration),
    Repeat(&'a Repeatable),
    /// Takes a migration back by its down script.
    Revert(&'a Migration, &'a Script),
}

/// What an operation is about, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Migration(Version),
    Repeatable(String),
}

impl Script {
    /// Whether its file's SQL is what is run.
    #[must_use]
    pub fn is_sql(&self) -> bool {
        self.body == Body::Sql
    }

    /// Whether code of this program is what is run.
    #[must_use]
    pub fn is_code(&self) -> bool {
        matches!(self.body, Body::Code(_))
    }

    /// Whether its first statement stands in a transaction that its own COMMIT ends.
    #[must_use]
    pub fn begins_inside(&self) -> bool {
        self.allow.contains(&Rule::TransactionControl)
            && !self.file.text().starts_with("-- no-transaction")
    }
}

impl<'a> Operation<'a> {
    /// What is run for it.
    #[must_use]
    pub fn script(self) -> &'a Script {
        match self {
            Self::Apply(migration) => &migration.up,
            Self::Repeat(repeatable) => &repeatable.script,
            Self::Revert(_, down) => down,
        }
    }

    /// The migration that it is about, if it is one.
    #[must_use]
    pub fn migration(self) -> Option<&'a Migration> {
        match self {
            Self::Apply(migration) | Self::Revert(migration, _) => Some(migration),
            Self::Repeat(_) => None,
        }
    }

    #[must_use]
    pub fn subject(self) -> Subject {
        match self {
            Self::Apply(migration) | Self::Revert(migration, _) => {
                Subject::Migration(migration.version.clone())
            }
            Self::Repeat(repeatable) => Subject::Repeatable(repeatable.name.clone()),
        }
    }

    /// Version and name, as a person reads them.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Apply(migration) | Self::Revert(migration, _) => migration.label(),
            Self::Repeat(repeatable) => format!("repeatable {}", repeatable.name),
        }
    }
}

impl Subject {
    /// The version, of a migration.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Migration(version) => Some(version),
            Self::Repeatable(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Migration(version) => write!(f, "migration {version}"),
            Self::Repeatable(name) => write!(f, "repeatable {name}"),
        }
    }
}

impl Migration {
    /// Version and name, as a person reads them.
    #[must_use]
    pub fn label(&self) -> String {
        match self.name.as_str() {
            "" => self.version.to_string(),
            name => format!("{} {name}", self.version),
        }
    }

    /// Those that it names as to be applied before it; none where that is whatever
    /// sorts before it.
    pub fn parents(&self) -> impl Iterator<Item = &Version> {
        let (follows, depends_on) = match &self.needs {
            Needs::AllBefore => (&[][..], &[][..]),
            Needs::These {
                follows,
                depends_on,
            } => (&follows[..], &depends_on[..]),
        };
        follows.iter().chain(depends_on)
    }

    /// Those that it comes after on its own branch.
    #[must_use]
    pub fn follows(&self) -> &[Version] {
        match &self.needs {
            Needs::AllBefore => &[],
            Needs::These { follows, .. } => follows,
        }
    }
}

impl Version {
    /// What a person types for the place before all others.
    #[must_use]
    pub fn zero() -> Self {
        Self::new("0")
    }

    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that it is, where a tool counts its migrations.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Version {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Checksum {
    /// The checksum as lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Reads hexadecimal digits of either case; `None` where they are none.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
            return None;
        }
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
            .collect::<Option<_>>()
            .map(Self)
    }
}

impl Direction {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_survives_its_hexadecimal_form() {
        let checksum = Checksum(vec![0, 15, 255]);
        assert_eq!(checksum.hex(), "000fff");
        assert_eq!(Checksum::from_hex("000FFF"), Some(checksum));
        assert_eq!(Checksum::from_hex("00f"), None);
        assert_eq!(Checksum::from_hex("zz"), None);
    }
}
