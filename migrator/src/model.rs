//! The nouns: what a migration is, whatever tool's format it was written in.

use crate::text::SourceFile;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// A migration's version: the number that orders it and names it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

/// A fingerprint of a migration's text, as the format in use computes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum(pub Vec<u8>);

/// Whether a migration is brought in or taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// How much of a run is one transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transaction {
    /// All that it applies.
    All,
    /// Each migration, where the database can do that.
    #[default]
    Each,
}

/// The SQL of one direction of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub file: Arc<SourceFile>,
    /// False where the file asks to be run outside a transaction.
    pub transaction: bool,
}

/// One step of a schema's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    pub version: Version,
    /// The description, as the format in use records it.
    pub name: String,
    pub up: Script,
    pub down: Option<Script>,
    pub checksum: Checksum,
}

impl Migration {
    /// Version and name, as a person reads them.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.version, self.name)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
