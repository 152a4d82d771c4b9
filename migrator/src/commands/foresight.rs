//! What is worth a word in what is to be applied: refused where it is certain to
//! do harm, and a warning otherwise.

use crate::db::dependents::Dependents;
use crate::db::fault::Fault;
use crate::diagnostic::Diagnostic;
use crate::engine::Step;
use crate::error::Error;
use crate::sql::Dialect;
use crate::verify;
use crate::verify::drops::{self, Finding, Pending};
use crate::words;

/// Looks at what is pending; `ask` says what depends on tables. What is refused
/// comes first.
pub(super) async fn foresee(
    pending: &[Pending<'_>],
    dialect: Dialect,
    ask: impl AsyncFnOnce(&[String]) -> Result<Dependents, Fault>,
) -> Result<(Vec<Error>, Vec<Diagnostic>), Fault> {
    let mut refused = Vec::new();
    let mut warnings = Vec::new();
    for (number, one) in pending.iter().enumerate() {
        if !one.script.is_sql() {
            continue;
        }
        let idle = verify::without_effect(one.script, one.file, one.statements, dialect);
        let is_last = number + 1 == pending.len();
        if idle.is_empty() && !is_last {
            let left = verify::left_behind(one.file, one.statements, dialect);
            warnings.extend(left.iter().map(words::as_warning));
        }
        warnings.extend(idle.iter().map(words::as_warning));
    }
    if dialect == Dialect::Sqlite {
        let tables = drops::tables(pending);
        if !tables.is_empty() {
            let live = ask(&tables).await?;
            for Finding { error, is_certain } in drops::find(pending, &live) {
                if is_certain {
                    refused.push(error);
                } else {
                    warnings.push(words::as_warning(&error));
                }
            }
        }
    }
    Ok((refused, warnings))
}

/// The same of a plan's steps.
///
/// # Errors
/// The first that is certain to do harm.
pub(super) async fn of_steps(
    steps: &[Step<'_>],
    dialect: Dialect,
    ask: impl AsyncFnOnce(&[String]) -> Result<Dependents, Fault>,
) -> Result<Vec<Diagnostic>, Error> {
    let pending: Vec<Pending<'_>> = steps
        .iter()
        .map(|step| Pending {
            script: step.operation.script(),
            file: &step.file,
            statements: &step.statements,
            done: step.resume.as_ref().map_or(0, |resume| resume.done),
        })
        .collect();
    let (refused, warnings) = foresee(&pending, dialect, ask).await?;
    match refused.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(warnings),
    }
}
