//! Which Alembic is the project's, and how it is started.

use super::child::Child;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where a project's programs may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchPaths {
    /// Of the project.
    pub(crate) root: PathBuf,
    /// In which Alembic is run, below the root.
    pub(crate) folder: PathBuf,
    /// In which its configuration is, below the root.
    pub(crate) config_folder: PathBuf,
    /// The variable PATH.
    pub(crate) path: OsString,
    /// The variable `VIRTUAL_ENV`: one that is active is on PATH, and meant.
    pub(crate) virtual_env: Option<PathBuf>,
}

/// A project's Alembic.
#[derive(Clone, Debug)]
pub(crate) struct AlembicProgram {
    program: PathBuf,
    /// What of its arguments comes first.
    lead: Vec<&'static str>,
    /// The Python that has it.
    python: PathBuf,
    folder: PathBuf,
    /// Where the launcher would have said that Python's libraries are.
    libraries: Option<OsString>,
}

/// There is none, or it cannot be started.
#[derive(Debug)]
pub(crate) struct NotFound {
    pub(crate) looked: Vec<String>,
    pub(crate) cause: String,
}

/// Where builds lay a project's own Python, relative to its root: a virtual
/// environment beside it, and Heroku's classic buildpack, which is also
/// `DigitalOcean`'s `environment_slug: python`.
const OF_PROJECT: [&str; 3] = [".venv", "venv", ".heroku/python"];

/// The layers of an image whose launcher was passed by.
const LAYERS: &str = "/layers";

/// Asks whether there is a module, and no more. (A folder `alembic` here is one, too,
/// but has no such part.)
const IMPORT: &str = "import alembic.config";

impl SearchPaths {
    /// The folders of programs, the likeliest first.
    fn folders(&self) -> Vec<PathBuf> {
        let of_project = [&self.root, &self.folder, &self.config_folder]
            .into_iter()
            .flat_map(|folder| OF_PROJECT.map(|name| folder.join(name).join("bin")));
        let on_path = std::env::split_paths(&self.path);
        let mut folders: Vec<PathBuf> = if self.virtual_env.is_some() {
            on_path.chain(of_project).collect()
        } else {
            of_project.chain(on_path).collect()
        };
        folders.extend(environment_of_this_program());
        folders.extend(virtual_environments_of_layers());
        folders.retain(|folder| folder.is_dir());
        let mut seen = std::collections::BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }
}

/// A wheel lays this program beside the programs of the packages it is installed with.
fn environment_of_this_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let folder = program.parent()?;
    folder.join("alembic").is_file().then(|| folder.to_owned())
}

/// The folders `lib` of all layers of the buildpack whose program this is, as the
/// launcher puts them into `LD_LIBRARY_PATH`: a Python that stands in a layer loads
/// its libraries from there.
fn libraries_of_layers(program: &Path) -> Option<OsString> {
    let inside = program.strip_prefix(LAYERS).ok()?;
    let buildpack = Path::new(LAYERS).join(inside.components().next()?);
    let layers = std::fs::read_dir(buildpack).ok()?.flatten();
    let mut folders: Vec<_> = layers.map(|layer| layer.path().join("lib")).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    std::env::join_paths(folders).ok()
}

/// `LAYERS/BUILDPACK/venv/bin`, as Heroku's Python buildpack lays it.
fn virtual_environments_of_layers() -> Vec<PathBuf> {
    let buildpacks = std::fs::read_dir(LAYERS).into_iter().flatten().flatten();
    let mut found: Vec<_> = buildpacks
        .map(|buildpack| buildpack.path().join("venv").join("bin"))
        .collect();
    found.sort();
    found
}

