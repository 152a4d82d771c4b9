//! `up`: applies what is pending.

use super::{Task, refuse_foreign};
use crate::db::fault::{Fault, FaultKind};
use crate::db::url::DatabaseUrl;
use crate::db::{self, Connection, Guard, Look, Session};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome, Run, Step};
use crate::error::{self, Error};
use crate::formats::Format;
use crate::formats::ledger::Ledger;
use crate::model::Version;
use crate::plan::history::History;
use crate::plan::planner::{self, Plan};
use crate::sql::Dialect;
use crate::verify;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long the database may take to answer before it is said that it does not.
const PATIENCE: Duration = Duration::from_secs(2);

/// Before a connection is tried again that was lost.
const AFTER_A_LOSS: Duration = Duration::from_millis(200);

/// What `up` did, and the newest version that is applied now.
pub(crate) struct Done {
    pub outcome: Outcome,
    pub newest: Option<Version>,
}

/// Applies what is pending.
///
/// # Errors
/// Why it stopped; the listener was told what had been applied.
pub(crate) async fn up(
    task: &Task,
    run: &str,
    stop: &mut Stop,
    listener: &mut dyn Listener,
) -> Result<Done, Error> {
    let Task { project, config } = task;
    let url = &config.database.value;
    let dialect = url.dialect();
    listener.event(&Event::Read {
        dir: &project.dir,
        format: project.format.name(),
        count: project.migrations.len(),
    });
    for warning in &project.warnings {
        listener.event(&Event::Warning(warning.clone()));
    }
    let database = url.to_string();
    if url
        .file()
        .is_some_and(|file| file.may_create && !file.path.exists())
    {
        // Whatever is wrong with the files must not leave an empty database.
        let fresh = History::default();
        steps(&plan(task, &fresh)?, &fresh, dialect)?;
        listener.event(&Event::Creating {
            database: &database,
        });
    }
    let mut first = pin!(first_look(url, config.limits.wait, project.format.ledger()));
    let (connection, look) = if let Ok(first) = stop.or(timeout(PATIENCE, &mut first)).await? {
        first?
    } else {
        listener.event(&Event::WaitingForDatabase {
            database: &database,
            limit: config.limits.wait,
        });
        stop.or(first).await??
    };
    listener.event(&Event::Connected {
        database: &database,
        server: &look.server,
        history: &look.ledger.table,
    });
    refuse_foreign(&look, dialect)?;

    let before = look.past.history();
    match plan(task, &before) {
        Ok(first) => {
            for warning in &first.warnings {
                listener.event(&Event::Warning(error::warning(warning)));
            }
            if first.steps.is_empty() {
                return Ok(Done {
                    outcome: Outcome::default(),
                    newest: before.newest(),
                });
            }
            steps(&first, &before, dialect)?;
        }
        // Another migrator may be at it: only who holds the lock can tell.
        Err(Error::Plan(error)) if error.is_half_applied() => {}
        Err(error) => return Err(error),
    }

    let outcome = engine::run(
        &Run {
            name: run,
            limits: config.limits,
            look: &look,
        },
        Guard::new(connection),
        async || db::connect(url, config.limits.wait).await,
        Guard::new,
        |past| {
            let history = past.history();
            steps(&plan(task, &history)?, &history, dialect)
        },
        stop,
        listener,
    )
    .await?;
    let newest = outcome.applied.iter().copied().chain(before.newest()).max();
    Ok(Done { outcome, newest })
}

/// Connects and looks; a server that goes away meanwhile is waited for, too.
async fn first_look(
    url: &DatabaseUrl,
    wait: Duration,
    ledger: &Ledger,
) -> Result<(Connection, Look), Fault> {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut connection = db::connect(url, left).await?;
        match connection.look(ledger).await {
            Err(fault) if fault.kind == FaultKind::Lost && Instant::now() < end => {
                sleep(AFTER_A_LOSS).await;
            }
            result => return result.map(|look| (connection, look)),
        }
    }
}

pub(super) fn plan<'a>(task: &'a Task, history: &History) -> Result<Plan<'a>, Error> {
    Ok(planner::plan(
        &task.project.format,
        &task.project.migrations,
        history,
        task.config.request,
    )?)
}

/// The steps of a plan, each split and verified: all of them, before the first
/// is sent.
pub(super) fn steps<'a>(
    plan: &Plan<'a>,
    history: &History,
    dialect: Dialect,
) -> Result<Vec<Step<'a>>, Error> {
    plan.steps
        .iter()
        .map(|migration| {
            let statements = verify::statements(migration, dialect)?;
            let resume = match history.find(migration.version) {
                Some(_) => Some(verify::resume(migration, &statements, history)?),
                None => None,
            };
            Ok(Step {
                migration,
                statements,
                resume,
            })
        })
        .collect()
}
