//! The stanzas of `migrate spec`: each is what its platform reads, keeps within its
//! limits, and is found good by the doctor.

use super::patient::{CASES, Patient, golden};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const PLATFORMS: [&str; 7] = [
    "cloud-run",
    "digitalocean",
    "fly",
    "heroku",
    "kubernetes",
    "railway",
    "render",
];

/// What the verb prints; standard error stays empty.
fn printed(patient: &Patient, args: &[&str]) -> String {
    let output = patient.run(&[&["spec"], args].concat());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn yaml(text: &str) -> Value {
    serde_yaml_ng::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn schema() -> jsonschema::Validator {
    let text = fs::read_to_string(Path::new(CASES).join("job.schema.json")).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn of_origin(patient: Patient) -> Patient {
    patient
        .git(&["init", "--quiet", "--initial-branch", "main"])
        .git(&["remote", "add", "origin", "git@github.com:Example/Shop.git"])
        .git(&["add", "--all"])
        .git(&["commit", "--quiet", "--message", "all"])
}

fn plain() -> Patient {
    of_origin(Patient::new().write("migrations/1_a.sql", "CREATE TABLE a (id INT);\n"))
}

fn python() -> Patient {
    of_origin(Patient::healthy())
}

fn rust() -> Patient {
    of_origin(
        Patient::new()
            .write("migrations/1_a.sql", "CREATE TABLE a (id INT);\n")
            .write(
                "Cargo.toml",
                "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n",
            )
            .write(
                "Cargo.lock",
                "[[package]]\nname = \"shop\"\nversion = \"0.1.0\"\n",
            )
            .write("src/bin/migrate.rs", "fn main() {}\n"),
    )
}

#[test]
fn every_way_is_within_the_schema_and_found_good() {
    let schema = schema();
    for (via, project) in [("image", plain()), ("wheel", python()), ("binary", rust())] {
        for more in [&[][..], &["--with-rollback"]] {
            for asked in [&[][..], &["--via", via]] {
                let args = [&["digitalocean"], asked, more].concat();
                let text = printed(&project, &args);
                let stanza = yaml(&text);
                let errors: Vec<_> = schema
                    .iter_errors(&stanza)
                    .map(|error| error.to_string())
                    .collect();
                assert_eq!(errors, [""; 0], "{via} {more:?}: {text}");
                fs::create_dir_all(project.path(".do")).unwrap();
                fs::write(project.path(".do/app.yaml"), &text).unwrap();
                assert_eq!(project.findings(&[]), [], "{via} {more:?}: {text}");
                fs::remove_dir_all(project.path(".do")).unwrap();
                let name = if more.is_empty() {
                    via.to_owned()
                } else {
                    format!("{via}-rollback")
                };
                golden(&format!("digitalocean-{name}.yaml"), &text);
            }
        }
    }
}

#[test]
fn times_fit_the_deadline_on_every_platform() {
    let project = plain();
    let of = |platform, deadline: &str| {
        // Every wait is a part of the deadline.
        printed(
            &project,
            &[platform, "--deadline", deadline, "--wait", "45m"],
        )
    };
    let job = &yaml(&of("digitalocean", "50m"))["jobs"][0];
    assert_eq!(job["timeout"], "53m");
    let envs = job["envs"].as_array().unwrap();
    assert!(
        envs.contains(&json!({"key": "MIGRATE_DEADLINE", "scope": "RUN_TIME", "value": "50m"}))
    );
    let job = yaml(&of("kubernetes", "50m"));
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 53 * 60);
    let job = yaml(&of("cloud-run", "50m"));
    assert_eq!(
        job["spec"]["template"]["spec"]["template"]["spec"]["timeoutSeconds"],
        53 * 60
    );
    let fly: toml::Table = of("fly", "50m").parse().unwrap();
    assert_eq!(
        fly["deploy"]["release_command_timeout"].as_str(),
        Some("53m")
    );
    assert!(of("heroku", "50m").ends_with("release: migrate up --deadline 50m\n"));
    // What the file says, whatever runs reads there.
    let with_file = plain().write("migrate.toml", "deadline = \"1h\"\n");
    let job = &yaml(&printed(&with_file, &["digitalocean"]))["jobs"][0];
    assert_eq!(job["timeout"], "1h3m");
    assert!(!job["envs"].to_string().contains("MIGRATE_DEADLINE"));
}

/// The Rust buildpack deletes migrate.toml with the sources.
#[test]
fn what_the_build_deletes_is_said_by_the_stanza() {
    let file = "deadline = \"1h\"\n";
    let deleted = printed(&rust().write("migrate.toml", file), &["digitalocean"]);
    assert!(deleted.contains("MIGRATE_DEADLINE"), "{deleted}");
    let kept = printed(&python().write("migrate.toml", file), &["digitalocean"]);
    assert!(!kept.contains("MIGRATE_DEADLINE"), "{kept}");
}

#[test]
fn a_deadline_that_a_platform_does_not_wait_for_is_refused() {
    let project = plain();
    for (platform, deadline, fits) in [
        ("heroku", "58m", "57m"),
        ("render", "30m", "27m"),
        ("cloud-run", "200h", "6days23h57m"),
    ] {
        let output = project.run(&["spec", platform, "--deadline", deadline]);
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(3), Vec::new()),
            "{platform}"
        );
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("deadline_too_long"), "{said}");
        assert!(
            said.contains(&format!("--deadline to {fits} or less")),
            "{said}"
        );
        printed(&project, &[platform, "--deadline", fits]);
    }
}

