//! When a job that migrates runs, for how long, and by which command.

use super::super::see;
use super::Surroundings;
use super::app::{App, Component, Kind};
use super::command::{self, Deed};
use super::time;
use crate::diagnostic::Diagnostic;

const KINDS: [&str; 5] = [
    "FAILED_DEPLOY",
    "POST_DEPLOY",
    "PRE_DEPLOY",
    "SCHEDULED",
    "UNSPECIFIED",
];

/// Jobs that migrate at the wrong time, or in the wrong way.
pub(super) fn find(app: &App<'_>, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for component in &app.components {
        let command = component.run_command();
        let deed = command.and_then(command::deed);
        if deed.is_some() {
            found.extend(shell(app, component));
        }
        if component.kind != Kind::Job {
            continue;
        }
        if command.is_none() && component.name().contains("migrat") {
            found.push(no_command(app, component));
        }
        let Some(deed) = deed else {
            continue;
        };
        found.extend(kind(app, component, deed));
        if deed == Deed::OtherVerb {
            found.extend(other_verb(app, component));
        }
        if deed == Deed::OtherTool {
            found.push(other_tool(app, component));
        }
        if matches!(deed, Deed::Up | Deed::OtherTool) {
            found.extend(time::timeout(app, component, around.deadline));
            found.extend(instances(app, component));
        }
        found.extend(time::grace(app, component));
    }
    found
}

fn kind(app: &App<'_>, component: &Component<'_>, deed: Deed) -> Option<Diagnostic> {
    let kind = component.node.get("kind");
    let word = kind.and_then(|node| node.text()).unwrap_or_default();
    // What is no kind at all the platform refuses.
    if kind.is_some() && !KINDS.contains(&word) {
        return None;
    }
    let right = match deed {
        Deed::Up | Deed::OtherTool => "PRE_DEPLOY",
        Deed::Confirm => "POST_DEPLOY",
        Deed::Undo => "FAILED_DEPLOY",
        Deed::OtherVerb => return None,
    };
    let is_open = word.is_empty() || word == "UNSPECIFIED";
    // What is filled in is what it needs.
    if word == right || (deed == Deed::Confirm && is_open) {
        return None;
    }
    let name = component.title();
    let finding = match (kind, deed) {
        _ if is_open => {
            let what = match kind {
                None => "has no `kind`",
                Some(_) => "leaves its `kind` open",
            };
            Diagnostic::error(
                "kind_missing",
                format!("{name} {what}, which means POST_DEPLOY"),
            )
            .because(
                "the platform fills in POST_DEPLOY: the job runs when the new version is already \
                 live, and if the job fails, the deploy has succeeded anyway",
                see::JOBS,
            )
        }
        (_, Deed::Confirm) => {
            Diagnostic::error("kind_wrong", format!("{name} confirms a deploy as {word}")).because(
                "a run that is confirmed before its deploy is live can no longer be reverted if \
                 that deploy fails",
                see::JOBS,
            )
        }
        (_, Deed::Undo) => {
            Diagnostic::error("kind_wrong", format!("{name} reverts a deploy as {word}")).because(
                "it is for deploys that have failed; at any other time it reverts what is live \
                     or about to be",
                see::JOBS,
            )
        }
        _ => {
            let when = match word {
                "POST_DEPLOY" => "the new version is live before its schema is",
                "FAILED_DEPLOY" => "it runs only when a deploy has failed",
                _ => "it runs on a schedule, whatever is deployed",
            };
            Diagnostic::error("kind_wrong", format!("{name} migrates as {word}")).because(
                format!("{when}, and its failure does not stop a deploy"),
                see::JOBS,
            )
        }
    };
    let span = kind.map_or_else(|| component.key("name"), |node| node.span);
    Some(
        app.at(
            finding,
            span,
            if kind.is_some() {
                "wrong kind"
            } else {
                "has no `kind`"
            },
        )
        .help(format!("use {right}"))
        .correction(format!("kind: {right}")),
    )
}

