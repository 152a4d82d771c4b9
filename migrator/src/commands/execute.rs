//! The one fork: migrations are applied by the engine here, or by their own tool's
//! program. Before and after it, every verb is the same for both.

use super::{Start, Task};
use crate::db::{Connection, Guard, Look, ReadScope};
use crate::engine::event::Listener;
use crate::engine::stop::Stop;
use crate::engine::{self, Outcome};
use crate::error::Error;
use crate::history::History;
use crate::model::Operation;
use crate::tools::{Aim, Tool, Work};
use std::cell::RefCell;

/// A run that changes the schema.
pub(super) struct Execution<'a> {
    pub(super) task: &'a Task,
    pub(super) start: &'a Start,
    pub(super) verb: &'static str,
    pub(super) wanted: ReadScope,
    /// The look on which it was decided that something is to be done.
    pub(super) look: &'a Look,
    pub(super) aim: Aim,
}

impl<'a> Execution<'a> {
    /// Does what `plan` finds to be done under the lock; returns what was done, and the
    /// history that was seen last.
    ///
    /// # Errors
    /// Why it stopped; the listener was told what had been done.
    pub(super) async fn run(
        &self,
        connection: Connection,
        plan: impl Fn(&History) -> Result<Vec<Operation<'a>>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Outcome, History), Error> {
        match &self.task.tool {
            Some(tool) => self.by(tool, connection, plan, stop, listener).await,
            None => self.here(connection, plan, stop, listener).await,
        }
    }

    async fn here(
        &self,
        connection: Connection,
        plan: impl Fn(&History) -> Result<Vec<Operation<'a>>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Outcome, History), Error> {
        let Self { task, look, .. } = self;
        let seen = RefCell::new(History::default());
        let outcome = engine::run(
            &task.run(self.start, self.verb, self.wanted, look),
            Guard::new(connection),
            async || task.connect().await,
            Guard::new,
            |history| {
                seen.replace(history.clone());
                task.steps(&plan(history)?, history, look.quoting)
            },
            stop,
            listener,
        )
        .await?;
        Ok((outcome, seen.into_inner()))
    }

    async fn by(
        &self,
        tool: &Tool,
        connection: Connection,
        plan: impl Fn(&History) -> Result<Vec<Operation<'a>>, Error>,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Outcome, History), Error> {
        let Self { task, .. } = self;
        let work = Work {
            tool,
            run: task.run(self.start, self.verb, self.wanted, self.look),
            aim: self.aim,
            database: task.config.database.value.to_string(),
            dialect: task.dialect(),
        };
        let open = async || task.connect().await;
        work.carry_out(connection, open, plan, stop, listener).await
    }
}
