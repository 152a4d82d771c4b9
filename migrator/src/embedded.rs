//! What a program carries of the project that it was compiled in: the same files
//! as a bundle, inside the program. `migrate_build::embed` lists them, in the
//! project's build.rs.

use crate::sources::{Content, Entry, Listing, SourceError, is_sql};
use std::path::Path;

/// The folders, each with the `sqlx.toml` that counts for it, and the files, each
/// under its path relative to the package: of what build.rs writes, the type.
pub type Carried = (
    &'static [(&'static str, Option<&'static str>)],
    &'static [(&'static str, &'static [u8])],
);

/// Whether what was listed is what the program asks for; for a `const`.
#[doc(hidden)]
#[must_use]
pub const fn is_of((folders, _): Carried, wanted: &[&str]) -> bool {
    if folders.len() != wanted.len() {
        return false;
    }
    let mut number = 0;
    while number < wanted.len() {
        let (one, other) = (folders[number].0.as_bytes(), wanted[number].as_bytes());
        if one.len() != other.len() {
            return false;
        }
        let mut at = 0;
        while at < one.len() {
            if one[at] != other[at] {
                return false;
            }
            at += 1;
        }
        number += 1;
    }
    true
}

/// The migrations of the program itself.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    folders: &'static [(&'static str, Option<&'static str>)],
    files: &'static [(&'static str, &'static [u8])],
}

impl Embedded {
    #[must_use]
    pub const fn new((folders, files): Carried) -> Self {
        Self { folders, files }
    }

    /// The folder that counts where nothing names one.
    #[must_use]
    pub fn first_folder(&self) -> &'static str {
        self.folders.first().map_or("", |(folder, _)| folder)
    }

    /// What stands in one of its folders; `None` for another.
    #[must_use]
    pub fn listing(&self, dir: &str) -> Option<Listing> {
        let is_here = |path: &str| path.strip_prefix(dir).is_some_and(|it| it.starts_with('/'));
        let is_known = self.folders.iter().any(|(folder, _)| *folder == dir);
        if !is_known && !self.files.iter().any(|(path, _)| is_here(path)) {
            return None;
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (path, content) in self.files.iter().filter(|(path, _)| is_here(path)) {
            match path[dir.len() + 1..].split_once('/') {
                None => entries.push(Entry {
                    name: path[dir.len() + 1..].to_owned(),
                    content: if is_sql(path) {
                        Content::File(content.to_vec())
                    } else {
                        Content::Other
                    },
                }),
                Some((folder, name)) => match entries.last_mut() {
                    Some(Entry {
                        name: last,
                        content: Content::Folder(names),
                    }) if last == folder => names.push(name.to_owned()),
                    _ => entries.push(Entry {
                        name: folder.to_owned(),
                        content: Content::Folder(vec![name.to_owned()]),
                    }),
                },
            }
        }
        // A path sorts by its `/`, which a name does not have.
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Some(Listing {
            dir: dir.to_owned(),
            entries,
        })
    }

    /// The path of the `sqlx.toml` that counts for a folder.
    #[must_use]
    pub fn sqlx_toml(&self, dir: &str) -> Option<&'static str> {
        self.folders
            .iter()
            .find(|(folder, _)| *folder == dir)
            .and_then(|(_, settings)| *settings)
    }

    /// A text file, by its path; `None` where there is none.
    ///
    /// # Errors
    /// A file that is not UTF-8.
    pub fn text(&self, path: &str) -> Result<Option<&'static str>, SourceError> {
        let Some((_, content)) = self.files.iter().find(|(file, _)| *file == path) else {
            return Ok(None);
        };
        std::str::from_utf8(content)
            .map(Some)
            .map_err(|error| SourceError::NotUtf8 {
                path: Path::new(path).to_owned(),
                text: String::from_utf8_lossy(content).into_owned(),
                offset: error.valid_up_to(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMBEDDED: Embedded = Embedded::new((
        &[("migrations", Some("../sqlx.toml")), ("b/m", None)],
        &[
            ("../sqlx.toml", b"[migrate]"),
            ("b/m/1_bills.sql", b"SELECT 3"),
            ("migrations/1_users.sql", b"SELECT 1"),
            ("migrations/README.md", b""),
            ("migrations/repeatable/a.sql", b"SELECT 2"),
            ("migrations/repeatable/b.sql", b""),
        ],
    ));

    #[test]
    fn a_folder_is_listed_as_on_the_disk() {
        let listing = EMBEDDED.listing("migrations").unwrap();
        let entries: Vec<_> = listing
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), &entry.content))
            .collect();
        assert_eq!(
            entries,
            [
                ("1_users.sql", &Content::File(b"SELECT 1".to_vec())),
                ("README.md", &Content::Other),
                (
                    "repeatable",
                    &Content::Folder(vec!["a.sql".into(), "b.sql".into()])
                ),
            ]
        );
        let again = EMBEDDED.listing("migrations/repeatable").unwrap();
        assert_eq!(again.entries.len(), 2);
        assert_eq!(again.path("a.sql"), "migrations/repeatable/a.sql");
        assert_eq!(EMBEDDED.listing("migration"), None);
    }

    #[test]
    fn each_folder_has_the_settings_that_count_for_it() {
        let path = EMBEDDED.sqlx_toml("migrations").unwrap();
        assert_eq!(EMBEDDED.text(path).unwrap(), Some("[migrate]"));
        assert_eq!(EMBEDDED.sqlx_toml("b/m"), None);
        assert_eq!(EMBEDDED.text("migrate.toml").unwrap(), None);
    }
}
