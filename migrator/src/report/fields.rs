//! What happens, for programs: the name and the fields of each event.

use super::words::left_alone;
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::event::{Activity, BlockingSession, Event, Lock};
use crate::history::Run;
use crate::limits::StopReason;
use crate::model::{Migration, Operation, Subject};
use serde_json::{Value, json};
use std::time::Duration;

/// The event's name, which never changes.
pub(super) fn name(event: &Event<'_>) -> &'static str {
    match event {
        Event::Applied { .. } => "applied",
        Event::Beginning { .. } => "beginning",
        Event::Blocked { .. } => "blocked",
        Event::Changed { .. } => "changed",
        Event::Claimed { .. } => "claimed",
        Event::Confirmed { .. } => "confirmed",
        Event::Connected { .. } => "connected",
        Event::Creating { .. } => "creating",
        Event::Database { .. } => "database",
        Event::Delegating { .. } => "delegating",
        Event::Edited { .. } => "edited",
        Event::GuardGaveWay => "guard_gave_way",
        Event::LeftAlone { .. } => "left_alone",
        Event::Output { .. } => "output",
        Event::Read { .. } => "read",
        Event::Reconnecting => "reconnecting",
        Event::Recovered { .. } => "recovered",
        Event::Repeated { .. } => "repeated",
        Event::Retrying { .. } => "retrying",
        Event::Reverted { .. } => "reverted",
        Event::Running { .. } => "running",
        Event::Setting { .. } => "setting",
        Event::Stopping { .. } => "stopping",
        Event::WaitingForDatabase { .. } => "waiting_for_database",
        Event::WaitingForLock { .. } => "waiting_for_lock",
        Event::Warning(_) => "warning",
    }
}

/// The event's fields; those without a value are left out by whoever writes them.
pub(super) fn of(event: &Event<'_>) -> Value {
    match event {
        Event::Applied { migration, took } => operation(
            Operation::Apply(migration),
            json!({"took_ms": took.map(milliseconds)}),
        ),
        Event::Beginning { operation: begun } => {
            let reverts = matches!(begun, Operation::Revert(..));
            operation(*begun, json!({"reverts": reverts}))
        }
        Event::Blocked { blocker } => session(blocker),
        Event::Changed {
            version,
            name,
            before,
            after,
        } => json!({
            "version": version.to_string(), "name": name, "before": before, "after": after,
        }),
        Event::Claimed { operation: claimed } => operation(*claimed, json!({})),
        Event::Confirmed { runs, .. } => json!({"runs": runs}),
        Event::Connected {
            database,
            server,
            history,
        } => json!({"database": database, "server": server, "history": history}),
        Event::Creating { database } => json!({"database": database}),
        Event::Database { name } => json!({"name": name}),
        Event::Delegating { command } => json!({"command": command}),
        Event::Edited {
            path,
            recorded,
            now,
            harmless,
        } => json!({"file": path, "recorded": recorded, "now": now, "harmless": harmless}),
        Event::GuardGaveWay | Event::Reconnecting => json!({}),
        Event::LeftAlone { why } => {
            let (code, reason) = left_alone(why);
            json!({"code": code, "reason": reason})
        }
        Event::Output { line } => json!({"line": line}),
        Event::Read {
            dir,
            format,
            count,
            embedded,
        } => json!({"dir": dir, "format": format, "count": count, "embedded": embedded}),
        Event::Recovered { subject, reverts } => {
            let did = if *reverts { "reverted" } else { "applied" };
            match subject {
                Subject::Migration(version) => json!({"version": version.to_string(), "did": did}),
                Subject::Repeatable(name) => json!({"repeatable": name, "did": did}),
            }
        }
        Event::Repeated { repeatable, took } => operation(
            Operation::Repeat(repeatable),
            json!({"took_ms": milliseconds(*took)}),
        ),
        Event::Retrying {
            operation: tried,
            failed,
            pause,
        } => operation(
            *tried,
            json!({"failed_tries": failed, "pause_ms": milliseconds(*pause)}),
        ),
        Event::Reverted {
            migration,
            down,
            took,
        } => operation(
            Operation::Revert(migration, down),
            json!({"took_ms": took.map(milliseconds)}),
        ),
        Event::Running {
            operation: runs,
            sent_with_it,
            elapsed,
            activity,
        } => {
            let mut fields = seen(activity);
            fields["sent_with_it"] = json!(sent_with_it);
            fields["elapsed_ms"] = milliseconds(*elapsed).into();
            match runs {
                Some(runs) => operation(*runs, fields),
                None => fields,
            }
        }
        Event::Setting {
            option,
            value,
            origin,
        } => json!({"option": option, "value": value, "origin": origin}),
        Event::Stopping { reason } => json!({"reason": match reason {
            StopReason::Deadline { .. } => "deadline",
            StopReason::Interrupt => "SIGINT",
            StopReason::Terminate => "SIGTERM",
        }}),
        Event::WaitingForDatabase { .. } | Event::WaitingForLock { .. } => waiting(event),
        Event::Warning(warning) => diagnostic(warning),
    }
}

/// What is waited for.
fn waiting(event: &Event<'_>) -> Value {
    match event {
        Event::WaitingForDatabase { database, limit } => {
            json!({"database": database, "limit_ms": milliseconds(*limit)})
        }
        Event::WaitingForLock {
            lock,
            holder,
            limit,
        } => json!({
            "lock": match lock {
                Lock::Own => "migrate",
                Lock::Program => "program",
                Lock::Tools => "sqlx",
            },
            "holder": holder.map(session),
            "limit_ms": milliseconds(*limit),
        }),
        _ => json!({}),
    }
}

/// How far the server is, and who is in the way.
fn seen(activity: &Activity) -> Value {
    let blockers: Vec<_> = activity.blockers.iter().map(session).collect();
    json!({
        "phase": activity.work.as_ref().map(|work| &work.phase),
        "done": activity.work.as_ref().map(|work| work.done),
        "total": activity.work.as_ref().map(|work| work.total),
        "blocked_by": (!blockers.is_empty()).then_some(blockers),
    })
}

/// An operation's own fields before those of what happened to it.
pub(super) fn operation(operation: Operation<'_>, fields: Value) -> Value {
    let file = operation.script().file.path();
    let mut object = match operation {
        Operation::Apply(migration) | Operation::Revert(migration, _) => named(migration, file),
        Operation::Repeat(repeatable) => json!({"repeatable": repeatable.name, "file": file}),
    };
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields);
    }
    object
}

