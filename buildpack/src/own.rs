//! A program of the app's own: a Cargo package with a binary `migrate` that
//! depends on cnb-migrate, and carries the app's migrations inside it. Then that
//! one is compiled, and not the migrator that the buildpack carries.

use crate::compilation::PROGRAM;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use toml::{Table, Value};

/// The library's package.
const LIBRARY: &str = "cnb-migrate";

/// The package that has the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnProgram {
    /// The package's name.
    pub(crate) package: String,
    /// Its folder, relative to the app.
    pub(crate) folder: PathBuf,
}

/// What is worth knowing of the migrations that a program carries.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) migrations: usize,
    pub(crate) warnings: Vec<String>,
}

/// What it answers, of one database or of several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answers {
    Several { databases: Vec<Answer> },
    One(Answer),
}

#[derive(Deserialize)]
struct Answer {
    migrations: usize,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    code: String,
    message: String,
}

/// That nothing says for which database the files are: no build can.
const UNKNOWN_DIALECT: &str = "unknown_dialect";

/// The app's own program, if it has one: in the package at its root, or in a
/// member of the workspace there. A manifest that cannot be read is cargo's to
/// complain of, and not ours.
pub(crate) fn find(app: &Path) -> Option<OwnProgram> {
    let root = manifest(app)?;
    let workspace = root.get("workspace").and_then(Value::as_table);
    let members = workspace.map_or_else(Vec::new, |workspace| members(app, workspace));
    std::iter::once(PathBuf::new())
        .chain(members)
        .find_map(|folder| {
            let manifest = manifest(&app.join(&folder))?;
            let package = manifest.get("package")?.get("name")?.as_str()?.to_string();
            let is_it = has_program(&manifest, &package, &app.join(&folder))
                && needs_library(&manifest, workspace);
            is_it.then_some(OwnProgram { package, folder })
        })
}

/// Asks a program whether the migrations that it carries can be applied; it needs
/// no database for that.
///
/// # Errors
/// What is wrong with them, in its words.
pub(crate) fn check(program: &Path, folder: &Path) -> Result<Checked, String> {
    let ask = |arguments: &[&str]| {
        Command::new(program)
            .args(["check", "--offline"])
            .args(arguments)
            .current_dir(folder)
            // Nothing of the build's environment is for it.
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{} does not start: {error}", program.display()))
    };
    let document = ask(&["--output", "json"])?;
    if document.status.success() {
        return answer(&document.stdout);
    }
    let text = ask(&[])?;
    let said = [text.stdout, text.stderr].concat();
    Err(String::from_utf8_lossy(&said).trim().to_string())
}

fn answer(document: &[u8]) -> Result<Checked, String> {
    let mut checked = Checked {
        migrations: 0,
        warnings: Vec::new(),
    };
    let answers = serde_json::from_slice(document)
        .map_err(|error| format!("its answer cannot be read: {error}"))?;
    let answers = match answers {
        Answers::Several { databases } => databases,
        Answers::One(answer) => vec![answer],
    };
    for answer in answers {
        let findings = answer.findings.into_iter();
        checked.migrations += answer.migrations;
        checked.warnings.extend(
            findings
                .filter(|finding| finding.code != UNKNOWN_DIALECT)
                .map(|finding| finding.message),
        );
    }
    Ok(checked)
}

fn manifest(folder: &Path) -> Option<Table> {
    fs::read_to_string(folder.join("Cargo.toml"))
        .ok()?
        .parse()
        .ok()
}

/// The folders of a workspace's members, sorted.
fn members(app: &Path, workspace: &Table) -> Vec<PathBuf> {
    let listed = |key: &str| {
        let list = workspace.get(key).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .flat_map(|pattern| matching(app, pattern))
            .collect::<Vec<_>>()
    };
    let excluded = listed("exclude");
    let mut members = listed("members");
    members.retain(|member| !excluded.contains(member));
    members.sort();
    members.dedup();
    members
}

