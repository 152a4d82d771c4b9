//! An Alembic project: where its configuration is, and what its revisions are.

use super::{Project, Workspace};
use crate::config::file::Settings;
use crate::config::{Setting, nearest};
use crate::error::Error;
use crate::formats::alembic::{
    self, Alembic, Configuration, ConfigurationError, INI, IniFile, Location, LocationError,
    PYPROJECT, SECTION, Unreadable,
};
use crate::formats::{Format, FormatError, Reading};
use crate::history::alembic::NAME;
use crate::sources::{self, Content, Entry, Listing};
use crate::text::{below, tidy};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How many folders below the root a configuration is looked for.
const DEEPEST: usize = 3;

/// How deep one is looked for that can only be named.
const FAR_BELOW: usize = 8;

/// The same where a folder of SQL migrations is there: only what lies beside it
/// could be meant instead.
const BESIDE_SQL: usize = 1;

/// What makes a folder a package of Python, beside which no other of its name counts.
const INIT: &str = "__init__.py";

/// Folders that hold other people's projects.
const OTHERS: [&str; 7] = [
    "__pycache__",
    "env",
    "node_modules",
    "site-packages",
    "target",
    "tests",
    "venv",
];

/// Where Alembic is started, and what of its revisions only it can tell.
#[derive(Debug)]
pub struct AlembicProject {
    /// What relative paths are relative to.
    pub root: PathBuf,
    /// In which Alembic is run, relative to the root.
    pub folder: String,
    /// The configuration's file, relative to the folder in which Alembic is run.
    pub config: String,
    /// The configuration's section, where one is named.
    pub section: Option<String>,
    /// The locations of which only Python knows where they are; while there are any,
    /// nothing of the revisions is known.
    pub packages: Vec<String>,
    /// What of the revisions only Python can tell; while there is any, nothing is known
    /// of them.
    pub unreadable: Vec<Unreadable>,
    found: Found,
    /// The version table, where somebody names one.
    table: Option<String>,
}

/// Where packages are that are installed, relative to the root where it is below it.
type Installed = BTreeMap<String, String>;

/// A configuration that was found, and where Alembic is started with it.
#[derive(Clone, Debug)]
struct Found {
    /// Relative to the root, as the file is.
    folder: String,
    path: String,
    configuration: Configuration,
}

/// What is looked for.
#[derive(Clone, Copy)]
struct Search<'a> {
    /// The section of an ini file that is named.
    section: Option<&'a Setting<String>>,
    /// Whether Alembic is asked for, and nothing else is meant.
    is_asked_for: bool,
}

impl Search<'_> {
    fn section(&self) -> &str {
        self.section.map_or(SECTION, |section| &section.value)
    }
}

impl AlembicProject {
    /// A path as a person knows it, of one that is relative to Alembic's folder.
    #[must_use]
    pub fn config_path(&self) -> String {
        below(&self.folder, &self.config)
    }

    /// The configuration's folder, relative to the root.
    #[must_use]
    pub fn config_folder(&self) -> String {
        folder_of(&self.config_path())
    }

    /// The section of an ini file that Alembic reads.
    #[must_use]
    pub fn section(&self) -> &str {
        self.section.as_deref().unwrap_or(SECTION)
    }

    /// The options by which Alembic finds its configuration: it finds a usual file of
    /// the folder in which it is run by itself.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let is_usual = matches!(self.config.as_str(), INI | PYPROJECT);
        let config = (!is_usual).then_some(["-c", &self.config]);
        let section = self.section.as_deref().map(|section| ["-n", section]);
        let options = config.into_iter().chain(section).flatten();
        options.map(str::to_owned).collect()
    }
}

