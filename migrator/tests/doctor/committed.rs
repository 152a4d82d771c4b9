//! Whether what a deploy is built from is in the repository.

use super::patient::{CASES, Patient};
use std::fs;
use std::path::Path;

fn patient() -> Patient {
    let spec = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    Patient::healthy().write(".do/app.yaml", &spec).committed()
}

#[test]
fn what_is_committed_is_well() {
    patient().is_well();
}

#[test]
fn a_migration_that_git_does_not_know_is_not_deployed() {
    let patient = patient().write("migrations/2_b.sql", "CREATE TABLE b (id INT);\n");
    patient.has("file_not_committed");
    let (said, _) = patient.told(&[]);
    assert!(
        said.contains("migrations/2_b.sql is not in the repository"),
        "{said}"
    );
    assert!(said.contains("      git add migrations/2_b.sql"), "{said}");
    patient.git(&["add", "migrations"]).has("file_changed");
}

#[test]
fn a_command_quotes_what_a_shell_would_take_apart() {
    let patient = patient()
        .write("migrations/2_it's b.sql", "CREATE TABLE b (id INT);\n")
        .write("migrations/3_c.sql", "CREATE TABLE c (id INT);\n");
    let (said, _) = patient.told(&[]);
    assert!(
        said.contains(r"git add 'migrations/2_it'\''s b.sql' migrations/3_c.sql"),
        "{said}"
    );
}

#[test]
fn a_migration_that_is_ignored_is_not_deployed() {
    let patient = patient()
        .write(".gitignore", "2_*.sql\n")
        .write("migrations/2_b.sql", "CREATE TABLE b (id INT);\n");
    patient.has("file_ignored");
    let (said, _) = patient.told(&[]);
    assert!(said.contains("git ignores migrations/2_b.sql"), "{said}");
}

#[test]
fn an_ignored_folder_of_migrations_is_seen_whole() {
    let patient = Patient::healthy()
        .write(".gitignore", "/migrations/\n")
        .write(
            ".do/app.yaml",
            &fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap(),
        )
        .committed();
    patient.has("file_ignored");
}

/// Python's own, beside the revisions of every project of Alembic.
#[test]
fn what_python_has_compiled_is_in_no_repository() {
    let compiled = "migrations/__pycache__/a.cpython-313.pyc";
    patient().write(compiled, "").is_well();
    patient()
        .write(".gitignore", "__pycache__/\n")
        .git(&["add", ".gitignore"])
        .git(&["commit", "--quiet", "--message", "ignored"])
        .write(compiled, "")
        .is_well();
}

#[test]
fn an_ignored_lock_is_not_deployed() {
    let patient = patient().write(".gitignore", "*.lock\n");
    // What is committed is not ignored, whatever a pattern says.
    patient.is_well();
    patient
        .git(&["rm", "--quiet", "--cached", "poetry.lock"])
        .git(&["commit", "--quiet", "--message", "without"])
        .has("file_ignored");
}

#[test]
fn a_changed_migration_is_deployed_as_it_was() {
    patient()
        .write("migrations/1_a.sql", "CREATE TABLE a (id BIGINT);\n")
        .has("file_changed");
}

#[test]
fn a_project_below_the_repositorys_root_is_looked_at_alone() {
    let outer = tempfile::tempdir().unwrap();
    let inner = patient();
    super::patient::copy_folder(&inner.path(""), &outer.path().join("app"));
    fs::remove_dir_all(outer.path().join("app/.git")).unwrap();
    let repository = Patient::new().copy(outer.path()).committed();
    let repository = repository.write("notes.txt", "of nobody's concern");
    let run = |repository: &Patient| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_migrate"));
        command
            .args(["doctor", "--output", "json"])
            .env_remove("DATABASE_URL");
        let output = command
            .current_dir(repository.path("app"))
            .output()
            .unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    assert_eq!(run(&repository)["findings"], serde_json::json!([]));
    let repository = repository.write("app/migrations/2_b.sql", "SELECT 1;\n");
    let document = run(&repository);
    assert_eq!(
        document["findings"][0]["message"],
        "migrations/2_b.sql is not in the repository"
    );
}
