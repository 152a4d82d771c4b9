//! For programs: one JSON object a line on standard output for what acts, one
//! document for what asks. Standard error stays empty.

use super::repairs::Repairs;
use super::status::Status;
use super::words::{left_alone, printable};
use super::{Ended, Report, Tally, state_after};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::event::{Blocker, Event, Listener, Lock};
use crate::engine::stop::Reason;
use crate::error::Error;
use crate::exit;
use crate::model::{Deed, Migration, Subject};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// No text is longer, so that no line is longer than 8 KiB, which is what log
/// readers can be trusted with.
const LONGEST_TEXT: usize = 1024;

/// Reports to a program.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
    tally: Tally,
}

impl<'a> Json<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            tally: Tally::default(),
        }
    }

    /// Writes one object with its event and the time in UTC.
    fn line(&mut self, event: &str, fields: Value) {
        let mut object = Map::new();
        object.insert("event".to_owned(), event.into());
        let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        object.insert("at".to_owned(), now.into());
        if let Value::Object(fields) = fields {
            object.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        // A closed stream is no reason to stop a migration.
        let _ = writeln!(self.out, "{}", short(Value::Object(object)));
        let _ = self.out.flush();
    }
}

impl Json<'_> {
    /// Over several lines: a line of a thousand migrations would be too long.
    fn document(&mut self, document: Value) {
        let _ = writeln!(self.out, "{:#}", short(document));
        let _ = self.out.flush();
    }
}

impl Report for Json<'_> {
    fn start(&mut self) {
        self.line("started", json!({"version": env!("CARGO_PKG_VERSION")}));
    }

    fn done(&mut self, ended: &Ended<'_>) {
        let done = ended.outcome.map(|outcome| outcome.done.len());
        self.line(
            "completed",
            json!({
                "applied": done.filter(|_| !ended.reverts),
                "reverted": done.filter(|_| ended.reverts),
                "schema_version": ended.newest.map(|version| version.to_string()),
                "took_ms": ended.outcome.map(|outcome| milliseconds(outcome.took)),
                "exit_code": exit::DONE,
            }),
        );
    }

    fn failed(&mut self, error: &Error) {
        let state = state_after(error, self.tally);
        self.line("error", failure(error, Some(&state)));
    }

    fn unanswered(&mut self, error: &Error) {
        self.line("error", failure(error, None));
    }

    /// A program asked for it, and means it.
    fn consent(&mut self, _verb: &str, _what: &[String]) -> Result<(), Error> {
        Ok(())
    }

    fn repairs(&mut self, repairs: &Repairs<'_>) {
        self.document(repairs.json());
    }

    fn status(&mut self, status: &Status<'_>, warnings: &[Diagnostic]) {
        let migrations: Vec<Value> = status
            .rows()
            .iter()
            .map(|row| {
                json!({
                    "version": row.version.to_string(),
                    "name": row.name,
                    "state": row.state.replace(' ', "_"),
                    "applied_at": row.applied.map(|applied| format!("{}Z", applied.at.replace(' ', "T"))),
                    "took_ms": row.applied.and_then(|applied| applied.took).map(milliseconds),
                })
            })
            .collect();
        let document = json!({
            "database": status.database,
            "server": status.server,
            "history": status.table,
            "history_exists": !status.is_fresh,
            "migrations": migrations,
            "warnings": warnings.iter().map(diagnostic).collect::<Vec<_>>(),
        });
        self.document(document);
    }
}

