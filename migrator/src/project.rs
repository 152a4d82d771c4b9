//! A project: where its migrations are, in which format, and what they are.
//! The program and the buildpack find them by the same rules.

mod alembic;
mod carried;
mod settings;

use crate::bundle::{BundleError, MANIFEST, Manifest};
use crate::config::file::{self, Allowed, File, Settings};
use crate::config::{ConfigError, Overrides, Setting};
use crate::diagnostic::Diagnostic;
use crate::embedded::Embedded;
use crate::error::Error;
use crate::formats::sqlx::Sqlx;
use crate::formats::{Format, FormatName, foreign, repeatable};
use crate::model::{Addition, Migration, Repeatable};
use crate::order::Rules;
use crate::sources::{self, Content, Entry, Listing, SourceError};
use crate::text::SourceFile;
use crate::text::tidy;
use std::cmp::Ordering;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

pub use alembic::AlembicProject;
use carried::{carried_settings, with_additions};
use settings::{SQLX_TOML, read_settings, sqlx_toml};

/// Folders that are looked for where none is named.
pub const USUAL_FOLDERS: [&str; 3] = ["migrations", "db/migrations", "database/migrations"];

/// Where a project is, and what its `migrate.toml` says: nothing of its
/// migrations is read yet.
#[derive(Debug)]
pub struct Workspace {
    /// What the paths are relative to that a person sees.
    root: PathBuf,
    /// `migrate.toml`; empty where there is none.
    pub file: File,
    /// In an image, what the build laid.
    manifest: Option<Manifest>,
    /// What the program carries, and whether its `migrate.toml` is carried, too.
    embedded: Option<(Embedded, bool)>,
    /// Migrations that are no files.
    additions: Vec<Addition>,
}

/// The migrations of one database, all read and verified.
#[derive(Debug)]
pub struct Project {
    /// The database's name, where `migrate.toml` has a table for it.
    pub database: Option<String>,
    /// What relative paths are relative to.
    pub root: PathBuf,
    /// The migrations' folders, relative to the root where they are below it.
    pub dirs: Vec<String>,
    pub format: Box<dyn Format>,
    /// In order.
    pub migrations: Vec<Migration>,
    pub repeatables: Vec<Repeatable>,
    pub warnings: Vec<Diagnostic>,
    /// Whether the files are the program's own, and not the disk's.
    pub is_embedded: bool,
    /// Whether the files end in several branches, and nothing says which is meant.
    pub is_ambiguous: bool,
    /// What they are made of, relative to the root and sorted; of a folder of SQL all
    /// that a bundle needs.
    pub files: Vec<String>,
    /// Where the migrations are applied by their own tool's program.
    pub delegated: Option<Box<AlembicProject>>,
}

/// Where a database's migrations are or will be.
#[derive(Debug)]
pub struct Folder {
    /// Relative to the root where it is below it.
    pub dir: String,
    pub format: Sqlx,
    /// What is there already; nothing where there is no such folder yet.
    pub listing: Listing,
}