fn named(migration: &Migration, file: &str) -> Value {
    json!({"version": migration.version.to_string(), "name": migration.name, "file": file})
}

/// A session of the database that is in the way.
fn session(blocker: &BlockingSession) -> Value {
    json!({
        "process": blocker.process,
        "application": blocker.application,
        "state": blocker.state,
        "open_ms": milliseconds(blocker.age),
        "query": blocker.query,
    })
}

pub(super) fn diagnostic(diagnostic: &Diagnostic) -> Value {
    let place = diagnostic.place.as_ref();
    json!({
        "code": diagnostic.code,
        "severity": match diagnostic.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        "message": diagnostic.title,
        "file": place.map(|place| place.file.path()),
        "line": place.map(|place| place.pos().line),
        "column": place.map(|place| place.pos().column),
        "notes": (!diagnostic.notes.is_empty()).then_some(&diagnostic.notes),
        "next": diagnostic.help,
    })
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The database's words for a time in UTC, as RFC 3339 has them.
pub(super) fn instant(at: &str) -> String {
    format!("{}Z", at.replace(' ', "T"))
}

pub(super) fn run(run: &Run) -> Value {
    let versions = |subject: &Subject| match subject {
        Subject::Migration(version) => Some(version.to_string()),
        Subject::Repeatable(_) => None,
    };
    let names = |subject: &Subject| match subject {
        Subject::Migration(_) => None,
        Subject::Repeatable(name) => Some(name.clone()),
    };
    json!({
        "run": run.name,
        "verb": run.verb,
        "began_at": instant(&run.began),
        "ended_at": run.ended.as_deref().map(instant),
        "outcome": run.ending.word(),
        "versions": run.did.iter().filter_map(versions).collect::<Vec<_>>(),
        "repeatables": run.did.iter().filter_map(names).collect::<Vec<_>>(),
        "tool_version": run.tool,
        "commit": run.who.commit,
        "deployment": run.who.deployment,
        "host": run.who.host,
        "error": run.error,
        "confirmed_at": run.confirmed.as_deref().map(instant),
    })
}
