//! `plan`: what `up` would do, found in the same way, and not done. It only asks,
//! and needs no right but SELECT.

use super::{Task, foresight, preflight, up};
use crate::db::dependents::Dependents;
use crate::db::{self, Look, Past, Reader};
use crate::diagnostic::Diagnostic;
use crate::engine::Step;
use crate::error::Error;
use crate::model::Operation;
use crate::plan::drift::Drift;
use crate::plan::planner::{self, Request};
use crate::plan::step::{ExecutionMode, PlannedStep};
use crate::sql::{Dialect, StatementKind};

/// What `up` would do.
pub(crate) struct Planned<'a> {
    /// What the database said; `None` for a SQLite file that `up` would create.
    pub look: Option<Look>,
    /// Where the schema is.
    pub newest: Option<String>,
    pub steps: Vec<PlannedStep<'a>>,
    /// What `up` would warn of.
    pub warnings: Vec<Drift>,
    /// The same, of what the files hold.
    pub notices: Vec<Diagnostic>,
    /// What another program would send, or why it does not tell.
    pub sql: Option<Result<String, String>>,
}

/// Plans what `up` would do.
///
/// # Errors
/// What `up` would fail with before it sends anything.
pub(crate) async fn plan<'a>(task: &'a Task, request: &Request) -> Result<Planned<'a>, Error> {
    planner::known(task.files(), request)?;
    task.must_be_clear()?;
    let (mut reader, look) = preflight::read(task).await?.unzip();
    let together = reader.as_ref().map_or(1, Reader::batch_size);
    let history = look.as_ref().map(|look| task.history(look));
    let history = history.unwrap_or_default();
    let plan = up::plan(task, &history, request)?;
    let syntax = super::syntax(&task.config, look.as_ref());
    let steps = task.steps(&plan.steps, &history, syntax.quoting)?;
    let ask = async |tables: &[String]| match &mut reader {
        Some(reader) => reader.dependents(tables).await,
        None => Ok(Dependents::default()),
    };
    let notices = foresight::of_steps(&steps, task.dialect(), ask).await?;
    let sql = match (&task.tool, plan.steps.last()) {
        (Some(tool), Some(_)) => Some(
            tool.sql(task.files().migrations, &history, &plan.steps)
                .await,
        ),
        (Some(_), None) => Some(Ok(String::new())),
        (None, _) => None,
    };
    Ok(Planned {
        look,
        sql,
        newest: task.newest(&history, &[], false),
        steps: planned(&steps, task.dialect(), together),
        warnings: plan.warnings,
        notices,
    })
}

impl Planned<'_> {
    /// The files of which nothing would run.
    pub(crate) fn empty(&self) -> impl Iterator<Item = Operation<'_>> {
        let is_empty =
            |step: &&PlannedStep<'_>| step.statements == 0 && step.operation.script().is_sql();
        self.steps
            .iter()
            .filter(is_empty)
            .map(|step| step.operation)
    }

    /// Whether the history table is still to be created.
    pub(crate) fn is_fresh(&self) -> bool {
        self.look
            .as_ref()
            .is_none_or(|look| look.past == Past::Fresh)
    }
}

fn planned<'a>(steps: &[Step<'a>], dialect: Dialect, together: usize) -> Vec<PlannedStep<'a>> {
    let mut planned: Vec<_> = steps
        .iter()
        .map(|step| PlannedStep {
            operation: step.operation,
            statements: step.statements.len(),
            mode: mode(step, dialect),
            together: false,
        })
        .collect();
    if together > 1 {
        let whole = |at: Option<&PlannedStep<'_>>| {
            at.is_some_and(|step| step.mode == ExecutionMode::Transaction)
        };
        let company: Vec<bool> = (0..planned.len())
            .map(|at| {
                let before = at.checked_sub(1).and_then(|at| planned.get(at));
                whole(planned.get(at)) && (whole(before) || whole(planned.get(at + 1)))
            })
            .collect();
        for (step, together) in planned.iter_mut().zip(company) {
            step.together = together;
        }
    }
    planned
}

fn mode(step: &Step<'_>, dialect: Dialect) -> ExecutionMode {
    let script = step.operation.script();
    let locks = |kind| dialect == Dialect::Mysql && kind == StatementKind::LockTables;
    match &step.resume {
        None if script.is_code() => ExecutionMode::Code,
        None if !script.is_sql() => ExecutionMode::Delegated,
        Some(resume) => ExecutionMode::Statements { done: resume.done },
        None if step.statements.iter().any(|found| locks(found.kind)) => ExecutionMode::Locked,
        None if db::is_one_transaction(dialect, script, &step.statements) => {
            ExecutionMode::Transaction
        }
        None => ExecutionMode::Statements { done: 0 },
    }
}
