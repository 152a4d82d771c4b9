//! Alembic's version table, `alembic_version`: a row for each applied revision that
//! no other one stands on (Alembic 1.20, `alembic/runtime/migration.py`). Alembic
//! writes it.

use super::Applied;
use super::table::{LockKey, Recorded, Row, Table, Writes};
use crate::model::{Migration, Version};
use crate::order;
use crate::sql::Dialect;
use std::collections::HashSet;

/// Tables of Alembic.
pub static ALEMBIC: Alembic = Alembic;

/// The table, where env.py names no other.
pub const NAME: &str = "alembic_version";

#[derive(Debug)]
pub struct Alembic;

impl Table for Alembic {
    fn tool(&self) -> &'static str {
        "alembic"
    }

    fn select(&self, table: &str, _: Dialect) -> String {
        format!("SELECT version_num FROM {table}")
    }

    fn columns(&self) -> &'static [&'static str] {
        &["version_num"]
    }

    fn row(&self, row: &Row) -> Option<Applied> {
        Some(applied(Version::new(row.first()?.as_deref()?), ""))
    }

    /// What a row's revision stands on is applied, too.
    fn read(&self, rows: Vec<Applied>, files: &[Migration]) -> Recorded {
        let lineage = order::lineage(files, rows.iter().map(|row| &row.version));
        let known: HashSet<&Version> = lineage.iter().map(|it| &it.version).collect();
        let is_unknown = |row: &Applied| !known.contains(&row.version);
        let unknown: Vec<_> = rows.into_iter().filter(is_unknown).collect();
        let is_partial = !unknown.is_empty();
        let lineage = lineage.iter();
        let known = lineage.map(|it| applied(it.version.clone(), &it.name));
        Recorded {
            applied: known.chain(unknown).collect(),
            is_partial,
        }
    }

    fn create(&self, _: &str, _: Dialect) -> Option<String> {
        None
    }

    fn lock(&self, _: Dialect, _: &str) -> Option<LockKey> {
        None
    }

    fn is_the_first_of_its_name(&self) -> bool {
        true
    }

    fn writes(&self) -> Option<&'static dyn Writes> {
        None
    }
}

fn applied(version: Version, name: &str) -> Applied {
    Applied {
        version,
        name: name.to_owned(),
        checksum: None,
        complete: true,
        at: None,
        took: None,
        claim: None,
    }
}
