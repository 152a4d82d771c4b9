//! The app spec of `DigitalOcean`, read as its platform would, and judged by what
//! it does to a database. One room a kind of mistake; each place is of the text as
//! the user wrote it.

mod app;
mod command;
mod envs;
mod job;
mod program;
mod secrets;
mod source;
mod time;
mod whole;

use super::files::Files;
use super::see;
use super::yaml::{self, Malformed, Node, Value};
use crate::diagnostic::{Diagnostic, Place};
use crate::text::{SourceFile, Span};
use app::{App, Kind};
use std::sync::Arc;
use std::time::Duration;

/// What a spec is held against.
pub(crate) struct Surroundings<'a> {
    pub files: &'a Files<'a>,
    /// The repository that the project is, as `owner/name`, if that is known.
    pub repository: Option<String>,
    /// How long a run may take.
    pub deadline: Duration,
    /// The variables in which the databases' URLs are looked for.
    pub variables: Vec<String>,
}

/// All that is wrong with a spec, in the order of the text.
pub(crate) fn lint(path: &str, text: &str, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let root = match yaml::parse(text) {
        Ok(root) => root,
        Err(malformed) => return vec![unreadable(path, text, &malformed)],
    };
    let file = Arc::new(SourceFile::new(path, secrets::masked(text, root.as_ref())));
    let Some(root) = root
        .as_ref()
        .filter(|root| matches!(root.value, Value::Map(_)))
    else {
        return vec![no_spec(&file)];
    };
    let app = App::of(&file, within(root));
    let mut found = source::find(&app, around);
    found.extend(program::find(&app, around));
    found.extend(job::find(&app, around));
    found.extend(envs::find(&app, around));
    found.extend(secrets::find(&app));
    found.extend(whole::find(&app));
    let at = |finding: &Diagnostic| finding.place.as_ref().map(|place| place.span.start);
    found.sort_by_key(at);
    found
}

/// Whether a buildpack builds any of the spec's components.
pub(crate) fn is_built(text: &str) -> bool {
    let Ok(Some(root)) = yaml::parse(text) else {
        return true;
    };
    let root = within(&root);
    let components = Kind::LISTS.iter().filter_map(|(list, _)| root.get(list));
    let mut components = components.flat_map(Node::items);
    components.any(|node| node.get("image").is_none() && node.get("dockerfile_path").is_none())
}

/// The drivers that URLs of a spec name for `SQLAlchemy`.
pub(crate) fn drivers(text: &str) -> Vec<String> {
    let named = text.match_indices("://").filter_map(|(at, _)| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '+';
        let scheme = text[..at].rsplit(|c: char| !is_part(c)).next()?;
        let (_, driver) = scheme.split_once('+')?;
        Some(driver.to_owned())
    });
    named.collect()
}

/// The spec itself: the template of a deploy button has it in `spec`.
fn within(root: &Node) -> &Node {
    let only = root.entries().len() == 1;
    root.get("spec").filter(|_| only).unwrap_or(root)
}

fn unreadable(path: &str, text: &str, malformed: &Malformed) -> Diagnostic {
    let file = Arc::new(SourceFile::new(path, secrets::masked(text, None)));
    let tab = tab(text, malformed.at);
    let at = text.floor_char_boundary(tab.unwrap_or(malformed.at));
    let length = text[at..]
        .chars()
        .next()
        .filter(|c| *c != '\n')
        .map_or(0, char::len_utf8);
    let place = Place::new(&file, Span::new(at, at + length));
    Diagnostic::error(
        "spec_unreadable",
        format!("{path} is not valid YAML: {}", malformed.why),
    )
    .at(Some(place), "here")
    .because("the platform refuses the whole spec", see::YAML)
    .help(if tab.is_some() {
        "indent with spaces: YAML does not allow tabs there"
    } else {
        "correct it; the rest was not checked"
    })
}

/// A tab that indents the line of a place, or the next one: a parser stumbles over
/// it late or early.
fn tab(text: &str, at: usize) -> Option<usize> {
    let mut start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    for line in text[start..].split_inclusive('\n').take(2) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if line[indent..].starts_with('\t') {
            return Some(start + indent);
        }
        start += line.len();
    }
    None
}

fn no_spec(file: &Arc<SourceFile>) -> Diagnostic {
    let place = Place::new(file, Span::default());
    Diagnostic::error(
        "spec_unreadable",
        format!("{} does not contain an app spec", file.path()),
    )
    .at(Some(place), "here")
    .because(
        "a spec is a mapping with `name`, `jobs`, `services`",
        see::APP_SPEC,
    )
    .help("print a job to start with: migrate spec digitalocean")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lint_all(text: &str) -> Vec<Diagnostic> {
        let files = Files {
            exists: &|_| true,
            read: &|_| None,
        };
        let around = Surroundings {
            files: &files,
            repository: None,
            deadline: Duration::from_mins(25),
            variables: vec!["DATABASE_URL".to_owned()],
        };
        lint("app.yaml", text, &around)
    }

    /// Whatever is half written: each place is one of the text, and no secret is
    /// shown.
    #[test]
    fn any_text_is_borne() {
        let whole = include_str!("../../../tests/doctor/specs/secret_in_plain_text-url.yaml");
        let mut seen = 0;
        // Every few characters are enough, and quick.
        for (at, _) in whole.char_indices().step_by(7) {
            let (before, after) = whole.split_at(at);
            let inserted = [
                "\t", "\"", "[", "{", "&a", "*a", "é", "|", "\r\n", "- ", ": ",
            ];
            let changed = inserted.map(|sign| format!("{before}{sign}{after}"));
            for text in changed.iter().map(String::as_str).chain([before, after]) {
                for finding in lint_all(text) {
                    let place = finding.place.unwrap();
                    assert_eq!(place.file.text().len(), text.len(), "{text}");
                    assert!(place.span.end <= text.len(), "{text}");
                    let _ = place.file.slice(place.span);
                    let is_whole = text.contains("://shop:hunter2@");
                    assert!(
                        !is_whole || !place.file.text().contains("hunter2"),
                        "{text}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 500, "{seen}");
    }
}
