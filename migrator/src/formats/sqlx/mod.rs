//! sqlx's folder and table: the native format. `VERSION_NAME.sql`, or a pair
//! `VERSION_NAME.up.sql` and `.down.sql`; the checksum is SHA-384 of the file as
//! written (sqlx-core 0.9, `src/migrate/source.rs` and `migration_type.rs`).

mod naming;
mod toml;
mod unwritten;

use super::naming::{Draft, NewMigration};
use super::{Drafts, Format, FormatError, Reading};
use crate::diagnostic::Diagnostic;
use crate::history::ledger::Ledger;
use crate::history::sqlx::SQLX;
use crate::model::{Body, Checksum, Migration, Needs, Script, Version};
use crate::order::Rules;
use crate::sources::{Content, Listing, is_sql};
use crate::text::SourceFile;
use sha2::{Digest, Sha384};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use toml::Defaults;
pub use toml::Settings;

/// The comment that opens a file to be run outside a transaction: the file's
/// first bytes, as in sqlx.
const NO_TRANSACTION: &str = "-- no-transaction";

/// The format of sqlx, with a project's `sqlx.toml`.
#[derive(Clone, Debug)]
pub struct Sqlx {
    ledger: Ledger,
    ignored: Vec<char>,
    defaults: Defaults,
}

/// What a file name says.
struct Name<'a> {
    version: i64,
    description: String,
    suffix: &'a str,
}

impl Sqlx {
    /// The format under a project's settings. `table` overrides the name of the
    /// history table.
    #[must_use]
    pub fn new(settings: &Settings, table: Option<&str>) -> Self {
        Self {
            ledger: Ledger {
                kind: &SQLX,
                table: table
                    .or(settings.table_name.as_deref())
                    .unwrap_or("_sqlx_migrations")
                    .to_owned(),
                schemas: settings.create_schemas.iter().cloned().collect(),
            },
            ignored: settings.ignored_chars.iter().copied().collect(),
            defaults: settings.defaults,
        }
    }

    fn checksum(&self, text: &str) -> Checksum {
        let mut digest = Sha384::new();
        for part in text.split(|c| self.ignored.contains(&c)) {
            digest.update(part);
        }
        Checksum(digest.finalize().to_vec())
    }

    /// Whether a checksum is that of a text but for line endings or a byte order
    /// mark.
    fn is_of(&self, text: &str, checksum: &Checksum) -> bool {
        let lf = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let crlf = lf.replace('\n', "\r\n");
        [lf, crlf].iter().any(|text| {
            self.checksum(text) == *checksum
                || self.checksum(&format!("\u{feff}{text}")) == *checksum
        })
    }

    /// A file's script, with what its first bytes ask for.
    ///
    /// # Errors
    /// A file that is not text.
    pub fn script(path: String, bytes: &[u8]) -> Result<Script, FormatError> {
        let text = std::str::from_utf8(bytes).map_err(|error| FormatError::NotUtf8 {
            file: Arc::new(SourceFile::new(
                path.as_str(),
                String::from_utf8_lossy(bytes),
            )),
            offset: error.valid_up_to(),
        })?;
        Ok(Script {
            transaction: !text.starts_with(NO_TRANSACTION),
            body: Body::Sql,
            allow: Vec::new(),
            file: Arc::new(SourceFile::new(path, text)),
        })
    }

    fn read_one(&self, listing: &Listing) -> Result<Reading, FormatError> {
        let mut warnings = Vec::new();
        let mut ups: BTreeMap<i64, Migration> = BTreeMap::new();
        let mut downs: BTreeMap<i64, Script> = BTreeMap::new();
        for entry in &listing.entries {
            let Content::File(bytes) = &entry.content else {
                continue;
            };
            let path = listing.path(&entry.name);
            let Some(name) = Name::parse(&path, &entry.name)? else {
                warnings.push(passed_over(&path));
                continue;
            };
            let script = Self::script(path, bytes)?;
            if name.suffix == ".down.sql" {
                insert_once(&mut downs, name.version, script, |script| &script.file)?;
            } else {
                let migration = Migration {
                    version: name.version.into(),
                    name: name.description,
                    checksum: Some(self.checksum(script.file.text())),
                    needs: Needs::AllBefore,
                    up: script,
                    down: None,
                };
                insert_once(&mut ups, name.version, migration, |up| &up.up.file)?;
            }
        }
        for (version, down) in downs {
            match ups.get_mut(&version) {
                Some(migration) => migration.down = Some(down),
                None => warnings.push(down_without_up(down.file.path())),
            }
        }
        if ups.is_empty() {
            return Err(FormatError::NoMigrations {
                dir: listing.dir.clone(),
                sql_files: sql_names(listing),
            });
        }
        Ok(Reading {
            migrations: ups.into_values().collect(),
            warnings,
            is_ambiguous: false,
        })
    }
}

