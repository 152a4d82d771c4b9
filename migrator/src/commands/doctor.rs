//! `doctor`: what would fail or harm a deploy. It reads facts, of the project and
//! of the connection, has them judged, and changes nothing.

mod database;

use super::check;
use crate::config::{Config, ConfigError};
use crate::diagnostic::Diagnostic;
use crate::doctor::committed::{self, Standing};
use crate::doctor::files::Files;
use crate::doctor::{cargo, connection, python, spec};
use crate::error::Error;
use crate::git::{Difference, Git, GitError};
use crate::limits::Limits;
use crate::project::Project;
use crate::repository::Repository;
use crate::sources::{SourceError, read_optional};
use crate::tools::Tool;
use std::path::Path;
use std::time::Duration;

/// Where an app's spec is looked for.
const SPECS: [&str; 4] = [
    ".do/app.yaml",
    ".do/app.yml",
    ".do/deploy.template.yaml",
    ".do/deploy.template.yml",
];

/// Beside the migrations, what a deploy is built from.
const BUILT_FROM: [&str; 14] = [
    ".python-version",
    "Cargo.lock",
    "Cargo.toml",
    "Dockerfile",
    "Pipfile",
    "Pipfile.lock",
    "Procfile",
    "migrate.toml",
    "poetry.lock",
    "pyproject.toml",
    "requirements.txt",
    "runtime.txt",
    "sqlx.toml",
    "uv.lock",
];

/// One database of the project, as far as it can be read.
pub(crate) struct Checkup {
    /// The database's name, where there are several.
    pub name: Option<String>,
    pub project: Result<Project, Error>,
    /// Where another program applies them.
    pub tool: Option<Tool>,
    pub config: Result<Config, Error>,
    pub deadline: Duration,
    /// The variable that holds the URL; none where `migrate.toml` does.
    pub variable: Option<String>,
}

/// What was looked at, and what was found.
#[derive(Default)]
pub(crate) struct Diagnosis {
    /// What was looked at, and what was not and why: a line each.
    pub looked_at: Vec<String>,
    pub findings: Vec<Diagnostic>,
    /// What keeps from asking a database.
    pub unreachable: Vec<Diagnostic>,
}

impl Checkup {
    /// The bounds of the examination.
    pub(crate) fn limits(&self) -> Option<Limits> {
        let config = self.config.as_ref().ok();
        config.map(|config| config.limits)
    }

    /// Has read what of the files only their tool's program can tell; what it cannot is
    /// a finding.
    pub(crate) async fn settle(&mut self) {
        if let (Ok(project), Some(tool)) = (&mut self.project, &mut self.tool)
            && let Err(error) = tool.settle(project).await
        {
            self.project = Err(error);
        }
    }

    /// The paths of what makes its schema.
    fn paths(&self) -> Vec<String> {
        let project = self.project.iter();
        let paths = project.flat_map(|project| project.files.iter().chain(&project.dirs));
        paths.cloned().collect()
    }

    /// Alembic's configuration, where it has one.
    fn alembic(&self) -> Option<String> {
        self.tool.as_ref().map(|tool| tool.project.config_path())
    }
}

impl Diagnosis {
    fn saw(&mut self, what: &str, how: &str) {
        self.looked_at.push(format!("{what}: {how}"));
    }
}

/// Examines the project at `root` and its databases, and the spec that is named or
/// those that are there; `warnings` are of the settings.
///
/// # Errors
/// A named spec that is not there or cannot be read.
pub(crate) async fn examine(
    root: &Path,
    checkups: &[Checkup],
    named: Option<&str>,
    warnings: &[Diagnostic],
) -> Result<Diagnosis, Error> {
    let mut diagnosis = Diagnosis::default();
    diagnosis.findings.extend_from_slice(warnings);
    let exists = |path: &str| root.join(path).exists();
    let read = |path: &str| read_optional(&root.join(path)).ok().flatten();
    let files = Files {
        exists: &exists,
        read: &read,
    };
    let git = Git::of(root);
    // Before the files are judged: how they are read is the server's to say.
    let mut answers = Vec::new();
    for checkup in checkups {
        answers.push(database::ask(checkup).await);
    }
    for (checkup, answer) in checkups.iter().zip(&answers) {
        migrations(checkup, answer.as_ref(), &mut diagnosis);
    }
    committed(&git, checkups, &files, &mut diagnosis);
    let (origin, _) = git.as_ref().map_or((None, None), Git::origin);
    let repository = origin.as_deref().and_then(Repository::of);
    let around = spec::Surroundings {
        files: &files,
        repository: repository.map(|repository| repository.name),
        deadline: checkups
            .iter()
            .map(|checkup| checkup.deadline)
            .max()
            .unwrap_or_default(),
        variables: checkups
            .iter()
            .filter_map(|checkup| checkup.variable.clone())
            .collect(),
    };
    let specs = specs(root, named)?;
    for (path, text) in &specs {
        diagnosis.saw(path, "an app spec");
        diagnosis.findings.extend(spec::lint(path, text, &around));
    }
    if specs.is_empty() {
        diagnosis.saw(
            "app spec",
            "none; `migrate spec digitalocean` prints a job for one",
        );
    }
    let is_built = specs.is_empty() || specs.iter().any(|(_, text)| spec::is_built(text));
    if is_built && !files.has("Dockerfile") {
        let of_specs = specs.iter().flat_map(|(_, text)| spec::drivers(text));
        let mut drivers: Vec<_> = checkups.iter().filter_map(driver).chain(of_specs).collect();
        drivers.sort();
        drivers.dedup();
        let alembic = checkups.iter().find_map(Checkup::alembic);
        let wanted = python::Wanted {
            drivers: &drivers,
            alembic: alembic.as_deref(),
            is_certain: !specs.is_empty() || files.has("Procfile"),
        };
        let found = python::judge(&files, &wanted);
        diagnosis.findings.extend(found);
    }
    diagnosis.findings.extend(cargo::judge(&files));
    for (checkup, answer) in checkups.iter().zip(answers) {
        let of_the_url = diagnosis.findings.len();
        database(checkup, &specs, &mut diagnosis);
        if let Some(answer) = answer {
            database::judge(checkup, answer, of_the_url, &mut diagnosis);
        }
    }
    // Databases may share a folder.
    let mut seen: Vec<Diagnostic> = Vec::new();
    for finding in std::mem::take(&mut diagnosis.findings) {
        if !seen.contains(&finding) {
            seen.push(finding);
        }
    }
    diagnosis.findings = seen;
    Ok(diagnosis)
}

