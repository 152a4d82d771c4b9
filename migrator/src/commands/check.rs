//! `check`: whether the files may be merged and deployed. It lists all that it
//! finds, changes nothing, and needs no right but SELECT, or no database at all.

use super::{Task, foresight, preflight};
use crate::db::Look;
use crate::db::dependents::Dependents;
use crate::db::fault::Fault;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::error::Error;
use crate::formats::{Format, FormatError, GraphError};
use crate::git::{Commit, Git, GitError};
use crate::history::History;
use crate::model::{Migration, Operation, Script, Version};
use crate::plan::drift::{self, Drift};
use crate::plan::merged::{self, Deviation};
use crate::plan::planner::{self, OutOfOrder, Request};
use crate::project::Project;
use crate::sources::{Content, Entry, Listing};
use crate::sql::{Dialect, Syntax};
use crate::text::Span;
use crate::tools::Tool;
use crate::verify::drops::Pending;
use crate::verify::{self, Verified};
use crate::words;
use std::sync::Arc;

/// What is checked without its database.
pub(crate) struct Sources {
    pub project: Project,
    /// Where another program applies them.
    pub tool: Option<Tool>,
    pub request: Request,
    /// Whose SQL the files are in, if anything says so.
    pub dialect: Option<Dialect>,
}

impl Sources {
    /// Has read what of the files only their tool's program can tell.
    ///
    /// # Errors
    /// What it cannot tell.
    pub(crate) async fn settle(&mut self) -> Result<(), Error> {
        match &mut self.tool {
            Some(tool) => tool.settle(&mut self.project).await,
            None => Ok(()),
        }
    }
}

/// What was found.
pub(crate) struct Findings<'a> {
    /// What the database said, if it was asked and is there.
    pub look: Option<Look>,
    pub base: Option<Base>,
    /// What is wrong with the files themselves.
    pub files: Vec<Diagnostic>,
    /// Where they disagree with the history, or with what is merged.
    pub history: Vec<Diagnostic>,
    /// `None` where no database was asked.
    pub pending: Option<Vec<Operation<'a>>>,
    pub begun: Begun,
}

/// How many migrations have begun and not ended, by their direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub applied: usize,
    pub reverted: usize,
}

impl Begun {
    fn of(drifts: &[Drift]) -> Self {
        let count = |is: fn(&Drift) -> bool| drifts.iter().filter(|drift| is(drift)).count();
        Self {
            applied: count(|drift| {
                matches!(drift, Drift::HalfApplied { .. } | Drift::Resumable { .. })
            }),
            reverted: count(|drift| matches!(drift, Drift::HalfReverted { .. })),
        }
    }
}

/// The branch with which the files were compared.
pub(crate) struct Base {
    pub reference: String,
    pub commit: Commit,
    /// Where this branch left it.
    pub fork: Commit,
}

/// What is merged: the files of the branch, and those where this one left it.
struct Merged {
    base: Base,
    tip: Vec<Migration>,
    fork: Vec<Migration>,
}

/// Checks the files alone, and against a branch.
///
/// # Errors
/// Why they could not be compared.
pub(crate) async fn offline<'a>(
    sources: &'a Sources,
    base: Option<&str>,
) -> Result<Findings<'a>, Error> {
    let Sources {
        project,
        tool,
        request,
        dialect,
    } = sources;
    let merged = base.map(|base| merged(project, base)).transpose()?;
    let is_settled = |version: &Version| {
        merged.as_ref().is_some_and(|merged| {
            let mut all = merged.tip.iter().chain(&merged.fork);
            all.any(|migration| migration.version == *version)
        })
    };
    let syntax = dialect.map(Syntax::usual);
    let mut files = files(project, tool.as_ref(), syntax, is_settled, "is merged");
    match syntax {
        None if tool.is_some() => {}
        None => files.push(unknown_dialect()),
        Some(syntax) => {
            let all = project.migrations.iter();
            let pending: Vec<Operation<'_>> = all
                .filter(|migration| !is_settled(&migration.version))
                .map(Operation::Apply)
                .collect();
            let nobody = async |_: &[String]| Ok(Dependents::default());
            files.extend(foreseen(&pending, syntax, nobody).await?);
        }
    }
    Ok(Findings {
        look: None,
        files,
        history: deviations(project, request, merged.as_ref()),
        base: merged.map(|merged| merged.base),
        pending: None,
        begun: Begun::default(),
    })
}

