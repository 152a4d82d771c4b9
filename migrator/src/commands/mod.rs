//! The verbs: each reads, plans, runs and reports. None of them prints, exits or
//! holds SQL.

pub(crate) mod baseline;
pub(crate) mod check;
pub(crate) mod confirm;
pub(crate) mod doctor;
pub(crate) mod down;
mod execute;
mod foresight;
pub(crate) mod new;
pub(crate) mod plan;
mod preflight;
pub(crate) mod redo;
pub(crate) mod repair;
pub(crate) mod spec;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod wait;

use crate::config::{Config, ConfigError};
use crate::db::fault::{Fault, FaultKind};
use crate::db::{self, Connection, Look, Past, ReadScope};
use crate::diagnostic::Diagnostic;
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{Outcome, Run, Step};
use crate::error::Error;
use crate::formats::Format;
use crate::history::ledger::Ledger;
use crate::history::{History, Who};
use crate::limits::Transaction;
use crate::model::{Migration, Operation, Subject, Version};
use crate::order;
use crate::plan::planner::Files;
use crate::project::Project;
use crate::report::{Reply, Report};
use crate::sql::{Dialect, Quoting, Syntax};
use crate::tools::Tool;
use crate::verify;
use crate::words;
use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;
use tokio::time::sleep;

/// How often it is looked whether somebody has answered.
const ANSWERED_WITHIN: Duration = Duration::from_millis(20);

/// What every verb works on.
pub(crate) struct Task {
    /// The database's name, where there are several.
    pub name: Option<String>,
    pub project: Project,
    /// Where another program applies them.
    pub tool: Option<Tool>,
    pub config: Config,
    /// What of the settings has no effect.
    pub warnings: Vec<Diagnostic>,
    /// The environment, of which files may ask for variables.
    pub variables: fn(&str) -> Option<String>,
}

/// Waits for an answer; none is a no.
async fn given(answer: Reply) -> bool {
    loop {
        match answer.try_recv() {
            Ok(agreed) => return agreed,
            Err(TryRecvError::Disconnected) => return false,
            Err(TryRecvError::Empty) => sleep(ANSWERED_WITHIN).await,
        }
    }
}

/// Asks before what is hard to undo, unless nothing is to be asked.
async fn consent(
    config: &Config,
    verb: &str,
    what: &[String],
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<(), Error> {
    if config.yes || what.is_empty() {
        return Ok(());
    }
    let agreed = match report.question(verb, what) {
        Some(answer) => stop.or(given(answer)).await?,
        None => true,
    };
    if agreed { Ok(()) } else { Err(Error::Declined) }
}

/// What a run is started with.
pub(crate) struct Start {
    /// By which it is known in the server.
    pub name: String,
    pub who: Who,
}

/// A run that ended well.
pub(crate) struct Done {
    /// What it did to the schema; nothing for a run that only records.
    pub outcome: Option<Outcome>,
    /// The newest version that is applied now.
    pub newest: Option<String>,
}

impl Task {
    /// Has read what of the files only their tool's program can tell.
    ///
    /// # Errors
    /// What it cannot tell.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        match &mut self.tool {
            Some(tool) => tool.settle(&mut self.project).await,
            None => Ok(()),
        }
    }

    /// What is worth knowing of the settings and the files.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        let files = self.project.warnings.iter();
        files.chain(&self.warnings).cloned().collect()
    }

    /// Where a schema is with this history, once these are applied, or taken back.
    fn newest(&self, history: &History, done: &[Subject], reverts: bool) -> Option<String> {
        let format = self.format();
        let did = |version: &Version| done.iter().any(|it| it.version() == Some(version));
        let complete = history.applied.iter().filter(|applied| applied.complete);
        let versions = complete.map(|applied| &applied.version);
        let stays = versions.filter(|version| !reverts || !did(version));
        let new = done.iter().filter_map(Subject::version);
        let now: Vec<&Version> = stays.chain(new.filter(|_| !reverts)).collect();
        let is_in_line = now.iter().all(|it| format.compare(it, it).is_some());
        if is_in_line {
            let order = |one: &&&Version, other: &&&Version| {
                format.compare(one, other).unwrap_or(Ordering::Equal)
            };
            return now.iter().max_by(order).map(ToString::to_string);
        }
        let files = &self.project.migrations;
        let known: Vec<_> = files
            .iter()
            .filter(|it| now.contains(&&it.version))
            .collect();
        let unknown = now.iter().filter(|version| {
            let mut files = files.iter();
            !files.any(|it| it.version == ***version)
        });
        let tips: Vec<_> = order::tips(&known)
            .into_iter()
            .chain(unknown.copied())
            .collect();
        let tips: Vec<_> = tips.into_iter().map(ToString::to_string).collect();
        (!tips.is_empty()).then(|| tips.join(", "))
    }

    fn format(&self) -> &dyn Format {
        &*self.project.format
    }

    fn ledger(&self) -> &Ledger {
        self.project.format.ledger()
    }

    /// What a look tells of the history.
    fn history(&self, look: &Look) -> History {
        look.history(&self.project.migrations)
    }

    /// The version that a person means who types this.
    ///
    /// # Errors
    /// It can be none of this project's.
    pub(crate) fn typed(&self, text: &str) -> Result<Version, Error> {
        let typed = self.format().typed(text, &self.project.migrations);
        typed.ok_or_else(|| {
            let typed = text.to_owned();
            let why = self.format().not_a_version();
            ConfigError::NoVersion { why, typed }.into()
        })
    }

    /// # Errors
    /// Files that end in several branches, where nothing says which is meant.
    fn must_be_clear(&self) -> Result<(), Error> {
        match (&self.tool, self.project.is_ambiguous) {
            (Some(tool), true) => Err(tool.several_heads(&self.project).into()),
            _ => Ok(()),
        }
    }

    /// Asks before what is hard to undo, unless nothing is to be asked.
    async fn consent(
        &self,
        verb: &str,
        what: &[String],
        stop: &mut Stop,
        report: &mut dyn Report,
    ) -> Result<(), Error> {
        consent(&self.config, verb, what, stop, report).await
    }

    /// Connects anew, where a connection was lost.
    async fn connect(&self) -> Result<Connection, Fault> {
        db::connect(&self.config.database.value, self.config.limits.wait).await
    }

    fn files(&self) -> Files<'_> {
        Files {
            migrations: &self.project.migrations,
            repeatables: &self.project.repeatables,
        }
    }

    fn dialect(&self) -> Dialect {
        self.config.database.value.dialect()
    }

    /// What of a database must be known to plan an `up`.
    fn wanted(&self) -> ReadScope {
        ReadScope {
            repeated: !self.project.repeatables.is_empty(),
            // Where another program applies, they tell whether any is to be remembered.
            runs: self.tool.is_some(),
        }
    }

    /// The run of an engine.
    fn run<'a>(
        &'a self,
        start: &'a Start,
        verb: &'static str,
        wanted: ReadScope,
        look: &'a Look,
    ) -> Run<'a> {
        Run {
            name: &start.name,
            verb,
            who: &start.who,
            limits: self.config.limits,
            transaction: self.config.transaction,
            wanted,
            look,
            files: &self.project.migrations,
        }
    }

    /// The steps of a plan, each split and verified: all of them, before the
    /// first is sent.
    fn steps<'a>(
        &self,
        operations: &[Operation<'a>],
        history: &History,
        quoting: Quoting,
    ) -> Result<Vec<Step<'a>>, Error> {
        let dialect = self.dialect();
        let syntax = Syntax { dialect, quoting };
        operations
            .iter()
            .map(|operation| {
                let as_one = self.config.transaction == Transaction::All;
                if as_one && operation.script().is_code() {
                    return Err(Error::CodeInOneTransaction {
                        path: operation.script().file.path().to_owned(),
                    });
                }
                if as_one && operation.script().is_sql() && !operation.script().transaction {
                    return Err(Error::NeedsItsOwnTransaction {
                        file: Arc::clone(&operation.script().file),
                    });
                }
                let script = verify::script(operation.script(), syntax, self.variables)?;
                let begun = match operation {
                    Operation::Apply(migration) => history.find(&migration.version),
                    // Whoever takes back a complete one begins.
                    Operation::Revert(migration, _) => history
                        .find(&migration.version)
                        .filter(|applied| !applied.complete),
                    Operation::Repeat(_) => None,
                };
                let resume = match begun {
                    Some(applied) => Some(verify::resume(&applied.version, &script, history)?),
                    None => None,
                };
                Ok(Step {
                    operation: *operation,
                    file: script.file,
                    statements: script.statements,
                    resume,
                })
            })
            .collect()
    }
}

