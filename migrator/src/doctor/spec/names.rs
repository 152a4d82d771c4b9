//! What components are called, and the databases that they are bound to.

use super::super::finding::Finding;
use super::super::see;
use super::super::yaml::Node;
use super::app::App;

/// Names that the platform refuses, and names that two have.
pub(super) fn find(app: &App<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    if app.is_whole() && app.root.get("name").is_none() {
        found.push(missing(app, app.root, "the app"));
    }
    let components = app.components.iter().map(|component| component.node);
    let mut nodes: Vec<_> = components.chain(app.databases.iter().copied()).collect();
    nodes.sort_by_key(|node| node.span.start);
    for node in nodes {
        let Some(name) = node.get("name") else {
            found.push(missing(app, node, "a component"));
            continue;
        };
        let Some(text) = name.text() else {
            continue;
        };
        if !is_name(text) {
            let finding =
                Finding::error("bad_name", format!("{text:?} is no name for a component"));
            let finding = app
                .at(finding, name.span, "not this")
                .because(
                    "a name has 2 to 32 small letters, digits and dashes, begins with a letter and \
                     does not end with a dash; the platform refuses any other",
                    see::APP_SPEC,
                )
                .fix("give it such a name, in every `${NAME.…}` too");
            found.push(match proper(text) {
                Some(proper) => finding.correction(format!("name: {proper}")),
                None => finding,
            });
        } else if seen.contains(&text) {
            let finding = Finding::error("name_twice", format!("two components are called {text}"));
            found.push(
                app.at(finding, name.span, "the second")
                    .because(
                        "a name is unique in its app; the platform refuses the spec",
                        see::APP_SPEC,
                    )
                    .fix("give one of them another name"),
            );
        }
        seen.push(text);
    }
    found.extend(app.databases.iter().filter_map(|node| cluster(app, node)));
    found
}

fn missing(app: &App<'_>, node: &Node, what: &str) -> Finding {
    let first = node.entries().first();
    let span = first.map_or(node.span, |(key, _)| key.span);
    let finding = Finding::error("name_missing", format!("{what} has no name"));
    app.at(finding, span, "here")
        .because(
            "the platform refuses a spec in which something has no name",
            see::APP_SPEC,
        )
        .fix("give it one")
        .correction("name: migrate")
}

/// A production database that is bound to no cluster.
fn cluster(app: &App<'_>, node: &Node) -> Option<Finding> {
    let production = node
        .get("production")
        .filter(|node| node.text() == Some("true"))?;
    if node.get("cluster_name").is_some() {
        return None;
    }
    let name = node.word("name").unwrap_or("db");
    let finding = Finding::error(
        "cluster_missing",
        format!("the database {name} is a production database without a cluster"),
    );
    let finding = app.at(finding, production.span, "this needs `cluster_name`");
    Some(
        finding
            .because(
                "a production database is a cluster that exists already; without its name nothing \
                 is bound, and the job gets the text `${…}` for a URL",
                see::DATABASES,
            )
            .fix("name the cluster, or leave `production` out for a dev database")
            .correction(format!("cluster_name: {name}")),
    )
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (2..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.chars().all(inner)
}

/// The same as a name may be, if it can be.
fn proper(text: &str) -> Option<String> {
    let dashed: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let start = dashed.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let short: String = start.chars().take(32).collect();
    let proper = short.trim_end_matches('-').to_owned();
    is_name(&proper).then_some(proper)
}