impl Workspace {
    /// The project at `root`, with the `migrate.toml` there, if there is one.
    ///
    /// # Errors
    /// A file that cannot be read or is wrong, with the place.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let file = match sources::read_optional(&root.join(file::NAME))? {
            Some(text) => File::parse(file::NAME, root, &text)?,
            None => File::parse(file::NAME, root, "")?,
        };
        Ok(Self {
            root: root.to_owned(),
            file,
            manifest: None,
            embedded: None,
            additions: Vec::new(),
        })
    }

    /// The project whose `migrate.toml` is the named file: the paths in it are
    /// relative to its folder.
    ///
    /// # Errors
    /// As [`Workspace::open`], and a file that is not there.
    pub fn with_file(path: &Setting<String>) -> Result<Self, Error> {
        let at = Path::new(&path.value);
        let text = sources::read_optional(at)?.ok_or_else(|| ConfigError::NoFile {
            origin: path.origin.clone(),
            path: at.to_owned(),
        })?;
        let folder = match at.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        Ok(Self {
            root: PathBuf::from("."),
            file: File::parse(&path.value, folder, &text)?,
            manifest: None,
            embedded: None,
            additions: Vec::new(),
        })
    }

    /// The bundle at `root`, whose every file must be what the build laid.
    /// `None` where there is no bundle.
    ///
    /// # Errors
    /// A bundle that is not whole, or what [`Workspace::open`] returns.
    pub fn bundled(root: &Path) -> Result<Option<Self>, Error> {
        let path = root.join(MANIFEST);
        let Some(text) = sources::read_optional(&path)? else {
            return Ok(None);
        };
        let manifest = Manifest::parse(&path, &text)?;
        for file in &manifest.files {
            let path = root.join(&file.path);
            let content = sources::read_file(&path)?;
            if !manifest.holds(&file.path, &content) {
                return Err(BundleError::Changed { path }.into());
            }
        }
        let workspace = Self::open(root)?;
        Ok(Some(Self {
            manifest: Some(manifest),
            ..workspace
        }))
    }

    /// The databases' names, in the order written; a project without any has one
    /// database without a name.
    #[must_use]
    pub fn databases(&self) -> Vec<Option<&str>> {
        match self.file.databases() {
            names if names.is_empty() => vec![None],
            names => names.into_iter().map(Some).collect(),
        }
    }

    /// What every database's migrations are, in the order written.
    ///
    /// # Errors
    /// The first thing that keeps the migrations from being applied as they are
    /// meant, with its path; a folder that is named for several databases.
    pub fn projects(&self, overrides: &Overrides) -> Result<Vec<Project>, Error> {
        let databases = self.databases();
        refuse_one_for_several(overrides.dir.as_ref(), &databases)?;
        let settings = databases.into_iter().map(|name| self.file.settings(name));
        settings
            .map(|settings| self.find(&settings.with(overrides)))
            .collect()
    }

    /// The migrations of one database, in whichever format they are.
    ///
    /// # Errors
    /// The first thing that keeps the migrations from being applied as they are meant,
    /// with its path; two formats of which neither was asked for.
    pub fn find(&self, settings: &Settings) -> Result<Project, Error> {
        let format = settings.format.as_ref().map(|format| format.value);
        let is_asked_for = format == Some(FormatName::Alembic);
        // A bundle holds SQL: Alembic's revisions need their application beside them.
        let may_be = self.manifest.is_none() && (is_asked_for || !self.is_programs_own());
        if format != Some(FormatName::Sqlx)
            && may_be
            && let Some(project) = self.alembic(settings, is_asked_for)?
        {
            return Ok(project);
        }
        self.sql(settings)
    }

    /// The same for what makes a new migration, where there may be none of any kind
    /// yet: `None` where no other program applies them.
    ///
    /// # Errors
    /// As [`Workspace::find`].
    pub fn delegated(&self, settings: &Settings) -> Result<Option<Project>, Error> {
        match settings.format.as_ref().map(|format| format.value) {
            Some(FormatName::Sqlx) => Ok(None),
            None if self.is_programs_own() => Ok(None),
            format => self.alembic(settings, format == Some(FormatName::Alembic)),
        }
    }

    /// The SQL migrations of one database: in the folder that is wished for, or the
    /// one that the program carries, or that the build found, or that
    /// `migrate.toml` or `sqlx.toml` names, or a usual one.
    ///
    /// # Errors
    /// The first thing that keeps the migrations from being applied as they are
    /// meant, with its path; nothing was changed.
    fn sql(&self, settings: &Settings) -> Result<Project, Error> {
        let root = &self.root;
        let database = settings.name.as_deref();
        let carried = self.carried(settings);
        let dir = match (settings.dir_elsewhere(), &self.manifest, &carried) {
            (Some(dir), ..) => tidy(dir).to_owned(),
            (None, _, Some((_, dir))) => dir.clone(),
            (None, Some(manifest), None) => manifest
                .dir(database)
                .map_or_else(|| self.own_folder(settings), |dir| Ok(dir.to_owned()))?,
            (None, None, None) => self.own_folder(settings)?,
        };
        let read = |dir: &str| match &carried {
            Some((embedded, _)) => embedded.listing(dir).ok_or_else(|| SourceError::Missing {
                path: PathBuf::from(dir),
            }),
            None => sources::read(root, dir),
        };
        let (settings_path, sqlx_toml) = match &carried {
            Some((embedded, dir)) => (None, carried_settings(embedded, dir)?),
            None => sqlx_toml(root, &dir)?,
        };
        let listing = read(&dir)?;
        foreign::refuse(&listing)?;
        let table = settings.table.as_ref().map(|table| table.value.as_str());
        let format = Sqlx::new(&sqlx_toml, table);
        let additions = self.additions.iter();
        let mut reading = with_additions(
            format.read(std::slice::from_ref(&listing)),
            additions.filter(|addition| addition.database == database),
            |one, other| format.compare(one, other).unwrap_or(Ordering::Equal),
        )?;
        let folder = listing.path(repeatable::FOLDER);
        let again = if listing.has_folder(repeatable::FOLDER) {
            Some(read(&folder)?)
        } else {
            None
        };
        let repeatables = match &again {
            Some(again) => repeatable::read(again, Sqlx::script)?,
            None => Vec::new(),
        };
        let listings = [Some(&listing), again.as_ref()];
        let unknown = allow(&mut reading.migrations, &settings.allowed);
        reading.warnings.extend(unknown);
        Ok(Project {
            database: database.map(str::to_owned),
            is_embedded: carried.is_some(),
            files: files(root, &listings, settings_path, settings),
            root: root.to_owned(),
            dirs: vec![dir],
            format: Box::new(format),
            migrations: reading.migrations,
            repeatables,
            warnings: reading.warnings,
            is_ambiguous: reading.is_ambiguous,
            delegated: None,
        })
    }

    /// Where a new migration of one database goes: by the rules of
    /// [`Workspace::find`], and never into a bundle; a project without any begins
    /// with the first usual folder.
    ///
    /// # Errors
    /// A configuration that cannot be obeyed, or a folder that is another tool's or
    /// cannot be read.
    pub fn folder(&self, settings: &Settings) -> Result<Folder, Error> {
        let root = &self.root;
        let carried = self.carried(settings).map(|(_, dir)| dir);
        let dir = match (settings.dir_elsewhere(), carried) {
            (Some(dir), _) => tidy(dir).to_owned(),
            // A new folder of that name would be carried by no program.
            (None, Some(dir)) if !root.join(&dir).exists() => {
                return Err(Error::NoSourceTree { dir });
            }
            (None, Some(dir)) => dir,
            (None, None) => match self.own_folder(settings) {
                Err(Error::NoFolder { .. }) => USUAL_FOLDERS[0].to_owned(),
                found => found?,
            },
        };
        let (_, sqlx_toml) = sqlx_toml(root, &dir)?;
        let listing = if root.join(&dir).exists() {
            sources::read(root, &dir)?
        } else {
            Listing {
                dir: dir.clone(),
                entries: Vec::new(),
            }
        };
        foreign::refuse(&listing)?;
        Ok(Folder {
            dir,
            format: Sqlx::new(&sqlx_toml, None),
            listing,
        })
    }

    /// The folder that the project itself names, or a usual one.
    fn own_folder(&self, settings: &Settings) -> Result<String, Error> {
        let folder = self.file.folder();
        let dir = match &settings.dir {
            Some(dir) => dir.value.0.clone(),
            None => usual_folder(folder)?,
        };
        let below = folder.strip_prefix(&self.root).unwrap_or(folder);
        Ok(tidy(&below.join(tidy(&dir)).to_string_lossy()).to_owned())
    }
}