impl Workspace {
    /// The Alembic project of one database, if there is one: where it is asked for,
    /// or where nothing else is found.
    ///
    /// # Errors
    /// One that is not as it should be, or of which it is not clear whether it is
    /// meant.
    pub(super) fn alembic(
        &self,
        settings: &Settings,
        is_asked_for: bool,
    ) -> Result<Option<Project>, Error> {
        let named = match (settings.dir_elsewhere(), &settings.dir) {
            (Some(dir), _) => Some(tidy(dir).to_owned()),
            (None, Some(_)) => Some(self.own_folder(settings)?),
            (None, None) => None,
        };
        let section = settings.alembic_section.as_ref();
        let search = Search {
            section,
            is_asked_for,
        };
        let found = match &named {
            Some(dir) => self.named(dir, search)?,
            None => self.unnamed(settings, search)?,
        };
        match found {
            Some(found) => {
                let found = self.as_started(found, search)?;
                let section = section.map(|section| section.value.clone());
                let project = self.read(found, section, settings)?;
                Ok(Some(project))
            }
            None if is_asked_for => {
                let dir = named.unwrap_or_else(|| ".".to_owned());
                Err(LocationError::NoConfiguration { dir }.into())
            }
            None => Ok(None),
        }
    }

    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "Alembic is given it as it is written"
    )]
    /// In a folder that was named: it holds the configuration, or is it, or lies
    /// below it.
    fn named(&self, dir: &str, search: Search<'_>) -> Result<Option<Found>, Error> {
        let is_asked_for = search.is_asked_for;
        let path = self.root.join(dir);
        let is_configuration = dir.ends_with(".ini") || dir == PYPROJECT;
        if path.is_file() && (is_configuration || is_asked_for) {
            let name = Path::new(dir);
            let config = name.file_name().unwrap_or_default().to_string_lossy();
            let folder = name.parent().unwrap_or(Path::new("")).to_string_lossy();
            if config == PYPROJECT {
                return self.in_pyproject(&folder);
            }
            return self.configured(&folder, &config, search);
        }
        let is_alembics = path.join(INI).is_file()
            || path.join("env.py").is_file()
            || path.join("../env.py").is_file();
        if !is_alembics && !is_asked_for {
            return Ok(None);
        }
        for above in Path::new(dir).ancestors() {
            if let Some(found) = self.in_folder(&above.to_string_lossy(), search)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// At the root or below it.
    fn unnamed(&self, settings: &Settings, search: Search<'_>) -> Result<Option<Found>, Error> {
        let is_asked_for = search.is_asked_for;
        let sql = match self.own_folder(settings) {
            Ok(dir) => Some(dir),
            Err(Error::NoFolder { .. }) => None,
            Err(error) => return Err(error),
        };
        let depth = if sql.is_some() && !is_asked_for {
            BESIDE_SQL
        } else {
            DEEPEST
        };
        let mut level = vec![String::new()];
        for _ in 0..=depth {
            let mut found = Vec::new();
            for folder in &level {
                found.extend(self.in_folder(folder, search)?);
            }
            if found.len() > 1 {
                let paths = found.into_iter().map(|it| it.path);
                return Err(LocationError::SeveralConfigurations {
                    paths: paths.collect(),
                }
                .into());
            }
            if let Some(found) = found.pop() {
                return match sql {
                    Some(dir) if !is_asked_for && self.holds_sql(&dir)? => {
                        let config = found.path;
                        Err(LocationError::BesideSql { config, dir }.into())
                    }
                    _ => Ok(Some(found)),
                };
            }
            level = level
                .iter()
                .flat_map(|folder| folders_in(&self.root, folder))
                .collect();
        }
        Ok(None)
    }

    /// Whether the folder's migrations are SQL, and not Alembic's own.
    fn holds_sql(&self, dir: &str) -> Result<bool, Error> {
        let listing = sources::read(&self.root, dir)?;
        let is_alembics = listing.entries.iter().any(|entry| entry.name == "env.py");
        Ok(!is_alembics && listing.entries.iter().any(|it| sources::is_sql(&it.name)))
    }

    fn in_folder(&self, folder: &str, search: Search<'_>) -> Result<Option<Found>, Error> {
        if self.root.join(folder).join(INI).is_file() {
            return self.configured(folder, INI, search);
        }
        self.in_pyproject(folder)
    }

    fn in_pyproject(&self, folder: &str) -> Result<Option<Found>, Error> {
        let configuration = self.pyproject(folder)?;
        let folder = tidy(folder);
        Ok(configuration.map(|configuration| Found {
            path: below(folder, PYPROJECT),
            folder: folder.to_owned(),
            configuration,
        }))
    }

    /// By an ini file, where Alembic is started in its folder.
    fn configured(
        &self,
        folder: &str,
        config: &str,
        search: Search<'_>,
    ) -> Result<Option<Found>, Error> {
        let folder = tidy(folder);
        let path = below(folder, config);
        let ini = self.ini(&path)?;
        if let Some(named) = search.section
            && !ini.has(&named.value)
        {
            return Err(no_section(path, named, &ini).into());
        }
        let configuration = self.completed(&ini, &path, folder, search)?;
        if configuration.script_location.is_none() {
            return Err(no_location(path, search.section(), &ini).into());
        }
        Ok(Some(Found {
            folder: folder.to_owned(),
            path,
            configuration,
        }))
    }

    fn ini(&self, path: &str) -> Result<IniFile, Error> {
        let text = sources::read_optional(&self.root.join(path))?.unwrap_or_default();
        let ini = IniFile::read(&text, &folder_of(path));
        Ok(ini.map_err(|error| wrong(path, error))?)
    }

    /// What an ini file says; what it does not say, pyproject.toml may that lies in
    /// the folder where Alembic is started.
    fn completed(
        &self,
        ini: &IniFile,
        path: &str,
        started_in: &str,
        search: Search<'_>,
    ) -> Result<Configuration, Error> {
        let configuration = ini.configuration(search.section());
        let configuration = configuration.map_err(|error| wrong(path, error))?;
        Ok(match self.pyproject(started_in)? {
            Some(other) => configuration.or(other),
            None => configuration,
        })
    }

    fn pyproject(&self, folder: &str) -> Result<Option<Configuration>, Error> {
        let folder = tidy(folder);
        let path = below(folder, PYPROJECT);
        match sources::read_optional(&self.root.join(&path))? {
            // Whatever else is wrong with it is none of ours.
            Some(text) if text.contains("[tool.alembic]") => {
                let configuration = Configuration::of_pyproject(&text, folder);
                Ok(configuration.map_err(|error| wrong(&path, error))?)
            }
            _ => Ok(None),
        }
    }

    /// Alembic takes relative paths from the folder in which it is started: that of
    /// the configuration, or the root where they lead somewhere only from there.
    fn as_started(&self, found: Found, search: Search<'_>) -> Result<Found, Error> {
        if self.has_all(&found) {
            return Ok(found);
        }
        let at_root = self.at_root(&found, search)?;
        let fits = |at_root: &Found| self.has_all(at_root) && self.has_env(at_root);
        Ok(at_root.filter(fits).unwrap_or(found))
    }

    /// The same file, where Alembic is started at the root; `None` where it is there,
    /// or where Alembic would read another file there first.
    fn at_root(&self, found: &Found, search: Search<'_>) -> Result<Option<Found>, Error> {
        let root = tidy("");
        let is_pyproject = Path::new(&found.path).ends_with(PYPROJECT);
        if found.folder == root || (is_pyproject && self.root.join(INI).is_file()) {
            return Ok(None);
        }
        let configuration = if is_pyproject {
            found.configuration.clone()
        } else {
            self.completed(&self.ini(&found.path)?, &found.path, root, search)?
        };
        Ok(Some(Found {
            folder: root.to_owned(),
            path: found.path.clone(),
            configuration,
        }))
    }

    /// Whether all is there that a configuration names: a project that has just begun
    /// has no revisions yet.
    fn has_all(&self, found: &Found) -> bool {
        let is_there = |location: &Location| {
            let place = self.place(found, location);
            place.is_some_and(|place| self.root.join(place).is_dir())
        };
        let Configuration {
            script_location,
            version_locations: versions,
            prepend_sys_path: packages,
            ..
        } = &found.configuration;
        script_location.as_ref().is_some_and(is_there)
            && (versions.is_empty() || versions.iter().any(is_there))
            && packages.iter().all(is_there)
    }

    fn has_env(&self, found: &Found) -> bool {
        let scripts = found.configuration.script_location.as_ref();
        let scripts = scripts.and_then(|location| self.place(found, location));
        scripts.is_some_and(|scripts| self.root.join(below(&scripts, "env.py")).is_file())
    }

    /// Where a folder of the project is, relative to the root.
    fn place(&self, found: &Found, location: &Location) -> Option<String> {
        found.place(&self.root, location, &Installed::new())
    }

    fn read(
        &self,
        found: Found,
        section: Option<String>,
        settings: &Settings,
    ) -> Result<Project, Error> {
        let mut alembic = AlembicProject {
            root: self.root.clone(),
            config: seen_from(&found.folder, &found.path),
            folder: found.folder.clone(),
            section,
            packages: Vec::new(),
            unreadable: Vec::new(),
            found,
            table: settings.table.as_ref().map(|table| table.value.clone()),
        };
        let mut project = Project {
            database: settings.name.clone(),
            root: self.root.clone(),
            dirs: Vec::new(),
            format: Box::new(Alembic::new(None)),
            migrations: Vec::new(),
            repeatables: Vec::new(),
            warnings: Vec::new(),
            is_embedded: false,
            is_ambiguous: false,
            files: Vec::new(),
            delegated: None,
        };
        alembic.read(&Installed::new(), &mut project)?;
        project.delegated = Some(Box::new(alembic));
        Ok(project)
    }
}

impl Found {
    /// Where a folder is, relative to the root; `None` where only Python knows.
    fn place(&self, root: &Path, location: &Location, installed: &Installed) -> Option<String> {
        match location {
            Location::Fixed(path) => Some(path.clone()),
            Location::Started(path) => Some(below(&self.folder, path)),
            Location::Package(name) => installed
                .get(name)
                .cloned()
                .or_else(|| self.place_in_package(root, name)),
        }
    }

    /// The same of a package of the project: where Python would look for it first, else
    /// where it is started.
    fn place_in_package(&self, root: &Path, name: &str) -> Option<String> {
        let (package, folders) = name.split_once(':')?;
        let outermost = package.split('.').next()?;
        let package = package.replace('.', "/");
        let path = below(&package, &folders.replace(':', "/"));
        let places = self.sys_path();
        let is_there = |place: &&String| root.join(below(place, &path)).is_dir();
        // One whose folder is missing is no other package's.
        let begins = |place: &&String| root.join(below(place, outermost)).join(INIT).is_file();
        let place = places.iter().find(is_there);
        let place = place.or_else(|| places.iter().find(begins));
        place.map(|place| below(place, &path))
    }

    /// Where Python looks for packages before it looks where they are installed,
    /// relative to the root.
    fn sys_path(&self) -> Vec<String> {
        let prepended = self.configuration.prepend_sys_path.iter();
        let prepended = prepended.filter_map(|location| match location {
            Location::Fixed(path) => Some(path.clone()),
            Location::Started(path) => Some(below(&self.folder, path)),
            Location::Package(_) => None,
        });
        prepended.chain([self.folder.clone()]).collect()
    }
}

impl AlembicProject {
    /// Where Python looks for packages before it looks where they are installed.
    #[must_use]
    pub fn sys_path(&self) -> Vec<PathBuf> {
        let places = self.found.sys_path();
        places.iter().map(|place| self.root.join(place)).collect()
    }

    /// Reads what lies in packages, of which Python has told where they are.
    ///
    /// # Errors
    /// As [`Workspace::find`].
    pub fn located(
        &mut self,
        packages: BTreeMap<String, PathBuf>,
        project: &mut Project,
    ) -> Result<(), Error> {
        let root = self.root.canonicalize().unwrap_or_default();
        let shown = |path: PathBuf| {
            let inside = path.strip_prefix(&root).unwrap_or(&path);
            inside.to_string_lossy().into_owned()
        };
        let installed = packages
            .into_iter()
            .map(|(name, path)| (name, shown(path)))
            .collect();
        self.read(&installed, project)
    }

    /// Reads the revisions into the project.
    fn read(&mut self, installed: &Installed, project: &mut Project) -> Result<(), Error> {
        let configuration = &self.found.configuration;
        let mut unknown = Vec::new();
        let mut place = |location: &Location| {
            let place = self.found.place(&self.root, location, installed);
            place.unwrap_or_else(|| {
                let name = location.to_string();
                unknown.push(name.clone());
                name
            })
        };
        let scripts = configuration.script_location.as_ref().map(&mut place);
        let scripts = scripts.unwrap_or_default();
        let dirs: Vec<_> = match &configuration.version_locations[..] {
            [] => vec![below(&scripts, "versions")],
            locations => locations.iter().map(place).collect(),
        };
        self.packages = unknown;
        project.files = dirs.iter().cloned().chain([self.config_path()]).collect();
        project.dirs = dirs;
        if self.packages.is_empty() {
            let format = Alembic::new(self.version_table(&scripts)?);
            match format.read(&self.listings(&project.dirs)?) {
                Ok(reading) => project.take(reading),
                Err(FormatError::Unreadable(unreadable)) => self.unreadable = unreadable,
                Err(error) => return Err(error.into()),
            }
            project.format = Box::new(format);
        }
        Ok(())
    }

    fn listings(&self, dirs: &[String]) -> Result<Vec<Listing>, Error> {
        let is_deep = self.found.configuration.is_recursive;
        let mut listings = Vec::new();
        for dir in dirs {
            let path = self.root.join(dir);
            if !path.is_dir() {
                // A project that has just begun has none.
                if path.parent().is_some_and(Path::is_dir) {
                    continue;
                }
                return Err(LocationError::NoVersions { path }.into());
            }
            let texts = sources::texts(&self.root, dir, is_deep, alembic::is_revision_file)?;
            let entry = |(path, text): (String, String)| Entry {
                name: seen_from(dir, &path),
                content: Content::File(text.into_bytes()),
            };
            listings.push(Listing {
                dir: dir.clone(),
                entries: texts.into_iter().map(entry).collect(),
            });
        }
        Ok(listings)
    }

    /// The one that is named, or that env.py names by literals.
    fn version_table(&self, scripts: &str) -> Result<Option<String>, Error> {
        if let Some(table) = &self.table {
            return Ok(Some(table.clone()));
        }
        let env = self.root.join(below(scripts, "env.py"));
        let env = sources::read_optional(&env)?.unwrap_or_default();
        let (schema, name) = alembic::version_table(&env);
        Ok(match schema {
            Some(schema) => {
                let name = name.unwrap_or_else(|| NAME.to_owned());
                Some(format!("{schema}.{name}"))
            }
            None => name,
        })
    }
}

impl Project {
    /// Has what was read of its migrations, by whomever.
    pub fn take(&mut self, reading: Reading) {
        self.migrations = reading.migrations;
        self.warnings = reading.warnings;
        self.is_ambiguous = reading.is_ambiguous;
    }
}

/// The first folder below those that are looked at that holds a configuration.
pub(super) fn far_below(root: &Path) -> Option<String> {
    let mut level = vec![String::new()];
    for _ in 0..=FAR_BELOW {
        let has_one = |folder: &&String| root.join(folder).join(INI).is_file();
        if let Some(found) = level.iter().find(has_one) {
            return Some(found.clone());
        }
        level = level
            .iter()
            .flat_map(|folder| folders_in(root, folder))
            .collect();
    }
    None
}

fn folders_in(root: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(folder));
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        // No link: it could lead back.
        .filter(|entry| entry.file_type().is_ok_and(|it| it.is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !OTHERS.contains(&name.as_str()))
        .collect();
    names.sort();
    names.iter().map(|name| below(folder, name)).collect()
}

fn wrong(path: &str, error: ConfigurationError) -> LocationError {
    LocationError::Configuration {
        path: path.to_owned(),
        message: error.message,
    }
}

fn no_section(path: String, named: &Setting<String>, ini: &IniFile) -> LocationError {
    let known = ini.sections();
    LocationError::NoSection {
        path,
        section: named.value.clone(),
        origin: named.origin.to_string(),
        nearest: nearest(&named.value, known.iter().map(String::as_str)),
        known,
    }
}

fn no_location(path: String, section: &str, ini: &IniFile) -> LocationError {
    let says_it = |name: &String| {
        let configuration = ini.configuration(name);
        configuration.is_ok_and(|it| it.script_location.is_some())
    };
    LocationError::NoLocation {
        path,
        section: section.to_owned(),
        others: ini.sections().into_iter().filter(says_it).collect(),
    }
}

/// The folder of a file, relative to the root.
fn folder_of(path: &str) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    tidy(&folder.to_string_lossy()).to_owned()
}

/// A path relative to a folder, of one below it.
fn seen_from(folder: &str, path: &str) -> String {
    let inside = Path::new(path).strip_prefix(folder);
    inside.map_or_else(|_| path.to_owned(), |it| it.to_string_lossy().into_owned())
}
