//! `repair`: after an accident, sets the history right by what a person has seen
//! in the database.

use super::{Done, Start, Task, opening, refuse_foreign};
use crate::db::{self, Edit, Guard, Look, Wanted};
use crate::engine::stop::Stop;
use crate::engine::{self, event::Event};
use crate::error::Error;
use crate::model::{Migration, Version};
use crate::plan::history::History;
use crate::plan::repair::{self, Damage, Repair, Resolution};
use crate::report::Report;
use crate::sql;

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
    let format = &task.project.format;
    let ledger = crate::formats::Format::ledger(format);
    let wait = task.config.limits.wait;
    let (mut reader, look) = db::read_and_look(url, wait, ledger, Wanted::default()).await?;
    refuse_foreign(&look, url.dialect())?;
    let history = look.past.history();
    let migrations = &task.project.migrations;
    let unfinished = migrations.iter().filter(|migration| {
        history
            .find(migration.version)
            .is_some_and(|applied| !applied.complete)
    });
    let statements: Vec<_> = unfinished
        .flat_map(|migration| alone(task, migration))
        .collect();
    Ok(Found {
        damages: repair::damages(format, migrations, &history),
        invalid_indexes: reader.invalid_indexes(&statements).await?,
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
    opening::announce(task, report);
    let wanted = Wanted::default();
    super::must_be_there(task)?;
    let (connection, look) = opening::look(task, wanted, stop, report).await?;
    let first = decide(task, &look.past.history(), decisions)?;
    for repair in &first {
        if let Repair::Accept(migration) = repair {
            tell_change(task, &look.past.history(), migration, report);
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
    task.consent("record", &said, report)?;
    let url = &task.config.database.value;
    let (repaired, newest) = engine::edit(
        &task.run(start, "repair", wanted, &look),
        Guard::new(connection),
        async || db::connect(url, task.config.limits.wait).await,
        |past| {
            let history = past.history();
            let repairs = decide(task, &history, decisions)?;
            let edits = repairs.iter().flat_map(|repair| edits(task, repair));
            Ok((edits.collect(), (repairs, history.newest())))
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
        outcome: None,
        reverts: false,
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
        repairs.extend(repair::accept(migrations, history, *version)?);
    }
    for (version, resolution) in &decisions.resolve {
        repairs.push(repair::resolve(migrations, history, *version, *resolution)?);
    }
    Ok(repairs)
}

fn edits<'a>(task: &'a Task, repair: &Repair<'a>) -> Vec<Edit<'a>> {
    let edit = match repair {
        Repair::Accept(migration) => return vec![Edit::Accept(migration)],
        Repair::Complete(migration) => Edit::Complete(migration),
        Repair::Forget(unfinished) => Edit::Forget(unfinished.version),
        Repair::Settle {
            unfinished,
            statement,
            happened,
        } => {
            return vec![Edit::Settle {
                version: unfinished.version,
                statement: *statement,
                happened: *happened,
            }];
        }
    };
    let version = repair.version();
    let mut migrations = task.project.migrations.iter();
    let of_it = migrations.find(|migration| migration.version == version);
    let statements = of_it.map(|migration| alone(task, migration));
    let indexes = statements.into_iter().flatten().map(Edit::DropInvalidIndex);
    std::iter::once(edit).chain(indexes).collect()
}

/// The statements of a migration that run outside of every transaction; none of
/// a file that cannot be split.
fn alone<'a>(task: &Task, migration: &'a Migration) -> Vec<&'a str> {
    let file = &migration.up.file;
    sql::split(file, task.dialect())
        .unwrap_or_default()
        .into_iter()
        .filter(|statement| matches!(statement.kind, sql::Kind::NoTransaction(_)))
        .map(|statement| file.slice(statement.span))
        .collect()
}

/// Says how a file differs from what was applied.
fn tell_change(task: &Task, history: &History, migration: &Migration, report: &mut dyn Report) {
    let Some(applied) = history.find(migration.version) else {
        return;
    };
    let format = &task.project.format;
    report.event(&Event::Edited {
        path: migration.up.file.path(),
        recorded: &applied.checksum.hex(),
        now: &migration.checksum.hex(),
        harmless: crate::formats::Format::same_but_for_line_endings(
            format,
            migration,
            &applied.checksum,
        ),
    });
}
