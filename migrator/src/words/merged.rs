//! Words for branches that disagree, and for git.

use super::first_line;
use crate::diagnostic::{Diagnostic, Place};
use crate::git::GitError;
use crate::model::Version;
use crate::plan::merged::Deviation;
use crate::text::{SourceFile, Span};
use std::sync::Arc;

/// A disagreement with what is merged into `branch`.
pub(crate) fn deviation(deviation: &Deviation, branch: &str) -> Diagnostic {
    let at_line_one = |file: &Arc<SourceFile>| {
        let line = first_line(file, file.span());
        Some(Place::new(file, line))
    };
    match deviation {
        Deviation::Deleted { version, path } => Diagnostic::error(
            "merged_deleted",
            format!("{path} is merged into {branch}, but was deleted"),
        )
        // The place is where it was.
        .at(
            Some(Place::new(
                &Arc::new(SourceFile::new(path, "")),
                Span::default(),
            )),
            "",
        )
        .help(format!(
            "restore it (git checkout {branch} -- {path}): a database that has applied {version} \
             would miss it; undo it with a new migration instead"
        )),
        Deviation::Edited { file, at } => Diagnostic::error(
            "merged_edited",
            format!(
                "{} is merged into {branch}, but was changed since",
                file.path()
            ),
        )
        .at(Some(Place::new(file, *at)), "the first line that differs")
        .help(format!(
            "restore it (git checkout {branch} -- {}), and put the change into a new migration",
            file.path()
        )),
        Deviation::Heads { heads } => several_heads(heads, branch),
        Deviation::LineEndings { file } => Diagnostic::warning(
            "merged_line_endings",
            format!(
                "{} differs from {branch} in line endings or a byte order mark only",
                file.path()
            ),
        )
        .help("nothing needs to be done; `*.sql text eol=lf` in .gitattributes keeps them equal"),
        Deviation::Renamed {
            path,
            file,
            renumbered,
        } => Diagnostic::error(
            "merged_renamed",
            format!(
                "{path} is merged into {branch}, but was renamed to {}",
                file.path()
            ),
        )
        .at(at_line_one(file), "")
        .help(if *renumbered {
            "restore its name: a database that has applied it would apply it again"
        } else {
            "restore its name: a database that has applied it has recorded the old one"
        }),
        Deviation::SortsBefore {
            file,
            newest,
            newest_path,
        } => Diagnostic::error(
            "sorts_before_merged",
            format!(
                "{} is new, but sorts before {newest_path}, which is merged into {branch}",
                file.path()
            ),
        )
        .at(at_line_one(file), "")
        .help(format!(
            "give it a version after {newest} (`migrate new` creates one); or use --out-of-order \
             apply, if the order does not matter"
        )),
        Deviation::VersionTaken { file, by } => Diagnostic::error(
            "version_taken",
            format!(
                "{} is new, but {by} in {branch} has the same version",
                file.path()
            ),
        )
        .at(at_line_one(file), "")
        .help("give it a new version, after all that are merged"),
    }
}

fn several_heads(heads: &[(Version, String)], branch: &str) -> Diagnostic {
    let ids: Vec<_> = heads.iter().map(|(version, _)| version.as_str()).collect();
    let title = format!(
        "after a merge into {branch} there would be {} heads: {}",
        heads.len(),
        ids.join(", ")
    );
    Diagnostic::error("alembic_several_heads", title)
        .notes(
            heads
                .iter()
                .map(|(version, path)| format!("{version} ({path})")),
        )
        .help(format!(
            "merge {branch} into this branch, and let the first new revision of this branch follow \
             its head (down_revision), or run `alembic merge -m \"merge heads\" {}`",
            ids.join(" ")
        ))
}

/// What to do where git has no answer.
pub(super) fn git(error: &GitError) -> Diagnostic {
    let fetched = |is_shallow: bool| {
        if is_shallow {
            "this clone is shallow: fetch the whole history (git fetch --unshallow; on GitHub \
             Actions `fetch-depth: 0`, on GitLab `GIT_DEPTH: 0`) and the other branch"
        } else {
            "fetch it (git fetch origin BRANCH), and use the name that git has for it here, as in \
             --base origin/main"
        }
    };
    match error {
        GitError::Failed { command, said } => {
            Diagnostic::error("git_failed", format!("git {command} failed: {said}"))
                .help("run it by hand; `git fsck` shows whether the repository is damaged")
        }
        GitError::NoCommand { cause } => Diagnostic::error(
            "no_git_command",
            format!("--base needs the git command, which cannot be started: {cause}"),
        )
        .help("install git where this runs, or check without --base"),
        GitError::NoCommonCommit {
            reference,
            is_shallow,
        } => Diagnostic::error(
            "no_common_commit",
            format!("this branch and {reference} have no commit in common"),
        )
        .help(if *is_shallow {
            fetched(true)
        } else {
            "use the branch that this one will be merged into"
        }),
        GitError::NotARepository { folder, said } => Diagnostic::error(
            "not_a_repository",
            format!("{} is not in a git repository: {said}", folder.display()),
        )
        .help("run it in a clone that this user owns or trusts (safe.directory)"),
        GitError::UnknownReference {
            reference,
            is_shallow,
        } => Diagnostic::error(
            "unknown_reference",
            format!("git knows no commit {reference:?} here"),
        )
        .help(fetched(*is_shallow)),
    }
}
