//! What a Python buildpack makes of the project: which package manager, which
//! lock; and whether the lock holds what a migration needs.

use super::files::Files;
use super::{see, toml_file};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::text::{SourceFile, Span, shell_word};
use std::sync::Arc;
use toml::{Table, Value};

/// Files by which a buildpack knows a package manager, in its own order.
const MANAGERS: [(&str, &str); 5] = [
    ("Pipfile.lock", "Pipenv"),
    ("Pipfile", "Pipenv"),
    ("requirements.txt", "pip"),
    ("poetry.lock", "Poetry"),
    ("uv.lock", "uv"),
];

/// The packages that bring a driver of `SQLAlchemy`, by its name in a URL.
const DRIVERS: [(&str, &[&str]); 10] = [
    ("aiomysql", &["aiomysql"]),
    ("aiosqlite", &["aiosqlite"]),
    ("asyncmy", &["asyncmy"]),
    ("asyncpg", &["asyncpg"]),
    ("mysqlconnector", &["mysql-connector-python"]),
    ("mysqldb", &["mysqlclient"]),
    ("pg8000", &["pg8000"]),
    ("psycopg", &["psycopg"]),
    ("psycopg2", &["psycopg2", "psycopg2-binary"]),
    ("pymysql", &["pymysql"]),
];

/// What anybody but a buildpack can do with.
const OF_BUILDPACKS: [&str; 2] = ["lock_missing", "package_managers_several"];

/// What a lock holds.
struct Lock {
    file: Arc<SourceFile>,
    packages: Vec<Package>,
}

struct Package {
    name: String,
    /// Whether it is there without the groups of developers.
    in_main: bool,
}

/// What is asked of a Python project.
pub(crate) struct Wanted<'a> {
    /// Drivers that the databases' URLs name.
    pub drivers: &'a [String],
    /// Alembic's configuration, where it has one.
    pub alembic: Option<&'a str>,
    /// Whether it is certain that a buildpack builds it.
    pub is_certain: bool,
}

/// What is wrong with a Python project; nothing where it is none. What only a
/// buildpack minds is a warning where none may build it.
pub(crate) fn judge(files: &Files<'_>, wanted: &Wanted<'_>) -> Vec<Diagnostic> {
    let mut found = all(files, wanted);
    for finding in &mut found {
        if !wanted.is_certain && OF_BUILDPACKS.contains(&finding.code) {
            finding.severity = Severity::Warning;
        }
    }
    found
}

fn all(files: &Files<'_>, wanted: &Wanted<'_>) -> Vec<Diagnostic> {
    let managers: Vec<_> = MANAGERS
        .into_iter()
        .filter(|(file, _)| files.has(file))
        .collect();
    let mut names: Vec<_> = managers.iter().map(|(_, name)| *name).collect();
    names.dedup();
    let pyproject = match files.file("pyproject.toml") {
        None => None,
        Some(file) => match toml_file::read(&file) {
            Ok(table) => Some((file, table)),
            Err(finding) => return vec![finding],
        },
    };
    let mut found = Vec::new();
    match names.as_slice() {
        [] => {
            let Some((file, table)) = &pyproject else {
                return found;
            };
            if let Some(made_by) = locker(table) {
                found.push(no_lock(file, made_by));
            }
            return found;
        }
        [_] => {}
        [first, ..] => {
            let all: Vec<_> = managers.iter().map(|(file, _)| *file).collect();
            found.push(several(&all, first));
        }
    }
    let lock = match lock(files, &managers) {
        Ok(lock) => lock,
        Err(finding) => {
            found.push(finding);
            None
        }
    };
    if let (Some(lock), Some((_, table))) = (&lock, &pyproject) {
        found.extend(stale(lock, table));
    }
    if let Some(lock) = &lock {
        found.extend(needed(lock, wanted));
    }
    found
}

