//! What of a spec is secret, so that it is found and never shown.

use super::super::see;
use super::super::yaml::{Node, Value};
use super::app::{App, Component, Env};
use crate::diagnostic::Diagnostic;
use crate::text::Span;

/// Keys whose values are secret wherever they stand.
const SECRET_KEYS: [&str; 5] = [
    "api_key",
    "password",
    "registry_credentials",
    "token",
    "secret",
];

/// What a variable's name holds when its value is a secret.
const SECRET_WORDS: [&str; 8] = [
    "API_KEY",
    "CREDENTIAL",
    "PASSWD",
    "PASSWORD",
    "PRIVATE_KEY",
    "SECRET",
    "TOKEN",
    "ACCESS_KEY",
];

/// Variables whose value is a secret, and anybody who reads the file knows it.
pub(super) fn find(app: &App<'_>) -> Vec<Diagnostic> {
    let of_components = app.components.iter().flat_map(|component| {
        let envs = component.envs.iter();
        envs.map(|env| (component.title(), env))
    });
    let of_app = app.envs.iter().map(|env| ("the app".to_owned(), env));
    let commands = app
        .components
        .iter()
        .filter_map(|component| in_command(app, component));
    let credentials = app
        .components
        .iter()
        .filter_map(|component| of_registry(app, component));
    let of_envs = of_app
        .chain(of_components)
        .filter(|(_, env)| is_plain_secret(env))
        .map(|(owner, env)| {
            let (title, severe) = if env.is("type", "SECRET") {
                (
                    format!("{} of {owner} is a secret in plain text", env.key),
                    false,
                )
            } else {
                (
                    format!("{} of {owner} is a secret, but not of type SECRET", env.key),
                    true,
                )
            };
            let finding = if severe {
                Diagnostic::error("secret_in_plain_text", title)
            } else {
                Diagnostic::warning("secret_in_plain_text", title)
            };
            app.at(finding, env.span(), "not shown here")
                .because(
                    "everybody who can read the repository or the app's settings knows it; a \
                     SECRET is encrypted when it is first submitted, and its value is hidden in \
                     logs",
                    see::ENVIRONMENT,
                )
                .help(
                    "bind it (`${db.DATABASE_URL}`), or make it a SECRET, set it in the control \
                     panel, and remove its value from the file; then change the password, because \
                     it is in the repository's history",
                )
                .correction(if env.key.ends_with("DATABASE_URL") {
                    format!(
                        "- key: {}\n  scope: RUN_TIME\n  value: ${{db.DATABASE_URL}}",
                        env.key
                    )
                } else {
                    format!("- key: {}\n  scope: RUN_TIME\n  type: SECRET", env.key)
                })
        });
    let addresses = app
        .components
        .iter()
        .filter_map(|component| in_address(app, component));
    commands
        .chain(credentials)
        .chain(addresses)
        .chain(of_envs)
        .collect()
}

/// A URL with its password in a command, which everybody sees who sees the spec.
fn in_command(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("run_command")?;
    password(node.text()?)?;
    let title = format!(
        "the run command of {} contains a password",
        component.title()
    );
    let finding = Diagnostic::error("secret_in_plain_text", title);
    Some(
        app.at(finding, node.span, "not shown here")
            .because(
                "everybody who can read the repository, the app's settings or its process list \
                 knows it",
                see::ENVIRONMENT,
            )
            .help(
                "bind the URL as a variable; then change the password, because it is in the \
                 repository's history",
            )
            .correction(
                "run_command: migrate\nenvs:\n- key: DATABASE_URL\n  scope: RUN_TIME\n  value: \
                 ${db.DATABASE_URL}",
            ),
    )
}

/// A login in the address that is cloned.
fn in_address(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("git")?.get("repo_clone_url")?;
    password(node.text()?)?;
    let title = format!(
        "the repository's address of {} contains a login",
        component.title()
    );
    let finding = Diagnostic::error("secret_in_plain_text", title);
    Some(
        app.at(finding, node.span, "not shown here")
            .because(
                "everybody who can read the repository or the app's settings can read, and usually \
                 write, what is cloned with it",
                see::APP_SPEC,
            )
            .help(
                "name the repository with github, gitlab or bitbucket, which the platform is \
                 connected to, or use an address without a login; then create a new token",
            ),
    )
}

