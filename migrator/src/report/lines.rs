//! What happens, in words: the lines of each event.

use super::Success;
use super::words::{count, duration, left_alone};
use crate::engine::event::{Activity, BlockingSession, Event, Lock};
use crate::limits::StopReason;
use crate::model::Operation;
use std::time::Duration;

/// What the live line has of a label, in characters.
const LONGEST_LABEL: usize = 28;

/// The last line of a run that found the database at what no file has.
pub(super) const NOT_KNOWN: &str =
    "✅ Nothing was applied: the database is at a version that these files do not have.";

/// The last line of a run that ended well.
pub(super) fn succeeded(success: Success, has_changed: bool) -> &'static str {
    match (success, has_changed) {
        (Success::Applies, true) => "✅ Migrations completed successfully!",
        (Success::Applies, false) => "✅ The database is up to date.",
        (Success::Confirms, true) => "✅ Deploy confirmed.",
        (Success::Confirms, false) => "✅ There was nothing to confirm.",
        (Success::Records, true) => "✅ Baseline recorded; nothing was run.",
        (Success::Records, false) => "✅ The baseline was already recorded.",
        (Success::Repairs, true) => "✅ History repaired.",
        (Success::Repairs, false) => "✅ There was nothing to repair.",
        (Success::Reverts, true) => "✅ Migrations reverted.",
        (Success::Reverts, false) => "✅ There was nothing to revert.",
    }
}

/// The lines of an event; none of what only a reporter can pace.
pub(super) fn of(event: &Event<'_>) -> Vec<String> {
    match event {
        Event::Warning(warning) => {
            let help = warning.help.as_ref().map(|help| format!("   {help}"));
            let title = format!("⚠️  {}", warning.title);
            std::iter::once(title).chain(help).collect()
        }
        Event::Running { .. } => Vec::new(),
        Event::Setting {
            option,
            value,
            origin,
        } => vec![format!("   {option:<17} {value} ({origin})")],
        _ => done(event)
            .or_else(|| waiting(event))
            .or_else(|| found(event))
            .into_iter()
            .collect(),
    }
}

/// What was done.
fn done(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Applied { migration, took } => {
            format!("✅ {}{}", migration.label(), in_brackets(*took))
        }
        Event::Changed {
            version,
            name,
            before,
            after,
        } => format!("✅ {version} {name}: {before}, now {after}"),
        Event::Confirmed { stands: false, .. } => {
            "✅ no migration is applied; there is nothing to mark as live".to_owned()
        }
        Event::Confirmed { runs: 0, .. } => {
            "✅ no new run; what is applied is marked as live".to_owned()
        }
        Event::Confirmed { runs, .. } => format!("✅ {} marked as live", count(*runs, "run")),
        Event::LeftAlone { why } => format!("   nothing is reverted: {}", left_alone(why).1),
        Event::Recovered { subject, reverts } => {
            let did = if *reverts { " reverted" } else { "" };
            format!("✅ {subject}{did} (only its answer was lost)")
        }
        Event::Repeated { repeatable, took } => {
            format!("✅ repeatable {} ({})", repeatable.name, duration(*took))
        }
        Event::Reverted {
            migration, took, ..
        } => format!("✅ {} reverted{}", migration.label(), in_brackets(*took)),
        _ => return None,
    })
}

fn in_brackets(took: Option<Duration>) -> String {
    took.map_or(String::new(), |took| format!(" ({})", duration(took)))
}

/// What is waited for, and what is done about it.
fn waiting(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Blocked { blocker } => {
            format!("   waiting for {}: {}", who(blocker), blocker.query)
        }
        Event::Claimed { operation } => {
            format!(
                "   another run has taken {}; checking again",
                operation.label()
            )
        }
        Event::GuardGaveWay => {
            "   the pool has no second connection; continuing without the lock, with only the \
             history rows"
        }
        .to_owned(),
        Event::Reconnecting => {
            { "   the connection was lost; reconnecting to see what the history says" }.to_owned()
        }
        Event::Retrying {
            operation,
            failed,
            pause,
        } => format!(
            "   {} could not get its lock and was rolled back ({}); retrying in {}",
            operation.label(),
            count(*failed as usize, "try"),
            duration(*pause)
        ),
        Event::Stopping { reason } => {
            let reason = match reason {
                StopReason::Deadline { .. } => "the deadline has passed",
                StopReason::Interrupt => "SIGINT",
                StopReason::Terminate => "SIGTERM",
            };
            format!("   {reason}; cancelling what is running")
        }
        Event::WaitingForDatabase { database, limit } => format!(
            "   {database} does not answer yet; waiting for up to {}",
            duration(*limit)
        ),
        Event::WaitingForLock {
            lock,
            holder,
            limit,
        } => {
            let what = match lock {
                Lock::Own => "another migrator is at work",
                Lock::Program => "another program has a transaction open on the history table",
                Lock::Tools => "an application holds the lock of sqlx's own migrator",
            };
            let holder = holder.map_or(String::new(), |holder| format!(": {}", who(holder)));
            format!("   {what}{holder}; waiting for up to {}", duration(*limit))
        }
        _ => return None,
    })
}

