//! Projects: each is the healthy one with one thing broken.

use super::patient::{CASES, Patient};
use std::fs;
use std::path::Path;

const POETRY: &str = "poetry.lock";
const PYPROJECT: &str = "pyproject.toml";

/// With a spec, so that nobody asks for a URL.
fn patient() -> Patient {
    let spec = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    Patient::healthy().write(".do/app.yaml", &spec)
}

fn healthy(name: &str) -> String {
    fs::read_to_string(Path::new(CASES).join("healthy").join(name)).unwrap()
}

/// A Python project of another package manager.
fn of_uv(lock: &str) -> Patient {
    patient()
        .remove(POETRY)
        .write(
            PYPROJECT,
            "[project]\nname = \"shop\"\nversion = \"0.1.0\"\nrequires-python = \">=3.13\"\n\
             dependencies = [\"alembic>=1.13\", \"Typing_Extensions\"]\n",
        )
        .write("uv.lock", lock)
}

const UV_LOCK: &str = "version = 1\n[[package]]\nname = \"alembic\"\nversion = \"1.13.1\"\n\
                       [[package]]\nname = \"cnb-migrate\"\nversion = \"0.1.0\"\n\
                       [[package]]\nname = \"typing-extensions\"\nversion = \"4.12.0\"\n";

fn revision(id: &str, parent: &str) -> String {
    format!(
        "\"\"\"a\"\"\"\n\nrevision = '{id}'\ndown_revision = {parent}\n\n\ndef upgrade():\n    pass\n"
    )
}

/// A project of Alembic, its configuration below the root.
fn of_alembic() -> Patient {
    let patient = patient()
        .remove("migrations/1_a.sql")
        .write("api/alembic.ini", "[alembic]\nscript_location = alembic\n")
        .write("api/alembic/env.py", "")
        .write("api/alembic/versions/a1_first.py", &revision("a1", "None"))
        .write("api/alembic/versions/b2_second.py", &revision("b2", "'a1'"));
    fs::remove_dir(patient.path("migrations")).unwrap();
    patient
}

/// A Rust project with its own binary.
fn of_rust() -> Patient {
    let spec = fs::read_to_string(Path::new(CASES).join("specs/good/rust.yaml")).unwrap();
    Patient::new()
        .write(
            ".do/app.yaml",
            &spec.replace("  environment_slug: python\n", ""),
        )
        .write("migrations/1_a.sql", "CREATE TABLE a (id INT);\n")
        .write(
            "Cargo.toml",
            "[package]\nname = \"shop\"\nversion = \"0.2.0\"\nedition = \"2024\"\n\
             [[bin]]\nname = \"migrate\"\npath = \"migrate.rs\"\n\
             [dependencies]\nmigrate = { package = \"cnb-migrate\", version = \"0.1\" }\n",
        )
        .write(
            "Cargo.lock",
            "version = 4\n[[package]]\nname = \"cnb-migrate\"\nversion = \"0.1.0\"\n\
             [[package]]\nname = \"shop\"\nversion = \"0.2.0\"\n",
        )
}

#[test]
fn good_projects_have_none() {
    patient().is_well();
    of_uv(UV_LOCK).is_well();
    of_rust().is_well();
    patient()
        .remove(POETRY)
        .remove(PYPROJECT)
        .write(
            "requirements.txt",
            "alembic==1.13.1 # the tool\nasyncpg>=0.29 ; python_version > '3.8'\ncnb_migrate\n",
        )
        .is_well();
    of_alembic().is_well();
    of_alembic().committed().is_well();
}

/// What a Dockerfile builds, no Python buildpack reads.
#[test]
fn a_dockerfile_has_its_own_rules() {
    let image = fs::read_to_string(Path::new(CASES).join("specs/good/image.yaml")).unwrap();
    let service = "  environment_slug: python\n";
    let dockerfile = Patient::healthy()
        .write("Dockerfile", "FROM scratch\n")
        .write("requirements.txt", "alembic\n")
        .write(
            ".do/app.yaml",
            &image.replace(service, "  dockerfile_path: Dockerfile\n"),
        );
    dockerfile.is_well();
}

#[test]
fn a_dockerfile_wins_over_the_slug() {
    let good = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    // The service has no slug then, and knows what it is built by.
    let good = good.replacen("  environment_slug: python\n", "", 1);
    Patient::healthy()
        .write("Dockerfile", "FROM scratch\n")
        .write(".do/app.yaml", &good)
        .has("dockerfile_wins");
}