/// What `check --offline` finds, in files that are read as the database that
/// answered would read them.
fn migrations(
    checkup: &Checkup,
    answer: Option<&database::ServerAnswer>,
    diagnosis: &mut Diagnosis,
) {
    let project = match &checkup.project {
        Ok(project) => project,
        Err(error) => {
            return diagnosis.findings.push(error.diagnostic());
        }
    };
    let config = checkup.config.as_ref().ok();
    let syntax = config.map(|config| database::syntax(config, answer));
    let found = check::files(project, checkup.tool.as_ref(), syntax, |_| false, "");
    let number = project.migrations.len();
    let noun = if number == 1 {
        "migration"
    } else {
        "migrations"
    };
    let of = checkup.name.as_ref();
    let of = of.map_or(String::new(), |name| format!(" of {name}"));
    diagnosis.saw(&project.dir(), &format!("{number} {noun}{of}"));
    diagnosis.findings.extend(found);
}

/// Whether what a deploy needs is in the repository.
fn committed(
    git: &Result<Git, GitError>,
    checkups: &[Checkup],
    files: &Files<'_>,
    diagnosis: &mut Diagnosis,
) {
    let git = match git {
        Ok(git) => git,
        Err(GitError::NoCommand { .. }) => {
            return diagnosis.saw("git", "not checked: there is no git command");
        }
        Err(_) => return diagnosis.saw("git", "not checked: this is not a git working tree"),
    };
    let mut paths: Vec<String> = checkups.iter().flat_map(Checkup::paths).collect();
    paths.retain(|path| Path::new(path).is_relative());
    let others = BUILT_FROM.iter().filter(|path| files.has(path));
    paths.extend(others.map(|&path| path.to_owned()));
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        return;
    }
    match git.differences(&paths) {
        Ok(differences) => {
            diagnosis.saw("git", "checked whether everything to deploy is committed");
            let differences: Vec<_> = differences
                .into_iter()
                .filter(|(_, path)| !is_compiled(path))
                .map(|(difference, path)| (standing(difference), path))
                .collect();
            diagnosis.findings.extend(committed::judge(&differences));
        }
        Err(error) => {
            diagnosis.findings.push(Error::from(error).diagnostic());
        }
    }
}

/// What Python makes of its files, beside them: no repository has it.
fn is_compiled(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.any(|part| part.as_os_str() == "__pycache__")
}

fn standing(difference: Difference) -> Standing {
    match difference {
        Difference::Changed => Standing::Changed,
        Difference::Ignored => Standing::Ignored,
        Difference::Untracked => Standing::Untracked,
    }
}

/// The named spec, or those that are where specs are.
fn specs(root: &Path, named: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    if let Some(path) = named {
        let at = Path::new(path);
        let text = read_optional(at)?.ok_or_else(|| SourceError::Missing {
            path: at.to_owned(),
        })?;
        return Ok(vec![(path.to_owned(), text)]);
    }
    let mut found = Vec::new();
    for path in SPECS {
        if let Some(text) = read_optional(&root.join(path))? {
            found.push((path.to_owned(), text));
        }
    }
    Ok(found)
}

/// What the URL tells before anybody connects.
fn database(checkup: &Checkup, specs: &[(String, String)], diagnosis: &mut Diagnosis) {
    let what = match &checkup.name {
        Some(name) => format!("database {name}"),
        None => "database".to_owned(),
    };
    match &checkup.config {
        Ok(config) => {
            let url = &config.database;
            diagnosis.saw(&what, &format!("{}, from {}", url.value, url.origin));
            let authority = url.value.authority().is_some();
            diagnosis
                .findings
                .extend(connection::judge(&url.value, &url.origin, authority));
        }
        // Where a spec says how it gets its URL, this machine need not have one.
        Err(Error::Config(ConfigError::NoDatabaseUrl { variable, .. })) if !specs.is_empty() => {
            diagnosis.saw(
                &what,
                &format!("not checked, because {variable} is not set here"),
            );
        }
        Err(Error::Config(ConfigError::NoDatabaseUrl {
            variable, misspelt, ..
        })) => {
            diagnosis.saw(
                &what,
                &format!("not checked, because {variable} is not set here"),
            );
            // What is misspelt is said already.
            if misspelt.is_none() {
                diagnosis.findings.push(connection::unset(variable));
            }
        }
        Err(error) => {
            let found = match error {
                Error::Config(error) => connection::unusable(error),
                _ => None,
            };
            diagnosis
                .findings
                .push(found.unwrap_or_else(|| error.diagnostic()));
        }
    }
}

/// The driver that a patient's URL names for another program.
fn driver(checkup: &Checkup) -> Option<String> {
    let config = checkup.config.as_ref().ok()?;
    config.database.value.python_driver().map(str::to_owned)
}
