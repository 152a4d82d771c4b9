//! What is known of a step before it is done.

use crate::model::Operation;

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep<'a> {
    pub operation: Operation<'a>,
    /// How many statements it has.
    pub statements: usize,
    pub mode: ExecutionMode,
    /// Whether others may travel with it in one message; how many do depends on how
    /// quick they are.
    pub together: bool,
}

/// How a migration is applied.
///
/// It decides what of it stays if it fails half way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionMode {
    /// As code of the program, in one transaction.
    Code,
    /// By another program.
    Delegated,
    /// As one transaction: nothing stays.
    Transaction,
    /// One statement after the other, each in the journal: the next run goes on
    /// after those that are done.
    Statements {
        /// How many are done already.
        done: usize,
    },
    /// All statements under the file's own LOCK TABLES, beside which no journal
    /// can be written: what is done stays, and a person must see to it.
    Locked,
}