impl Drafts for Sqlx {
    fn draft(&self, listing: &Listing, wanted: &NewMigration<'_>) -> Result<Draft, FormatError> {
        naming::draft(self.defaults, listing, wanted)
    }
}

impl Format for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn takes(&self, name: &str) -> bool {
        is_sql(name)
    }

    fn read(&self, folders: &[Listing]) -> Result<Reading, FormatError> {
        let mut reading = Reading::default();
        for listing in folders {
            let Reading {
                migrations,
                warnings,
                ..
            } = self.read_one(listing)?;
            reading.migrations.extend(migrations);
            reading.warnings.extend(warnings);
        }
        Ok(reading)
    }

    fn not_a_version(&self) -> &'static str {
        "SQL migrations use whole numbers"
    }

    fn typed(&self, text: &str, _: &[Migration]) -> Option<Version> {
        text.parse().ok().map(|number: i64| number.into())
    }
}

impl Rules for Sqlx {
    /// As numbers. A text that is none is of no table and no file of sqlx's.
    fn compare(&self, one: &Version, other: &Version) -> Option<Ordering> {
        Some(one.number().cmp(&other.number()))
    }

    fn same_but_for_line_endings(&self, migration: &Migration, recorded: &Checksum) -> bool {
        self.is_of(migration.up.file.text(), recorded)
    }

    fn was_empty(&self, migration: &Migration, recorded: &Checksum) -> bool {
        let now = migration.up.file.text();
        migration.up.is_sql()
            && unwritten::texts(now, &migration.name)
                .iter()
                .any(|text| self.is_of(text, recorded))
    }
}

impl<'a> Name<'a> {
    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "sqlx compares the ending as written: `1_a.SQL` is not one of its files"
    )]
    /// Reads a file name as sqlx does; `None` for one that sqlx passes over.
    fn parse(path: &str, name: &'a str) -> Result<Option<Self>, FormatError> {
        let Some((prefix, rest)) = name.split_once('_') else {
            return Ok(None);
        };
        if !rest.ends_with(".sql") {
            return Ok(None);
        }
        let version = prefix.parse().map_err(|_| FormatError::BadVersion {
            path: path.to_owned(),
            prefix: prefix.to_owned(),
        })?;
        let suffix = [".up.sql", ".down.sql"]
            .into_iter()
            .find(|suffix| rest.ends_with(suffix))
            .unwrap_or(".sql");
        Ok(Some(Self {
            version,
            // sqlx trims the suffix as often as it stands there.
            description: rest.trim_end_matches(suffix).replace('_', " "),
            suffix,
        }))
    }
}

fn insert_once<T>(
    map: &mut BTreeMap<i64, T>,
    version: i64,
    value: T,
    file: impl Fn(&T) -> &Arc<SourceFile>,
) -> Result<(), FormatError> {
    if let Some(first) = map.get(&version) {
        return Err(FormatError::DuplicateVersion {
            version: version.into(),
            first: file(first).path().to_owned(),
            second: file(&value).path().to_owned(),
        });
    }
    map.insert(version, value);
    Ok(())
}

fn sql_names(listing: &Listing) -> Vec<String> {
    listing
        .entries
        .iter()
        .filter(|entry| is_sql(&entry.name))
        .map(|entry| entry.name.clone())
        .collect()
}

fn passed_over(path: &str) -> Diagnostic {
    Diagnostic::warning(
        "file_passed_over",
        format!("{path} is not named VERSION_NAME.sql and is ignored, as sqlx does"),
    )
}

fn down_without_up(path: &str) -> Diagnostic {
    Diagnostic::warning(
        "down_without_up",
        format!("{path} has no .up.sql with the same version and is ignored"),
    )
}

#[cfg(test)]
mod tests;