impl AlembicProgram {
    /// The command `alembic`, else the module of a `python3`.
    ///
    /// # Errors
    /// Where it was looked for.
    pub(crate) fn find(search_paths: &SearchPaths) -> Result<Self, NotFound> {
        let folders = search_paths.folders();
        // A relative program would be looked for in the folder where it is started.
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        for folder in &folders {
            let program = folder.join("alembic");
            if program.is_file() {
                let python = beside(&program).or_else(|| python_of(&folders));
                let is_on_path = std::env::split_paths(&search_paths.path).any(|it| it == *folder);
                return Ok(Self {
                    libraries: (!is_on_path)
                        .then(|| libraries_of_layers(&program))
                        .flatten(),
                    python: whole(python.unwrap_or_else(|| "python3".into())),
                    program: whole(program),
                    lead: Vec::new(),
                    folder: search_paths.folder.clone(),
                });
            }
        }
        let looked = || {
            folders
                .iter()
                .map(|folder| folder.display().to_string())
                .collect()
        };
        let Some(python) = python_of(&folders).map(whole) else {
            return Err(NotFound {
                looked: looked(),
                cause: "neither `alembic` nor `python3` exists".to_owned(),
            });
        };
        let found = Self {
            program: python.clone(),
            lead: vec!["-m", "alembic"],
            python,
            folder: search_paths.folder.clone(),
            libraries: None,
        };
        let output = found.question(IMPORT).stdin(Stdio::null()).output();
        match output.map_err(|error| error.to_string()).and_then(said) {
            Ok(_) => Ok(found),
            Err(cause) => Err(NotFound {
                looked: looked(),
                cause: format!(
                    "`alembic` does not exist, and {} says: {cause}",
                    found.python.display()
                ),
            }),
        }
    }

    /// How it is started, as a person would type it.
    pub(crate) fn shown(&self) -> String {
        std::iter::once(self.program.display().to_string())
            .chain(self.lead.iter().map(|&word| word.to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Starts it; what it says comes line by line.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(
        &self,
        arguments: &[String],
        variables: &[(String, OsString)],
        input: Stdio,
    ) -> io::Result<Child> {
        // A virtual environment that was moved has another's path in its scripts.
        if self.lead.is_empty() && !has_its_interpreter(&self.program) {
            let moved = Self {
                program: self.python.clone(),
                lead: vec!["-m", "alembic"],
                ..self.clone()
            };
            return Child::start(moved.command(arguments, variables), input);
        }
        Child::start(self.command(arguments, variables), input)
    }

    /// What it prints when it is run to its end, for what changes nothing.
    ///
    /// # Errors
    /// The last thing that it said.
    pub(crate) async fn answer(
        &self,
        arguments: &[String],
        variables: &[(String, OsString)],
    ) -> Result<String, String> {
        answer(self.command(arguments, variables)).await
    }

    /// What a few lines of Python print, run where Alembic is.
    ///
    /// # Errors
    /// The last thing that it said.
    pub(crate) async fn ask(&self, program: &str) -> Result<String, String> {
        answer(self.question(program)).await
    }

    fn question(&self, program: &str) -> Command {
        let mut command = self.program(&self.python);
        command.args(["-c", program]);
        command
    }

    fn command(&self, arguments: &[String], variables: &[(String, OsString)]) -> Command {
        let mut command = self.program(&self.program);
        command
            .args(&self.lead)
            .args(arguments)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            // A line is to be read when it is said.
            .env("PYTHONUNBUFFERED", "1");
        command
    }

    fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        if let Some(libraries) = &self.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// Runs it to its end, or until it is given up: then it is killed.
async fn answer(mut command: Command) -> Result<String, String> {
    command.stdin(Stdio::null()).process_group(0);
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output().await;
    said(output.map_err(|error| error.to_string())?)
}

fn said(output: Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stderr, output.stdout].map(|it| String::from_utf8_lossy(&it).into_owned());
    let mut last = said.iter().filter_map(|text| text.trim().lines().last());
    Err(last
        .next()
        .unwrap_or("it printed nothing")
        .trim()
        .to_owned())
}

fn python_of(folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().find_map(|folder| python_in(folder))
}

fn python_in(folder: &Path) -> Option<PathBuf> {
    ["python3", "python"]
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// Whether the program that a script's first line names is there.
fn has_its_interpreter(program: &Path) -> bool {
    first_word(program).is_none_or(|interpreter| interpreter.exists())
}

/// The program that a script's first line names.
fn first_word(script: &Path) -> Option<PathBuf> {
    let text = std::fs::read(script).ok()?;
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("#!")?;
    Some(line.split_whitespace().next()?.into())
}

/// The Python whose program this is: the one beside it, else the one that its
/// first line names.
fn beside(program: &Path) -> Option<PathBuf> {
    let is_python = |path: &PathBuf| path.is_absolute() && path.is_file() && !path.ends_with("env");
    first_word(program)
        .filter(is_python)
        .or_else(|| python_in(program.parent()?))
}
