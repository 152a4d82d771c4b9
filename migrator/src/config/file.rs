//! `migrate.toml`, at a project's root: keys as the options are called, and a
//! table for each database where there are several. Everything in it is checked
//! when it is read, whatever is asked for: a build finds what a release would.

mod migrations;
mod spanned;
mod wrong;

use super::presentation::{Color, Keys, Output};
use super::setting::{Origin, Setting};
use super::value::Folder;
use super::{ConfigError, nearest, target};
use crate::diagnostic::Place;
use crate::formats::FormatName;
use crate::limits::Transaction;
use crate::model::{Rule, Version};
use crate::plan::planner::{OutOfOrder, UnknownApplied};
use crate::text::SourceFile;
pub use migrations::{Migrations, OfMigration};
use serde::Deserialize;
pub use spanned::{Databases, SpannedValue};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The file's name.
pub const NAME: &str = "migrate.toml";

/// What a database may be called, since its variable is made of it.
#[cfg(test)]
const DATABASE_NAME: &str = "^[A-Za-z][A-Za-z0-9_-]*$";

/// What the file allows one migration.
#[derive(Clone, Debug)]
pub struct Allowed {
    pub version: Version,
    pub rules: Vec<Rule>,
    /// Where the version stands.
    pub place: Place,
    /// Whether it can only be a migration of this database.
    pub is_own: bool,
}

