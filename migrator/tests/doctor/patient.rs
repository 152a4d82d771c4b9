//! A project in a folder of its own, and the real program that examines it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doctor");

pub(crate) struct Patient {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What a program needs to be told of a finding.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) code: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u64>,
}

impl Patient {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        }
    }

    /// A project of which nothing is wrong, but that it has no spec.
    pub(crate) fn healthy() -> Self {
        Self::new().copy(&Path::new(CASES).join("healthy"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn remove(self, name: &str) -> Self {
        fs::remove_file(self.path(name)).unwrap();
        self
    }

    pub(crate) fn copy(self, from: &Path) -> Self {
        copy_folder(from, self.folder.path());
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn git(self, args: &[&str]) -> Self {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let done = Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "git {args:?}: {done:?}");
        self
    }

    pub(crate) fn committed(self) -> Self {
        self.git(&["init", "--quiet"]).git(&["add", "--all"]).git(&[
            "commit",
            "--quiet",
            "--message",
            "all",
        ])
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrate"));
        command.current_dir(self.folder.path()).args(args);
        for (name, _) in std::env::vars() {
            if name.starts_with("MIGRATE_") || name.ends_with("DATABASE_URL") {
                command.env_remove(name);
            }
        }
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.envs(variables).output().unwrap()
    }

    /// What the doctor says to a person, and his exit code.
    pub(crate) fn told(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = self.run(&[&["doctor"], args].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{said}");
        (said, output.status.code())
    }

    /// What the doctor finds, and his exit code.
    pub(crate) fn document(&self, args: &[&str]) -> (Value, Option<i32>) {
        let output = self.run(&[&["doctor", "--output", "json"], args].concat());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["exit_code"], output.status.code().unwrap());
        (document, output.status.code())
    }

    /// The findings; each says all that it must.
    pub(crate) fn findings(&self, args: &[&str]) -> Vec<Found> {
        let (document, code) = self.document(args);
        let findings = document["findings"].as_array().unwrap();
        let is_error = |finding: &Value| finding["severity"] == "error";
        let expected = if findings.iter().any(is_error) { 3 } else { 0 };
        assert_eq!(code, Some(expected), "{document:#}");
        findings.iter().map(found).collect()
    }

    /// That it has one finding, and which.
    pub(crate) fn has(&self, code: &str) {
        let found = self.findings(&[]);
        let codes: Vec<_> = found.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, [code]);
    }

    /// That nothing is wrong with it.
    pub(crate) fn is_well(&self) {
        assert_eq!(self.findings(&[]), []);
    }
}

fn found(finding: &Value) -> Found {
    let text = |key: &str| finding[key].as_str().map(str::to_owned);
    let code = text("code").unwrap();
    assert!(
        text("message").is_some_and(|text| !text.ends_with('.')),
        "{finding}"
    );
    assert!(text("why").is_some() && text("fix").is_some(), "{finding}");
    let see = text("see").unwrap();
    assert!(see.starts_with("https://"), "{finding}");
    Found {
        code,
        file: text("file"),
        line: finding["line"].as_u64(),
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Holds a text against the file of this name, or writes it.
pub(crate) fn golden(name: &str, text: &str) {
    let path = Path::new(CASES).join("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    } else {
        assert_eq!(text, fs::read_to_string(path).unwrap(), "{name}");
    }
}