/// What was found, before anything is done.
fn found(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Connected {
            database,
            server,
            history,
        } => format!("   database    {database} ({server}), history in {history}"),
        Event::Creating { database } => {
            format!("   creating    {database}, which does not exist yet")
        }
        Event::Database { name } => format!("── {name}"),
        Event::Delegating { command } => format!("   running     {command}"),
        Event::Output { line } => format!("   | {line}"),
        Event::Beginning { operation } => {
            let does = match operation {
                Operation::Revert(..) => "reverting",
                Operation::Apply(_) | Operation::Repeat(_) => "applying",
            };
            let path = operation.script().file.path();
            format!("   {does}    {} ({path})", operation.label())
        }
        Event::Edited {
            path,
            recorded,
            now,
            harmless,
        } => format!(
            "   {path}: checksum {}… was applied, now it is {}…{}",
            &recorded[..recorded.len().min(16)],
            &now[..now.len().min(16)],
            if *harmless {
                ", with other line endings only"
            } else {
                ""
            }
        ),
        Event::Read {
            dir,
            format,
            count: number,
            embedded,
        } => format!(
            "   migrations  {dir} ({format}{}), {}",
            if *embedded { ", in this program" } else { "" },
            count(*number, "migration")
        ),
        _ => return None,
    })
}

/// What runs, for the line of a terminal.
pub(super) fn live(label: &str, sent_with_it: usize, elapsed: &str, activity: &Activity) -> String {
    let label = shortened(label);
    let others = match sent_with_it {
        0 => String::new(),
        more => format!(" +{more}"),
    };
    format!("⏳ {elapsed}  {label}{others}{}", doing(activity))
}

/// What runs still, for a log.
pub(super) fn still(
    label: &str,
    sent_with_it: usize,
    elapsed: &str,
    activity: &Activity,
) -> String {
    let what = sent(label, sent_with_it);
    format!(
        "   {what} is still running after {elapsed}{}",
        doing(activity)
    )
}

/// What was sent, of which one runs.
fn sent(first: &str, sent_with_it: usize) -> String {
    match sent_with_it {
        0 => first.to_owned(),
        1 => format!("{first} or the one sent with it"),
        more => format!("{first} or one of the {more} sent with it"),
    }
}

/// A label that leaves room on one line for what is happening.
fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST_LABEL {
        return label.to_owned();
    }
    let cut: String = label.chars().take(LONGEST_LABEL - 1).collect();
    cut + "…"
}

/// How far it is, and what it waits for.
fn doing(activity: &Activity) -> String {
    let work = activity.work.as_ref().map(|work| {
        // A phase that has a total need not count towards it.
        match work.done.saturating_mul(100).checked_div(work.total) {
            Some(percent) if work.done > 0 => format!("{}, {}%", work.phase, percent.min(100)),
            _ => work.phase.clone(),
        }
    });
    let blocker = activity.blockers.first().map(|blocker| {
        let others = match activity.blockers.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("waiting for {}{others}", who(blocker))
    });
    match (work, blocker) {
        (None, None) => String::new(),
        (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        (Some(work), Some(blocker)) => format!(": {work}; {blocker}"),
    }
}

/// A session, as a person looks for it in the server's list.
fn who(blocker: &BlockingSession) -> String {
    let name = match blocker.application.as_str() {
        "" => String::new(),
        name => format!("{name}, "),
    };
    let (process, state) = (&blocker.process, &blocker.state);
    let age = duration(blocker.age);
    format!("process {process} ({name}{state}, {age})")
}
