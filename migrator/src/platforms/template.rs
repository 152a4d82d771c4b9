//! A stanza's template: its text as the user will read it, with `{placeholders}`,
//! and lines between `{for row}` and `{end}` that stand once for each row.

use super::{Deploy, GRACE_SECONDS, go};

type Values<'a> = Vec<(&'a str, String)>;

/// A platform's template with the values of a deploy.
pub(super) fn filled(template: &str, deploy: &Deploy) -> String {
    let databases = deploy.databases.iter();
    let variables = deploy.databases.iter().map(|database| &database.variable);
    let names: Vec<&str> = variables
        .chain(&deploy.variables)
        .map(String::as_str)
        .collect();
    let assigned: Vec<_> = names.iter().map(|name| format!("{name}=…")).collect();
    let rows: [(&str, Vec<Values<'_>>); 5] = [
        (
            "database",
            databases
                .map(|database| {
                    vec![
                        ("variable", database.variable.clone()),
                        ("component", database.component.clone()),
                    ]
                })
                .collect(),
        ),
        (
            "name",
            names
                .iter()
                .map(|name| {
                    let secret = name.to_lowercase().replace('_', "-");
                    vec![("name", (*name).to_owned()), ("secret", secret)]
                })
                .collect(),
        ),
        (
            "option",
            deploy
                .option()
                .into_iter()
                .map(|it| vec![("option", it)])
                .collect(),
        ),
        (
            "others",
            (!deploy.variables.is_empty())
                .then(|| vec![("others", deploy.variables.join(", "))])
                .into_iter()
                .collect(),
        ),
        (
            "variable",
            deploy
                .variables
                .iter()
                .map(|name| vec![("variable", name.clone())])
                .collect(),
        ),
    ];
    let text = rows
        .iter()
        .fold(template.to_owned(), |text, (row, values)| {
            repeated(&text, row, values)
        });
    let values = vec![
        ("app", deploy.app.clone()),
        ("command", deploy.command("/cnb/process/migrate")),
        ("deadline", go(deploy.deadline)),
        ("grace", GRACE_SECONDS.to_string()),
        ("image", deploy.image()),
        ("names", names.join(", ")),
        ("program", deploy.command("migrate")),
        ("seconds", deploy.time().as_secs().to_string()),
        ("secrets", assigned.join(" ")),
        ("time", go(deploy.time())),
    ];
    with(&text, &values)
}

/// The text with the lines of each block of this name once for each row.
fn repeated(text: &str, row: &str, rows: &[Values<'_>]) -> String {
    let begin = format!("{{for {row}}}\n");
    let mut parts = text.split(&begin);
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (block, rest) = part.split_once("{end}\n").unwrap_or((part, ""));
        all.extend(rows.iter().map(|values| with(block, values)));
        all.push_str(rest);
    }
    all
}

fn with(text: &str, values: &Values<'_>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}
