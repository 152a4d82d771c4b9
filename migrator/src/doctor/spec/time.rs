//! How long a job that migrates may take, and how long it has to end.

use super::super::see;
use super::app::{App, Component};
use super::command;
use crate::diagnostic::Diagnostic;
use std::time::Duration;

/// A job's time where it says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

/// What a run needs after its deadline: to cancel, to roll back, to say so.
const TO_END: Duration = Duration::from_mins(1);

/// A cancelled statement may take a while to end.
const LEAST_GRACE: i64 = 30;

/// A job that ends before its run does, or says nothing of it.
pub(super) fn timeout(
    app: &App<'_>,
    component: &Component<'_>,
    ours: Duration,
) -> Option<Diagnostic> {
    let command = component.run_command().unwrap_or_default();
    let given = command::deadline(command).or_else(|| {
        let env = app.env(component, "MIGRATE_DEADLINE")?;
        env.value
    });
    let deadline = given
        .and_then(|text| humantime::parse_duration(text).ok())
        .unwrap_or(ours);
    let node = component.node.get("timeout");
    let timeout = match node {
        None => DEFAULT_TIMEOUT,
        // What is no duration the platform refuses.
        Some(node) => node.text().and_then(duration)?,
    };
    let enough = deadline + TO_END;
    let name = component.title();
    let line = format!("timeout: {}", minutes(enough + TO_END * 2));
    if timeout < enough {
        let said = match node {
            None => format!("{name} has 30 minutes by default, but its run may take"),
            Some(_) => format!("the timeout of {name} is shorter than its run may take:"),
        };
        let title = format!("{said} {}", minutes(deadline));
        let span = node.map_or_else(|| component.key("run_command"), |node| node.span);
        return Some(
            app.at(Diagnostic::error("timeout_short", title), span, "too short")
                .because(
                    "the platform ends the job before migrate can cancel and roll back by itself, \
                     so nothing reports what was changed",
                    see::APP_SPEC,
                )
                .help(
                    "give the job one minute more than --deadline, or shorten the deadline \
                     (MIGRATE_DEADLINE)",
                )
                .correction(line),
        );
    }
    if node.is_some() {
        return None;
    }
    let title = format!("{name} has no timeout");
    let finding = Diagnostic::warning("timeout_missing", title);
    Some(
        app.at(finding, component.key("run_command"), "no timeout")
            .because(
                "the job then has 30 minutes for everything it does, and a run's deadline must \
                 pass before that; a bigger instance does not extend it",
                see::APP_SPEC,
            )
            .help("set it, so that it is changed together with the deadline")
            .correction(line),
    )
}

/// A job that is killed before it has rolled back.
pub(super) fn grace(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component
        .node
        .get("termination")?
        .get("grace_period_seconds")?;
    let seconds: i64 = node.text()?.parse().ok()?;
    if !(1..LEAST_GRACE).contains(&seconds) {
        return None;
    }
    let title = format!(
        "{} has {seconds} s to end when its deploy is cancelled",
        component.title()
    );
    Some(
        app.at(
            Diagnostic::warning("grace_period_short", title),
            node.span,
            "short",
        )
        .because(
            "after that it is killed: what runs in the database ends when the server notices, and \
             nothing reports what was changed",
            see::TERMINATION,
        )
        .help("use the default of 120 s")
        .correction("termination:\n  grace_period_seconds: 120"),
    )
}

/// A duration as Go reads it.
fn duration(text: &str) -> Option<Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|_| !text.contains(' '))
}

/// A duration as a spec writes it.
fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (hours, 0, 0) => format!("{hours}h"),
        (hours, minutes, 0) => format!("{hours}h{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}