/// Whether the project's lock installs a package without the groups of developers;
/// `None` where no lock can be read.
pub(super) fn installs(files: &Files<'_>, package: &str) -> Option<bool> {
    let managers = MANAGERS.into_iter().filter(|(file, _)| files.has(file));
    let lock = lock(files, &managers.collect::<Vec<_>>()).ok()??;
    let mut packages = lock.packages.iter();
    Some(packages.any(|installed| installed.name == package && installed.in_main))
}

/// Whose lock a pyproject.toml asks for, where it names dependencies.
fn locker(pyproject: &Table) -> Option<&'static str> {
    let tool = pyproject.get("tool").and_then(Value::as_table);
    let has = |name: &str| tool.is_some_and(|tool| tool.contains_key(name));
    let project = pyproject.get("project").and_then(Value::as_table);
    let depends = project.is_some_and(|project| project.contains_key("dependencies"));
    if has("poetry") {
        Some("poetry")
    } else if has("uv") || depends {
        Some("uv")
    } else {
        None
    }
}

fn no_lock(file: &Arc<SourceFile>, made_by: &str) -> Diagnostic {
    let lock = format!("{made_by}.lock");
    Diagnostic::error(
        "lock_missing",
        format!("there is no {lock} next to pyproject.toml"),
    )
    .at(Some(Place::new(file, Span::default())), "has no lock file")
    .because(
        "the buildpack installs from a lock or a requirements.txt at the root, and fails the build \
         if it finds neither; pyproject.toml alone is not enough",
        see::PYTHON,
    )
    .help("lock the dependencies, and commit the lock")
    .correction(format!("{made_by} lock\ngit add {}", shell_word(&lock)))
}

fn several(files: &[&str], first: &str) -> Diagnostic {
    let title = format!("two package managers: {}", files.join(", "));
    Diagnostic::error("package_managers_several", title)
        .because(
            format!(
                "newer versions of the buildpack fail the build; older ones use the first, \
                 {first}, so what the other file locks is not installed"
            ),
            see::PYTHON,
        )
        .help("keep the files of one, and delete the others")
}

fn lock(files: &Files<'_>, managers: &[(&str, &str)]) -> Result<Option<Lock>, Diagnostic> {
    let of = |name: &str| managers.iter().any(|(file, _)| *file == name);
    let Some(name) = ["poetry.lock", "uv.lock", "requirements.txt"]
        .into_iter()
        .find(|name| of(name))
    else {
        return Ok(None);
    };
    let Some(file) = files.file(name) else {
        return Ok(None);
    };
    let packages = if name == "requirements.txt" {
        file.text().lines().filter_map(requirement).collect()
    } else {
        let table = toml_file::read(&file)?;
        let listed = table.get("package").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(package).collect()
    };
    // A file that names others says not what is installed.
    let includes =
        name == "requirements.txt" && file.text().lines().any(|line| line.starts_with("-r"));
    Ok((!includes).then_some(Lock { file, packages }))
}

fn package(value: &Value) -> Option<Package> {
    let name = normal(value.get("name")?.as_str()?);
    // Poetry 2 says in which groups it is; without any word it is in the main one.
    let groups = value.get("groups").and_then(Value::as_array);
    let in_main =
        groups.is_none_or(|groups| groups.iter().any(|group| group.as_str() == Some("main")));
    Some(Package { name, in_main })
}

/// The package that a line asks for: `Name[extra]>=1 ; marker  # comment`.
fn requirement(line: &str) -> Option<Package> {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    let name = line[..end.unwrap_or(line.len())].trim();
    (!name.is_empty() && !name.starts_with('-')).then(|| Package {
        name: normal(name),
        in_main: true,
    })
}

/// A package's name as registries compare it (PEP 503).
fn normal(name: &str) -> String {
    let mut normal = String::new();
    for character in name.chars() {
        if "-_.".contains(character) {
            if !normal.ends_with('-') {
                normal.push('-');
            }
        } else {
            normal.extend(character.to_lowercase());
        }
    }
    normal
}