impl Project {
    /// Its folders, as a person reads them.
    #[must_use]
    pub fn dir(&self) -> String {
        self.dirs.join(", ")
    }

    /// What of it can lie in an image beside the program; `None` where it is applied
    /// by another program, beside its application.
    #[must_use]
    pub fn bundled(&self) -> Option<&Self> {
        self.delegated.is_none().then_some(self)
    }
}

impl Project {
    /// Every file of SQL, up and down.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        let migrations = self.migrations.iter();
        let scripts =
            migrations.flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down));
        let again = self.repeatables.iter().map(|repeatable| &repeatable.script);
        let all = scripts.chain(again).filter(|script| script.is_sql());
        all.map(|script| &script.file)
    }
}

/// Tells migrations what `migrate.toml` allows them; a warning for each that is
/// not there.
fn allow(migrations: &mut [Migration], allowed: &[Allowed]) -> Vec<Diagnostic> {
    let mut unknown = Vec::new();
    for Allowed {
        version,
        rules,
        place,
        is_own,
    } in allowed
    {
        let of_version = |migration: &&mut Migration| migration.version == *version;
        match migrations.iter_mut().find(of_version) {
            Some(migration) => {
                let scripts = std::iter::once(&mut migration.up).chain(&mut migration.down);
                scripts.for_each(|script| {
                    script.allow.extend(rules);
                    // What ends its own transactions is in none of ours.
                    script.transaction &= !script.begins_inside();
                });
            }
            None if *is_own => unknown.push(
                Diagnostic::warning(
                    "unknown_migration",
                    format!("no migration has the version {version}"),
                )
                .at(Some(place.clone()), "here")
                .help("correct the version, or remove the table"),
            ),
            None => {}
        }
    }
    unknown
}

