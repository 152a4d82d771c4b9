//! The variables of what migrates: whether the database's URL arrives, and as what.

use super::super::see;
use super::super::yaml::Node;
use super::Surroundings;
use super::app::{App, Component, Env};
use super::command::{self, Deed};
use crate::config::environment::variable;
use crate::diagnostic::Diagnostic;

/// What the platform itself fills in.
const BUILT_IN: [&str; 3] = ["APP_DOMAIN", "APP_ID", "APP_URL"];

/// What of a database can be bound.
const OF_DATABASE: [&str; 7] = [
    "CA_CERT",
    "DATABASE",
    "DATABASE_URL",
    "HOSTNAME",
    "PASSWORD",
    "PORT",
    "USERNAME",
];

/// What names of variables hold that may be the database's, for other tools.
const LIKE_DATABASE: [&str; 6] = ["DATABASE", "DB_", "MYSQL", "PG", "POSTGRES", "SQL"];

/// URLs that do not arrive, and references that lead nowhere.
pub(super) fn find(app: &App<'_>, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let databases = app.databases.iter();
    let mut found: Vec<_> = databases.filter_map(|node| cluster(app, node)).collect();
    for env in &app.envs {
        found.extend(references(app, None, env));
    }
    for component in &app.components {
        let deed = component.run_command().and_then(command::deed);
        for env in &component.envs {
            found.extend(references(app, Some(component), env));
            found.extend(build_variable(app, env));
            if deed.is_some() {
                found.extend(pooled(app, component, env));
            }
        }
        found.extend(twice(app, component));
        match deed {
            Some(Deed::OtherTool) if component.kind == super::app::Kind::Job => {
                let mut all = component.envs.iter().chain(&app.envs);
                let is_any =
                    |env: &Env<'_>| LIKE_DATABASE.iter().any(|like| env.key.contains(like));
                let is_late = |env: &&Env<'_>| {
                    env.key.ends_with("DATABASE_URL") && env.is("scope", "BUILD_TIME")
                };
                if !all.clone().any(is_any) {
                    found.push(missing(app, component, "DATABASE_URL", 0));
                } else if let Some(env) = all.find(is_late) {
                    found.push(build_scope(app, component, env));
                }
            }
            Some(Deed::Up | Deed::Confirm | Deed::Undo) => {
                found.extend(urls(app, component, around));
            }
            _ => {}
        }
    }
    found
}

/// A production database that is bound to no cluster.
fn cluster(app: &App<'_>, node: &Node) -> Option<Diagnostic> {
    let production = node
        .get("production")
        .filter(|node| node.text() == Some("true"))?;
    if node.get("cluster_name").is_some() {
        return None;
    }
    let name = node.word("name").unwrap_or("db");
    let finding = Diagnostic::error(
        "cluster_missing",
        format!("the database {name} is a production database without a cluster"),
    );
    let finding = app.at(finding, production.span, "this needs `cluster_name`");
    Some(
        finding
            .because(
                "a production database is a cluster that exists already; without its name nothing \
                 is bound, and the job gets the text `${…}` in place of a URL",
                see::DATABASES,
            )
            .help("name the cluster, or remove `production` for a dev database")
            .correction(format!("cluster_name: {name}")),
    )
}

/// The variables in which the URLs are looked for, as far as they do not arrive.
fn urls(app: &App<'_>, component: &Component<'_>, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let command = component.run_command().unwrap_or_default();
    let ours = variable("database-url");
    if command.contains("--database-url") {
        return Vec::new();
    }
    if let Some(env) = app.env(component, &ours) {
        let is_late = env.is("scope", "BUILD_TIME");
        return is_late
            .then(|| build_scope(app, component, env))
            .into_iter()
            .collect();
    }
    let number = |(number, name): (usize, &String)| match app.env(component, name) {
        None => Some(missing(app, component, name, number)),
        Some(env) if env.is("scope", "BUILD_TIME") => Some(build_scope(app, component, env)),
        Some(_) => None,
    };
    around
        .variables
        .iter()
        .enumerate()
        .filter_map(number)
        .collect()
}

