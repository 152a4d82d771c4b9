//! What the example hands to GitHub and to DigitalOcean: checked without either.
//! `tests/python_image_test.rs` runs the workflow's commands.

// clippy.toml allows it in tests, which their helpers are not to clippy.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "tests/python_image_test.rs uses the rest")]
mod workflow;

use saphyr::YamlOwned;
use std::collections::BTreeSet;
use std::process::Command;
use workflow::{Workflow, text, yaml};

#[test]
fn every_action_is_pinned() {
    let workflow = Workflow::of_the_example();
    let actions: Vec<_> = workflow
        .steps()
        .filter_map(|step| text(step, "uses"))
        .collect();
    assert_eq!(actions.len(), 4);
    for action in actions {
        let (_, version) = action.split_once('@').unwrap();
        // `v5` is whatever its owner makes of it tomorrow.
        let is_commit = version.len() == 40 && version.chars().all(|c| c.is_ascii_hexdigit());
        let is_release = version.split('.').count() == 3;
        assert!(is_commit || is_release, "{action}");
    }
}

#[test]
fn no_job_may_do_more_than_it_needs() {
    let workflow = Workflow::of_the_example();
    let all = workflow.yaml["permissions"].as_mapping().unwrap();
    assert!(all.is_empty());
    let granted: Vec<Vec<_>> = workflow
        .jobs()
        .map(|job| {
            let permissions = job["permissions"].as_mapping().unwrap();
            let words = permissions.iter();
            words
                .map(|(what, how)| [what.as_str().unwrap(), how.as_str().unwrap()].join(": "))
                .collect()
        })
        .collect();
    let publish = vec!["contents: read", "packages: write"];
    assert_eq!(granted, [publish, vec!["contents: read"]]);
    // A deploy that migrates is not cut short by the next push.
    let concurrency = &workflow.yaml["concurrency"];
    assert_eq!(concurrency["cancel-in-progress"].as_bool(), Some(false));
}

#[test]
fn its_commands_are_bash_and_hold_no_expression() {
    let workflow = Workflow::of_the_example();
    let commands: Vec<_> = workflow
        .steps()
        .filter_map(|step| text(step, "run"))
        .collect();
    assert_eq!(commands.len(), 2);
    for commands in commands {
        let checked = Command::new("bash").args(["-n", "-c", commands]).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{checked:?}");
        // What comes from outside comes as a variable, never as text of a script.
        assert!(!commands.contains("${{"), "{commands}");
    }
}

#[test]
fn the_page_shows_the_workflows_command() {
    let page = include_str!("../docs/platforms/image.md");
    let (_, command) = page.split_once("```sh\npack build").unwrap();
    let (command, _) = command.split_once("```").unwrap();
    let workflow = Workflow::of_the_example();
    let commands = workflow.commands("Build and publish");
    assert_eq!(options(command), options(commands));
}

/// The words that begin with two dashes, in their order.
fn options(commands: &str) -> Vec<&str> {
    let words = commands.split_whitespace();
    words.filter(|word| word.starts_with("--")).collect()
}

#[test]
fn the_app_spec_holds_the_variables_that_the_workflow_gives() {
    let workflow = Workflow::of_the_example();
    let deploy = workflow
        .steps()
        .find(|step| text(step, "uses").is_some_and(|uses| uses.contains("app_action/deploy")))
        .unwrap();
    let given: BTreeSet<_> = deploy["env"]
        .as_mapping()
        .unwrap()
        .iter()
        .map(|(name, _)| name.as_str().unwrap().to_owned())
        .collect();
    let (bound, taken): (BTreeSet<_>, BTreeSet<_>) = placeholders(&yaml(".do/app.yaml"))
        .into_iter()
        .partition(|name| name.contains('.'));
    assert_eq!(taken, given);
    let bound: Vec<_> = bound.into_iter().collect();
    assert_eq!(bound, ["db.CA_CERT", "db.DATABASE_URL"]);
}

#[test]
fn both_app_specs_have_one_job_that_migrates_before_the_deploy() {
    for spec in [".do/app.yaml", ".do/app-python.yaml"] {
        let spec = yaml(spec);
        let jobs = spec["jobs"].as_sequence().unwrap();
        let [job] = &jobs[..] else {
            panic!("{jobs:?}");
        };
        assert_eq!(text(job, "kind"), Some("PRE_DEPLOY"));
        assert_eq!(text(job, "run_command"), Some("migrate"));
        let scopes = job["envs"].as_sequence().unwrap().iter();
        for scope in scopes.map(|env| text(env, "scope")) {
            assert_eq!(scope, Some("RUN_TIME"));
        }
    }
}

/// The names in `${…}` of all texts.
fn placeholders(yaml: &YamlOwned) -> BTreeSet<String> {
    if let Some(mapping) = yaml.as_mapping() {
        mapping
            .iter()
            .flat_map(|(_, value)| placeholders(value))
            .collect()
    } else if let Some(sequence) = yaml.as_sequence() {
        sequence.iter().flat_map(placeholders).collect()
    } else {
        let text = yaml.as_str().unwrap_or_default();
        let names = text.split("${").skip(1);
        names
            .map(|rest| rest.split_once('}').unwrap().0.to_owned())
            .collect()
    }
}
