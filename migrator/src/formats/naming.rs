//! A new migration, before it has a file: what was asked for, and what a format
//! makes of it.

use crate::diagnostic::Diagnostic;

/// What somebody wants to write.
#[derive(Clone, Copy, Debug)]
pub struct NewMigration<'a> {
    /// Words joined by `_`, as [`words`] makes them.
    pub name: &'a str,
    /// Whether it must have a way back; otherwise the folder's habit decides.
    pub reversible: bool,
    /// The time in UTC as a number, `YYYYMMDDHHMMSS`, and that of a minute later.
    pub now: i64,
    pub soon: i64,
}

/// The files of a new migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub files: Vec<DraftFile>,
    pub warnings: Vec<Diagnostic>,
}

/// A file that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftFile {
    pub name: String,
    pub text: String,
}

/// The name as it stands in a file name: its words in lower case, joined by `_`,
/// of letters and digits of any script. `None` where it has neither.
#[must_use]
pub fn words(name: &str) -> Option<String> {
    // Accents that are characters of their own belong to the letter before them.
    let is_accent = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    let words: Vec<String> = name
        .split(|c: char| !c.is_alphanumeric() && !is_accent(c))
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(str::to_lowercase)
        .collect();
    (!words.is_empty()).then(|| words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_words() {
        for (name, expected) in [
            ("add users", "add_users"),
            ("  Add -- Users!table. ", "add_users_table"),
            ("add_users", "add_users"),
            ("../../etc/passwd", "etc_passwd"),
            ("größe и 数", "größe_и_数"),
            ("cafe\u{301} 2", "cafe\u{301}_2"),
            ("a.up.sql", "a_up_sql"),
        ] {
            assert_eq!(words(name).as_deref(), Some(expected));
        }
        for nothing in ["", " ", "-- !", "_", "\u{301}", "\0\n"] {
            assert_eq!(words(nothing), None, "{nothing:?}");
        }
    }
}
