//! A run of a tool's program from the lock to the verdict, whichever way it goes.

use super::alembic::verdict::Intended;
use super::{Aim, Tool, versions};
use crate::db::fault::Fault;
use crate::db::{Connection, Guard};
use crate::engine::event::Listener;
use crate::engine::stop::Stop;
use crate::engine::{self, ExternalRun, Outcome, Run};
use crate::error::Error;
use crate::history::{Ending, History};
use crate::model::{Operation, Subject, Version};
use crate::python::AlembicProgram;
use crate::sql::Dialect;
use std::cell::RefCell;
use std::collections::HashSet;
use std::time::Instant;

/// Work that a tool's program is to do.
pub(crate) struct Work<'a> {
    pub(crate) tool: &'a Tool,
    pub(crate) run: Run<'a>,
    pub(crate) aim: Aim,
    /// As a person knows the database.
    pub(crate) database: String,
    pub(crate) dialect: Dialect,
}

impl Work<'_> {
    /// Lets the program do what `plan` finds to be done under the lock; returns what it did,
    /// and what the history says now.
    ///
    /// # Errors
    /// Why it was not done; the listener was told what of it was.
    pub(crate) async fn carry_out<'d>(
        &self,
        connection: Connection,
        open: impl AsyncFn() -> Result<Connection, Fault>,
        plan: impl Fn(&History) -> Result<Vec<Operation<'d>>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Outcome, History), Error> {
        let Self { run, .. } = self;
        let program = self.tool.program()?;
        let found = RefCell::new(History::default());
        let began = Instant::now();
        let delegated = engine::delegate(
            run,
            Guard::new(connection),
            &open,
            |history| {
                let operations = plan(history)?;
                found.replace(history.clone());
                if operations.is_empty() {
                    return Ok(None);
                }
                let arguments = self.tool.work(self.aim, run.files, &operations, history)?;
                Ok(Some(self.external_run(&program, arguments, operations)))
            },
            stop,
            listener,
        )
        .await?;
        let Some(delegated) = delegated else {
            // Another migrator has done it while we waited.
            return Ok((Outcome::default(), found.into_inner()));
        };
        let operations = plan(&delegated.before)?;
        let plan = Intended {
            expected: self.expected(&delegated.before, &operations),
            operations,
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
    fn external_run<'e>(
        &'e self,
        program: &'e AlembicProgram,
        arguments: Vec<String>,
        operations: Vec<Operation<'e>>,
    ) -> ExternalRun<'e> {
        let tool = self.tool;
        let mut variables = tool.variables.clone();
        variables.push(("PGAPPNAME".to_owned(), self.run.name.into()));
        let at = match tool.project.folder.as_str() {
            "." => String::new(),
            folder => format!(" (in {folder})"),
        };
        ExternalRun {
            operations,
            command: format!("{} {}{at}", program.shown(), arguments.join(" ")),
            start: Box::new(move |input| program.start(&arguments, &variables, input)),
            without_secrets: Box::new(|text| tool.without_secrets(text)),
        }
    }

    /// What will be applied then.
    fn expected(&self, before: &History, operations: &[Operation<'_>]) -> HashSet<Version> {
        let wanted = versions(operations).into_iter().cloned();
        let applied = before.applied.iter().map(|applied| applied.version.clone());
        let applied: HashSet<Version> = applied.collect();
        match self.aim {
            Aim::Apply | Aim::Record => applied.into_iter().chain(wanted).collect(),
            Aim::Revert => applied.difference(&wanted.collect()).cloned().collect(),
        }
    }
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