/// Checks the files, and against the database's history and a branch.
///
/// # Errors
/// Why they could not be compared.
pub(crate) async fn check<'a>(task: &'a Task, base: Option<&str>) -> Result<Findings<'a>, Error> {
    let Task {
        project,
        tool,
        config,
        ..
    } = task;
    let merged = base.map(|base| merged(project, base)).transpose()?;
    let (mut reader, look) = preflight::read(task).await?.unzip();
    let history = look.as_ref().map(|look| task.history(look));
    let history = history.unwrap_or_default();
    let is_done = |version: &Version| {
        let applied = history.find(version);
        applied.is_some_and(|applied| applied.complete)
    };
    let mut pending = planner::pending(task.files(), &history);
    // What has begun is told apart, as `status` does.
    pending.retain(|operation| {
        let migration = operation.migration();
        migration.is_none_or(|migration| history.find(&migration.version).is_none())
    });
    let syntax = super::syntax(config, look.as_ref());
    let mut disagreements = drifts(project, &config.request, &history, syntax);
    disagreements.extend(deviations(project, &config.request, merged.as_ref()));
    let mut files = files(project, tool.as_ref(), Some(syntax), is_done, "is applied");
    let ask = async |tables: &[String]| match &mut reader {
        Some(reader) => reader.dependents(tables).await,
        None => Ok(Dependents::default()),
    };
    files.extend(foreseen(&pending, syntax, ask).await?);
    Ok(Findings {
        look,
        files,
        history: disagreements,
        base: merged.map(|merged| merged.base),
        pending: Some(pending),
        begun: Begun::of(&drift::find(task.format(), &project.migrations, &history)),
    })
}

/// What can be told of files that are to be applied, as they are written.
async fn foreseen(
    pending: &[Operation<'_>],
    syntax: Syntax,
    ask: impl AsyncFnOnce(&[String]) -> Result<Dependents, Fault>,
) -> Result<Vec<Diagnostic>, Fault> {
    // What cannot be split is found with the files.
    let split = |operation: &Operation<'_>| match operation.script() {
        script if !script.is_sql() => Some(Verified {
            file: Arc::clone(&script.file),
            statements: Vec::new(),
        }),
        script => verify::split(Arc::clone(&script.file), syntax).ok(),
    };
    let verified: Vec<_> = pending
        .iter()
        .filter_map(|operation| Some((operation.script(), split(operation)?)))
        .collect();
    let pending: Vec<Pending<'_>> = verified
        .iter()
        .map(|(script, verified)| Pending {
            script,
            file: &verified.file,
            statements: &verified.statements,
            done: 0,
        })
        .collect();
    let (refused, warnings) = foresight::foresee(&pending, syntax.dialect, ask).await?;
    let refused = refused.iter().map(Error::diagnostic);
    Ok(refused.chain(warnings).collect())
}

/// What is wrong with the files. What is settled is never refused, but a database
/// made anew would refuse it.
pub(super) fn files(
    project: &Project,
    tool: Option<&Tool>,
    syntax: Option<Syntax>,
    is_settled: impl Fn(&Version) -> bool,
    how: &str,
) -> Vec<Diagnostic> {
    let mut found = project.warnings.clone();
    if let (Some(tool), true) = (tool, project.is_ambiguous) {
        found.push(Error::from(tool.several_heads(project)).diagnostic());
    }
    let new = project
        .migrations
        .iter()
        .filter(|migration| !is_settled(&migration.version));
    let operations = new.flat_map(|migration| {
        let down = migration.down.as_ref();
        std::iter::once(Operation::Apply(migration))
            .chain(down.map(|down| Operation::Revert(migration, down)))
    });
    let repeatables = project.repeatables.iter().map(Operation::Repeat);
    let empty = operations
        .chain(repeatables)
        .filter(|operation| verify::is_empty(operation.script(), syntax));
    found.extend(empty.map(words::empty));
    for migration in &project.migrations {
        let scripts = std::iter::once(&migration.up).chain(&migration.down);
        for problem in scripts.flat_map(|script| problems(script, syntax)) {
            let diagnostic = problem.diagnostic();
            found.push(if is_settled(&migration.version) {
                Diagnostic {
                    severity: Severity::Warning,
                    ..diagnostic
                }
                .note(format!(
                    "it {how}, so this is not an error; `up` on a new database would refuse it"
                ))
                .help("leave it as it is: what has been applied must not change")
            } else {
                diagnostic
            });
        }
    }
    found
}

/// Where nothing says whose SQL it is, only what everybody would refuse.
fn problems(script: &Script, syntax: Option<Syntax>) -> Vec<Error> {
    let of = |syntax| verify::problems(script, syntax);
    let usual = |dialect| of(Syntax::usual(dialect));
    match syntax {
        Some(syntax) => of(syntax),
        None if usual(Dialect::Mysql).is_empty() || usual(Dialect::Sqlite).is_empty() => Vec::new(),
        None => usual(Dialect::Postgres),
    }
}

fn unknown_dialect() -> Diagnostic {
    Diagnostic::warning(
        "unknown_dialect",
        "the database is not known, so only what every database would refuse is found",
    )
    .help(
        "set --database-url or DATABASE_URL; with --offline only its beginning matters, as in \
         postgres://localhost/app",
    )
}

