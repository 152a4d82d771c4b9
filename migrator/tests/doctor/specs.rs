//! Specs: each file of `specs/` is broken in one way, which its name says, on the
//! line that says `# here`.

use super::patient::{CASES, Found, Patient, golden};
use std::fs;
use std::path::{Path, PathBuf};

const SPEC: &str = ".do/app.yaml";

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(CASES).join(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.is_file()).collect();
    paths.sort();
    paths
}

fn with_spec(text: &str) -> Patient {
    Patient::healthy().write(SPEC, text)
}

#[test]
fn every_broken_spec_has_its_one_finding_at_its_line() {
    let paths = files("specs");
    assert!(paths.len() >= 40, "only {} specs", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let code = name.split('-').next().unwrap();
        let line = text
            .lines()
            .position(|line| line.ends_with("# here"))
            .unwrap();
        let expected = Found {
            code: code.to_owned(),
            file: Some(SPEC.to_owned()),
            line: Some(line as u64 + 1),
        };
        let found = with_spec(&text).findings(&[]);
        if found != [expected] {
            wrong.push(format!("{name}, line {}: {found:?}", line + 1));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What the platform checks itself is left to it: `newer.yaml` has fields, words and
/// sizes that there may be one day.
#[test]
fn good_specs_have_none() {
    let paths = files("specs/good");
    assert!(paths.len() >= 10, "only {} specs", paths.len());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(with_spec(&text).findings(&[]), [], "{}", path.display());
    }
}

/// The one that the example deploys with.
#[test]
fn the_examples_own_spec_has_none() {
    let spec =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fastapi-alembic/.do/app.yaml");
    let text = fs::read_to_string(spec).unwrap();
    assert_eq!(with_spec(&text).findings(&[]), []);
}

/// A job as many have it: a script of its own, and variables that name themselves.
#[test]
fn a_job_that_runs_a_script_has_exactly_what_it_deserves() {
    let stanza = fs::read_to_string(Path::new(CASES).join("script.yaml")).unwrap();
    let (said, code) = with_spec(&stanza).told(&[]);
    assert_eq!(code, Some(3));
    golden("script.txt", &said);
    let findings: Vec<_> = with_spec(&stanza)
        .findings(&[])
        .into_iter()
        .map(|found| (found.code, found.line.unwrap()))
        .collect();
    let deserved = [
        ("self_reference", 8),
        ("self_reference", 11),
        ("timeout_missing", 18),
        ("not_migrate", 18),
    ];
    assert_eq!(
        findings,
        deserved.map(|(code, line)| (code.to_owned(), line))
    );
}

/// A variable may be wrong in two ways: one of them does not hide the other.
#[test]
fn a_build_scope_is_told_whatever_else_is_wrong_with_the_variable() {
    let scope = |text: &str| text.replacen("scope: RUN_TIME", "scope: BUILD_TIME", 1);
    let script = fs::read_to_string(Path::new(CASES).join("script.yaml")).unwrap();
    let build = fs::read_to_string(Path::new(CASES).join("specs/database_url_build_scope.yaml"));
    let build = build.unwrap();
    let itself = build.replace(
        "# here\n    value: ${db.DATABASE_URL}",
        "\n    value: ${DATABASE_URL}",
    );
    let ours = itself.replace(
        "DATABASE_URL\n    scope: BUILD",
        "MIGRATE_DATABASE_URL\n    scope: BUILD",
    );
    for text in [scope(&script), itself] {
        let codes: Vec<_> = with_spec(&text)
            .findings(&[])
            .into_iter()
            .map(|found| found.code)
            .collect();
        for code in ["database_url_build_scope", "self_reference"] {
            assert!(codes.iter().any(|found| found == code), "{code}: {codes:?}");
        }
    }
    let codes = with_spec(&ours).findings(&[]);
    assert!(
        codes.iter().any(|it| it.code == "database_url_build_scope"),
        "{codes:?}"
    );
}

#[test]
fn a_program_is_told_all_of_it() {
    let text = fs::read_to_string(Path::new(CASES).join("specs/kind_missing.yaml")).unwrap();
    let (document, _) = with_spec(&text).document(&[]);
    golden("kind_missing.json", &format!("{document:#}\n"));
}

#[test]
fn a_secret_that_is_found_is_not_told() {
    for path in files("specs") {
        let text = fs::read_to_string(&path).unwrap();
        // One that cannot be read at all, too.
        let broken = text.replace("region: ams", "region: [ams");
        for text in [text, broken] {
            let patient = with_spec(&text);
            for args in [&[][..], &["--output", "json"], &["--verbose"]] {
                let output = patient.run(&[&["doctor"], args].concat());
                for stream in [output.stdout, output.stderr] {
                    let said = String::from_utf8_lossy(&stream);
                    assert!(!said.contains("hunter2"), "{}: {said}", path.display());
                }
            }
        }
    }
}

/// Nor one of a mapping in one line, where the spec cannot be read.
#[test]
fn a_secret_in_braces_is_not_told_either() {
    let spec = "jobs:\n- name: migrate\n  image: {registry_credentials: \"$u:hunter2\"}\n  \
                envs: [{\"key\": A, \"value\": \"hunter2\"}]\n  kind: [\n";
    let output = with_spec(spec).run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("spec_unreadable") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_spec_is_named_or_found_under_each_of_its_names() {
    let broken = fs::read_to_string(Path::new(CASES).join("specs/kind_missing.yaml")).unwrap();
    for name in [".do/app.yaml", ".do/app.yml", ".do/deploy.template.yaml"] {
        Patient::healthy().write(name, &broken).has("kind_missing");
    }
    let elsewhere = Patient::healthy().write("deploy/spec.yaml", &broken);
    let found = elsewhere.findings(&["--spec", "deploy/spec.yaml"]);
    assert_eq!(found[0].file.as_deref(), Some("deploy/spec.yaml"));
    let missing = elsewhere.run(&["doctor", "--spec", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nowhere.yaml"));
}

#[test]
fn a_deadline_of_the_project_counts_for_the_timeout() {
    let good = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    let patient = with_spec(&good).write("migrate.toml", "deadline = \"50m\"\n");
    patient.has("timeout_short");
}

#[test]
fn each_of_several_databases_needs_its_variable() {
    let good = fs::read_to_string(Path::new(CASES).join("specs/good/whole.yaml")).unwrap();
    let patient = with_spec(&good).write(
        "migrate.toml",
        "[database.shop]\nurl-env = \"DATABASE_URL\"\ndir = \"migrations\"\n\
         [database.billing]\ndir = \"migrations\"\n",
    );
    let (document, _) = patient.document(&[]);
    let found = &document["findings"][0];
    assert_eq!(found["code"], "database_url_missing", "{document:#}");
    assert_eq!(
        found["message"],
        "the job migrate has no BILLING_DATABASE_URL"
    );
    assert_eq!(
        document["findings"].as_array().unwrap().len(),
        1,
        "{document:#}"
    );
}

/// Another repository's files are not here to be looked at.
#[test]
fn a_component_of_another_repository_is_not_held_against_this_one() {
    let spec = fs::read_to_string(Path::new(CASES).join("specs/source_dir_missing.yaml")).unwrap();
    let patient = with_spec(&spec).committed();
    patient.has("source_dir_missing");
    let origin = "https://github.com/example/other.git";
    patient.git(&["remote", "add", "origin", origin]).is_well();
}