/// The login of a registry, as it is before it was first submitted.
fn of_registry(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let node = component.node.get("image")?.get("registry_credentials")?;
    // Whoever deploys it fills a placeholder in.
    if node
        .text()
        .is_none_or(|text| text.starts_with("EV[") || text.contains("${"))
    {
        return None;
    }
    let title = format!(
        "the registry login of {} is in plain text",
        component.title()
    );
    let finding = Diagnostic::error("secret_in_plain_text", title);
    Some(
        app.at(finding, node.span, "not shown here")
            .because(
                "everybody who can read the repository can pull and, usually, push the app's \
                 images; it is encrypted only when it is first submitted",
                see::APP_SPEC,
            )
            .help(
                "set it in the control panel, or put the encrypted value (EV[…]) here; then create \
                 a new token, because this one is in the repository's history",
            ),
    )
}

/// Whether its value is a secret, neither encrypted nor bound.
fn is_plain_secret(env: &Env<'_>) -> bool {
    let Some(value) = env.value else {
        return false;
    };
    if value.is_empty() || value.starts_with("EV[") {
        return false;
    }
    if password(value).is_some() {
        return true;
    }
    let key = env.key.to_uppercase();
    let is_named = SECRET_WORDS.iter().any(|word| key.contains(word));
    // A number, an address or a switch is none, whatever its name is.
    let may_be = value.len() >= 6 && value.parse::<f64>().is_err() && !value.starts_with("http");
    (is_named || env.is("type", "SECRET")) && may_be && !value.contains("${")
}

/// Where the password of a text's first URL that has one is; one that is bound
/// (`${db.PASSWORD}`) is no secret.
fn password(text: &str) -> Option<Span> {
    text.match_indices("://").find_map(|(at, _)| {
        let start = at + "://".len();
        let rest = &text[start..];
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let host = rest[..end].rfind('@')?;
        let colon = rest[..host].find(':')?;
        let span = Span::new(start + colon + 1, start + host);
        (!span.is_empty() && !text[span.range()].contains("${")).then_some(span)
    })
}

/// The text with a star for every byte of a secret: nothing moves. Of a text that
/// cannot be read, every value may be one.
pub(super) fn masked(text: &str, root: Option<&Node>) -> String {
    let mut spans = Vec::new();
    match root {
        Some(root) => collect(root, &mut spans),
        None => spans.extend(suspects(text)),
    }
    let mut from = 0;
    while let Some(found) = password(&text[from..]) {
        spans.push(found.after(from));
        from += found.end;
    }
    let mut masked = String::with_capacity(text.len());
    for (offset, character) in text.char_indices() {
        let is_secret = spans.iter().any(|span| span.range().contains(&offset));
        if is_secret && !character.is_whitespace() {
            masked.extend(std::iter::repeat_n('*', character.len_utf8()));
        } else {
            masked.push(character);
        }
    }
    masked
}

fn collect(node: &Node, spans: &mut Vec<Span>) {
    let of_variable = node.word("key").is_some_and(|key| {
        let value = node.word("value");
        is_plain_secret(&Env { node, key, value })
    });
    for (key, value) in node.entries() {
        let name = key.text().unwrap_or_default();
        let is_secret = SECRET_KEYS.contains(&name) || of_variable && name == "value";
        match &value.value {
            Value::Scalar { .. } if is_secret => spans.push(value.span),
            _ => collect(value, spans),
        }
    }
    for item in node.items() {
        collect(item, spans);
    }
}

/// What stands behind keys that may hold a secret, and whole lines without a key:
/// they may be a text that goes over several.
fn suspects(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let keys = SECRET_KEYS.iter().chain(&["value"]);
        let first = keys.filter_map(|key| behind(line, key)).min();
        let is_text = !line.contains(':');
        if let Some(from) = first.or(is_text.then_some(0)) {
            spans.push(Span::new(start + from, start + line.len()));
        }
        start += line.len();
    }
    spans
}

/// Where in a line the value of a key begins.
fn behind(line: &str, key: &str) -> Option<usize> {
    line.match_indices(key).find_map(|(at, _)| {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let rest = &line[at + key.len()..];
        let colon = rest.trim_start_matches(['"', '\'', ' ']);
        let is_key = !line[..at].ends_with(is_word) && colon.starts_with(':');
        is_key.then(|| line.len() - colon.len() + 1)
    })
}
