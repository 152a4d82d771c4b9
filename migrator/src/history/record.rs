//! What an operation writes of itself: in the history, and for what the history has no
//! place for, in a table of ours.

use super::journal::Journal;
use super::ledger::{Written, quote};
use super::repeatables::Repeated;
use super::table::Change;
use crate::model::{Operation, Version};
use crate::sql::Dialect;

/// The records of one operation.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub history: Written<'a>,
    pub dialect: Dialect,
    pub operation: Operation<'a>,
    /// The run that does it.
    pub run: &'a str,
}

impl Record<'_> {
    fn write(&self, change: Change<'_>) -> String {
        let Written { ledger, writes } = self.history;
        writes.write(ledger, self.dialect, change)
    }

    /// The fence of an operation that is one transaction: what it changes first. It
    /// changes one row; where another run was quicker it changes none, or says
    /// that there is such a row.
    #[must_use]
    pub fn fence(&self) -> String {
        match (self.operation, self.dialect) {
            // On MySQL the row may be committed before the migration is.
            (Operation::Apply(migration), dialect) => self.write(Change::Begin {
                migration,
                complete: dialect != Dialect::Mysql,
            }),
            (Operation::Revert(migration, _), Dialect::Mysql) => {
                let version = &migration.version;
                self.write(Change::Reopen {
                    version,
                    claim: REVERTING,
                })
            }
            (Operation::Revert(migration, _), _) => {
                self.write(Change::TakeBack(&migration.version))
            }
            (Operation::Repeat(repeatable), dialect) => {
                Repeated::of(self.history.ledger, dialect).claim(repeatable, self.run)
            }
        }
    }

    /// The fence where its failure must be an error, since what follows it is
    /// sent with it: PostgreSQL's divides by the number of rows. It and
    /// [`Record::measured`] answer with rows that the run's name begins.
    #[must_use]
    pub fn fence_or_error(&self) -> String {
        match self.operation {
            // The key is the fence.
            Operation::Apply(_) => self.fence(),
            Operation::Repeat(_) | Operation::Revert(..) => format!(
                "WITH mine AS ({} RETURNING 1) SELECT {}, 'began', \
                 ({NANOSECONDS} / (SELECT count(*) FROM mine))::bigint::text",
                self.fence(),
                quote(self.dialect, self.run)
            ),
        }
    }

    /// The last thing of an operation that is one transaction, with the time that it
    /// took as an SQL expression in nanoseconds; nothing where nothing is left
    /// to record.
    #[must_use]
    pub fn finish(&self, took: &str) -> Option<String> {
        match (self.operation, self.dialect) {
            (Operation::Apply(migration), _) => {
                let version = &migration.version;
                Some(self.write(Change::Finish { version, took }))
            }
            (Operation::Revert(migration, _), Dialect::Mysql) => {
                Some(self.write(Change::Delete(&migration.version)))
            }
            (Operation::Repeat(_) | Operation::Revert(..), _) => None,
        }
    }

    /// The same on PostgreSQL, answering how long it took or when it ended.
    #[must_use]
    pub fn measured(&self) -> String {
        let run = quote(self.dialect, self.run);
        // now() is the beginning of the whole message, not of this transaction;
        // the row was written by the clock.
        let took = "(extract(epoch FROM clock_timestamp() - installed_on) * 1000000000)::bigint";
        match self.finish(took) {
            // A file that has removed the row must not be committed without one.
            Some(finish) => format!(
                "WITH mine AS ({finish} RETURNING execution_time) SELECT {run}, 'took', \
                 (coalesce((SELECT max(execution_time) FROM mine), 0) / (SELECT count(*) FROM mine))::text"
            ),
            None => format!("SELECT {run}, 'ended', ({NANOSECONDS})::bigint::text"),
        }
    }

    /// The journal of an operation that is no transaction; a repeatable has none, for
    /// it can be repeated.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::of(self.history.ledger, self.dialect)
    }

    /// The claim of an operation that is done statement by statement.
    #[must_use]
    pub fn claim(&self, number: i64) -> String {
        match self.operation {
            Operation::Apply(migration) => self.write(Change::Claim {
                migration,
                claim: number,
            }),
            Operation::Repeat(_) => self.fence(),
            Operation::Revert(migration, _) => self.write(Change::Reopen {
                version: &migration.version,
                claim: number,
            }),
        }
    }

    /// Ends what a claim began.
    #[must_use]
    pub fn complete(&self, took: &str) -> String {
        match self.operation {
            Operation::Apply(migration) => self.write(Change::Complete { migration, took }),
            Operation::Repeat(_) => self.fence(),
            Operation::Revert(migration, _) => self.write(Change::Delete(&migration.version)),
        }
    }

    /// Takes a claim back of which nothing came.
    #[must_use]
    pub fn release_claim(&self) -> Option<String> {
        match self.operation {
            Operation::Apply(migration) => Some(self.write(Change::Delete(&migration.version))),
            Operation::Repeat(_) => None,
            Operation::Revert(migration, _) => Some(self.write(Change::Finish {
                version: &migration.version,
                took: "-1",
            })),
        }
    }
}

/// The clock, in nanoseconds.
const NANOSECONDS: &str = "extract(epoch FROM clock_timestamp()) * 1000000000";

/// The execution time of a row whose migration is being taken back in one
/// transaction: no journal knows it.
const REVERTING: i64 = -1;

/// The version by which the journal knows an operation.
#[must_use]
pub fn version(operation: Operation<'_>) -> Version {
    operation
        .migration()
        .map_or_else(|| Version::new(""), |migration| migration.version.clone())
}
