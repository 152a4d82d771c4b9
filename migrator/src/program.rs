//! A project's own program: this one, with the project's migrations in it.

use crate::cli;
use crate::db::{Transaction, code};
use crate::embedded::{Carried, Embedded};
use crate::model::{Addition, Body, Checksum, Code, Migration, Needs, Script};
use crate::text::SourceFile;
use sha2::{Digest, Sha384};
use sqlx::error::BoxDynError;
use std::panic::Location;
use std::process::ExitCode;
use std::sync::Arc;

/// A program that carries migrations; [`embedded!`](crate::embedded!) makes one.
#[must_use = "it does nothing until .main() is called"]
#[derive(Debug)]
pub struct Program {
    embedded: Embedded,
    additions: Vec<Addition>,
    database: Option<&'static str>,
}

impl Program {
    #[doc(hidden)]
    pub fn carrying(carried: Carried) -> Self {
        Self {
            embedded: Embedded::new(carried),
            additions: Vec::new(),
            database: None,
        }
    }

    /// The database of `migrate.toml` that the migrations are for which are added
    /// after this.
    pub fn database(mut self, name: &'static str) -> Self {
        self.database = Some(name);
        self
    }

    /// Adds a migration that is written in Rust. It has its place among the SQL
    /// files by its version, runs in one transaction with its history row, and may
    /// be run again after it was rolled back, so that it must not act on anything
    /// but the database.
    #[track_caller]
    pub fn rust<E: Into<BoxDynError> + 'static>(
        self,
        version: i64,
        name: &str,
        up: impl AsyncFn(&mut Transaction<'_>) -> Result<(), E> + 'static,
    ) -> Self {
        self.add(Location::caller(), version, name, code(up), None)
    }

    /// The same, with the way back.
    #[track_caller]
    pub fn reversible_rust<E: Into<BoxDynError> + 'static>(
        self,
        version: i64,
        name: &str,
        up: impl AsyncFn(&mut Transaction<'_>) -> Result<(), E> + 'static,
        down: impl AsyncFn(&mut Transaction<'_>) -> Result<(), E> + 'static,
    ) -> Self {
        self.add(
            Location::caller(),
            version,
            name,
            code(up),
            Some(code(down)),
        )
    }

    /// Runs the program with the process's own arguments, environment and streams.
    #[must_use]
    pub fn main(self) -> ExitCode {
        cli::run_program(Some((self.embedded, self.additions)))
    }

    fn add(
        mut self,
        place: &Location<'_>,
        version: i64,
        name: &str,
        up: Code,
        down: Option<Code>,
    ) -> Self {
        let path = format!("{}:{}", place.file(), place.line());
        let script = |code| Script {
            file: Arc::new(SourceFile::new(path.clone(), "")),
            transaction: true,
            body: Body::Code(code),
            allow: Vec::new(),
        };
        self.additions.push(Addition {
            database: self.database,
            migration: Migration {
                version: version.into(),
                name: name.to_owned(),
                checksum: Some(checksum(version, name)),
                needs: Needs::AllBefore,
                up: script(up),
                down: down.map(script),
            },
        });
        self
    }
}

/// Code has no text that stays the same from one compiler to the next: what is
/// recorded tells only that it is this migration, and no file.
fn checksum(version: i64, name: &str) -> Checksum {
    Checksum(Sha384::digest(format!("rust {version} {name}")).to_vec())
}

/// The program of a project that carries its migrations: the folder relative to
/// the package's Cargo.toml, the same as in its build.rs.
///
/// ```ignore
/// fn main() -> std::process::ExitCode {
///     migrate::embedded!("migrations")
///         .rust(20260301000000, "backfill names", backfill)
///         .main()
/// }
/// ```
#[macro_export]
macro_rules! embedded {
    ($($folder:literal),+ $(,)?) => {{
        const CARRIED: $crate::embedded::Carried = ::core::include!(::core::env!(
            "EMBEDDED_MIGRATIONS",
            "migrate::main! needs a build.rs that calls migrate_build::embed(\"migrations\"), and \
             cnb-migrate-build among the build-dependencies: without it a new migration would not \
             be compiled in"
        ));
        const _: () = ::core::assert!(
            $crate::embedded::is_of(CARRIED, &[$($folder),+]),
            "migrate::main! and the build.rs name different folders"
        );
        $crate::Program::carrying(CARRIED)
    }};
}

/// The whole `main` of a project's own `migrate`: it carries the folder, and has
/// every verb and option.
///
/// ```ignore
/// fn main() -> std::process::ExitCode {
///     migrate::main!("migrations")
/// }
/// ```
#[macro_export]
macro_rules! main {
    ($($folder:literal),+ $(,)?) => {
        $crate::embedded!($($folder),+).main()
    };
}