#[test]
fn what_a_platform_cannot_do_is_said_and_nothing_is_printed() {
    let project = plain();
    for platform in PLATFORMS
        .iter()
        .filter(|platform| **platform != "digitalocean")
    {
        for (option, words) in [
            (
                &["--with-rollback"][..],
                "runs nothing when a deploy has failed",
            ),
            (&["--via", "image"], "--via is for digitalocean"),
        ] {
            let output = project.run(&[&["spec", platform], option].concat());
            assert_eq!(
                (output.status.code(), output.stdout),
                (Some(2), Vec::new()),
                "{platform}"
            );
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains(words), "{said}");
        }
    }
    let unknown = project.run(&["spec", "herokku"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("heroku"));
}

#[test]
fn every_other_stanza_is_what_its_platform_reads() {
    let project = plain();
    for platform in PLATFORMS
        .iter()
        .filter(|platform| **platform != "digitalocean")
    {
        let text = printed(&project, &[platform]);
        match *platform {
            "fly" => {
                let fly: toml::Table = text.parse().unwrap();
                assert_eq!(
                    fly["deploy"]["release_command"].as_str(),
                    Some("/cnb/process/migrate")
                );
                assert_eq!(
                    fly["deploy"]["release_command_timeout"].as_str(),
                    Some("28m")
                );
            }
            "railway" => {
                let railway: toml::Table = text.parse().unwrap();
                let command = railway["deploy"]["preDeployCommand"].as_array().unwrap();
                assert_eq!(command[0].as_str(), Some("migrate"));
            }
            "heroku" => {
                let lines = text.lines().filter(|line| !line.starts_with('#'));
                assert_eq!(lines.collect::<Vec<_>>(), ["release: migrate"]);
            }
            "render" => {
                let service = &yaml(&text)["services"][0];
                assert_eq!(service["preDeployCommand"], "/cnb/process/migrate");
                assert_eq!(
                    service["envVars"][0]["fromDatabase"]["property"],
                    "connectionString"
                );
            }
            "kubernetes" => kubernetes(&text),
            "cloud-run" => {
                let job = yaml(&text);
                let task = &job["spec"]["template"]["spec"]["template"]["spec"];
                assert_eq!(
                    (&job["apiVersion"], &job["kind"]),
                    (&json!("run.googleapis.com/v1"), &json!("Job"))
                );
                assert_eq!(
                    (&task["maxRetries"], &task["timeoutSeconds"]),
                    (&json!(0), &json!(1680))
                );
                assert_eq!(
                    task["containers"][0]["command"],
                    json!(["/cnb/process/migrate"])
                );
            }
            other => panic!("{other} is not looked at"),
        }
        golden(&format!("{platform}.txt"), &text);
    }
}

