//! What the tables of ours remember, read and written alike in every database:
//! marks, repeatables and runs, and changes of the history by hand.

use super::fault::{Fault, FaultKind};
use super::wire::{self, Answer};
use super::{Edit, Entry, Past, ReadScope};
use crate::history::Records;
use crate::history::journal::Journal;
use crate::history::ledger::Ledger;
use crate::history::repeatables::Repeated;
use crate::history::runs::Runs;
use crate::history::side_table::{self, Layout, Upkeep};
use crate::history::table::Change;
use crate::sql::Dialect;

/// What a database must tell for it.
pub(super) trait Bookkeeping {
    const DIALECT: Dialect;

    /// What begins and ends a transaction of ours, whatever a file has set.
    const BEGIN: &'static str = "BEGIN";
    const COMMIT: &'static str = "COMMIT";
    const ROLLBACK: &'static str = "ROLLBACK";

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault>;

    /// Creates a table where it is missing, whoever else does so meanwhile.
    async fn create_if_missing(&mut self, sql: &str) -> Result<(), Fault> {
        self.ask(sql).await.map(|_| ())
    }

    /// Whether a complaint says that a table has no such column.
    fn is_outdated(fault: &Fault) -> bool;

    /// Whether a complaint says that there is no such table.
    fn is_missing(fault: &Fault) -> bool;

    /// Whether a complaint says that a table of ours is to be made or upgraded first.
    fn wants_upkeep(fault: &Fault) -> bool {
        Self::is_missing(fault) || Self::is_outdated(fault)
    }

    /// Whether a complaint says that this user may not read the table.
    fn is_denied(fault: &Fault) -> bool;

    /// Drops the index that a statement has left invalid.
    async fn drop_invalid_index(&mut self, _statement: &str) -> Result<(), Fault> {
        Ok(())
    }
}

/// Adds to a history what else is known.
pub(super) async fn recall<M: Bookkeeping>(
    bookkeeping: &mut M,
    ledger: &Ledger,
    wanted: ReadScope,
    past: &mut Past,
) -> Result<(), Fault> {
    let Past::Known(known) = past else {
        return Ok(());
    };
    recall_steps(bookkeeping, ledger, wanted, known).await?;
    if wanted.runs {
        let table = Runs::of(ledger, M::DIALECT);
        let rows = read(bookkeeping, |layout| table.select(layout)).await;
        // Whoever may read the history need not be let into the runs.
        let is_hidden = |fault: &Fault| M::is_missing(fault) || M::is_denied(fault);
        known.runs = wire::own_rows(rows, is_hidden, Runs::read)?;
    }
    Ok(())
}

/// What is known of single migrations.
async fn recall_steps<M: Bookkeeping>(
    bookkeeping: &mut M,
    ledger: &Ledger,
    wanted: ReadScope,
    known: &mut Records,
) -> Result<(), Fault> {
    if known.is_unfinished() {
        let table = Journal::of(ledger, M::DIALECT);
        let rows = read(bookkeeping, |layout| table.select(layout)).await;
        let rows = rows.and_then(refuse_newer);
        known.marks = wire::own_rows(rows, M::is_missing, Journal::read)?;
    }
    if wanted.repeated {
        let table = Repeated::of(ledger, M::DIALECT);
        let rows = read(bookkeeping, |layout| table.select(layout)).await;
        let rows = rows.and_then(refuse_newer);
        known.repeated = wire::own_rows(rows, M::is_missing, Repeated::read)?;
    }
    Ok(())
}

/// The rows of a table of ours, whichever version made it.
async fn read<M: Bookkeeping>(
    bookkeeping: &mut M,
    select: impl Fn(Layout) -> String,
) -> Result<Answer, Fault> {
    match bookkeeping.ask(&select(Layout::Current)).await {
        Err(fault) if M::is_outdated(&fault) => bookkeeping.ask(&select(Layout::First)).await,
        answer => answer,
    }
}

/// What a later version has written must not be passed over.
fn refuse_newer(answer: Answer) -> Result<Answer, Fault> {
    if answer.rows.iter().any(side_table::is_newer) {
        let message = "a newer version of migrate has recorded incomplete work here, in a form that this \
             version does not know";
        return Err(Fault::new(FaultKind::Newer, message));
    }
    Ok(answer)
}

/// Makes a table of ours where it is missing, and brings one to what this version
/// writes that an earlier one has made. Not for within a transaction.
pub(super) async fn keep<M: Bookkeeping>(
    bookkeeping: &mut M,
    upkeep: &Upkeep,
) -> Result<(), Fault> {
    bookkeeping.create_if_missing(&upkeep.create).await?;
    match bookkeeping.ask(&upkeep.probe).await {
        Err(fault) if M::is_outdated(&fault) => match &upkeep.upgrade[..] {
            [only] => bookkeeping.ask(only).await.map(|_| ()),
            several => all(bookkeeping, several).await,
        },
        result => result.map(|_| ()),
    }
}