/// Refuses what only one database can have where there are several.
///
/// # Errors
/// Whose wish it was, and the databases' names.
pub fn refuse_one_for_several<T>(
    wish: Option<&Setting<T>>,
    databases: &[Option<&str>],
) -> Result<(), ConfigError> {
    match wish {
        Some(wish) if databases.len() > 1 => Err(ConfigError::OneForSeveral {
            origin: wish.origin.clone(),
            databases: databases
                .iter()
                .flatten()
                .map(|&name| name.to_owned())
                .collect(),
        }),
        _ => Ok(()),
    }
}

/// Whether somebody said that this project has migrations, so that a failure to
/// find them is to be reported and not passed over.
#[must_use]
pub fn is_explicit(root: &Path, dir: Option<&str>) -> bool {
    dir.is_some() || root.join(file::NAME).exists()
}

fn usual_folder(root: &Path) -> Result<String, Error> {
    let configured = match read_settings(root, SQLX_TOML)? {
        Some(settings) => settings.migrations_dir,
        None => None,
    };
    let found = configured.or_else(|| {
        USUAL_FOLDERS
            .iter()
            .find(|dir| root.join(dir).is_dir())
            .map(|&dir| dir.to_owned())
    });
    found.ok_or_else(|| Error::NoFolder {
        looked: &USUAL_FOLDERS,
        root: root.to_owned(),
        deep: alembic::far_below(root),
    })
}

fn files(
    root: &Path,
    listings: &[Option<&Listing>],
    sqlx_toml: Option<String>,
    settings: &Settings,
) -> Vec<String> {
    // A certificate's file that the project brings, relative as it is written.
    let authority = settings.database_ca_cert.iter().filter_map(|authority| {
        let path = &authority.value;
        let is_ours = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::CurDir | Component::Normal(_)));
        (is_ours && root.join(path).is_file()).then(|| tidy(path).to_owned())
    });
    let mut files: Vec<String> = listings
        .iter()
        .flatten()
        .flat_map(|listing| {
            let sql = |entry: &&Entry| matches!(entry.content, Content::File(_));
            let entries = listing.entries.iter().filter(sql);
            entries.map(|entry| listing.path(&entry.name))
        })
        .chain(sqlx_toml)
        .chain(authority)
        .collect();
    if root.join(file::NAME).exists() {
        files.push(file::NAME.to_owned());
    }
    files.sort();
    files
}
