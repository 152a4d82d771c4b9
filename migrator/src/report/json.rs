//! For programs: one JSON object a line on standard output for what acts, one
//! document for what asks. Standard error stays empty.

use super::check::Check;
use super::plan::Plan;
use super::status::Status;
use super::words::printable;
use super::{Report, state_after};
use crate::diagnostic::{Diagnostic, Severity};
use crate::engine::Outcome;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Reason;
use crate::error::Error;
use crate::exit;
use crate::model::{Migration, Version};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// No text is longer, so that no line is longer than 8 KiB, which is what log
/// readers can be trusted with.
const LONGEST_TEXT: usize = 1024;

/// Reports to a program.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
    applied: usize,
}

impl<'a> Json<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, applied: 0 }
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

    /// Writes the one document of a question.
    fn document(&mut self, document: Value) {
        // Over several lines: a line of a thousand migrations would be too long.
        let _ = writeln!(self.out, "{:#}", short(document));
        let _ = self.out.flush();
    }
}

impl Report for Json<'_> {
    fn start(&mut self) {
        self.line("started", json!({"version": env!("CARGO_PKG_VERSION")}));
    }

    fn done(&mut self, outcome: &Outcome, newest: Option<Version>) {
        self.line(
            "completed",
            json!({
                "applied": outcome.applied.len(),
                "schema_version": newest.map(|version| version.to_string()),
                "took_ms": milliseconds(outcome.took),
                "exit_code": exit::DONE,
            }),
        );
    }

    fn failed(&mut self, error: &Error) {
        let state = state_after(error, self.applied);
        self.line("error", failure(error, Some(&state)));
    }

    fn unanswered(&mut self, error: &Error) {
        self.line("error", failure(error, None));
    }

    fn answered(&mut self, database: &str, took: Option<Duration>) {
        self.line(
            "answered",
            json!({
                "database": database,
                "exists": took.is_some(),
                "took_ms": took.map(milliseconds),
                "exit_code": exit::DONE,
            }),
        );
    }

    fn check(&mut self, check: &Check<'_>) {
        self.document(check.document(diagnostic));
    }

    fn created(&mut self, paths: &[String], folder: Option<&str>, warnings: &[Diagnostic]) {
        for warning in warnings {
            self.line("warning", diagnostic(warning));
        }
        if let Some(folder) = folder {
            self.line("created_folder", json!({"path": folder}));
        }
        for path in paths {
            self.line("created", json!({"path": path}));
        }
    }

    fn plan(&mut self, plan: &Plan<'_>, warnings: &[Diagnostic]) {
        self.document(with_warnings(plan.document(), warnings));
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
        });
        self.document(with_warnings(document, warnings));
    }
}

impl Listener for Json<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Applied { migration, took } => {
                self.applied += 1;
                let fields = with(migration, json!({"took_ms": milliseconds(*took)}));
                self.line("applied", fields);
            }
            Event::Blocked { blocker } => self.line(
                "blocked",
                json!({
                    "process": blocker.process,
                    "application": blocker.application,
                    "state": blocker.state,
                    "open_ms": milliseconds(blocker.age),
                    "query": blocker.query,
                }),
            ),
            Event::Claimed { migration } => self.line("claimed", with(migration, json!({}))),
            Event::Connected {
                database,
                server,
                history,
            } => self.line(
                "connected",
                json!({"database": database, "server": server, "history": history}),
            ),
            Event::Creating { database } => self.line("creating", json!({"database": database})),
            Event::GuardGaveWay => self.line("guard_gave_way", json!({})),
            Event::Reconnecting => self.line("reconnecting", json!({})),
            Event::Read { dir, format, count } => {
                self.line(
                    "read",
                    json!({"dir": dir, "format": format, "count": count}),
                );
            }
            Event::Recovered { version } => {
                self.applied += 1;
                self.line("recovered", json!({"version": version.to_string()}));
            }
            Event::Retrying {
                migration,
                failed,
                pause,
            } => {
                let fields = json!({"failed_tries": failed, "pause_ms": milliseconds(*pause)});
                self.line("retrying", with(migration, fields));
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
            Event::WaitingForLock { limit } => {
                self.line(
                    "waiting_for_lock",
                    json!({"limit_ms": milliseconds(*limit)}),
                );
            }
            Event::Warning(warning) => self.line("warning", diagnostic(warning)),
        }
    }
}

fn with_warnings(mut document: Value, warnings: &[Diagnostic]) -> Value {
    document["warnings"] = warnings.iter().map(diagnostic).collect();
    document
}

/// A migration's own fields before those of what happened to it.
fn with(migration: &Migration, fields: Value) -> Value {
    let mut object = json!({
        "version": migration.version.to_string(),
        "name": migration.name,
        "file": migration.up.file.path(),
    });
    if let (Value::Object(object), Value::Object(fields)) = (&mut object, fields) {
        object.extend(fields);
    }
    object
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