/// Warns of every file of which nothing runs.
fn warn_of_empty(steps: &[Step<'_>], listener: &mut dyn Listener) {
    for step in steps {
        if step.statements.is_empty() && step.operation.script().is_sql() {
            listener.event(&Event::Warning(words::empty(step.operation)));
        }
    }
}

/// Whether there may be a database: of SQLite, its file. Only `up` creates one.
fn is_there(task: &Task) -> bool {
    task.config.database.value.is_there()
}

/// # Errors
/// A SQLite file that does not exist.
fn must_be_there(task: &Task) -> Result<(), Error> {
    match task.config.database.value.file() {
        Some(file) if !file.path.exists() => Err(Fault::new(
            FaultKind::File,
            format!("the database file {} does not exist", file.path.display()),
        )
        .into()),
        _ => Ok(()),
    }
}

/// The history table that these migrations have, where it is not the one that was
/// looked at: the first schema of the search path may have been made since.
///
/// # Errors
/// One that nothing leads to, or more than one.
fn other_history(look: &Look, migrations: &[Migration]) -> Result<Option<Ledger>, Error> {
    let is_theirs = look.past.knows(migrations);
    let knowing: Vec<_> = look
        .elsewhere
        .iter()
        .filter(|it| !is_theirs && it.knows(migrations))
        .collect();
    let may_be_used = if look.ledger.kind.is_the_first_of_its_name() {
        look.past == Past::Fresh
    } else {
        // An empty table may be the beginning of another history.
        !(matches!(look.past, Past::Known(_)) && look.past.is_empty())
    };
    match &knowing[..] {
        [] => Ok(None),
        [only] if only.is_in_path && may_be_used => Ok(Some(Ledger {
            table: only.table.clone(),
            ..look.ledger.clone()
        })),
        _ => Err(Error::HistoryElsewhere {
            tables: knowing.iter().map(|it| it.table.clone()).collect(),
            missing: look.ledger.table.clone(),
            is_the_first: look.ledger.kind.is_the_first_of_its_name(),
        }),
    }
}

/// Whose SQL the files are, and how quotes are read in them: as by the server that
/// was looked at, else as by most.
fn syntax(config: &Config, look: Option<&Look>) -> Syntax {
    Syntax {
        dialect: config.database.value.dialect(),
        quoting: look.map(|look| look.quoting).unwrap_or_default(),
    }
}

/// Refuses a database that another tool keeps.
fn refuse_foreign(look: &Look, dialect: Dialect) -> Result<(), Error> {
    match look.past {
        Past::Foreign { tool, table } => Err(Error::ForeignHistory {
            tool,
            table,
            create: one_line(&look.ledger.create(dialect).join("; ")),
        }),
        Past::Fresh | Past::Known(_) => Ok(()),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
