//! Which command of Alembic's does what is to be done, and nothing else.

use crate::error::Error;
use crate::formats::alembic::AlembicError;
use crate::history::History;
use crate::model::{Migration, Operation, Version};
use crate::order;
use crate::tools::{Aim, Tool, versions};
use std::collections::HashSet;

impl Tool {
    /// Whether it can do exactly this, before anything else is done.
    ///
    /// # Errors
    /// There is no command for it.
    pub(crate) fn must_do(
        &self,
        aim: Aim,
        files: &[Migration],
        operations: &[Operation<'_>],
        history: &History,
    ) -> Result<(), Error> {
        self.work(aim, files, operations, history).map(drop)
    }

    /// The arguments by which it does exactly this.
    ///
    /// # Errors
    /// There are none.
    pub(in crate::tools) fn work(
        &self,
        aim: Aim,
        files: &[Migration],
        operations: &[Operation<'_>],
        history: &History,
    ) -> Result<Vec<String>, Error> {
        let target = target(aim, files, operations, history)?;
        Ok(self.arguments(&[command(aim), &target]))
    }
}

fn command(aim: Aim) -> &'static str {
    match aim {
        Aim::Apply => "upgrade",
        Aim::Record => "stamp",
        Aim::Revert => "downgrade",
    }
}

/// What Alembic is told to go to, so that it does exactly this.
///
/// # Errors
/// There is no such place.
pub(super) fn target(
    aim: Aim,
    files: &[Migration],
    operations: &[Operation<'_>],
    history: &History,
) -> Result<String, Error> {
    let wanted = versions(operations);
    let applied: HashSet<&Version> = history.applied.iter().map(|it| &it.version).collect();
    let is_applied = |version: &&Version| applied.contains(version);
    let all: Vec<_> = files.iter().collect();
    let last = operations
        .last()
        .and_then(|operation| operation.migration());
    let (target, does): (&str, HashSet<&Version>) = match aim {
        Aim::Revert => {
            let stays = last.and_then(|oldest| oldest.follows().first());
            let above = match stays {
                Some(stays) => order::after(files, stays),
                None => all,
            };
            let above = above.into_iter().map(|it| &it.version);
            let above = above.filter(is_applied).collect();
            (stays.map_or("base", Version::as_str), above)
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
        command: format!("alembic {} {target}", command(aim)),
        others,
    }
    .into())
}
