//! What a spec may say at all: its fields, their words and their limits.

use super::super::finding::Finding;
use super::super::see;
use super::super::yaml::{Node, Value};
use super::app::{App, Kind};
use crate::config::nearest;
use crate::text::Span;

/// What a field's value is.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Anything,
    Flag,
    /// A Go duration, as in `1h30m`.
    Duration,
    Number(i64, i64),
    OneOf(&'static [&'static str]),
    Text,
    /// A list of such, each with these fields.
    ListOf(&'static Fields),
    Fields(&'static Fields),
}

type Fields = [(&'static str, Takes)];

const SCOPES: Takes = Takes::OneOf(&["BUILD_TIME", "RUN_AND_BUILD_TIME", "RUN_TIME", "UNSET"]);
const ENV: &Fields = &[
    ("key", Takes::Text),
    ("scope", SCOPES),
    ("type", Takes::OneOf(&["GENERAL", "SECRET"])),
    ("value", Takes::Text),
];
const GIT: &Fields = &[("branch", Takes::Text), ("repo_clone_url", Takes::Text)];
const HOST: &Fields = &[
    ("branch", Takes::Text),
    ("deploy_on_push", Takes::Flag),
    ("repo", Takes::Text),
];
const IMAGE: &Fields = &[
    ("deploy_on_push", Takes::Fields(&[("enabled", Takes::Flag)])),
    ("digest", Takes::Text),
    ("registry", Takes::Text),
    ("registry_credentials", Takes::Text),
    (
        "registry_type",
        Takes::OneOf(&["DOCKER_HUB", "DOCR", "GHCR"]),
    ),
    ("repository", Takes::Text),
    ("tag", Takes::Text),
];
const INSTANCES: Takes = Takes::Number(1, 250);
const GRACE: Takes = Takes::Number(1, 600);
pub(super) const KINDS: [&str; 5] = [
    "FAILED_DEPLOY",
    "POST_DEPLOY",
    "PRE_DEPLOY",
    "SCHEDULED",
    "UNSPECIFIED",
];

const JOB: &Fields = &[
    ("alerts", Takes::Anything),
    ("bitbucket", Takes::Fields(HOST)),
    ("build_command", Takes::Text),
    ("dockerfile_path", Takes::Text),
    ("environment_slug", Takes::Text),
    ("envs", Takes::ListOf(ENV)),
    ("git", Takes::Fields(GIT)),
    ("github", Takes::Fields(HOST)),
    ("gitlab", Takes::Fields(HOST)),
    ("image", Takes::Fields(IMAGE)),
    ("instance_count", INSTANCES),
    ("instance_size_slug", Takes::Text),
    ("kind", Takes::OneOf(&KINDS)),
    ("log_destinations", Takes::Anything),
    ("name", Takes::Text),
    ("run_command", Takes::Text),
    (
        "schedule",
        Takes::Fields(&[("cron", Takes::Text), ("time_zone", Takes::Text)]),
    ),
    ("source_dir", Takes::Text),
    (
        "termination",
        Takes::Fields(&[("grace_period_seconds", GRACE)]),
    ),
    ("timeout", Takes::Duration),
];
const WORKER: &Fields = &[
    ("alerts", Takes::Anything),
    ("autoscaling", Takes::Anything),
    ("bitbucket", Takes::Fields(HOST)),
    ("build_command", Takes::Text),
    ("dockerfile_path", Takes::Text),
    ("environment_slug", Takes::Text),
    ("envs", Takes::ListOf(ENV)),
    ("git", Takes::Fields(GIT)),
    ("github", Takes::Fields(HOST)),
    ("gitlab", Takes::Fields(HOST)),
    ("image", Takes::Fields(IMAGE)),
    ("instance_count", INSTANCES),
    ("instance_size_slug", Takes::Text),
    ("liveness_health_check", Takes::Anything),
    ("log_destinations", Takes::Anything),
    ("name", Takes::Text),
    ("run_command", Takes::Text),
    ("source_dir", Takes::Text),
    ("termination", Takes::Anything),
];
/// What a service has beside what a worker has.
const SERVICE: &Fields = &[
    ("cors", Takes::Anything),
    ("health_check", Takes::Anything),
    ("http_port", Takes::Number(1, 65_535)),
    ("inactivity_sleep", Takes::Anything),
    ("internal_ports", Takes::Anything),
    ("protocol", Takes::OneOf(&["HTTP", "HTTP2"])),
    ("routes", Takes::Anything),
];
const DATABASE: &Fields = &[
    ("cluster_name", Takes::Text),
    ("db_name", Takes::Text),
    ("db_user", Takes::Text),
    (
        "engine",
        Takes::OneOf(&[
            "KAFKA",
            "MONGODB",
            "MYSQL",
            "OPENSEARCH",
            "PG",
            "REDIS",
            "UNSET",
            "VALKEY",
        ]),
    ),
    ("name", Takes::Text),
    ("num_nodes", Takes::Anything),
    ("production", Takes::Flag),
    ("size", Takes::Anything),
    ("version", Takes::Text),
];
/// Of static sites and functions no migration is made: their fields are not read.
const APP: &Fields = &[
    ("alerts", Takes::Anything),
    ("databases", Takes::ListOf(DATABASE)),
    ("disable_edge_cache", Takes::Flag),
    ("disable_email_obfuscation", Takes::Flag),
    ("domains", Takes::Anything),
    ("egress", Takes::Anything),
    ("enhanced_threat_control_enabled", Takes::Flag),
    ("envs", Takes::ListOf(ENV)),
    ("features", Takes::Anything),
    ("functions", Takes::Anything),
    ("ingress", Takes::Anything),
    ("jobs", Takes::Anything),
    ("maintenance", Takes::Anything),
    ("name", Takes::Text),
    ("region", Takes::Text),
    ("secure_header", Takes::Anything),
    ("services", Takes::Anything),
    ("static_sites", Takes::Anything),
    ("vpc", Takes::Anything),
    ("workers", Takes::Anything),
];

/// Fields that there are not, and values that a field does not take.
pub(super) fn find(app: &App<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    check(app, app.root, &[APP], "the app", &mut found);
    for component in &app.components {
        let fields: &[&Fields] = match component.kind {
            Kind::Job => &[JOB],
            Kind::Service => &[WORKER, SERVICE],
            Kind::Worker => &[WORKER],
            Kind::Function | Kind::StaticSite => continue,
        };
        check(app, component.node, fields, &component.title(), &mut found);
    }
    found
}

fn check(app: &App<'_>, node: &Node, fields: &[&Fields], owner: &str, found: &mut Vec<Finding>) {
    if !matches!(node.value, Value::Map(_)) {
        return found.push(wrong(app, node.span, owner, "fields"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        if seen.contains(&name) {
            found.push(twice(app, key.span, owner, name));
        }
        seen.push(name);
        let all = || fields.iter().flat_map(|fields| fields.iter());
        match all().find(|(known, _)| *known == name) {
            None => found.push(unknown(
                app,
                key.span,
                owner,
                name,
                all().map(|(known, _)| *known),
            )),
            Some(_) if value.is_nothing() => {}
            Some((_, takes)) => takes.check(app, value, &format!("`{name}` of {owner}"), found),
        }
    }
}

impl Takes {
    fn check(self, app: &App<'_>, value: &Node, what: &str, found: &mut Vec<Finding>) {
        let text = value.text();
        let takes = match self {
            Self::Anything => return,
            Self::Fields(fields) => return check(app, value, &[fields], what, found),
            Self::ListOf(fields) => match &value.value {
                Value::List(items) => {
                    for item in items {
                        let what = match item.word("key") {
                            Some(key) => format!("the variable {key}"),
                            None => format!("an entry of {what}"),
                        };
                        check(app, item, &[fields], &what, found);
                    }
                    return;
                }
                Value::Map(_) | Value::Scalar { .. } => "a list".to_owned(),
            },
            Self::Text if text.is_some() => return,
            Self::Text => "a text".to_owned(),
            Self::Flag if matches!(text, Some("true" | "false")) => return,
            Self::Flag => "true or false".to_owned(),
            Self::Duration if text.and_then(duration).is_some() => return,
            Self::Duration => "a duration, as in 30m or 1h30m".to_owned(),
            Self::Number(least, most) => match text.and_then(|text| text.parse::<i64>().ok()) {
                Some(number) if (least..=most).contains(&number) => return,
                _ => format!("a number from {least} to {most}"),
            },
            Self::OneOf(words) => match text {
                Some(text) if words.contains(&text) => return,
                Some(text) => {
                    let upper = text.to_uppercase();
                    let meant = nearest(&upper, words.iter().copied());
                    let meant = meant.or_else(|| deploy_kind(&upper).map(str::to_owned));
                    return found.push(not_one_of(app, value.span, what, text, words, meant));
                }
                None => format!("one of {}", words.join(", ")),
            },
        };
        found.push(wrong(app, value.span, what, &takes));
    }
}

/// What other documents call a scheduled job.
fn deploy_kind(word: &str) -> Option<&'static str> {
    word.contains("CRON").then_some("SCHEDULED")
}

/// A duration as Go writes it, in seconds.
pub(super) fn duration(text: &str) -> Option<std::time::Duration> {
    humantime::parse_duration(text)
        .ok()
        .filter(|_| !text.contains(' '))
}

fn unknown<'a>(
    app: &App<'_>,
    span: Span,
    owner: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Finding {
    // What a web service has, and a job cannot have.
    let is_served = SERVICE.iter().any(|(known, _)| *known == name);
    let why = if is_served {
        "a job takes no requests: it has no port, no route and no health check, and the platform \
         refuses a spec with fields that it does not know"
    } else {
        "the platform refuses a spec with fields that it does not know, or passes over what was \
         meant"
    };
    let meant = nearest(name, known);
    let finding = Finding::error("unknown_field", format!("{owner} has no field `{name}`"));
    let finding = app.at(finding, span, "unknown").because(why, see::APP_SPEC);
    match meant.filter(|_| !is_served) {
        Some(meant) => finding
            .fix(format!("did you mean `{meant}`?"))
            .correction(format!("{meant}:")),
        None => finding.fix("leave it out"),
    }
}

fn twice(app: &App<'_>, span: Span, owner: &str, name: &str) -> Finding {
    let finding = Finding::error("field_twice", format!("{owner} has `{name}` twice"));
    app.at(finding, span, "the second")
        .because(
            "one of the two is passed over without a word, or the spec is refused",
            see::YAML,
        )
        .fix("leave one of them")
}

fn wrong(app: &App<'_>, span: Span, what: &str, takes: &str) -> Finding {
    let finding = Finding::error("wrong_value", format!("{what} takes {takes}"));
    app.at(finding, span, "not this")
        .because("the platform refuses the spec", see::APP_SPEC)
        .fix(format!("give {takes}"))
}

fn not_one_of(
    app: &App<'_>,
    span: Span,
    what: &str,
    text: &str,
    words: &[&str],
    meant: Option<String>,
) -> Finding {
    let title = format!("{what} takes no {text}, but one of {}", words.join(", "));
    let finding = app
        .at(Finding::error("wrong_value", title), span, "unknown")
        .because("the platform refuses the spec", see::APP_SPEC);
    match meant {
        Some(meant) => {
            let key = what.split('`').nth(1).unwrap_or_default();
            let line = format!("{key}: {meant}");
            finding
                .fix(format!("did you mean {meant}?"))
                .correction(line)
        }
        None => finding.fix("give one of them"),
    }
}