fn missing(app: &App<'_>, component: &Component<'_>, name: &str, number: usize) -> Diagnostic {
    let databases = app.databases.iter().filter_map(|node| node.word("name"));
    let databases: Vec<_> = databases.collect();
    let database = databases.get(number).or(databases.first()).unwrap_or(&"db");
    let title = format!("{} has no {name}", component.title());
    app.at(
        Diagnostic::error("database_url_missing", title),
        component.key("envs"),
        "not among these",
    )
    .because(
        "a job has its own variables and the app's, but not those of a service; without a URL the \
             job fails, and the deploy with it",
        see::ENVIRONMENT,
    )
    .help("bind the database's URL, at run time")
    .correction(format!(
        "envs:\n- key: {name}\n  scope: RUN_TIME\n  value: ${{{database}.DATABASE_URL}}"
    ))
}

fn build_scope(app: &App<'_>, component: &Component<'_>, env: &Env<'_>) -> Diagnostic {
    let title = format!(
        "{} of {} is set while it is built, but not when it runs",
        env.key,
        component.title()
    );
    let span = env.node.get("scope").map_or(env.span(), |node| node.span);
    app.at(
        Diagnostic::error("database_url_build_scope", title),
        span,
        "not at run time",
    )
    .because(
        "the migration runs after the build, and does not find a URL",
        see::ENVIRONMENT,
    )
    .help("give it the scope RUN_TIME")
    .correction("scope: RUN_TIME")
}

/// References that lead nowhere: their text would be the value.
fn references(app: &App<'_>, owner: Option<&Component<'_>>, env: &Env<'_>) -> Option<Diagnostic> {
    let value = env.value?;
    let named: Vec<&str> = value
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
        .collect();
    named
        .into_iter()
        .find_map(|name| reference(app, owner, env, name))
}

fn reference(
    app: &App<'_>,
    owner: Option<&Component<'_>>,
    env: &Env<'_>,
    name: &str,
) -> Option<Diagnostic> {
    let of_app = |key: &str| app.envs.iter().any(|env| env.key == key);
    match name.split_once('.') {
        None if BUILT_IN.contains(&name) => None,
        None if name == env.key && (owner.is_none() || !of_app(name)) => Some(itself(app, env)),
        None if of_app(name)
            || owner.is_some_and(|owner| owner.envs.iter().any(|env| env.key == name)) =>
        {
            None
        }
        None if !app.is_whole() => None,
        None => Some(unknown(
            app,
            env,
            name,
            "the app has no variable of that name",
        )),
        Some(("_self", _)) => None,
        Some((component, attribute)) => {
            let database = app
                .databases
                .iter()
                .any(|node| node.word("name") == Some(component));
            let others = || {
                app.components
                    .iter()
                    .any(|other| other.node.word("name") == Some(component))
            };
            if database {
                let last = attribute.rsplit('.').next().unwrap_or(attribute);
                let is_known = OF_DATABASE.contains(&last);
                (!is_known).then(|| unknown(app, env, name, "a database has no such value"))
            } else if others() || !app.is_whole() {
                None
            } else {
                Some(unbound(app, env, component))
            }
        }
    }
}

fn itself(app: &App<'_>, env: &Env<'_>) -> Diagnostic {
    let key = env.key;
    let is_url = key.ends_with("DATABASE_URL");
    let title = format!("{key} refers to itself");
    let finding = if is_url {
        Diagnostic::error("self_reference", title)
    } else {
        Diagnostic::warning("self_reference", title)
    };
    let finding = app.at(finding, env.span(), "refers to itself").because(
        "only a variable of the whole app can give it a value, and a component does not need to \
         repeat that one; without it the process gets this text as the value",
        see::ENVIRONMENT,
    );
    if is_url {
        let database = app
            .databases
            .iter()
            .find_map(|node| node.word("name"))
            .unwrap_or("db");
        finding
            .help("bind it to the database, using the database's name")
            .correction(format!("value: ${{{database}.DATABASE_URL}}"))
    } else {
        finding
            .help("remove it, or make it a SECRET of the app; most migrations do not need it")
            .correction(format!("- key: {key}\n  scope: RUN_TIME\n  type: SECRET"))
    }
}

