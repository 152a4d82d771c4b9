//! The hash by which Poetry knows whether its lock fits pyproject.toml: SHA-256 of
//! the relevant tables as JSON (its `Locker`, up to 2.5).

use crate::model::Checksum;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use toml::{Table, Value};

/// Of `[tool.poetry]`. The first four are `null` where they are missing, unless a
/// newer table says something.
const LEGACY: [&str; 4] = ["dependencies", "dev-dependencies", "extras", "source"];
const GROUP: &str = "group";
const OF_PROJECT: [&str; 3] = ["dependencies", "optional-dependencies", "requires-python"];
const GROUPS: &str = "dependency-groups";

/// Every hash that a version of Poetry may have written for this file; none where
/// it holds what JSON cannot.
pub(super) fn hashes(pyproject: &Table) -> Vec<String> {
    // Before 2.3, groups outside of [tool.poetry] did not count.
    let contents = [true, false].map(|with_groups| relevant(pyproject, with_groups));
    contents
        .into_iter()
        .flatten()
        .map(|json| hash(&json))
        .collect()
}

fn relevant(pyproject: &Table, with_groups: bool) -> Option<String> {
    let table = |of: &Table, name: &str| of.get(name).and_then(Value::as_table).cloned();
    let project = table(pyproject, "project").unwrap_or_default();
    let poetry = table(pyproject, "tool")
        .and_then(|tool| table(&tool, "poetry"))
        .unwrap_or_default();
    let groups = table(pyproject, GROUPS).filter(|groups| with_groups && !groups.is_empty());
    let of_project: Vec<(&str, Option<&Value>)> = OF_PROJECT
        .into_iter()
        .filter_map(|key| Some((key, Some(project.get(key)?))))
        .collect();
    let is_new = !of_project.is_empty() || groups.is_some();
    let mut of_poetry: Vec<(&str, Option<&Value>)> = LEGACY
        .into_iter()
        .map(|key| (key, poetry.get(key)))
        .filter(|(_, value)| value.is_some() || !is_new)
        .collect();
    of_poetry.extend(poetry.get(GROUP).map(|group| (GROUP, Some(group))));
    of_poetry.sort_by_key(|(key, _)| *key);
    let poetry = object(of_poetry.into_iter())?;
    if !is_new {
        return Some(poetry);
    }
    let mut parts = Vec::new();
    if let Some(groups) = groups {
        parts.push(format!("\"{GROUPS}\": {}", json(&Value::Table(groups))?));
    }
    if !of_project.is_empty() {
        parts.push(format!("\"project\": {}", object(of_project.into_iter())?));
    }
    parts.push(format!("\"tool\": {{\"poetry\": {poetry}}}"));
    Some(format!("{{{}}}", parts.join(", ")))
}

/// JSON as Python writes it; keys in order.
fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(json).collect();
            format!("[{}]", values?.join(", "))
        }
        Value::Boolean(value) => value.to_string(),
        // Python refuses a date, and writes a fraction by rules of its own.
        Value::Datetime(_) | Value::Float(_) => return None,
        Value::Integer(value) => value.to_string(),
        Value::String(text) => string(text),
        Value::Table(table) => {
            // In the order of their characters, however the table was made.
            let mut entries: Vec<_> = table
                .iter()
                .map(|(key, value)| (key.as_str(), Some(value)))
                .collect();
            entries.sort_by_key(|(key, _)| *key);
            object(entries.into_iter())?
        }
    })
}

fn object<'a>(entries: impl Iterator<Item = (&'a str, Option<&'a Value>)>) -> Option<String> {
    let entries: Option<Vec<_>> = entries
        .map(|(key, value)| {
            let value = match value {
                Some(value) => json(value)?,
                None => "null".to_owned(),
            };
            Some(format!("{}: {value}", string(key)))
        })
        .collect();
    Some(format!("{{{}}}", entries?.join(", ")))
}

/// With everything that is not ASCII escaped.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            ' '..='~' => quoted.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(quoted, "\\u{unit:04x}");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

fn hash(text: &str) -> String {
    Checksum(Sha256::digest(text.as_bytes()).to_vec()).hex()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Poetry 2.5 computes them; of the third also without the groups.
    #[test]
    fn hashes_are_poetrys_own() {
        for (pyproject, hashed) in [
            (
                "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\npython = '^3.12'\n\
                 alembic = '^1.13'\nsqlalchemy = {version = '^2.0', extras = ['asyncio'], optional = \
                 true}\n'é' = '*'\n[tool.poetry.group.dev.dependencies]\npytest = '^8'\n",
                vec!["9c4b2c3f65773fb53d7c5024dbb91eb9413d8eed257e6e94c6111d29f21d42fd"],
            ),
            (
                "[project]\nname = 'a'\nrequires-python = '>=3.12'\ndependencies = \
                 ['alembic (>=1.13,<2.0)', 'asyncpg']\n[project.optional-dependencies]\nx = \
                 ['aiosqlite']\n[tool.poetry]\npackage-mode = false\n\
                 [tool.poetry.group.dev.dependencies]\npytest = {version = '^8', python = '>3.8'}\n",
                vec!["3f5e4796ab7a818f6e6c2f659a3cdec4eaae8ea3652bcdc574698d0922ab34ad"],
            ),
            (
                "[project]\nname = 'a'\ndependencies = ['alembic']\n[dependency-groups]\n\
                 dev = ['pytest>=8', {include-group = 'lint'}]\nlint = ['ruff']\n",
                vec![
                    "760358b0c587c6c923bdedaecb99ad20564376112e8719153dc317edd31f5d51",
                    "c2ba8e38c638c4f43e61cdbbd49b301dda3c2095c0721db124101d2c1048d64b",
                ],
            ),
            (
                "[project]\nname = 'a'\n",
                vec!["115cf985d932e9bf5f540555bbdd75decbb62cac81e399375fc19f6277f8c1d8"],
            ),
        ] {
            let mut hashes = hashes(&pyproject.parse().unwrap());
            hashes.dedup();
            assert_eq!(hashes, hashed, "{pyproject}");
        }
    }

    #[test]
    fn what_json_cannot_hold_has_no_hash() {
        let pyproject = "[tool.poetry.dependencies]\na = 1.5\n".parse().unwrap();
        assert_eq!(hashes(&pyproject), [""; 0]);
    }
}
