//! For programs: one JSON object a line on standard output for what acts, one
//! document for what asks. Standard error stays empty.

use super::answer::{Answer, Document};
use super::fields::{self, diagnostic, milliseconds};
use super::pace::Pace;
use super::words::printable;
use super::{DatabaseProgress, Ended, Reply, Report, Success, Tally, state_after};
use crate::config::Detail;
use crate::engine::event::{Event, Listener};
use crate::error::Error;
use crate::exit;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::time::{Duration, SystemTime};

/// No text is longer, so that no line is longer than 8 KiB, which is what log
/// readers can be trusted with.
const LONGEST_TEXT: usize = 1024;

/// Reports to a program.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
    detail: Detail,
    /// Whether it writes events: a question is answered by documents alone.
    acts: bool,
    tally: Tally,
    pace: Pace,
    /// Where there are several databases.
    turn: Option<DatabaseProgress>,
    /// Of all databases together.
    total: (usize, Duration),
    /// What was answered of the databases before.
    answers: Vec<Value>,
}

impl<'a> Json<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, detail: Detail) -> Self {
        Self {
            out,
            detail,
            acts: false,
            tally: Tally::default(),
            pace: Pace::new(),
            turn: None,
            total: (0, Duration::ZERO),
            answers: Vec::new(),
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

    /// A failure, with the database in whose turn it was, and those not reached.
    fn in_turn(&self, mut failure: Value) -> Value {
        if let Some(turn) = &self.turn {
            failure["database"] = turn.name.clone().into();
            failure["databases_done"] = turn.done.clone().into();
            failure["databases_not_run"] = turn.to_come.clone().into();
        }
        failure
    }
}

impl Json<'_> {
    /// What is answered of one database; of several it is one document in the end.
    fn document(&mut self, document: Value) {
        let Some(turn) = &self.turn else {
            return self.write(document);
        };
        let is_last = turn.to_come.is_empty();
        self.answers.push(document);
        if is_last {
            let databases = std::mem::take(&mut self.answers);
            self.write(json!({"databases": databases}));
        }
    }

    /// Over several lines: a line of a thousand migrations would be too long.
    fn write(&mut self, document: Value) {
        let _ = writeln!(self.out, "{:#}", short(document));
        let _ = self.out.flush();
    }
}

impl Report for Json<'_> {
    fn start(&mut self) {
        self.acts = true;
        self.line("started", json!({"version": env!("CARGO_PKG_VERSION")}));
    }

    fn turn(&mut self, turn: DatabaseProgress) {
        self.tally = Tally::default();
        self.turn = Some(turn);
    }

    fn done(&mut self, ended: &Ended<'_>) {
        let done = ended.outcome.map(|outcome| outcome.done.len());
        let took = ended.outcome.map(|outcome| outcome.took);
        let did = if ended.success == Success::Reverts {
            "reverted"
        } else {
            "applied"
        };
        let mut fields = json!({
            did: done,
            "schema_version": ended.newest,
            "took_ms": took.map(milliseconds),
        });
        if let Some(turn) = &self.turn {
            let (databases, is_last) = (turn.done.len() + 1, turn.to_come.is_empty());
            self.total.0 += done.unwrap_or_default();
            self.total.1 += took.unwrap_or_default();
            fields["database"] = turn.name.clone().into();
            self.line("database_completed", fields);
            if !is_last {
                return;
            }
            fields = json!({
                did: done.map(|_| self.total.0),
                "databases": databases,
                "took_ms": took.map(|_| milliseconds(self.total.1)),
            });
        }
        fields["exit_code"] = exit::DONE.into();
        self.line("completed", fields);
    }

    fn failed(&mut self, error: &Error) {
        let others = self
            .turn
            .as_ref()
            .map_or(String::new(), DatabaseProgress::others);
        let state = state_after(error, self.tally) + &others;
        let failure = self.in_turn(failure(error, Some(&state)));
        self.line("error", failure);
    }

    fn unanswered(&mut self, error: &Error) {
        let failure = self.in_turn(failure(error, None));
        if self.answers.is_empty() {
            return self.line("error", failure);
        }
        let databases = std::mem::take(&mut self.answers);
        self.write(json!({"databases": databases, "error": failure}));
    }

    /// A program asked for it, and means it.
    fn question(&mut self, _verb: &str, _what: &[String]) -> Option<Reply> {
        None
    }

    fn answer(&mut self, answer: &dyn Answer) -> u8 {
        match answer.document() {
            Document::One(document) => self.document(document),
            Document::Events(events) => {
                for (name, fields) in events {
                    self.line(name, fields);
                }
            }
        }
        answer.exit_code()
    }
}

impl Listener for Json<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.tally.see(event);
        let is_told = match event {
            Event::Running { elapsed, .. } => self.pace.is_due(*elapsed),
            Event::Setting { .. } => self.acts && self.detail == Detail::Verbose,
            _ => true,
        };
        if is_told {
            self.line(fields::name(event), fields::of(event));
        }
    }
}

fn failure(error: &Error, state: Option<&str>) -> Value {
    let mut object = diagnostic(&error.diagnostic());
    let fault = error.fault();
    // MySQL and SQLite have numbers of their own.
    let code = fault.as_ref().and_then(|fault| fault.code.as_deref());
    let more = json!({
        "exit_code": exit::code(error),
        "state": state,
        "sqlstate": code.filter(|code| code.len() == 5),
        "database_code": code.filter(|code| code.len() != 5),
        "detail": fault.as_ref().and_then(|fault| fault.detail.clone()),
        "hint": fault.as_ref().and_then(|fault| fault.hint.clone()),
    });
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
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
