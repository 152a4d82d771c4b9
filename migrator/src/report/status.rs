//! `status`: every migration, and what the files and the history say of it.

use super::answer::{Answer, Document, Line, said, with_warnings};
use super::fields::{instant, milliseconds, run};
use super::words::{count, duration};
use crate::diagnostic::Diagnostic;
use crate::exit;
use crate::history::{Applied, CONFIRM, Ending, History, Repeated, Run};
use crate::model::{Migration, Repeatable, Version};
use crate::order::{self, Rules};
use crate::plan::drift::Drift;
use crate::plan::planner::{self, Files};
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// What `status` found.
pub(crate) struct Status<'a> {
    /// The database's name, where there are several.
    pub name: Option<&'a str>,
    pub database: &'a str,
    /// `None` where the database is a file that is still to be created.
    pub server: Option<&'a str>,
    pub table: &'a str,
    /// Whether the history table is still to be created.
    pub is_fresh: bool,
    pub rules: &'a dyn Rules,
    pub migrations: &'a [Migration],
    pub repeatables: &'a [Repeatable],
    pub history: &'a History,
    pub drifts: &'a [Drift],
    /// Whether the files end in several branches, and nothing says which is meant.
    pub is_ambiguous: bool,
    /// Whether the disagreements are all tolerated.
    pub is_agreed: bool,
    pub warnings: Vec<Diagnostic>,
}

/// A line of the table.
struct Row<'a> {
    state: &'static str,
    version: &'a Version,
    name: &'a str,
    /// Where a file has it.
    file: Option<&'a str>,
    applied: Option<&'a Applied>,
}

/// A repeatable file, and what is known of it.
struct Again<'a> {
    state: &'static str,
    name: &'a str,
    repeated: Option<&'a Repeated>,
}

/// How many runs a document shows.
const RUNS_IN_DOCUMENT: usize = 50;

/// How many runs are shown to a person.
const RUNS_SHOWN: usize = 5;

impl Status<'_> {
    /// Whether something waits to be applied.
    fn has_pending(&self) -> bool {
        let files = Files {
            migrations: self.migrations,
            repeatables: self.repeatables,
        };
        !planner::pending(files, self.history).is_empty()
    }

    /// The repeatable files, in the order of their names.
    fn again(&self) -> Vec<Again<'_>> {
        let state = |repeatable: &Repeatable| match self.history.repeated(&repeatable.name) {
            Some(repeated) if repeated.checksum == repeatable.checksum => "applied",
            Some(_) => "changed",
            None => "pending",
        };
        self.repeatables
            .iter()
            .map(|repeatable| Again {
                state: state(repeatable),
                name: &repeatable.name,
                repeated: self.history.repeated(&repeatable.name),
            })
            .collect()
    }

    /// The report, line by line.
    fn text(&self) -> Vec<String> {
        let rows = self.rows();
        let width = |text: fn(&Row<'_>) -> String| {
            rows.iter()
                .map(|row| text(row).chars().count())
                .max()
                .unwrap_or_default()
        };
        let states = width(|row| row.state.to_owned()).max(12);
        let versions = width(|row| row.version.to_string());
        let names = width(|row| row.name.to_owned());
        let mut lines = vec![format!(
            "{}{} ({}), history in {}{}",
            self.name.map_or(String::new(), |name| format!("{name}: ")),
            self.database,
            self.server.unwrap_or("does not exist yet"),
            self.table,
            if self.is_fresh {
                " (not created yet)"
            } else {
                ""
            }
        )];
        lines.extend(rows.iter().map(|row| {
            let when = row.applied.map_or(String::new(), when);
            // Aligned by hand: formatting counts a version's characters, too.
            let line = format!(
                "  {:<states$}  {:<versions$}  {:<names$}  {when}",
                row.state,
                row.version.to_string(),
                row.name
            );
            line.trim_end().to_owned()
        }));
        lines.extend(self.again().iter().map(|again| {
            let when = again
                .repeated
                .map_or(String::new(), |repeated| format!("{} UTC", repeated.at));
            let name = format!("repeatable/{}", again.name);
            let line = format!("  {:<states$}  {name:<names$}  {when}", again.state);
            line.trim_end().to_owned()
        }));
        lines.push(self.summary(&rows));
        lines.extend(self.several_heads());
        lines.extend(self.runs());
        lines
    }

    /// That `up` would not know where to go.
    fn several_heads(&self) -> Option<String> {
        let all: Vec<_> = self.migrations.iter().collect();
        let heads: Vec<_> = order::heads(&all)
            .into_iter()
            .map(Migration::label)
            .collect();
        self.is_ambiguous.then(|| {
            format!(
                "There are several heads, but `up` needs one: {}.",
                heads.join(", ")
            )
        })
    }

    /// The newest runs, the newest first.
    fn runs(&self) -> Vec<String> {
        let runs = &self.history.runs;
        let mut lines = Vec::new();
        if !runs.is_empty() {
            lines.push("Runs, the newest first:".to_owned());
        }
        for run in runs.iter().take(RUNS_SHOWN) {
            lines.push(format!("  {}", one_line(run)));
            lines.extend(run.error.as_deref().map(|error| {
                let first = error.lines().next().unwrap_or_default();
                format!("      {first}")
            }));
        }
        lines
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let applied = self.history.by_version();
        let files: HashSet<&Version> = self.migrations.iter().map(|it| &it.version).collect();
        let drifts: HashMap<&Version, &Drift> =
            self.drifts.iter().map(|it| (it.version(), it)).collect();
        let row = |version, name, file, applied: Option<_>| Row {
            state: match (drifts.get(version), applied) {
                (Some(drift), _) => state(drift),
                (None, Some(_)) => "applied",
                // What the database has, no file says.
                (None, None) if self.history.is_partial && self.history.was_applied(version) => {
                    "applied"
                }
                (None, None) if self.history.is_partial => "unknown",
                (None, None) => "pending",
            },
            version,
            name,
            file,
            applied,
        };
        let of_files = self.migrations.iter().map(|migration| {
            let applied = applied.get(&migration.version).copied();
            let name = applied.map_or(&migration.name, |applied| &applied.name);
            let file = Some(migration.up.file.path());
            row(&migration.version, name, file, applied)
        });
        let unknown = self.history.applied.iter();
        let unknown = unknown.filter(|applied| !files.contains(&applied.version));
        let unknown = unknown.map(|it| row(&it.version, &it.name, None, Some(it)));
        let mut rows: Vec<_> = of_files.chain(unknown).collect();
        // Where no order tells, that of the files does.
        rows.sort_by(|one, other| {
            let order = self.rules.compare(one.version, other.version);
            order.unwrap_or(Ordering::Equal)
        });
        rows
    }

    fn summary(&self, rows: &[Row<'_>]) -> String {
        let of = |state| rows.iter().filter(|row| row.state == state).count();
        let mut parts = vec![
            count(rows.len(), "migration"),
            format!("{} applied", of("applied")),
            format!("{} pending", of("pending")),
        ];
        for state in [
            "changed",
            "half applied",
            "half reverted",
            "missing",
            "out of order",
            "unknown",
        ] {
            match of(state) {
                0 => {}
                number => parts.push(format!("{number} {state}")),
            }
        }
        let again = self.again();
        match again
            .iter()
            .filter(|again| again.state != "applied")
            .count()
        {
            0 => {}
            number => parts.push(format!("{} to run", count(number, "repeatable file"))),
        }
        format!("{}.", parts.join(", "))
    }
}