/// Two tables of keys, most of which they share; and what they come to for one
/// database.
macro_rules! tables {
    (
        $(#[$file:meta])*
        File { $($(#[$file_about:meta])* $file_key:ident: $file_type:ty,)* }
        $(#[$database:meta])*
        Database { $($(#[$database_about:meta])* $database_key:ident: $database_type:ty,)* }
        both { $($(#[$about:meta])* $key:ident: $type:ty,)* }
    ) => {
        #[derive(Clone, Debug, Default, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
        $(#[$file])*
        pub struct File {
            #[serde(skip)]
            source: Option<Arc<SourceFile>>,
            #[serde(skip)]
            folder: PathBuf,
            $($(#[$file_about])* $file_key: Option<$file_type>,)*
            $($(#[$about])* $key: Option<SpannedValue<$type>>,)*
        }

        #[derive(Clone, Debug, Default, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
        $(#[$database])*
        pub struct Database {
            $($(#[$database_about])* $database_key: Option<$database_type>,)*
            $($(#[$about])* $key: Option<SpannedValue<$type>>,)*
        }

        /// What the file says of one database.
        #[derive(Clone, Debug, Default)]
        pub struct Settings {
            /// Its name, where the file has a table for it.
            pub name: Option<String>,
            /// What relative paths of the file are relative to.
            pub folder: PathBuf,
            /// What is allowed to which migration.
            pub allowed: Vec<Allowed>,
            pub deadline: Option<Setting<Duration>>,
            pub url_env: Option<Setting<String>>,
            $(pub $key: Option<Setting<$type>>,)*
        }

        /// Every key of the top level, by its field.
        #[cfg(test)]
        pub(super) const KEYS: &[&str] = &[$(stringify!($file_key),)* $(stringify!($key),)*];

        impl File {
            /// What it says of a database, or of the only one.
            fn merged(&self, name: Option<&str>, table: Option<&Database>) -> Settings {
                Settings {
                    name: name.map(str::to_owned),
                    folder: self.folder.clone(),
                    allowed: self.allowed(table),
                    deadline: self.setting("deadline", self.deadline.as_ref()),
                    url_env: self.setting("url-env", table.and_then(|table| table.url_env.as_ref())),
                    $($key: self.setting(
                        stringify!($key),
                        table.and_then(|table| table.$key.as_ref()).or(self.$key.as_ref()),
                    ),)*
                }
            }
        }
    };
}

tables! {
    /// Settings of `migrate`, the database migrator: each is also an option
    /// (`--lock-wait`) and a variable (`MIGRATE_LOCK_WAIT`), which win over the file.
    #[cfg_attr(test, schemars(
        title = "migrate.toml",
        extend("dependencies" = {"database-url": {"properties": {"database": false}}})
    ))]
    File {
        /// When diagnostics have colours (default: `auto`, on a terminal).
        color: SpannedValue<Color>,
        /// A table for each database of the application, migrated in the order
        /// written. What a table does not say, the file's top level says.
        database: Databases,
        /// The longest that the whole run may take (default: `25m`).
        deadline: SpannedValue<Duration>,
        /// A table for each migration that may do what is refused otherwise.
        migration: Migrations,
        /// For people or for programs (default: `human`).
        output: SpannedValue<Output>,
        /// Say only how it ended.
        quiet: SpannedValue<bool>,
        /// Say also every setting that is not the default, and where it came from.
        verbose: SpannedValue<bool>,
    }
    /// One of several databases.
    Database {
        /// The variable that holds the database's URL (default: the table's name in
        /// capitals, and `_DATABASE_URL`).
        url_env: SpannedValue<String>,
        /// A table for each of its migrations that may do what is refused otherwise.
        migration: Migrations,
    }
    both {
        /// The section of Alembic's ini file, as its option `-n` names it (default:
        /// `alembic`).
        alembic_section: String,
        /// The authority of the database's certificate: its PEM text, or its file's
        /// path, relative to this file.
        database_ca_cert: String,
        /// The database's URL. It is better in the environment, where a password
        /// may be.
        database_url: String,
        /// The folder of the migrations, relative to this file.
        dir: Folder,
        /// The format of the migrations.
        format: FormatName,
        /// The longest that a statement waits for a table lock before its migration
        /// is rolled back and tried again; `0` is for ever (default: `5s`).
        lock_timeout: Duration,
        /// How long to wait for another migrator to finish (default: `10m`).
        lock_wait: Duration,
        /// A pending migration that sorts before an applied one (default: `error`).
        out_of_order: OutOfOrder,
        /// The longest that a statement may run; `0` is for ever (default: `0`).
        statement_timeout: Duration,
        /// The history table (default: that of `sqlx.toml`, or `_sqlx_migrations`).
        table: String,
        /// How much of a run is one transaction (default: `each` migration).
        transaction: Transaction,
        /// An applied version that no file has (default: `newer`).
        unknown_applied: UnknownApplied,
        /// How long to wait for the database to answer (default: `60s`).
        wait: Duration,
    }
}

impl File {
    /// Reads the text of the file that a person knows as `path`; its relative
    /// paths begin at `folder`.
    ///
    /// # Errors
    /// An unknown key, a wrong type or a wrong value, with its place.
    pub fn parse(path: &str, folder: &Path, text: &str) -> Result<Self, ConfigError> {
        // What is shown of it later must show no password.
        let source = Arc::new(SourceFile::new(path, wrong::without_passwords(text)));
        let mut file: Self =
            toml::from_str(text).map_err(|error| wrong::explain(&source, &error))?;
        wrong::check(&source, &file)?;
        file.source = Some(source);
        folder.clone_into(&mut file.folder);
        Ok(file)
    }

    /// What the file's relative paths are relative to.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The databases that have a table, in the order written.
    #[must_use]
    pub fn databases(&self) -> Vec<&str> {
        let tables = self.database.iter().flat_map(Databases::tables);
        tables.map(|table| table.name.as_str()).collect()
    }

    /// What it says of the database with this name, or of the only one.
    #[must_use]
    pub fn settings(&self, name: Option<&str>) -> Settings {
        let mut tables = self.database.iter().flat_map(Databases::tables);
        let table = tables.find(|table| Some(table.name.as_str()) == name);
        self.merged(name, table.map(|table| &table.keys))
    }

    /// The variables that hold the databases' URLs, whatever they are called.
    #[must_use]
    pub fn url_variables(&self) -> Vec<String> {
        let names = self.databases().into_iter();
        names
            .map(|name| target::variable(&self.settings(Some(name))))
            .collect()
    }

    pub(super) fn presentation(&self) -> Keys {
        Keys {
            color: self.setting("color", self.color.as_ref()),
            output: self.setting("output", self.output.as_ref()),
            quiet: self.setting("quiet", self.quiet.as_ref()),
            verbose: self.setting("verbose", self.verbose.as_ref()),
        }
    }

    /// What is allowed to the migrations of a database, or of every one.
    fn allowed(&self, table: Option<&Database>) -> Vec<Allowed> {
        let Some(source) = &self.source else {
            return Vec::new();
        };
        let own = table.and_then(|table| table.migration.as_ref());
        let is_only = self.databases().len() < 2;
        let all = [(self.migration.as_ref(), is_only), (own, true)];
        all.into_iter()
            .filter_map(|(tables, is_own)| Some((tables?, is_own)))
            .flat_map(|(tables, is_own)| tables.tables().map(move |table| (table, is_own)))
            .filter_map(|(table, is_own)| {
                Some(Allowed {
                    version: table.version()?,
                    rules: table.rules(),
                    place: Place::new(source, table.span),
                    is_own,
                })
            })
            .collect()
    }

    fn setting<T: Clone>(
        &self,
        key: &str,
        spanned: Option<&SpannedValue<T>>,
    ) -> Option<Setting<T>> {
        let (source, spanned) = (self.source.as_ref()?, spanned?);
        let origin = Origin::File {
            key: key.replace('_', "-"),
            place: Place::new(source, spanned.span),
        };
        Some(Setting::new(spanned.value.clone(), origin))
    }
}
