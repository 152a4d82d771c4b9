//! What others have left or hold: locks, open transactions, runs that never
//! ended, and indexes that are none.

use super::{Facts, name, said};
use crate::db::health::{BlockingSession, InvalidIndex, Lock, Own, Postgres};
use crate::diagnostic::Diagnostic;
use crate::doctor::see;
use crate::history::{Ending, History};
use crate::sql::Dialect;
use std::time::Duration;

/// A transaction that lasts longer than so many of a statement's longest waits is
/// one that tries again and again do not outlast.
const WAITS: u32 = 12;

/// The same, where a statement waits for ever.
const LONG: Duration = Duration::from_mins(1);

/// Younger runs may not have come to their lock yet.
const BEGINS_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let held = facts.health.held.as_deref().unwrap_or_default();
    let mut found: Vec<Diagnostic> = held
        .iter()
        .map(|(lock, holder)| held_lock(facts, *lock, holder))
        .collect();
    found.extend(run_without_end(facts));
    found.extend(open_transaction(facts));
    if let Own::Postgres(own) = &facts.health.own {
        found.extend(prepared(facts, own));
        let left = |index: &&InvalidIndex| !is_of_an_unfinished(facts, index);
        found.extend(own.invalid_indexes.iter().filter(left).map(invalid_index));
    }
    found
}

fn held_lock(facts: &Facts<'_>, lock: Lock, holder: &BlockingSession) -> Diagnostic {
    let who = who(holder);
    let age = holder.age;
    let since = match age.as_millis() {
        0 => String::new(),
        _ => format!(", for {}", said(age)),
    };
    let found = match lock {
        Lock::Own => {
            let title = format!("another run holds the lock of this history: {who}{since}");
            // None of ours lasts longer than its deadline.
            let found = if age > facts.limits.deadline {
                Diagnostic::error("lock_held", title)
            } else {
                Diagnostic::warning("lock_held", title)
            };
            found.note(format!(
                "a deploy now waits for it, for up to --lock-wait ({}), and then exits with 5",
                said(facts.limits.lock_wait)
            ))
        }
        // What another program holds is no lock but its transaction.
        Lock::Program | Lock::Tools => Diagnostic::warning(
            "lock_held",
            format!("a session holds the lock of sqlx's own migrator: {who}{since}"),
        )
        .because(
            "an application that migrates when it starts holds it, and after an error keeps it for \
             as long as its session lasts; a deploy waits for it, and then exits with 5",
            see::SQLX_LOCK,
        ),
    };
    ended(
        facts.dialect,
        found.help("make sure that it ends; if it is no longer needed, end its session:"),
        holder,
    )
}

/// The newest run said that it began, and is not there any more. Whatever was
/// left half done is a finding of its own.
fn run_without_end(facts: &Facts<'_>) -> Option<Diagnostic> {
    let health = facts.health;
    let run = facts.history.runs.first()?;
    health.held.as_ref()?;
    let is_there = health.runs.contains(&run.name) || health.is_at_work();
    if run.ending != Ending::Running
        || is_there
        || run.age < BEGINS_WITHIN
        || facts.history.is_unfinished()
    {
        return None;
    }
    Some(
        Diagnostic::warning(
            "run_without_end",
            format!(
                "the last run ({} of {}) began at {}, but its end is not recorded",
                run.name, run.verb, run.began
            ),
        )
        .note(
            "its process was killed (by a platform's timeout, or because it ran out of memory) or \
             lost its connection; nothing is half applied",
        )
        .help("look in the platform's log for what ended it; `migrate up` applies what is left"),
    )
}

