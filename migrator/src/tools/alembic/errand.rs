//! An errand of Alembic's from the lock to the verdict, whichever way it goes.

use super::AlembicTool;
use super::verdict::Plan;
use crate::db::fault::Fault;
use crate::db::{Connection, Guard};
use crate::engine::event::Listener;
use crate::engine::stop::Stop;
use crate::engine::{self, Errand, Outcome, Run};
use crate::error::Error;
use crate::formats::alembic::AlembicError;
use crate::history::{Ending, History};
use crate::model::{Deed, Migration, Subject, Version};
use crate::order;
use crate::python::Alembic;
use crate::sql::Dialect;
use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

/// Work that Alembic is to do.
pub(crate) struct Work<'a> {
    pub(crate) tool: &'a AlembicTool,
    pub(crate) run: Run<'a>,
    pub(crate) aim: Aim,
    /// As a person knows the database.
    pub(crate) database: String,
    pub(crate) dialect: Dialect,
}

/// What it is to do with migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    Apply,
    /// Records them without running them.
    Record,
    Revert,
}

impl Aim {
    fn command(self) -> &'static str {
        match self {
            Self::Apply => "upgrade",
            Self::Record => "stamp",
            Self::Revert => "downgrade",
        }
    }
}

impl Work<'_> {
    /// Lets Alembic do what `plan` finds to be done under the lock; returns what it did,
    /// and what the history says now.
    ///
    /// # Errors
    /// Why it was not done; the listener was told what of it was.
    pub(crate) async fn carry_out<'d>(
        &self,
        connection: Connection,
        open: impl AsyncFn() -> Result<Connection, Fault>,
        plan: impl Fn(&History) -> Result<Vec<Deed<'d>>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Outcome, History), Error> {
        let Self { run, .. } = self;
        let alembic = self.tool.program()?;
        let found = RefCell::new(History::default());
        let began = Instant::now();
        let delegated = engine::delegate(
            run,
            Guard::new(connection),
            &open,
            |history| {
                let deeds = plan(history)?;
                found.replace(history.clone());
                if deeds.is_empty() {
                    return Ok(None);
                }
                let target = target(self.aim, run.files, &deeds, history)?;
                Ok(Some(self.errand(&alembic, &target, deeds)))
            },
            stop,
            listener,
        )
        .await?;
        let Some(delegated) = delegated else {
            // Another migrator has done it while we waited.
            return Ok((Outcome::default(), found.into_inner()));
        };
        let deeds = plan(&delegated.before)?;
        let plan = Plan {
            expected: self.expected(&delegated.before, &deeds),
            deeds,
            aim: self.aim,
            files: run.files,
            table: &run.look.ledger.table,
            database: &self.database,
            dialect: self.dialect,
        };
        let is_remembered = !delegated.before.runs.is_empty();
        let verdict = self.tool.judge(&plan, delegated, began.elapsed(), listener);
        if is_remembered {
            let error = verdict.result.as_ref().err();
            remember(&open, run, &verdict.did, error).await;
        }
        verdict.result
    }

    /// Under the run's name, where its driver takes one from the environment.
    fn errand<'e>(
        &'e self,
        alembic: &'e Alembic,
        target: &str,
        deeds: Vec<Deed<'e>>,
    ) -> Errand<'e> {
        let tool = self.tool;
        let arguments = tool.arguments(&[self.aim.command(), target]);
        let mut variables = tool.variables.clone();
        variables.push(("PGAPPNAME".to_owned(), self.run.name.into()));
        let at = match tool.project.folder.as_str() {
            "." => String::new(),
            folder => format!(" (in {folder})"),
        };
        Errand {
            deeds,
            command: format!("{} {}{at}", alembic.shown(), arguments.join(" ")),
            start: Box::new(move |input| alembic.start(&arguments, &variables, input)),
            without_secrets: Box::new(|text| tool.without_secrets(text)),
        }
    }

    /// What will be applied then.
    fn expected(&self, before: &History, deeds: &[Deed<'_>]) -> HashSet<Version> {
        let wanted = versions(deeds).into_iter().cloned();
        let applied = before.applied.iter().map(|applied| applied.version.clone());
        let applied: HashSet<Version> = applied.collect();
        match self.aim {
            Aim::Apply | Aim::Record => applied.into_iter().chain(wanted).collect(),
            Aim::Revert => applied.difference(&wanted.collect()).cloned().collect(),
        }
    }
}

/// What Alembic is told to go to, so that it does exactly this.
///
/// # Errors
/// There is no such place.
pub(super) fn target(
    aim: Aim,
    files: &[Migration],
    deeds: &[Deed<'_>],
    history: &History,
) -> Result<String, Error> {
    let wanted = versions(deeds);
    let applied: HashSet<&Version> = history.applied.iter().map(|it| &it.version).collect();
    let is_applied = |version: &&Version| applied.contains(version);
    let all: Vec<_> = files.iter().collect();
    let last = deeds.last().and_then(|deed| deed.migration());
    let (target, does): (&str, HashSet<&Version>) = match aim {
        Aim::Revert => {
            let stays = last.and_then(|oldest| oldest.follows().first());
            let above = match stays {
                Some(stays) => order::dependents(files, [stays]),
                None => all,
            };
            let above = above.into_iter().map(|it| &it.version);
            let above = above.filter(is_applied).filter(|it| Some(*it) != stays);
            (stays.map_or("base", Version::as_str), above.collect())
        }
        Aim::Apply | Aim::Record => {
            let heads = order::heads(&all);
            let pending: HashSet<_> = all.iter().map(|it| &it.version).collect();
            let pending: HashSet<_> = pending.difference(&applied).copied().collect();
            if heads.len() > 1 && pending == wanted {
                ("heads", pending)
            } else {
                let lineage = order::lineage(files, last.map(|it| &it.version));
                let lineage = lineage.into_iter().map(|it| &it.version);
                let new = lineage.filter(|it| !is_applied(it)).collect();
                (last.map_or("", |it| it.version.as_str()), new)
            }
        }
    };
    if does == wanted {
        return Ok(target.to_owned());
    }
    let mut others: Vec<_> = does.difference(&wanted).map(ToString::to_string).collect();
    others.sort();
    Err(AlembicError::NotAlone {
        command: format!("alembic {} {target}", aim.command()),
        others,
    }
    .into())
}

fn versions<'a>(deeds: &[Deed<'a>]) -> HashSet<&'a Version> {
    let migrations = deeds.iter().filter_map(|deed| deed.migration());
    migrations.map(|migration| &migration.version).collect()
}

/// How it ended, where it is remembered that it began.
async fn remember(
    open: &impl AsyncFn() -> Result<Connection, Fault>,
    run: &Run<'_>,
    did: &[Subject],
    error: Option<&Error>,
) {
    let ending = match error {
        None => Ending::Succeeded,
        Some(Error::Stopped(_)) => Ending::Stopped,
        Some(_) => Ending::Failed,
    };
    let error = error.map(|error| error.diagnostic().to_string());
    // Its outcome is told in any case; what is remembered of it, where it can be.
    if let Ok(mut worker) = open().await {
        let _ = engine::end(run, &mut worker, ending, did, error.as_deref()).await;
    }
}