fn unknown(app: &App<'_>, env: &Env<'_>, name: &str, why: &str) -> Diagnostic {
    let title = format!("{} refers to ${{{name}}}, which does not exist", env.key);
    app.at(
        Diagnostic::error("unknown_reference", title),
        env.span(),
        "does not exist",
    )
    .because(
        format!("{why}, and the process gets the text ${{{name}}} as the value"),
        see::ENVIRONMENT,
    )
    .help(format!(
        "use one that exists; a database has {}",
        OF_DATABASE.join(", ")
    ))
}

fn unbound(app: &App<'_>, env: &Env<'_>, component: &str) -> Diagnostic {
    let title = format!(
        "{} refers to {component}, but the app has no such component",
        env.key
    );
    let finding = app
        .at(
            Diagnostic::error("unknown_component", title),
            env.span(),
            "does not exist",
        )
        .because(
            format!(
                "nothing is bound, and the process gets the text ${{{component}.…}} as the value; \
                 a database is bound if it is in `databases`, also a dev database"
            ),
            see::DATABASES,
        );
    let databases = app.databases.iter().filter_map(|node| node.word("name"));
    match databases.collect::<Vec<_>>().as_slice() {
        [] => finding.help("add the database to the app's `databases`").correction(format!(
            "databases:\n- name: {component}\n  engine: PG\n  production: true\n  cluster_name: {component}"
        )),
        known => finding
            .help(format!("these exist: {}", known.join(", ")))
            .correction(format!("value: ${{{}.DATABASE_URL}}", known[0])),
    }
}

/// A pool of connections, where a server is wanted.
fn pooled(app: &App<'_>, component: &Component<'_>, env: &Env<'_>) -> Option<Diagnostic> {
    let value = env.value?;
    let reference = value.strip_prefix("${")?.strip_suffix('}')?;
    let parts: Vec<_> = reference.split('.').collect();
    let [database, _pool, "DATABASE_URL"] = parts.as_slice() else {
        return None;
    };
    let title = format!(
        "{} of {} leads to a connection pool",
        env.key,
        component.title()
    );
    Some(
        app.at(
            Diagnostic::warning("pooled_url", title),
            env.span(),
            "a pool",
        )
        .because(
            "a pool gives out a server connection for one transaction only: what needs a session, \
             such as CREATE INDEX CONCURRENTLY, gets another connection, or none",
            see::POOLS,
        )
        .help("bind the database itself; a migration needs two connections")
        .correction(format!("value: ${{{database}.DATABASE_URL}}")),
    )
}

/// A variable for a build that only the run sees.
fn build_variable(app: &App<'_>, env: &Env<'_>) -> Option<Diagnostic> {
    if !env.key.starts_with("BP_") || !env.is("scope", "RUN_TIME") {
        return None;
    }
    let title = format!(
        "{} is set when the job runs, but not while it is built",
        env.key
    );
    let span = env.node.get("scope").map_or(env.span(), |node| node.span);
    Some(
        app.at(
            Diagnostic::error("build_variable_at_run_time", title),
            span,
            "not at build time",
        )
        .because(
            "buildpacks read it, but the build does not see it",
            see::ENVIRONMENT,
        )
        .help("give it the scope BUILD_TIME")
        .correction("scope: BUILD_TIME"),
    )
}

fn twice(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let envs = &component.envs;
    let (_, second) = envs
        .iter()
        .enumerate()
        .find(|(number, env)| envs[..*number].iter().any(|before| before.key == env.key))?;
    let title = format!("{} has {} twice", component.title(), second.key);
    let span = second
        .node
        .get("key")
        .map_or(second.node.span, |node| node.span);
    Some(
        app.at(
            Diagnostic::error("variable_twice", title),
            span,
            "the second",
        )
        .because(
            "one of the two is silently ignored, or the spec is refused",
            see::ENVIRONMENT,
        )
        .help("keep one of them"),
    )
}