/// The job, and the commented form of an init container.
fn kubernetes(text: &str) {
    let job = yaml(text);
    assert_eq!(
        (&job["apiVersion"], &job["kind"]),
        (&json!("batch/v1"), &json!("Job"))
    );
    let spec = &job["spec"];
    assert_eq!(
        (&spec["activeDeadlineSeconds"], &spec["backoffLimit"]),
        (&json!(1680), &json!(3))
    );
    assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");
    let container = &spec["template"]["spec"]["containers"][0];
    // A rule of another container's name would never apply.
    let rule = &spec["podFailurePolicy"]["rules"][0]["onExitCodes"];
    assert_eq!(rule["containerName"], container["name"]);
    let (_, init) = text.split_once("#     spec:\n").unwrap();
    let init: Vec<_> = init
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap())
        .collect();
    assert_eq!(&yaml(&init.join("\n"))["initContainers"][0], container);
}

#[test]
fn several_databases_and_variables_come_along() {
    let project = Patient::new()
        .write(
            "migrate.toml",
            "[database.shop]\nurl-env = \"SHOP_URL\"\n[database.big_billing]\ndir = \"billing\"\n\
             [database.local]\ndatabase-url = \"sqlite:a.db\"\ndir = \"billing\"\n",
        )
        .write(
            "migrations/1_a.sql",
            "-- migrate:env APP_ROLE APP_PASSWORD\nSELECT 1;\n",
        )
        .write("billing/1_a.sql", "SELECT 1;\n");
    let text = printed(&project, &["digitalocean", "--via", "image"]);
    let stanza = yaml(&text);
    assert!(schema().is_valid(&stanza), "{text}");
    let env = |key: &str, value: &str| json!({"key": key, "scope": "RUN_TIME", "value": value});
    let secret = |key: &str| json!({"key": key, "scope": "RUN_TIME", "type": "SECRET"});
    assert_eq!(
        stanza["jobs"][0]["envs"],
        json!([
            env("SHOP_URL", "${shop.DATABASE_URL}"),
            env("BIG_BILLING_DATABASE_URL", "${big-billing.DATABASE_URL}"),
            env("DATABASE_CA_CERT", "${shop.CA_CERT}"),
            secret("APP_PASSWORD"),
            secret("APP_ROLE"),
        ])
    );
    let picked = printed(&project, &["digitalocean", "--database", "big_billing"]);
    assert!(!picked.contains("SHOP_URL"), "{picked}");
    let kubernetes = yaml(&printed(&project, &["kubernetes"]));
    let names = kubernetes["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array()
        .unwrap();
    let names: Vec<_> = names
        .iter()
        .map(|env| env["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "SHOP_URL",
            "BIG_BILLING_DATABASE_URL",
            "APP_PASSWORD",
            "APP_ROLE"
        ]
    );
}

#[test]
fn where_the_repository_is_follows_its_address() {
    for (address, source) in [
        (
            "https://gitlab.com/group/shop.git",
            json!({"gitlab": {"repo": "group/shop", "branch": "main", "deploy_on_push": false}}),
        ),
        (
            "git@bitbucket.org:group/shop.git",
            json!({"bitbucket": {"repo": "group/shop", "branch": "main", "deploy_on_push": false}}),
        ),
        (
            "https://user:hunter2@git.example.com/group/shop",
            json!({"git": {"repo_clone_url": "https://git.example.com/group/shop.git", "branch": "main"}}),
        ),
    ] {
        let project = python().git(&["remote", "set-url", "origin", address]);
        let text = printed(&project, &["digitalocean"]);
        assert!(!text.contains("hunter2"), "{text}");
        let stanza = yaml(&text);
        for (key, value) in source.as_object().unwrap() {
            assert_eq!(&stanza["jobs"][0][key], value, "{text}");
        }
        assert!(schema().is_valid(&stanza), "{text}");
    }
    // Without any the placeholder is found by the doctor, and nothing else.
    let nowhere = Patient::healthy();
    let text = printed(&nowhere, &["digitalocean"]);
    nowhere
        .write(".do/app.yaml", &text)
        .has("repository_missing");
}

#[test]
fn a_program_gets_the_stanza_as_lines_and_the_file_that_it_is_for() {
    let project = plain();
    let output = project.run(&["spec", "fly", "--output", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["file"], "fly.toml");
    let lines = document["lines"].as_array().unwrap().iter();
    let text: Vec<_> = lines.map(|line| line.as_str().unwrap()).collect();
    assert_eq!(text.join("\n") + "\n", printed(&project, &["fly"]));
}

/// A new project may ask for its job before it has anything else.
#[test]
fn a_project_without_migrations_or_a_database_has_its_stanzas() {
    for platform in PLATFORMS {
        printed(&Patient::new(), &[platform]);
    }
}