/// A dependency that pyproject.toml names and its lock does not. Whether the lock
/// fits in all else, its own tool says: `poetry check --lock`, `uv lock --check`.
fn stale(lock: &Lock, pyproject: &Table) -> Option<Diagnostic> {
    let file = &lock.file;
    let (tool, sync, address) = match file.path() {
        "poetry.lock" => ("poetry", "poetry sync", see::POETRY_LOCK),
        "uv.lock" => ("uv", "uv sync --locked", see::UV_LOCK),
        _ => return None,
    };
    let is_locked = |name: &String| lock.packages.iter().any(|package| package.name == *name);
    let missing = dependencies(pyproject)
        .into_iter()
        .find(|it| !is_locked(it))?;
    let title = format!("{} does not match pyproject.toml", file.path());
    let label = format!("pyproject.toml names {missing}, but the lock does not");
    Some(
        Diagnostic::error("lock_stale", title)
            .at(Some(toml_file::find(file, "[[package]]")), label)
            .because(
                format!("the build runs `{sync}`, which refuses a lock that does not match"),
                address,
            )
            .help("lock again, and commit the lock")
            .correction(format!("{tool} lock\ngit add {}", shell_word(file.path()))),
    )
}

/// What a pyproject.toml depends on, wherever it runs: what is for some Pythons or
/// systems only need not be locked.
fn dependencies(pyproject: &Table) -> Vec<String> {
    let section = |path: &[&str]| {
        let mut steps = path.iter();
        let first = pyproject.get(*steps.next()?)?;
        steps.try_fold(first, |value, step| value.get(*step))
    };
    let standard = section(&["project", "dependencies"]).and_then(Value::as_array);
    let standard = standard.into_iter().flatten().filter_map(Value::as_str);
    let standard = standard
        .filter(|line| !line.contains(';'))
        .filter_map(requirement)
        .map(|package| package.name);
    let poetry = section(&["tool", "poetry", "dependencies"]).and_then(Value::as_table);
    let poetry = poetry.into_iter().flatten();
    let poetry = poetry
        .filter(|(name, value)| *name != "python" && is_unconditional(value))
        .map(|(name, _)| normal(name));
    standard.chain(poetry).collect()
}

/// Whether Poetry locks it for every Python and system.
fn is_unconditional(dependency: &Value) -> bool {
    match dependency {
        Value::String(_) => true,
        Value::Table(table) => ["markers", "platform", "python"]
            .iter()
            .all(|condition| !table.contains_key(*condition)),
        _ => false,
    }
}

/// Packages without which a migration cannot begin.
fn needed(lock: &Lock, wanted: &Wanted<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(ini) = wanted.alembic {
        let why = format!("{ini} exists, and `alembic upgrade head` needs it");
        found.extend(absent(lock, "alembic", &["alembic"], &why, see::ALEMBIC));
    }
    for driver in wanted.drivers {
        let known = DRIVERS.iter().find(|(name, _)| name == driver);
        if let Some((_, packages)) = known {
            let why =
                format!("the database's URL names it (+{driver}), and SQLAlchemy imports it first");
            found.extend(absent(lock, driver, packages, &why, see::SQLALCHEMY_URLS));
        }
    }
    found
}

fn absent(
    lock: &Lock,
    what: &str,
    packages: &[&str],
    why: &str,
    address: &'static str,
) -> Option<Diagnostic> {
    let named = |package: &&Package| packages.contains(&package.name.as_str());
    let path = lock.file.path();
    let title = match lock.packages.iter().find(named) {
        Some(package) if package.in_main => return None,
        Some(_) => format!("{what} is in {path} only for development"),
        None => format!("{what} is not in {path}"),
    };
    let (add, lock_file) = match path {
        "poetry.lock" => (
            format!("poetry add {}", packages[0]),
            "git add pyproject.toml poetry.lock",
        ),
        "uv.lock" => (
            format!("uv add {}", packages[0]),
            "git add pyproject.toml uv.lock",
        ),
        _ => (packages[0].to_owned(), "git add requirements.txt"),
    };
    Some(
        Diagnostic::error("dependency_missing", title)
            .because(
                format!("{why}; the build installs what is locked, except development groups"),
                address,
            )
            .help("add it to the dependencies, and commit the lock")
            .correction(format!("{add}\n{lock_file}")),
    )
}