fn no_command(app: &App<'_>, component: &Component<'_>) -> Diagnostic {
    let title = format!("{} has no run command", component.title());
    app.at(
        Diagnostic::error("run_command_missing", title),
        component.key("name"),
        "runs the image's default process",
    )
    .because(
        "without one the default process runs, which is usually the web server: it never ends, and \
         the deploy waits for it until the timeout",
        see::COMMANDS,
    )
    .help("set the command")
    .correction("run_command: migrate")
}

fn shell(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("run_command")?;
    let command = node.text()?;
    let name = component.title();
    let (finding, why) = if let Some((_, sign)) = command::shell(command) {
        let sign = if sign == "\n" { "a second line" } else { sign };
        (
            Diagnostic::error(
                "run_command_needs_shell",
                format!("the run command of {name} needs a shell for {sign}"),
            ),
            "the platform does not promise that a shell runs it: such a command passes validation, \
             but may fail when it runs, or pass `&&` to the program as an argument",
        )
    } else if command::is_quoted(command) {
        (
            Diagnostic::warning(
                "run_command_needs_shell",
                format!("the run command of {name} has quotes, as for a shell"),
            ),
            "the platform does not promise how the command is split into words",
        )
    } else {
        return None;
    };
    let finding = app
        .at(finding, node.span, "here")
        .because(why, see::COMMANDS);
    Some(if component.kind == Kind::Job {
        finding
            .help(
                "use one program and plain words; set the rest with variables, such as MIGRATE_DIR",
            )
            .correction("run_command: migrate")
    } else {
        finding.help("let a PRE_DEPLOY job run the migration: migrate spec digitalocean")
    })
}

/// A job before the deploy that runs another verb of this program, and takes away
/// what is live, or is the only one and brings nothing up.
fn other_verb(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("run_command")?;
    if component.node.get("kind")?.text()? != "PRE_DEPLOY" {
        return None;
    }
    let command = node.text()?;
    let takes_away = ["down", "redo"]
        .into_iter()
        .any(|verb| command.split_whitespace().any(|word| word == verb));
    let is_up = |it: &Component<'_>| it.run_command().and_then(command::deed) == Some(Deed::Up);
    if !takes_away && app.components.iter().any(is_up) {
        return None;
    }
    let title = format!("{} does not bring the database up", component.title());
    let finding = Diagnostic::error("not_up", title);
    Some(
        app.at(finding, node.span, "not `up`")
            .because(
                if takes_away {
                    "at every deploy it removes what the live version needs"
                } else {
                    "it applies nothing: the new version starts on the old schema"
                },
                see::JOBS,
            )
            .help("run the program without a command, which is `migrate up`")
            .correction("run_command: migrate"),
    )
}

/// A tool or a script of its own: what `migrate` does around it is missing.
fn other_tool(app: &App<'_>, component: &Component<'_>) -> Diagnostic {
    let title = format!(
        "{} migrates without a lock and without a deadline",
        component.title()
    );
    let span = component
        .node
        .get("run_command")
        .map_or(component.key("name"), |node| node.span);
    app.at(
        Diagnostic::warning("not_migrate", title),
        span,
        "another program",
    )
    .because(
        "the platform does not promise that only one such job runs at a time: a superseded deploy \
         may be in its grace period when the next begins; and a failed job reports no more than \
         its script does",
        see::JOBS,
    )
    .help("run this program, which waits, locks, has a deadline and reports what failed and where")
    .correction("run_command: migrate")
}

fn instances(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("instance_count")?;
    let count: i64 = node.text()?.parse().ok()?;
    if count < 2 {
        return None;
    }
    let title = format!("{} runs {count} times at once", component.title());
    Some(
        app.at(
            Diagnostic::warning("several_instances", title),
            node.span,
            "more than one",
        )
        .because(
            "one of them migrates and the others wait for its lock; a program without a lock runs \
             every migration several times at once",
            see::JOBS,
        )
        .help("run it once")
        .correction("instance_count: 1"),
    )
}
