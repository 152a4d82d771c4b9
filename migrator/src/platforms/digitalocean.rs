//! `DigitalOcean` App Platform: a job of the kind `PRE_DEPLOY`, and with rollback one
//! for deploys that succeed and one for those that fail.

use super::{Deploy, GRACE_SECONDS, Via, go};
use std::fmt::Write;

pub(super) const FILE: &str = ".do/app.yaml";

/// A job that differs from the others by when it runs and what.
struct Job {
    name: &'static str,
    kind: &'static str,
    why: &'static str,
    command: &'static str,
}

const UP: Job = Job {
    name: "migrate",
    kind: "PRE_DEPLOY",
    why: "Runs before the new version starts; if it fails, that version is not deployed. A\n  # job without a kind runs after the deploy.",
    command: "migrate",
};

const CONFIRM: Job = Job {
    name: "migrate-confirm",
    kind: "POST_DEPLOY",
    why: "Runs when the new version is live: what is applied then is no longer reverted.",
    command: "migrate confirm",
};

const UNDO: Job = Job {
    name: "migrate-rollback",
    kind: "FAILED_DEPLOY",
    why: "Runs when the deploy has failed: reverts what its run applied, with the\n  # migrations' own down scripts, and nothing that was confirmed.",
    command: "migrate down --unconfirmed",
};

pub(super) fn text(deploy: &Deploy) -> String {
    let mut text = String::from(
        "# Database migrations on DigitalOcean App Platform. Add this to `jobs` of the app\n\
         # spec; `migrate doctor` checks the whole spec.\n",
    );
    if deploy.with_rollback {
        text.push_str(
            "#\n\
             # The three jobs are safe only together: without migrate-confirm no deploy ever counts\n\
             # as live, so migrate-rollback reverts nothing; or, if one was confirmed by hand, it\n\
             # would revert what is live.\n",
        );
    }
    text.push_str("jobs:\n");
    text.push_str(&job(deploy, &UP));
    if deploy.with_rollback {
        text.push_str(&job(deploy, &CONFIRM));
        text.push_str(&job(deploy, &UNDO));
    }
    text
}

fn job(deploy: &Deploy, job: &Job) -> String {
    let is_first = job.kind == UP.kind;
    // Comments once are enough.
    let why = |text: &str| {
        if is_first {
            format!("  # {}\n", text.replace('\n', "\n  # "))
        } else {
            String::new()
        }
    };
    format!(
        "- name: {name}\n  # {reason}\n  kind: {kind}\n{source}\
         {command_why}  run_command: {command}\n\
         {envs}\
         {timeout_why}  timeout: {timeout}\n\
         {grace_why}  termination:\n    grace_period_seconds: {GRACE_SECONDS}\n\
         {instance_why}  instance_count: 1\n  instance_size_slug: apps-s-1vcpu-0.5gb\n",
        name = job.name,
        reason = job.why,
        kind = job.kind,
        source = source(deploy, is_first),
        command_why =
            why("Only plain words: the platform promises no shell, so no &&, no quotes and no $."),
        command = job.command,
        envs = envs(deploy, is_first),
        timeout_why = why(&format!(
            "The run's own deadline ({}) must end first, so that it rolls back and reports it.\n\
             A bigger instance does not extend the timeout.",
            go(deploy.deadline)
        )),
        timeout = go(deploy.time()),
        grace_why = why("From SIGTERM to SIGKILL: time to cancel in the database and roll back."),
        instance_why = why("Several would wait for each other's lock."),
    )
}