/// Where files and history disagree, each with the beginning of its file.
pub(super) fn drifts(
    project: &Project,
    request: &Request,
    history: &History,
    syntax: Syntax,
) -> Vec<Diagnostic> {
    let migrations = &project.migrations;
    let mut found = Vec::new();
    let (missing, others): (Vec<_>, Vec<_>) = drift::find(&*project.format, migrations, history)
        .into_iter()
        .partition(|drift| matches!(drift, Drift::Missing { .. }));
    // One by one they could hide all else.
    let (tolerated, refused): (Vec<_>, Vec<_>) = missing
        .into_iter()
        .partition(|drift| planner::tolerate(vec![drift.clone()], request).is_ok());
    found.extend(words::warnings(&tolerated));
    found.extend(words::disagreements(&refused));
    for drift in others {
        let migration = migrations
            .iter()
            .find(|migration| migration.version == *drift.version());
        // Code has no text to show.
        let text = migration.filter(|migration| migration.up.is_sql());
        let place = text.map(|migration| Place::new(&migration.up.file, Span::default()));
        if let (Drift::Resumable { .. }, Some(migration)) = (&drift, migration) {
            // What cannot be split is found with the files.
            let no_values = |_: &str| Some(String::new());
            let script = verify::script(&migration.up, syntax, no_values).ok();
            let resumed = script.map(|script| verify::resume(&migration.version, &script, history));
            if let Some(Err(error)) = resumed {
                found.push(error.diagnostic());
                continue;
            }
        }
        match planner::tolerate(vec![drift.clone()], request) {
            Ok(tolerated) => found.extend(words::warnings(&tolerated)),
            Err(_) => found.push(words::disagreement(&drift).at(place, "")),
        }
    }
    found
}

fn deviations(project: &Project, request: &Request, merged: Option<&Merged>) -> Vec<Diagnostic> {
    let Some(Merged { base, tip, fork }) = merged else {
        return Vec::new();
    };
    // Of code, a branch's files tell nothing.
    let is_file = |migration: &&Migration| !migration.up.is_code();
    let files: Vec<_> = project.migrations.iter().filter(is_file).cloned().collect();
    merged::find(&*project.format, &files, fork, tip)
        .iter()
        .filter(|deviation| {
            let is_late = matches!(deviation, Deviation::SortsBefore { .. });
            !(is_late && request.out_of_order == OutOfOrder::Apply)
        })
        .map(|deviation| words::deviation(deviation, &base.reference))
        .collect()
}

fn merged(project: &Project, reference: &str) -> Result<Merged, Error> {
    let format = &*project.format;
    let (mut tip, mut at_fork) = (Vec::new(), Vec::new());
    let mut base = None;
    for dir in &project.dirs {
        let git = Git::of(&project.root.join(dir))?;
        let commit = git.commit(reference)?;
        let fork = git.fork(reference, &commit)?;
        tip.push(listing(format, &git, &commit, dir)?);
        at_fork.push(listing(format, &git, &fork, dir)?);
        base = Some((commit, fork));
    }
    let (commit, fork) = base.ok_or_else(|| Error::Unexpected {
        what: "the project has no folder".to_owned(),
    })?;
    Ok(Merged {
        tip: readable(format, tip),
        fork: readable(format, at_fork),
        base: Base {
            reference: reference.to_owned(),
            commit,
            fork,
        },
    })
}

/// What a folder held at a commit.
fn listing(
    format: &dyn Format,
    git: &Git,
    commit: &Commit,
    dir: &str,
) -> Result<Listing, GitError> {
    let files = git.files(commit, |name| format.takes(name))?;
    let entries = files.into_iter().map(|file| Entry {
        name: file.name,
        content: Content::File(file.content),
    });
    Ok(Listing {
        dir: dir.to_owned(),
        entries: entries.collect(),
    })
}

/// What can be read of what is merged: this branch may be there to mend the rest.
fn readable(format: &dyn Format, mut folders: Vec<Listing>) -> Vec<Migration> {
    loop {
        let bad = match format.read(&folders) {
            Ok(reading) => return reading.migrations,
            Err(
                FormatError::BadVersion { path, .. }
                | FormatError::DuplicateVersion { second: path, .. },
            ) => vec![path],
            Err(FormatError::Unreadable(unreadable)) => {
                let files = unreadable.iter().map(|it| it.file.path().to_owned());
                files.collect()
            }
            Err(
                FormatError::NotUtf8 { file, .. }
                | FormatError::Graph(
                    GraphError::Duplicate { second: file, .. }
                    | GraphError::MissingParent { file, .. },
                ),
            ) => vec![file.path().to_owned()],
            Err(_) => return Vec::new(),
        };
        let before: usize = folders.iter().map(|it| it.entries.len()).sum();
        for folder in &mut folders {
            let dir = folder.clone();
            let is_bad = |entry: &Entry| bad.contains(&dir.path(&entry.name));
            folder.entries.retain(|entry| !is_bad(entry));
        }
        if folders.iter().map(|it| it.entries.len()).sum::<usize>() == before {
            return Vec::new();
        }
    }
}