impl Listener for Json<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.tally.see(event);
        match event {
            Event::Applied { migration, took } => {
                let fields = json!({"took_ms": milliseconds(*took)});
                self.line("applied", of(Deed::Apply(migration), fields));
            }
            Event::Blocked { blocker } => self.line("blocked", session(blocker)),
            Event::Changed {
                version,
                name,
                before,
                after,
            } => self.line(
                "changed",
                json!({
                    "version": version.to_string(), "name": name,
                    "before": before, "after": after,
                }),
            ),
            Event::Claimed { deed } => self.line("claimed", of(*deed, json!({}))),
            Event::Confirmed { runs } => self.line("confirmed", json!({"runs": runs})),
            Event::Connected {
                database,
                server,
                history,
            } => self.line(
                "connected",
                json!({"database": database, "server": server, "history": history}),
            ),
            Event::Creating { database } => self.line("creating", json!({"database": database})),
            Event::Edited {
                path,
                recorded,
                now,
                harmless,
            } => self.line(
                "edited",
                json!({"file": path, "recorded": recorded, "now": now, "harmless": harmless}),
            ),
            Event::GuardGaveWay => self.line("guard_gave_way", json!({})),
            Event::Reconnecting => self.line("reconnecting", json!({})),
            Event::Read { dir, format, count } => {
                self.line(
                    "read",
                    json!({"dir": dir, "format": format, "count": count}),
                );
            }
            Event::LeftAlone { why } => {
                let (code, reason) = left_alone(why);
                self.line("left_alone", json!({"code": code, "reason": reason}));
            }
            Event::Recovered { subject, reverts } => {
                let did = if *reverts { "reverted" } else { "applied" };
                let fields = match subject {
                    Subject::Migration(version) => {
                        json!({"version": version.to_string(), "did": did})
                    }
                    Subject::Repeatable(name) => json!({"repeatable": name, "did": did}),
                };
                self.line("recovered", fields);
            }
            Event::Repeated { repeatable, took } => {
                let fields = json!({"took_ms": milliseconds(*took)});
                self.line("repeated", of(Deed::Repeat(repeatable), fields));
            }
            Event::Reverted {
                migration,
                down,
                took,
            } => {
                let fields = json!({"took_ms": milliseconds(*took)});
                self.line("reverted", of(Deed::Revert(migration, down), fields));
            }
            Event::Retrying {
                deed,
                failed,
                pause,
            } => {
                let fields = json!({"failed_tries": failed, "pause_ms": milliseconds(*pause)});
                self.line("retrying", of(*deed, fields));
            }
            Event::Stopping { reason } => {
                let reason = match reason {
                    Reason::Deadline { .. } => "deadline",
                    Reason::Interrupt => "SIGINT",
                    Reason::Terminate => "SIGTERM",
                };
                self.line("stopping", json!({"reason": reason}));
            }
            Event::WaitingForDatabase { database, limit } => self.line(
                "waiting_for_database",
                json!({"database": database, "limit_ms": milliseconds(*limit)}),
            ),
            Event::WaitingForLock {
                lock,
                holder,
                limit,
            } => self.line(
                "waiting_for_lock",
                json!({
                    "lock": match lock {
                        Lock::Own => "migrate",
                        Lock::Tools => "sqlx",
                    },
                    "holder": holder.map(session),
                    "limit_ms": milliseconds(*limit),
                }),
            ),
            Event::Warning(warning) => self.line("warning", diagnostic(warning)),
        }
    }
}

/// A deed's own fields before those of what happened to it.
fn of(deed: Deed<'_>, fields: Value) -> Value {
    let file = deed.script().file.path();
    let mut object = match deed {
        Deed::Apply(migration) | Deed::Revert(migration, _) => named(migration, file),
        Deed::Repeat(repeatable) => json!({"repeatable": repeatable.name, "file": file}),
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
fn session(blocker: &Blocker) -> Value {
    json!({
        "process": blocker.process,
        "application": blocker.application,
        "state": blocker.state,
        "open_ms": milliseconds(blocker.age),
        "query": blocker.query,
    })
}

fn failure(error: &Error, state: Option<&str>) -> Value {
    let mut object = diagnostic(&error.diagnostic());
    let fault = error.fault();
    // MySQL and SQLite have numbers of their own.
    let code = fault.and_then(|fault| fault.code.as_deref());
    let more = json!({
        "exit_code": exit::code(error),
        "state": state,
        "sqlstate": code.filter(|code| code.len() == 5),
        "database_code": code.filter(|code| code.len() != 5),
        "detail": fault.and_then(|fault| fault.detail.clone()),
        "hint": fault.and_then(|fault| fault.hint.clone()),
    });
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
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

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The same value, its texts cut to a bearable length and free of control
/// characters.
fn short(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let mut text = printable(&text);
            if text.len() > LONGEST_TEXT {
                text.truncate(text.floor_char_boundary(LONGEST_TEXT));
                text.push('…');
            }
            Value::String(text)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(short).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, short(value)))
                .collect(),
        ),
        other => other,
    }
}