fn source(deploy: &Deploy, is_first: bool) -> String {
    let why = |text: &str| {
        if is_first {
            format!("  # {}\n", text.replace('\n', "\n  # "))
        } else {
            String::new()
        }
    };
    match deploy.via {
        Via::Image => {
            let image = match &deploy.repository {
                Some(repository) if repository.host == "github.com" => {
                    let name = repository.name.to_lowercase();
                    let (owner, name) = name.split_once('/').unwrap_or(("owner", &deploy.app));
                    format!(
                        "    registry_type: GHCR\n    registry: {owner}\n    repository: {name}\n    tag: latest\n"
                    )
                }
                _ => format!(
                    "    registry_type: DOCR\n    repository: {}\n    tag: latest\n",
                    deploy.app
                ),
            };
            why(
                "The application's own image, made by `pack build` with the buildpack; the service\n\
                 uses it too. If it has a default process (web), this job may start that in place\n\
                 of `migrate`: then build a second image with --default-process migrate.\n\
                 A private registry needs `registry_credentials`, which are set in the control panel.",
            ) + "  image:\n"
                + &image
        }
        Via::Wheel => {
            why(
                "Built again for this job, by the Python buildpack, from the lock at the root:\n\
                 `migrate` is one of the dependencies there.",
            ) + &repository(deploy)
                + "  source_dir: /\n  environment_slug: python\n"
        }
        Via::Binary => {
            why(
                "Built again for this job. Rust has no environment_slug: its buildpack takes part\n\
                 where Cargo.toml and Cargo.lock are at the root. The sources are deleted after the\n\
                 build, and the migrations are in the binary.",
            ) + &repository(deploy)
                + "  source_dir: /\n"
        }
    }
}

/// Where the repository is. The service begins the deploys, and the job runs in
/// each of them.
fn repository(deploy: &Deploy) -> String {
    let branch = deploy.branch.as_deref().unwrap_or("main");
    let (host, name) = match &deploy.repository {
        Some(repository) => (repository.host.as_str(), repository.name.as_str()),
        None => ("github.com", "OWNER/REPOSITORY"),
    };
    let integrated = match host {
        "bitbucket.org" => Some("bitbucket"),
        "github.com" => Some("github"),
        "gitlab.com" => Some("gitlab"),
        _ => None,
    };
    match integrated {
        Some(source) => format!(
            "  {source}:\n    repo: {name}\n    branch: {branch}\n    deploy_on_push: false\n"
        ),
        None => {
            format!("  git:\n    repo_clone_url: https://{host}/{name}.git\n    branch: {branch}\n")
        }
    }
}

fn envs(deploy: &Deploy, is_first: bool) -> String {
    let mut text = String::from("  envs:\n");
    if is_first {
        text.push_str(
            "  # At run time only: the build needs no database. The name before the dot is the\n  \
             # database's in `databases` of the spec.\n",
        );
    }
    for database in &deploy.databases {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "  - key: {}\n    scope: RUN_TIME\n    value: ${{{}.DATABASE_URL}}\n",
            database.variable, database.component
        );
    }
    if let Some(first) = deploy.databases.first() {
        if is_first {
            text.push_str(
                "  # The CA certificate of a managed cluster. The bound URL has sslmode=require, which\n  \
                 # encrypts but does not verify the server; with verify-full this is used.\n",
            );
        }
        let _ = write!(
            text,
            "  - key: DATABASE_CA_CERT\n    scope: RUN_TIME\n    value: ${{{}.CA_CERT}}\n",
            first.component
        );
    }
    if deploy.via != Via::Image {
        if is_first {
            text.push_str("  # Recorded with the run, and shown by `migrate status`.\n");
        }
        text.push_str(
            "  - key: MIGRATE_COMMIT\n    scope: RUN_TIME\n    value: ${_self.COMMIT_HASH}\n",
        );
    }
    if let Some(deadline) = deploy.option() {
        let _ = write!(
            text,
            "  - key: MIGRATE_DEADLINE\n    scope: RUN_TIME\n    value: {deadline}\n"
        );
    }
    if is_first && !deploy.variables.is_empty() {
        text.push_str(
            "  # What the migrations need (-- migrate:env). Set the values in the control panel:\n  \
             # they are encrypted there, but not in this file.\n",
        );
    }
    for variable in &deploy.variables {
        let _ = write!(
            text,
            "  - key: {variable}\n    scope: RUN_TIME\n    type: SECRET\n"
        );
    }
    text
}
