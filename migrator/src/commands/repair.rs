//! `repair`: after an accident, sets the history right by what a person has seen
//! in the database.

use super::{Done, Start, Task, preflight};
use crate::db::{self, Edit, Guard, Look, ReadScope, Session};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome, event::Event};
use crate::error::Error;
use crate::history::History;
use crate::model::{Migration, Version};
use crate::plan::repair::{self, Damage, Repair, RepairError, Resolution};
use crate::report::Report;
use crate::sql::{self, variables};
use crate::text::SourceFile;
use std::sync::Arc;

/// What a person has decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions {
    pub accept: Vec<Version>,
    pub resolve: Vec<(Version, Resolution)>,
}

/// What could be repaired.
pub(crate) struct Found {
    pub look: Look,
    pub damages: Vec<Damage>,
    /// Indexes that a killed CONCURRENTLY of an unfinished migration has left.
    pub invalid_indexes: Vec<String>,
}

/// Lists what could be repaired; changes nothing.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn list(task: &Task) -> Result<Found, Error> {
    let url = &task.config.database.value;
    let (format, ledger) = (task.format(), task.ledger());
    let wait = task.config.limits.wait;
    let (mut reader, look) = db::read_and_look(url, wait, ledger, ReadScope::default()).await?;
    let look = preflight::settled(task, &mut reader, look, ReadScope::default()).await?;
    let history = task.history(&look);
    let mut invalid_indexes = Vec::new();
    for alone in unfinished_alone(task, &history) {
        let names = reader.invalid_indexes(&alone.statements()).await?;
        invalid_indexes.extend(names.iter().map(|name| alone.file.without_values(name)));
    }
    Ok(Found {
        damages: repair::damages(format, &task.project.migrations, &history),
        invalid_indexes,
        look,
    })
}

/// Repairs what was decided on: all of it, or nothing.
///
/// # Errors
/// Why it was not repaired; nothing was changed then.
pub(crate) async fn repair(
    task: &Task,
    start: &Start,
    decisions: &Decisions,
    stop: &mut Stop,
    report: &mut dyn Report,
) -> Result<Done, Error> {
    preflight::announce(task, report);
    let wanted = ReadScope::default();
    super::must_be_there(task)?;
    let (mut connection, look) = preflight::look(task, wanted, stop, report).await?;
    let history = task.history(&look);
    let first = decide(task, &history, decisions)?;
    let alone = unfinished_alone(task, &history);
    for repair in &first {
        match repair {
            Repair::Accept(migration) => tell_change(task, &history, migration, report),
            Repair::Complete { .. } => {
                let of_it = alone
                    .iter()
                    .find(|alone| &alone.version == repair.version());
                if let Some(of_it) = of_it {
                    must_be_valid(&mut connection, of_it).await?;
                }
            }
            Repair::Forget(_) | Repair::Reopen(_) | Repair::Settle { .. } => {}
        }
    }
    let said: Vec<_> = first
        .iter()
        .map(|repair| {
            let (before, after) = repair.words();
            format!(
                "{} {}: {before} -> {after}",
                repair.version(),
                repair.name()
            )
        })
        .collect();
    task.consent("record", &said, stop, report).await?;
    let (repaired, newest) = engine::edit(
        &task.run(start, "repair", wanted, &look),
        Guard::new(connection),
        async || task.connect().await,
        |history| {
            let repairs = decide(task, history, decisions)?;
            let edits = repairs.iter().flat_map(|repair| edits(&alone, repair));
            Ok((edits.collect(), (repairs, task.newest(history, &[], false))))
        },
        stop,
        report,
    )
    .await?;
    for repair in &repaired {
        let (before, after) = repair.words();
        report.event(&Event::Changed {
            version: repair.version(),
            name: repair.name(),
            before,
            after,
        });
    }
    Ok(Done {
        outcome: repaired.is_empty().then(Outcome::default),
        newest,
    })
}

fn decide<'a>(
    task: &'a Task,
    history: &History,
    decisions: &Decisions,
) -> Result<Vec<Repair<'a>>, Error> {
    let migrations = &task.project.migrations;
    let mut repairs = Vec::new();
    for version in &decisions.accept {
        repairs.extend(repair::accept(migrations, history, version)?);
    }
    for (version, resolution) in &decisions.resolve {
        let format = task.format();
        repairs.push(repair::resolve(
            format,
            migrations,
            history,
            version,
            *resolution,
        )?);
    }
    Ok(repairs)
}

fn edits<'a>(alone: &'a [Alone], repair: &Repair<'a>) -> Vec<Edit<'a>> {
    match repair {
        Repair::Accept(migration) => vec![Edit::Accept(migration)],
        Repair::Complete { migration, .. } => vec![Edit::Complete(migration)],
        Repair::Forget(unfinished) => {
            let version = &unfinished.version;
            let of_it = alone.iter().filter(|alone| alone.version == *version);
            let statements = of_it.flat_map(Alone::statements);
            statements
                .map(Edit::DropInvalidIndex)
                .chain([Edit::Forget(version.clone())])
                .collect()
        }
        Repair::Reopen(migration) => vec![Edit::Forget(migration.version.clone())],
        Repair::Settle {
            unfinished,
            statement,
            happened,
        } => vec![Edit::Settle {
            version: unfinished.version.clone(),
            statement: *statement,
            happened: *happened,
        }],
    }
}

/// The statements of an unfinished migration that run outside of every
/// transaction.
struct Alone {
    version: Version,
    /// With its variables filled in.
    file: Arc<SourceFile>,
    statements: Vec<sql::Statement>,
}

impl Alone {
    fn statements(&self) -> Vec<&str> {
        let statements = self.statements.iter();
        statements
            .map(|statement| self.file.slice(statement.span))
            .collect()
    }
}

/// Of all unfinished migrations; none of a file that cannot be read as it was run:
/// a question is no place to complain of it.
fn unfinished_alone(task: &Task, history: &History) -> Vec<Alone> {
    let is_unfinished = |migration: &&Migration| {
        let applied = history.find(&migration.version);
        applied.is_some_and(|applied| !applied.complete)
    };
    let migrations = task.project.migrations.iter();
    migrations
        .filter(is_unfinished)
        .filter_map(|migration| {
            let file = variables::fill(&migration.up.file, task.variables).ok()?;
            let mut statements = sql::split(&file, task.dialect()).ok()?;
            statements.retain(|it| matches!(it.kind, sql::StatementKind::NoTransaction(_)));
            Some(Alone {
                version: migration.version.clone(),
                file,
                statements,
            })
        })
        .collect()
}

/// # Errors
/// An index of the migration that is none: not all of it is in the database.
async fn must_be_valid(connection: &mut impl Session, alone: &Alone) -> Result<(), Error> {
    let invalid = connection.invalid_indexes(&alone.statements()).await?;
    match invalid.first() {
        Some(index) => Err(RepairError::InvalidIndex {
            version: alone.version.clone(),
            index: alone.file.without_values(index),
        }
        .into()),
        None => Ok(()),
    }
}

/// Says how a file differs from what was applied.
fn tell_change(task: &Task, history: &History, migration: &Migration, report: &mut dyn Report) {
    let applied = history.find(&migration.version);
    let recorded = applied.and_then(|applied| applied.checksum.as_ref());
    let (Some(recorded), Some(now)) = (recorded, &migration.checksum) else {
        return;
    };
    report.event(&Event::Edited {
        path: migration.up.file.path(),
        recorded: &recorded.hex(),
        now: &now.hex(),
        harmless: task.format().same_but_for_line_endings(migration, recorded),
    });
}
