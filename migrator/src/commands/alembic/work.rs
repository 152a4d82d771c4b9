//! An errand of Alembic's from the lock to the verdict, whichever way it goes.

use super::AlembicTask;
use super::judge::Plan;
use crate::commands::{Done, Start};
use crate::db::{Connection, Guard, Look, Past};
use crate::engine;
use crate::engine::event::Listener;
use crate::engine::stop::Stop;
use crate::error::Error;
use crate::formats::alembic::{Graph, Revision};
use crate::history::Ending;
use crate::model::Subject;
use std::cell::RefCell;
use std::time::Instant;

/// Work that Alembic is to do.
pub(super) struct Work<'a> {
    pub(super) task: &'a AlembicTask,
    pub(super) graph: &'a Graph,
    pub(super) start: &'a Start,
    pub(super) verb: &'static str,
    pub(super) reverts: bool,
    /// The look on which it was decided that something is to be done.
    pub(super) look: &'a Look,
}

/// What is to be done where a database is.
pub(super) struct Aim<'a> {
    /// In the order in which Alembic does it; nothing, where nothing is to be done.
    pub(super) revisions: Vec<&'a Revision>,
    /// What Alembic is told to go to.
    pub(super) target: String,
}

impl<'a> Work<'a> {
    /// Lets Alembic do what `aim` finds to be done under the lock; where that is
    /// nothing any more, what was found there instead.
    ///
    /// # Errors
    /// Why it was not done; the listener was told what of it was.
    pub(super) async fn carry_out(
        &self,
        connection: Connection,
        aim: impl Fn(&Past) -> Result<Aim<'a>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<Result<Done, Past>, Error> {
        let Self {
            task, graph, start, ..
        } = self;
        let alembic = task.sources.alembic()?;
        let describe = |id: &str| match graph.find(id) {
            Some(revision) => (revision.label(), revision.file.path().to_owned()),
            None => (id.to_owned(), "no file of this project".to_owned()),
        };
        let command = if self.reverts { "downgrade" } else { "upgrade" };
        let found = RefCell::new(Past::Fresh);
        let run = task.run(start, self.verb, self.look);
        let began = Instant::now();
        let delegated = engine::delegate(
            &run,
            Guard::new(connection),
            async || task.connect().await,
            |past| {
                let aim = aim(past)?;
                if aim.revisions.is_empty() {
                    found.replace(past.clone());
                    return Ok(None);
                }
                let subjects = subjects(&aim.revisions);
                let verb = [command, &aim.target];
                Ok(Some(task.errand(
                    &alembic,
                    &verb,
                    subjects,
                    &start.name,
                    &describe,
                )))
            },
            stop,
            listener,
        )
        .await?;
        let Some(delegated) = delegated else {
            // Another migrator has done it while we waited.
            return Ok(Err(found.into_inner()));
        };
        let revisions = aim(&delegated.before)?.revisions;
        let plan = Plan {
            expected: self.expected(&delegated.before, &revisions),
            graph,
            revisions,
            reverts: self.reverts,
        };
        let is_remembered = !delegated.before.history().runs.is_empty();
        let verdict = task.judge(&plan, delegated, began.elapsed(), listener);
        if is_remembered {
            let error = verdict.result.as_ref().err();
            remember(task, &run, &verdict.did, error).await;
        }
        verdict.result.map(Ok)
    }

    /// What the version table will say.
    fn expected(&self, before: &Past, revisions: &[&Revision]) -> Vec<String> {
        let current = before.current().iter().map(String::as_str);
        let tips = if self.reverts {
            let mut stay = self.graph.lineage(current);
            stay.retain(|it| !revisions.iter().any(|gone| gone.id == it.id));
            Graph::tips(&stay)
        } else {
            let new = revisions.iter().map(|it| it.id.as_str());
            Graph::tips(&self.graph.lineage(current.chain(new)))
        };
        tips.into_iter().map(str::to_owned).collect()
    }
}

fn subjects(revisions: &[&Revision]) -> Vec<Subject> {
    let ids = revisions.iter().map(|revision| revision.id.clone());
    ids.map(Subject::Revision).collect()
}

/// How it ended, where it is remembered that it began.
async fn remember(
    task: &AlembicTask,
    run: &engine::Run<'_>,
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
    if let Ok(mut worker) = task.connect().await {
        let _ = engine::end(run, &mut worker, ending, did, error.as_deref()).await;
    }
}