/// The folders that a pattern such as `crates/*` names.
fn matching(app: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found
            .into_iter()
            .flat_map(|folder| match part.split_once('*') {
                None => vec![folder.join(part)],
                Some((begins, ends)) => names(&app.join(&folder))
                    .into_iter()
                    .filter(|name| {
                        name.len() >= begins.len() + ends.len()
                            && name.starts_with(begins)
                            && name.ends_with(ends)
                    })
                    .map(|name| folder.join(name))
                    .collect(),
            })
            .collect();
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Whether cargo would make a binary `migrate` of the package.
fn has_program(manifest: &Table, package: &str, folder: &Path) -> bool {
    let named = manifest.get("bin").and_then(Value::as_array);
    let is_named = named.into_iter().flatten().any(|bin| {
        let name = bin.get("name").and_then(Value::as_str);
        name == Some(PROGRAM)
    });
    let found = ["src/bin/migrate.rs", "src/bin/migrate/main.rs"];
    is_named
        || found.iter().any(|path| folder.join(path).is_file())
        || (package == PROGRAM && folder.join("src/main.rs").is_file())
}

/// Whether the library is among the package's dependencies, under any name.
fn needs_library(manifest: &Table, workspace: Option<&Table>) -> bool {
    let shared = workspace.and_then(|workspace| workspace.get("dependencies"));
    let is_library = |(key, value): (&String, &Value)| {
        let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
        let shared = shared.filter(|_| inherits).and_then(|all| all.get(key));
        let renamed = shared.unwrap_or(value).get("package");
        renamed.and_then(Value::as_str).unwrap_or(key) == LIBRARY
    };
    manifest
        .get("dependencies")
        .and_then(Value::as_table)
        .is_some_and(|dependencies| dependencies.iter().any(is_library))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<(String, String)> {
        let app = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = app.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        find(app.path()).map(|own| (own.package, own.folder.to_string_lossy().into_owned()))
    }

    const PACKAGE: &str = "[package]\nname = \"guestbook\"\n";
    const BIN: &str = "[[bin]]\nname = \"migrate\"\npath = \"src/migrate.rs\"\n";
    const NEEDS: &str = "[dependencies]\ncnb-migrate = { git = \"x\" }\n";

    #[test]
    fn a_package_with_the_program_and_the_library_is_found() {
        let named = format!("{PACKAGE}{BIN}{NEEDS}");
        let expected = Some(("guestbook".to_string(), String::new()));
        assert_eq!(found(&[("Cargo.toml", &named)]), expected);
        let plain = format!("{PACKAGE}{NEEDS}");
        for file in ["src/bin/migrate.rs", "src/bin/migrate/main.rs"] {
            assert_eq!(found(&[("Cargo.toml", &plain), (file, "")]), expected);
        }
        let renamed = format!(
            "{PACKAGE}{BIN}[dependencies]\nmigrations = {{ package = \"cnb-migrate\", git = \"x\" }}\n"
        );
        assert_eq!(found(&[("Cargo.toml", &renamed)]), expected);
    }

    #[test]
    fn a_member_of_a_workspace_is_found() {
        let root = "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"crates/old\"]\n\
                    [workspace.dependencies]\nm = { package = \"cnb-migrate\", git = \"x\" }\n";
        let member = format!("{PACKAGE}{BIN}[dependencies]\nm.workspace = true\n");
        assert_eq!(
            found(&[
                ("Cargo.toml", root),
                ("crates/old/Cargo.toml", &member),
                ("crates/web/Cargo.toml", PACKAGE),
                ("crates/database/Cargo.toml", &member),
            ]),
            Some(("guestbook".to_string(), "crates/database".to_string()))
        );
    }

    #[test]
    fn its_answer_is_told_without_what_no_build_can_know() {
        let document = br#"{"databases": [{"migrations": 2, "exit_code": 0, "findings": [
            {"code": "unknown_dialect", "severity": "warning", "message": "x"},
            {"code": "file_passed_over", "severity": "warning", "message": "README.sql is passed over"}
        ]}, {"migrations": 3, "findings": []}]}"#;
        assert_eq!(
            answer(document),
            Ok(Checked {
                migrations: 5,
                warnings: vec!["README.sql is passed over".to_string()],
            })
        );
        let one = answer(br#"{"migrations": 2, "findings": []}"#).unwrap();
        assert_eq!((one.migrations, one.warnings.len()), (2, 0));
        assert!(answer(b"hello").is_err());
    }

    #[test]
    fn others_are_not() {
        let only_bin = format!("{PACKAGE}{BIN}");
        let only_needs = format!("{PACKAGE}{NEEDS}");
        let for_the_build = format!("{PACKAGE}{BIN}[build-dependencies]\ncnb-migrate = \"1\"\n");
        for manifest in [&only_bin, &only_needs, &for_the_build, "not TOML ["] {
            assert_eq!(found(&[("Cargo.toml", manifest)]), None, "{manifest}");
        }
        assert_eq!(found(&[("migrations/1_a.sql", "")]), None);
    }
}
