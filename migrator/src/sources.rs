//! The only reader of migration files, and the only writer of new ones. It knows
//! no format: it hands over what a folder holds, every SQL file's bytes included,
//! and says what it could not read.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What stands in a migrations folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The folder as a person knows it, mostly relative to the project.
    pub dir: String,
    /// Sorted by name, so that two machines see the same.
    pub entries: Vec<Entry>,
}

/// One name in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file that may be a migration, as it is on the disk.
    File(Vec<u8>),
    /// Any other file: its name is all that a format may ask.
    Other,
    /// A subfolder, with the names in it.
    Folder(Vec<String>),
}

/// Why a folder could not be read.
#[derive(Debug)]
pub enum SourceError {
    /// A new file's name is taken.
    Exists {
        path: PathBuf,
    },
    /// There is nothing at this path.
    Missing {
        path: PathBuf,
    },
    /// The path is a file.
    NotAFolder {
        path: PathBuf,
    },
    /// Not text: what can be read of it, whose first bytes up to the offset are
    /// right.
    NotUtf8 {
        path: PathBuf,
        text: String,
        offset: usize,
    },
    Unreadable {
        path: PathBuf,
        cause: io::Error,
    },
    Unwritable {
        path: PathBuf,
        cause: io::Error,
    },
}

impl Listing {
    /// The path of an entry, as a person knows it.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.dir.is_empty() || self.dir == "." {
            name.to_owned()
        } else {
            format!("{}/{name}", self.dir.trim_end_matches('/'))
        }
    }

    /// Whether there is such a subfolder.
    #[must_use]
    pub fn has_folder(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.name == name && matches!(entry.content, Content::Folder(_)))
    }
}

/// Reads the folder `root`/`dir`; links are followed, as sqlx follows them.
///
/// # Errors
/// The first path that cannot be read: half a folder is no basis for a plan.
pub fn read(root: &Path, dir: &str) -> Result<Listing, SourceError> {
    let folder = root.join(dir);
    let metadata = fs::metadata(&folder).map_err(|cause| SourceError::at(&folder, cause))?;
    if !metadata.is_dir() {
        return Err(SourceError::NotAFolder { path: folder });
    }
    let mut entries = Vec::new();
    for (name, path) in names(&folder)? {
        // It has a name: what is missing is what a link leads to.
        let metadata = fs::metadata(&path).map_err(|cause| SourceError::Unreadable {
            path: path.clone(),
            cause,
        })?;
        let content = if metadata.is_dir() {
            Content::Folder(names(&path)?.into_iter().map(|(name, _)| name).collect())
        } else if is_sql(&name) && metadata.is_file() {
            Content::File(read_file(&path)?)
        } else {
            Content::Other
        };
        entries.push(Entry { name, content });
    }
    Ok(Listing {
        dir: dir.to_owned(),
        entries,
    })
}

/// The wanted files of a folder as text, each with its path, sorted by name; of
/// folders below it, too, where that is asked for.
///
/// # Errors
/// The first path that cannot be read, or is no text.
pub fn texts(
    root: &Path,
    dir: &str,
    is_deep: bool,
    is_wanted: fn(&str) -> bool,
) -> Result<Vec<(String, String)>, SourceError> {
    let mut texts = Vec::new();
    for (name, path) in names(&root.join(dir))? {
        let shown = format!("{dir}/{name}");
        if path.is_dir() {
            if is_deep {
                texts.extend(self::texts(root, &shown, is_deep, is_wanted)?);
            }
        } else if is_wanted(&name) && path.is_file() {
            texts.push((shown, text(&path, read_file(&path)?)?));
        }
    }
    Ok(texts)
}

/// Writes new files into a folder, all or none of them and never over one that is
/// there. A missing folder is created; returns whether it was.
///
/// # Errors
/// The first path that is taken or cannot be written.
pub fn create(folder: &Path, files: &[(&str, &str)]) -> Result<bool, SourceError> {
    let is_missing = !folder.exists();
    fs::create_dir_all(folder).map_err(|cause| SourceError::Unwritable {
        path: folder.to_owned(),
        cause,
    })?;
    for (number, (name, text)) in files.iter().enumerate() {
        let path = folder.join(name);
        if let Err(cause) = create_file(&path, text) {
            for (name, _) in &files[..number] {
                // What cannot be removed is at least empty of anything to run.
                let _ = fs::remove_file(folder.join(name));
            }
            return Err(match cause.kind() {
                io::ErrorKind::AlreadyExists => SourceError::Exists { path },
                _ => SourceError::Unwritable { path, cause },
            });
        }
    }
    Ok(is_missing)
}

fn create_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// Reads one file as it is.
///
/// # Errors
/// A file that is not there or cannot be read.
pub fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    fs::read(path).map_err(|cause| SourceError::at(path, cause))
}

/// Reads a text file beside the migrations, such as sqlx.toml; `None` where
/// there is none.
///
/// # Errors
/// A file that is there and cannot be read, or is not UTF-8.
pub fn read_optional(path: &Path) -> Result<Option<String>, SourceError> {
    match fs::read(path) {
        Ok(bytes) => text(path, bytes).map(Some),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(SourceError::at(path, cause)),
    }
}

/// The bytes of a file as text.
///
/// # Errors
/// Bytes that are not UTF-8.
pub fn text(path: &Path, bytes: Vec<u8>) -> Result<String, SourceError> {
    String::from_utf8(bytes).map_err(|error| SourceError::NotUtf8 {
        path: path.to_owned(),
        text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Whether a name is that of a SQL file.
#[must_use]
pub fn is_sql(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

fn names(folder: &Path) -> Result<Vec<(String, PathBuf)>, SourceError> {
    let unreadable = |cause| SourceError::at(folder, cause);
    let mut names = fs::read_dir(folder)
        .map_err(unreadable)?
        .map(|entry| {
            let entry = entry.map_err(unreadable)?;
            Ok((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            ))
        })
        .collect::<Result<Vec<_>, SourceError>>()?;
    names.sort();
    Ok(names)
}

impl SourceError {
    fn at(path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        if cause.kind() == io::ErrorKind::NotFound {
            Self::Missing { path }
        } else {
            Self::Unreadable { path, cause }
        }
    }
}