fn open_transaction(facts: &Facts<'_>) -> Option<Diagnostic> {
    let bound = bound(facts);
    let long = facts.health.open.iter().filter(|open| open.age > bound);
    let oldest = long.clone().next()?;
    let more = match long.count() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let found = Diagnostic::warning(
        "open_transaction",
        format!(
            "a transaction has been open for {}: {}{more}",
            said(oldest.age),
            who(oldest)
        ),
    )
    .because(
        "it keeps its locks until it ends; a migration that changes one of its tables retries \
         until --deadline",
        match facts.dialect {
            Dialect::Mysql => see::MYSQL_LOCKS,
            Dialect::Postgres | Dialect::Sqlite => see::LOCKS,
        },
    )
    .help("make sure that it ends; if it is no longer needed, end its session:");
    Some(ended(facts.dialect, found, oldest))
}

fn bound(facts: &Facts<'_>) -> Duration {
    match facts.limits.lock_timeout {
        Duration::ZERO => LONG,
        longest => longest * WAITS,
    }
}

fn prepared(facts: &Facts<'_>, own: &Postgres) -> Vec<Diagnostic> {
    let bound = bound(facts);
    let old = own.prepared.iter().filter(|prepared| prepared.age > bound);
    old.map(|prepared| {
        Diagnostic::warning(
            "prepared_transaction",
            format!(
                "the transaction {:?} of {} has been prepared for {}, and is neither committed nor \
                 rolled back",
                prepared.name,
                prepared.owner,
                said(prepared.age)
            ),
        )
        .because(
            "it keeps its locks forever, even after a restart, and it has no session that could be \
             ended",
            see::PREPARED,
        )
        .help("let whoever prepared it decide; or as its owner, commit it or roll it back:")
        .correction(format!(
            "ROLLBACK PREPARED '{}';",
            prepared.name.replace('\'', "''")
        ))
    })
    .collect()
}

/// What an unfinished migration has left is no second finding: the next run drops
/// it.
fn is_of_an_unfinished(facts: &Facts<'_>, index: &InvalidIndex) -> bool {
    let History { applied, .. } = facts.history;
    let is_unfinished = applied.iter().any(|applied| !applied.complete);
    is_unfinished
        && facts
            .pending
            .iter()
            .any(|pending| !pending.transaction && pending.file.text().contains(&index.name))
}

fn invalid_index(index: &InvalidIndex) -> Diagnostic {
    let quoted = |text| name(Dialect::Postgres, text);
    let drop = format!(
        "DROP INDEX CONCURRENTLY {}.{};",
        quoted(&index.schema),
        quoted(&index.name)
    );
    // REINDEX leaves a second one of an index that is there.
    let is_copy = ["_ccnew", "_ccold"].iter().any(|mark| {
        index
            .name
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .ends_with(mark)
    });
    let again = index
        .definition
        .replacen(" INDEX ", " INDEX CONCURRENTLY ", 1);
    Diagnostic::warning(
        "invalid_index",
        format!(
            "the index {}.{} on {} is invalid",
            index.schema, index.name, index.table
        ),
    )
    .because(
        "a CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY failed: no query uses the index, a \
         unique one does not keep duplicates out, every write pays for it, and CREATE INDEX IF NOT \
         EXISTS treats it as the real one",
        see::CONCURRENTLY,
    )
    .help(if is_copy {
        "drop it; the original index still exists"
    } else {
        "drop it; find out what made it fail (for a unique index: duplicates), and create it \
         again, in a migration:"
    })
    .correction(if is_copy {
        drop
    } else {
        format!("{drop}\n{again};")
    })
}

/// The finding, with the statement that ends a session.
fn ended(dialect: Dialect, found: Diagnostic, holder: &BlockingSession) -> Diagnostic {
    match dialect {
        Dialect::Mysql => found.correction(format!("KILL {};", holder.process)),
        Dialect::Postgres => {
            found.correction(format!("SELECT pg_terminate_backend({});", holder.process))
        }
        Dialect::Sqlite => found.correction(format!("kill {}", holder.process)),
    }
}

/// A session, as a person looks for it in the server's list.
fn who(holder: &BlockingSession) -> String {
    let facts = [holder.application.as_str(), holder.state.as_str()];
    let facts: Vec<&str> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    match facts.join(", ").as_str() {
        "" => format!("process {}", holder.process),
        facts => format!("process {} ({facts})", holder.process),
    }
}
