//! Whether what a deploy needs is in the repository that it is built from.

use super::see;
use crate::diagnostic::Diagnostic;
use crate::text::shell_word;

/// How a file stands with git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not as it was committed, or is to be committed.
    Changed,
    /// `.gitignore` keeps it out.
    Ignored,
    /// git does not know it.
    Untracked,
}

/// The files that a deploy would not have, or not as they are here, one finding a
/// standing.
pub(crate) fn judge(files: &[(Standing, String)]) -> Vec<Diagnostic> {
    let of = |standing| -> Vec<&str> {
        let all = files.iter().filter(|(of, _)| *of == standing);
        all.map(|(_, path)| path.as_str()).collect()
    };
    let mut found = Vec::new();
    if let paths @ [_, ..] = of(Standing::Ignored).as_slice() {
        found.push(
            Diagnostic::error("file_ignored", format!("git ignores {}", list(paths)))
                .because(
                    "a deploy is built from the repository: what is not in it is not applied",
                    see::GITIGNORE,
                )
                .help("remove the pattern from .gitignore, and commit the file")
                .correction(format!("git add --force {}", words(paths))),
        );
    }
    if let paths @ [_, ..] = of(Standing::Untracked).as_slice() {
        found.push(
            Diagnostic::error(
                "file_not_committed",
                format!("{} not in the repository", are(paths)),
            )
            .because(
                "a deploy is built from the repository: what is not in it is not applied",
                see::GIT_STATUS,
            )
            .help("commit what you want to deploy")
            .correction(format!("git add {}", words(paths))),
        );
    }
    if let paths @ [_, ..] = of(Standing::Changed).as_slice() {
        found.push(
            Diagnostic::warning("file_changed", format!("{} not as committed", are(paths)))
                .because(
                    "a deploy is built from the repository, with the text that is committed there",
                    see::GIT_STATUS,
                )
                .help("commit the change, or undo it"),
        );
    }
    found
}

/// The paths as a shell reads them.
fn words(paths: &[&str]) -> String {
    let words: Vec<_> = paths.iter().map(|path| shell_word(path)).collect();
    words.join(" ")
}

fn are(paths: &[&str]) -> String {
    let verb = if paths.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", list(paths))
}

/// As many names as are read.
fn list(paths: &[&str]) -> String {
    match paths {
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [one, other, rest @ ..] => format!("{one}, {other} and {} more", rest.len()),
        [] => String::new(),
    }
}