#[test]
fn two_package_managers_are_one_too_many() {
    patient()
        .write("requirements.txt", "alembic\n")
        .has("package_managers_several");
    patient()
        .write("uv.lock", UV_LOCK)
        .has("package_managers_several");
    patient()
        .write("Pipfile", "")
        .has("package_managers_several");
}

#[test]
fn a_lock_that_is_not_there_is_missed() {
    let good = fs::read_to_string(Path::new(CASES).join("specs/good/rust.yaml")).unwrap();
    let spec = good.replace("  environment_slug: python\n", "");
    patient()
        .remove(POETRY)
        .write(".do/app.yaml", &spec)
        .has("lock_missing");
    of_rust().remove("Cargo.lock").has("lock_missing");
}

#[test]
fn a_lock_of_another_time_is_stale() {
    let newer = healthy(PYPROJECT).replace("alembic = ", "Psycopg2_Binary = \"^2\"\nalembic = ");
    let patient = patient().write(PYPROJECT, &newer);
    patient.has("lock_stale");
    let found = patient.findings(&[]);
    assert_eq!(
        (found[0].file.as_deref(), found[0].line),
        (Some(POETRY), Some(3))
    );
    of_uv(&UV_LOCK.replace("alembic", "alembik")).has("lock_stale");
    let lock = "version = 4\n[[package]]\nname = \"shop\"\nversion = \"0.2.0\"\n";
    of_rust().write("Cargo.lock", lock).has("lock_stale");
    let lock = "version = 4\n[[package]]\nname = \"cnb-migrate\"\nversion = \"0.1.0\"\n\
                [[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n";
    of_rust().write("Cargo.lock", lock).has("lock_stale");
}

