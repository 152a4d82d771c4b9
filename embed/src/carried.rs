//! What is carried of a project: read from the disk, and written as Rust.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// The subfolder whose files are run again whenever they have changed.
const REPEATABLE: &str = "repeatable";

/// What a program carries of the project that it was compiled in.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// The folders, each with the `sqlx.toml` that counts for it.
    folders: Vec<(String, Option<String>)>,
    /// By their paths as a person knows them.
    files: Vec<(String, Content)>,
    /// What makes the program another one when it changes.
    pub(crate) watched: Vec<PathBuf>,
}

#[derive(Debug)]
enum Content {
    /// The file at this path.
    Of(PathBuf),
    /// The name alone counts: it may be another tool's.
    NameOnly,
}

impl Carried {
    /// Lists the folders of the package at `root`.
    ///
    /// # Errors
    /// The first path that cannot be read, in words.
    pub(crate) fn of(root: &Path, folders: &[&str]) -> Result<Self, String> {
        let mut carried = Self::default();
        for folder in folders {
            carried.add_folder(root, tidy(folder))?;
        }
        let settings = root.join("migrate.toml");
        if settings.is_file() {
            carried.add_file("migrate.toml".to_owned(), settings);
        }
        carried.files.sort_by(|(one, _), (other, _)| one.cmp(other));
        carried.files.dedup_by(|(one, _), (other, _)| one == other);
        Ok(carried)
    }

    fn add_folder(&mut self, root: &Path, folder: &str) -> Result<(), String> {
        let path = root.join(folder);
        if !path.is_dir() {
            let what = if path.exists() {
                "is not a folder"
            } else {
                "does not exist"
            };
            return Err(format!(
                "the migrations folder `{folder}` {what}: {}",
                path.display()
            ));
        }
        self.watched.push(path.clone());
        for (name, path) in names(&path)? {
            let shown = format!("{folder}/{name}");
            if path.is_dir() {
                for (inner, path) in names(&path)? {
                    let shown = format!("{shown}/{inner}");
                    if name == REPEATABLE && is_sql(&inner) {
                        self.files.push((shown, Content::Of(path)));
                    } else {
                        self.files.push((shown, Content::NameOnly));
                    }
                }
            } else if is_sql(&name) {
                self.files.push((shown, Content::Of(path)));
            } else {
                self.files.push((shown, Content::NameOnly));
            }
        }
        let settings = sqlx_toml(root, &path);
        if let Some((shown, path)) = settings.clone() {
            self.add_file(shown, path);
        }
        let settings = settings.map(|(shown, _)| shown);
        self.folders.push((folder.to_owned(), settings));
        Ok(())
    }

    fn add_file(&mut self, shown: String, path: PathBuf) {
        self.watched.push(path.clone());
        self.files.push((shown, Content::Of(path)));
    }

    /// One Rust expression, which needs no name of any crate.
    pub(crate) fn to_rust(&self) -> String {
        let mut rust = String::from("(&[\n");
        for (folder, settings) in &self.folders {
            // Writing to a string does not fail.
            let _ = writeln!(rust, "    ({folder:?}, {settings:?}),");
        }
        rust.push_str("], &[\n");
        for (shown, content) in &self.files {
            let _ = match content {
                Content::Of(path) => {
                    let path = path.to_string_lossy();
                    writeln!(rust, "    ({shown:?}, include_bytes!({path:?}) as &[u8]),")
                }
                Content::NameOnly => writeln!(rust, "    ({shown:?}, b\"\" as &[u8]),"),
            };
        }
        rust.push_str("])\n");
        rust
    }
}

/// Without what makes no difference: `./migrations/` is `migrations`.
fn tidy(folder: &str) -> &str {
    let mut tidy = folder;
    while let Some(rest) = tidy.strip_prefix("./") {
        tidy = rest;
    }
    tidy.trim_end_matches('/')
}

/// The names in a folder, sorted, so that two machines make the same program.
fn names(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = entry
            .file_name()
            .into_string()
            .map_err(|_| format!("{}: its name is not UTF-8", path.display()))?;
        names.push((name, path));
    }
    names.sort();
    Ok(names)
}

fn is_sql(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// The `sqlx.toml` that counts for a folder: the nearest above it, up to the end
/// of the repository, with its path as a person knows it.
fn sqlx_toml(root: &Path, folder: &Path) -> Option<(String, PathBuf)> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (root, folder) = (whole(root), whole(folder));
    for above in folder.ancestors().skip(1) {
        let path = above.join("sqlx.toml");
        if path.is_file() {
            let shown = path.strip_prefix(&root).unwrap_or(&path);
            return Some((shown.to_string_lossy().into_owned(), path));
        }
        if above.join(".git").exists() {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        for file in files {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    /// With the package's own place taken out.
    fn rust(root: &Path, folders: &[&str]) -> String {
        let rust = Carried::of(root, folders).unwrap().to_rust();
        let whole = root.canonicalize().unwrap();
        rust.replace(whole.to_str().unwrap(), "ROOT")
            .replace(root.to_str().unwrap(), "ROOT")
    }

    #[test]
    fn the_folder_is_carried_with_its_settings() {
        let root = package(&[
            "migrate.toml",
            "migrations/1_users.sql",
            "migrations/README.md",
            "migrations/repeatable/totals.sql",
            "migrations/other/up.sql",
            "sqlx.toml",
            "src/main.rs",
        ]);
        assert_eq!(
            rust(root.path(), &["./migrations/"]),
            r#"(&[
    ("migrations", Some("sqlx.toml")),
], &[
    ("migrate.toml", include_bytes!("ROOT/migrate.toml") as &[u8]),
    ("migrations/1_users.sql", include_bytes!("ROOT/migrations/1_users.sql") as &[u8]),
    ("migrations/README.md", b"" as &[u8]),
    ("migrations/other/up.sql", b"" as &[u8]),
    ("migrations/repeatable/totals.sql", include_bytes!("ROOT/migrations/repeatable/totals.sql") as &[u8]),
    ("sqlx.toml", include_bytes!("ROOT/sqlx.toml") as &[u8]),
])
"#
        );
    }

    #[test]
    fn what_is_watched_is_the_folder_and_what_counts_for_it() {
        let root = package(&["a/1_users.sql", "b/1_bills.sql", "migrate.toml"]);
        let carried = Carried::of(root.path(), &["a", "b"]).unwrap();
        let watched: Vec<_> = carried
            .watched
            .iter()
            .map(|path| path.strip_prefix(root.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(watched, ["a", "b", "migrate.toml"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let root = package(&["migration/1_users.sql"]);
        let error = Carried::of(root.path(), &["migrations"]).unwrap_err();
        assert!(error.starts_with("the migrations folder `migrations` does not exist: /"));
        let error = Carried::of(root.path(), &["migration/1_users.sql"]).unwrap_err();
        assert!(error.contains("is not a folder"), "{error}");
    }
}
