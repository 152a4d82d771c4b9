//! What is wrong with no component alone: whether the app migrates at all, where
//! else it does, and what begins a deploy twice.

use super::super::see;
use super::super::yaml::Node;
use super::app::{App, Component, Kind};
use super::command::{self, Deed};
use super::source::SOURCES;
use crate::diagnostic::Diagnostic;

/// What is wrong with the app as a whole.
pub(super) fn find(app: &App<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(no_job(app));
    found.extend(
        app.components
            .iter()
            .filter_map(|component| instance(app, component)),
    );
    found.extend(pushes(app));
    found.extend(rollback(app));
    found
}

fn deed(component: &Component<'_>) -> Option<Deed> {
    component.run_command().and_then(command::deed)
}

fn no_job(app: &App<'_>) -> Option<Diagnostic> {
    let migrates = |component: &Component<'_>| {
        let is_named = component.kind == Kind::Job && component.name().contains("migrat");
        is_named || matches!(deed(component), Some(Deed::Up | Deed::OtherTool))
    };
    if !app.is_whole() || app.components.iter().any(migrates) {
        return None;
    }
    let (span, at) = match app.root.entry("jobs") {
        Some((key, _)) => (key.span, "none of these migrates"),
        None => (
            app.root
                .entries()
                .first()
                .map_or(app.root.span, |(key, _)| key.span),
            "this app has no jobs",
        ),
    };
    Some(
        app.at(
            Diagnostic::warning("no_migrate_job", "no job of the app migrates its database"),
            span,
            at,
        )
        .because(
            "a new version is deployed on the old schema, unless it is migrated by other means \
             before",
            see::JOBS,
        )
        .help("print the job and add it: migrate spec digitalocean")
        .correction("jobs:\n- name: migrate\n  kind: PRE_DEPLOY\n  run_command: migrate"),
    )
}

/// A service that migrates when it starts.
fn instance(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    if !matches!(component.kind, Kind::Service | Kind::Worker) {
        return None;
    }
    let node = component.node.get("run_command")?;
    let title = format!(
        "{} migrates when it starts, in every instance",
        component.title()
    );
    let finding = match deed(component)? {
        Deed::OtherTool => Diagnostic::error("migrates_on_every_instance", title),
        Deed::Up => Diagnostic::warning("migrates_on_every_instance", title),
        Deed::Confirm | Deed::OtherVerb | Deed::Undo => return None,
    };
    Some(
        app.at(finding, node.span, "here")
            .because(
                "every instance does it, at every restart and when more are added; a long \
                 migration fails the health check, and the platform kills it halfway",
                see::JOBS,
            )
            .help(
                "let a PRE_DEPLOY job migrate, and the service only serve requests: migrate spec \
                 digitalocean",
            ),
    )
}

/// Components of one repository that each begin a deploy when somebody pushes.
fn pushes(app: &App<'_>) -> Option<Diagnostic> {
    let pushed: Vec<(&Component<'_>, &Node, String)> = app
        .components
        .iter()
        .filter_map(|component| {
            let (source, node) = SOURCES
                .iter()
                .find_map(|source| Some((source, component.node.get(source)?)))?;
            let switch = node.get("deploy_on_push")?;
            let is_on = switch.text() == Some("true")
                || switch.get("enabled").and_then(Node::text) == Some("true");
            let named = ["repo", "repository"].iter().find_map(|key| node.word(key));
            let from = format!("{source} {}", named.unwrap_or_default());
            is_on.then_some((component, switch, from))
        })
        .collect();
    let (job, switch, _) = pushed.iter().find(|(component, _, from)| {
        let others = pushed
            .iter()
            .filter(|(other, _, same)| other.kind != Kind::Job && same == from);
        component.kind == Kind::Job && others.count() > 0
    })?;
    let title = format!(
        "{} deploys on push, as a service of the same repository does",
        job.title()
    );
    Some(
        app.at(
            Diagnostic::warning("deploy_on_push_twice", title),
            switch.span,
            "the second",
        )
        .because(
            "a push may start two deploys, and the second supersedes the first while its migration \
             runs",
            see::APP_SPEC,
        )
        .help("let only the service start deploys: the job runs in each of them")
        .correction("deploy_on_push: false"),
    )
}

/// Taking back is safe only where deploys that succeed are confirmed.
fn rollback(app: &App<'_>) -> Option<Diagnostic> {
    let is_confirmed = app.jobs().any(|job| deed(job) == Some(Deed::Confirm));
    if is_confirmed {
        return None;
    }
    let undo = app.jobs().find(|job| deed(job) == Some(Deed::Undo))?;
    let title = format!(
        "{} reverts deploys, but none is ever confirmed",
        undo.title()
    );
    let span = undo
        .node
        .get("run_command")
        .map_or(undo.key("name"), |node| node.span);
    Some(
        app.at(
            Diagnostic::error("rollback_without_confirm", title),
            span,
            "alone",
        )
        .because(
            "what no job confirms is never live, so nothing is ever reverted; and if a run is \
             confirmed once by hand, a later failure would revert what is live",
            see::JOBS,
        )
        .help("add the job that confirms: migrate spec digitalocean --with-rollback")
        .correction("- name: migrate-confirm\n  kind: POST_DEPLOY\n  run_command: migrate confirm"),
    )
}