/// Whoever builds an image by other means may do without.
#[test]
fn what_only_a_buildpack_minds_is_a_warning_where_none_is_known() {
    let unknown = Patient::healthy()
        .remove(POETRY)
        .set("DATABASE_URL", "sqlite:a.db");
    let severity = |patient: &Patient| {
        let (document, _) = patient.document(&[]);
        let found = document["findings"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{document:#}");
        assert_eq!(found[0]["code"], "lock_missing");
        found[0]["severity"].as_str().unwrap().to_owned()
    };
    assert_eq!(severity(&unknown), "warning");
    let heroku = unknown.write("Procfile", "release: migrate\n");
    assert_eq!(severity(&heroku), "error");
}

#[test]
fn a_driver_that_the_spec_names_must_be_locked_too() {
    let spec = fs::read_to_string(Path::new(CASES).join("specs/good/parts.yaml")).unwrap();
    patient()
        .write(
            ".do/app.yaml",
            &spec.replace("postgresql://", "postgresql+asyncpg://"),
        )
        .is_well();
    patient()
        .write(
            ".do/app.yaml",
            &spec.replace("postgresql://", "postgresql+psycopg://"),
        )
        .has("dependency_missing");
}

/// `migrate` is a dependency, or a binary, of what is built.
#[test]
fn a_program_that_nothing_brings_is_missed() {
    let lock = healthy(POETRY).replace("name = \"cnb-migrate\"", "name = \"other\"");
    let manifest = healthy(PYPROJECT).replace("cnb-migrate = \"^0.1\"\n", "");
    let without = || patient().write(POETRY, &lock).write(PYPROJECT, &manifest);
    without().has("program_missing");
    let of_developers = healthy(POETRY).replace("0.1.0\"\ndescription = \"\"\noptional = false\npython-versions = \">=3.8\"\ngroups = [\"main\"]", "0.1.0\"\ngroups = [\"dev\"]");
    patient()
        .write(POETRY, &of_developers)
        .has("program_missing");
    let manifest = fs::read_to_string(of_rust().path("Cargo.toml")).unwrap();
    of_rust()
        .write("Cargo.toml", &manifest.replace("\"migrate\"", "\"shop\""))
        .has("program_missing");
    let spec = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    let built = spec.replace(
        "  run_command: migrate\n",
        "  run_command: migrate\n  build_command: ./get-migrate\n",
    );
    without().write(".do/app.yaml", &built).is_well();
}

/// What is for other Pythons or systems only, no tool need lock.
#[test]
fn a_dependency_on_a_condition_makes_no_lock_stale() {
    let conditional = healthy(PYPROJECT).replace(
        "alembic = ",
        "tomli = {version = \"^2\", python = \"<3.11\"}\nalembic = ",
    );
    patient().write(PYPROJECT, &conditional).is_well();
    let patient = of_uv(UV_LOCK);
    let text = fs::read_to_string(patient.path(PYPROJECT)).unwrap();
    let conditional = text.replace(
        "[\"alembic",
        "[\"tomli ; python_version < '3.11'\", \"alembic",
    );
    patient.write(PYPROJECT, &conditional).is_well();
}

#[test]
fn marks_of_a_merge_in_a_lock_are_placed() {
    let merged = format!("{}<<<<<<< HEAD\n", healthy(POETRY));
    let patient = patient().write(POETRY, &merged);
    patient.has("unreadable_file");
    assert_eq!(patient.findings(&[])[0].line, Some(43));
    self::patient()
        .write(PYPROJECT, "[tool.poetry\n")
        .has("unreadable_file");
}

#[test]
fn a_driver_that_the_url_names_must_be_locked() {
    let absent = patient()
        .set("DATABASE_URL", "postgresql+psycopg://u:p@127.0.0.1:1/d")
        .set("MIGRATE_WAIT", "0s");
    let for_developers = patient().set("DATABASE_URL", "sqlite+aiosqlite:///./app.db");
    let locked = patient()
        .set("DATABASE_URL", "postgresql+asyncpg://u:p@127.0.0.1:1/d")
        .set("MIGRATE_WAIT", "0s");
    let missing = |patient: &Patient| -> Vec<String> {
        let (document, _) = patient.document(&[]);
        let found = document["findings"].as_array().unwrap().iter();
        found
            .filter(|found| found["code"] == "dependency_missing")
            .map(|found| found["message"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(missing(&absent), ["psycopg is not in poetry.lock"]);
    assert_eq!(
        missing(&for_developers),
        ["aiosqlite is in poetry.lock only for development"]
    );
    assert_eq!(missing(&locked), [""; 0]);
}

#[test]
fn alembic_must_be_locked_where_it_is_used() {
    of_alembic()
        .remove(POETRY)
        .remove(PYPROJECT)
        .write("requirements.txt", "asyncpg\ncnb-migrate\n")
        .has("dependency_missing");
}

#[test]
fn alembics_revisions_must_be_one_line_to_one_head() {
    let third = "api/alembic/versions/c3_third.py";
    for (name, text, code) in [
        (third, revision("c3", "'a1'"), "alembic_several_heads"),
        (third, revision("c3", "'gone'"), "alembic_missing_revision"),
        (third, revision("b2", "'a1'"), "duplicate_version"),
    ] {
        let (document, exit) = of_alembic().write(name, &text).document(&[]);
        let found = document["findings"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{document:#}");
        assert_eq!(
            (found[0]["code"].as_str(), exit),
            (Some(code), Some(3)),
            "{document:#}"
        );
    }
}

#[test]
fn a_revision_that_git_does_not_know_is_not_deployed() {
    of_alembic()
        .committed()
        .write("api/alembic/versions/c3_third.py", &revision("c3", "'b2'"))
        .has("file_not_committed");
}

/// What `check --offline` finds is found here, too.
#[test]
fn migrations_that_cannot_be_applied_are_found() {
    for (name, text, code) in [
        ("migrations/x_b.sql", "SELECT 1;\n", "bad_version"),
        ("migrations/1_b.sql", "SELECT 1;\n", "duplicate_version"),
        ("migrations/2_b.sql", "SELECT '1;\n", "unterminated_sql"),
        ("migrations/2_b.sql", "COMMIT;\n", "transaction_control"),
    ] {
        let (document, exit) = patient()
            .write(name, text)
            .set("DATABASE_URL", "sqlite:a.db")
            .document(&[]);
        let found = document["findings"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{document:#}");
        assert_eq!(
            (found[0]["code"].as_str(), exit),
            (Some(code), Some(3)),
            "{document:#}"
        );
    }
    let nothing = patient().remove("migrations/1_a.sql");
    fs::remove_dir(nothing.path("migrations")).unwrap();
    let (document, _) = nothing.document(&[]);
    assert_eq!(document["findings"][0]["code"], "no_migrations_folder");
}