impl Answer for Status<'_> {
    fn lines(&self) -> Vec<Line> {
        said(self.text())
    }

    fn document(&self) -> Document {
        let migrations: Vec<Value> = self
            .rows()
            .iter()
            .map(|row| {
                let at = row.applied.and_then(|applied| applied.at.as_deref());
                json!({
                    "version": row.version.to_string(),
                    "name": row.name,
                    "state": row.state.replace(' ', "_"),
                    "file": row.file,
                    "applied_at": at.map(instant),
                    "took_ms": row.applied.and_then(|applied| applied.took).map(milliseconds),
                })
            })
            .collect();
        let runs = self.history.runs.iter().take(RUNS_IN_DOCUMENT);
        let mut document = json!({
            "database": self.database,
            "server": self.server,
            "history": self.table,
            "history_exists": !self.is_fresh,
            "migrations": migrations,
            "repeatables": self.again().iter().map(again).collect::<Vec<_>>(),
            "runs": runs.map(run).collect::<Vec<_>>(),
        });
        if let Some(name) = self.name {
            document["name"] = name.into();
        }
        with_warnings(document, &self.warnings)
    }

    fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    fn exit_code(&self) -> u8 {
        let is_begun = |drift: &Drift| matches!(drift, Drift::Resumable { .. });
        if !self.is_agreed || self.is_ambiguous || self.drifts.iter().any(is_begun) {
            exit::DRIFT
        } else if self.has_pending() {
            exit::PENDING
        } else {
            exit::DONE
        }
    }
}

fn again(again: &Again<'_>) -> Value {
    json!({
        "name": again.name,
        "state": again.state,
        "applied_at": again.repeated.map(|repeated| instant(&repeated.at)),
        "run": again.repeated.map(|repeated| &repeated.run),
    })
}

/// A run on one line.
fn one_line(run: &Run) -> String {
    let ending = match run.ending {
        // It runs, or was killed: the history tells what it did.
        Ending::Running => "not ended",
        Ending::Failed | Ending::Stopped | Ending::Succeeded => run.ending.word(),
    };
    let did = match run.ending {
        Ending::Running => "planned",
        Ending::Failed | Ending::Stopped | Ending::Succeeded => "done",
    };
    // A confirmation does nothing: it remembers what was there.
    let number = if run.verb == CONFIRM {
        0
    } else {
        run.did.len()
    };
    let confirmed = if run.confirmed.is_some() {
        ", confirmed"
    } else {
        ""
    };
    let who = [
        ("commit", &run.who.commit),
        ("deployment", &run.who.deployment),
        ("host", &run.who.host),
    ];
    let who: String = who
        .into_iter()
        .filter_map(|(what, name)| Some(format!(", {what} {}", name.as_deref()?)))
        .collect();
    format!(
        "{} UTC  {:<8}  {ending}, {} {did}{confirmed}{who}",
        run.began, run.verb, number
    )
}

fn when(applied: &Applied) -> String {
    let Some(at) = &applied.at else {
        return String::new();
    };
    let took = applied
        .took
        .map_or(String::new(), |took| format!(" in {}", duration(took)));
    format!("{at} UTC{took}")
}

/// What a disagreement makes of its migration, in a word.
fn state(drift: &Drift) -> &'static str {
    match drift {
        Drift::Edited { .. } | Drift::FilledIn { .. } => "changed",
        Drift::HalfApplied { .. } | Drift::Resumable { .. } => "half applied",
        Drift::HalfReverted { .. } => "half reverted",
        Drift::LineEndings { .. } => "applied",
        Drift::Missing { .. } => "missing",
        Drift::OutOfOrder { .. } => "out of order",
        Drift::Unknown { .. } => "unknown",
    }
}
