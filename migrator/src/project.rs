//! A project: where its migrations are, in which format, and what they are.
//! The program and the buildpack find them by the same rules.

use crate::bundle::{BundleError, MANIFEST, Manifest};
use crate::config::file::{self, File};
use crate::diagnostic::Diagnostic;
use crate::error::Error;
use crate::formats::Format;
use crate::formats::foreign;
use crate::formats::sqlx::{Settings, Sqlx};
use crate::model::Migration;
use crate::sources::{self, Content, Listing};
use crate::text::SourceFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folders that are looked for where none is named.
pub const USUAL_FOLDERS: [&str; 3] = ["migrations", "db/migrations", "database/migrations"];

const SQLX_TOML: &str = "sqlx.toml";

/// A project whose migrations were all read and verified.
#[derive(Debug)]
pub struct Project {
    /// What relative paths are relative to.
    pub root: PathBuf,
    /// The migrations folder, relative to the root where it is below it.
    pub dir: String,
    /// `migrate.toml`; empty where there is none.
    pub file: File,
    pub format: Sqlx,
    pub migrations: Vec<Migration>,
    pub warnings: Vec<Diagnostic>,
    /// All that a bundle needs: paths relative to the root, sorted.
    pub files: Vec<String>,
}

/// Finds and reads the migrations of the project at `root`: in the folder
/// `dir`, or the one that `migrate.toml` or `sqlx.toml` names, or a usual one.
/// `table` overrides the history table's name.
///
/// # Errors
/// The first thing that keeps the migrations from being applied as they are
/// meant, with its path; nothing was changed.
pub fn find(root: &Path, dir: Option<&str>, table: Option<&str>) -> Result<Project, Error> {
    let file = configuration(root)?;
    let dir = match dir.or(file.dir.as_deref()) {
        Some(dir) => dir.to_owned(),
        None => usual_folder(root)?,
    };
    let dir = tidy(&dir);
    let (settings_path, settings) = settings(root, &dir)?;
    let listing = sources::read(root, &dir)?;
    foreign::refuse(&listing)?;
    let format = Sqlx::new(&settings, table.or(file.table.as_deref()));
    let reading = format.read(&listing)?;
    Ok(Project {
        files: files(root, &listing, settings_path),
        root: root.to_owned(),
        dir,
        file,
        format,
        migrations: reading.migrations,
        warnings: reading.warnings,
    })
}

/// Where a project's migrations are or will be.
#[derive(Debug)]
pub struct Folder {
    /// Relative to the root where it is below it.
    pub dir: String,
    pub format: Sqlx,
    /// What is there already; nothing where there is no such folder yet.
    pub listing: Listing,
}

/// Finds the folder of the project at `root` into which a new migration goes, by
/// the rules of [`find`]; a project without any begins with the first usual one.
///
/// # Errors
/// A configuration that cannot be obeyed, or a folder that is another tool's or
/// cannot be read.
pub fn folder(root: &Path, dir: Option<&str>) -> Result<Folder, Error> {
    let file = configuration(root)?;
    let dir = match (dir.or(file.dir.as_deref()), usual_folder(root)) {
        (Some(dir), _) => dir.to_owned(),
        (None, Err(Error::NoFolder { .. })) => USUAL_FOLDERS[0].to_owned(),
        (None, found) => found?,
    };
    let dir = tidy(&dir);
    let (_, settings) = settings(root, &dir)?;
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
        format: Sqlx::new(&settings, file.table.as_deref()),
        listing,
    })
}

/// Reads the bundle at `root`, whose every file must be what the build laid.
/// `None` where there is no bundle.
///
/// # Errors
/// A bundle that is not whole, or what [`find`] returns.
pub fn find_bundled(root: &Path, table: Option<&str>) -> Result<Option<Project>, Error> {
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
    find(root, Some(&manifest.dir), table).map(Some)
}

/// What `migrate.toml` of the project at `root` says; nothing where there is none.
///
/// # Errors
/// A file that cannot be read or obeyed.
pub fn configuration(root: &Path) -> Result<File, Error> {
    Ok(match sources::read_optional(&root.join(file::NAME))? {
        Some(text) => File::parse(&text)?,
        None => File::default(),
    })
}

/// Whether somebody said that this project has migrations, so that a failure to
/// find them is to be reported and not passed over.
#[must_use]
pub fn is_explicit(root: &Path, dir: Option<&str>) -> bool {
    dir.is_some() || root.join(file::NAME).exists()
}

/// Without what makes no difference: `./migrations/` is `migrations`.
fn tidy(dir: &str) -> String {
    let mut tidy = dir;
    while let Some(rest) = tidy.strip_prefix("./") {
        tidy = rest.trim_start_matches('/');
    }
    let trimmed = tidy.trim_end_matches('/');
    match trimmed {
        "" if dir.starts_with('/') => "/".to_owned(),
        "" => ".".to_owned(),
        _ => trimmed.to_owned(),
    }
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
        root: root.to_owned(),
    })
}

/// The `sqlx.toml` that counts: the nearest above the folder, up to the end of
/// the repository, wherever the program was started. A history under another name
/// must never be missed. Its path is given where it is below the root.
fn settings(root: &Path, dir: &str) -> Result<(Option<String>, Settings), Error> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let root = whole(root);
    let folder = whole(&root.join(dir));
    for above in folder.ancestors().skip(1) {
        let path = above.join(SQLX_TOML);
        let shown = path.strip_prefix(&root).unwrap_or(&path);
        if let Some(settings) = read_settings(&root, &shown.to_string_lossy())? {
            let below = path.starts_with(&root);
            return Ok((
                below.then(|| shown.to_string_lossy().into_owned()),
                settings,
            ));
        }
        if above.join(".git").exists() {
            break;
        }
    }
    Ok((None, Settings::default()))
}

fn read_settings(root: &Path, path: &str) -> Result<Option<Settings>, Error> {
    let Some(text) = sources::read_optional(&root.join(path))? else {
        return Ok(None);
    };
    let file = Arc::new(SourceFile::new(path, text));
    Ok(Some(Settings::parse(&file)?))
}

fn files(root: &Path, listing: &Listing, settings: Option<String>) -> Vec<String> {
    let mut files: Vec<String> = listing
        .entries
        .iter()
        .filter(|entry| matches!(entry.content, Content::Sql(_)))
        .map(|entry| listing.path(&entry.name))
        .chain(settings)
        .collect();
    if root.join(file::NAME).exists() {
        files.push(file::NAME.to_owned());
    }
    files.sort();
    files
}