/// Remembers that a run has begun, or how it ended.
pub(super) async fn remember<M: Bookkeeping>(
    bookkeeping: &mut M,
    ledger: &Ledger,
    entry: Entry<'_>,
) -> Result<(), Fault> {
    let runs = Runs::of(ledger, M::DIALECT);
    match entry {
        Entry::Begin(run) => {
            let begin = runs.begin(run);
            match bookkeeping.ask(&begin).await {
                // On first need, and no sooner.
                Err(fault) if M::wants_upkeep(&fault) => {
                    keep(bookkeeping, &runs.upkeep()).await?;
                    bookkeeping.ask(&begin).await?;
                }
                result => {
                    result?;
                }
            }
        }
        Entry::End {
            run,
            ending,
            did,
            error,
        } => {
            let end = runs.end(run, ending, did, error);
            match bookkeeping.ask(&end).await {
                // A database need not know every character of an error.
                Err(fault) if error.is_some() && fault.kind != FaultKind::Lost => {
                    let plain = error.map(|error| error.replace(|c: char| !c.is_ascii(), "?"));
                    let end = runs.end(run, ending, did, plain.as_deref());
                    bookkeeping.ask(&end).await?;
                }
                result => {
                    result?;
                }
            }
            bookkeeping.ask(&runs.prune()).await?;
        }
    }
    Ok(())
}

/// Changes what is recorded, in one transaction; what can be part of none comes
/// first.
pub(super) async fn edit<M: Bookkeeping>(
    bookkeeping: &mut M,
    ledger: &Ledger,
    edits: &[Edit<'_>],
) -> Result<(), Fault> {
    for edit in edits {
        if let Edit::DropInvalidIndex(statement) = edit {
            bookkeeping.drop_invalid_index(statement).await?;
        }
    }
    let statements = statements(ledger, M::DIALECT, edits)?;
    match all(bookkeeping, &statements).await {
        // On first need, and no sooner: who may write a table need not be allowed
        // to create it. On MySQL a CREATE would end the transaction.
        Err(fault) if M::wants_upkeep(&fault) => {
            for edit in edits {
                if let Some(upkeep) = needed(ledger, M::DIALECT, edit) {
                    keep(bookkeeping, &upkeep).await?;
                }
            }
            all(bookkeeping, &statements).await?;
        }
        result => result?,
    }
    Ok(())
}

/// All of them, or none.
async fn all<M: Bookkeeping>(bookkeeping: &mut M, statements: &[String]) -> Result<(), Fault> {
    let begin = std::iter::once(M::BEGIN);
    let changes = statements.iter().map(String::as_str);
    for sql in begin.chain(changes).chain([M::COMMIT]) {
        if let Err(fault) = bookkeeping.ask(sql).await {
            let _ = bookkeeping.ask(M::ROLLBACK).await;
            return Err(fault);
        }
    }
    Ok(())
}

/// The table of ours that an edit writes.
fn needed(ledger: &Ledger, dialect: Dialect, edit: &Edit<'_>) -> Option<Upkeep> {
    match edit {
        Edit::Confirm | Edit::Remember(_) => Some(Runs::of(ledger, dialect).upkeep()),
        Edit::Complete(_) | Edit::Forget(_) | Edit::Settle { .. } => {
            Some(Journal::of(ledger, dialect).upkeep())
        }
        Edit::ForgetRepeated => Some(Repeated::of(ledger, dialect).upkeep()),
        Edit::Accept(_) | Edit::DropInvalidIndex(_) | Edit::Record(_) => None,
    }
}

fn statements(ledger: &Ledger, dialect: Dialect, edits: &[Edit<'_>]) -> Result<Vec<String>, Fault> {
    let runs = Runs::of(ledger, dialect);
    let journal = Journal::of(ledger, dialect);
    let repeated = Repeated::of(ledger, dialect);
    let write = |change: Change<'_>| match ledger.written() {
        Some(history) => Ok(history.writes.write(ledger, dialect, change)),
        None => Err(Fault::new(
            FaultKind::Driver,
            format!("only {} writes {}", ledger.kind.tool(), ledger.table),
        )),
    };
    let mut statements = Vec::new();
    for edit in edits {
        match edit {
            Edit::Accept(migration) => statements.push(write(Change::Accept(migration))?),
            Edit::Complete(migration) => {
                let took = "-1";
                statements.push(write(Change::Complete { migration, took })?);
                statements.push(journal.clear(&migration.version));
            }
            Edit::Confirm => statements.push(runs.confirm()),
            Edit::DropInvalidIndex(_) => {}
            Edit::Forget(version) => {
                statements.push(write(Change::Delete(version))?);
                statements.push(journal.clear(version));
            }
            Edit::ForgetRepeated => statements.push(repeated.forget()),
            Edit::Record(migration) => {
                statements.push(write(Change::Record(migration))?);
            }
            Edit::Remember(run) => statements.push(runs.begin(run)),
            Edit::Settle {
                version,
                statement,
                happened: true,
            } => statements.push(journal.done(version, *statement)),
            Edit::Settle {
                version, statement, ..
            } => statements.push(journal.undo(version, *statement)),
        }
    }
    Ok(statements)
}
