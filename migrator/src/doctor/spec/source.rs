//! Where a component comes from, and whether it is there.

use super::super::see;
use super::Surroundings;
use super::app::{App, Component, Kind};
use crate::diagnostic::Diagnostic;

pub(super) const SOURCES: [&str; 5] = ["bitbucket", "git", "github", "gitlab", "image"];

/// What a printed stanza says where no repository is known.
const PLACEHOLDER: &str = "OWNER/REPOSITORY";

/// Placeholders, and files that are not where the spec has them.
pub(super) fn find(app: &App<'_>, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for component in &app.components {
        found.extend(repository(app, component));
        let is_served = matches!(component.kind, Kind::Function | Kind::StaticSite);
        if !is_served && is_this_project(component, around) {
            found.extend(files(app, component, around));
        }
    }
    found
}

/// The placeholder of a stanza that was printed, still there.
fn repository(app: &App<'_>, component: &Component<'_>) -> Option<Diagnostic> {
    let mut sources = SOURCES.iter();
    let repo = sources.find_map(|source| component.node.get(source)?.get("repo"))?;
    if repo.text() != Some(PLACEHOLDER) {
        return None;
    }
    let finding = Diagnostic::error(
        "repository_missing",
        format!("{} names no repository", component.title()),
    );
    Some(
        app.at(finding, repo.span, "here")
            .because("the platform has nothing to clone", see::APP_SPEC)
            .help("name it")
            .correction("repo: owner/name"),
    )
}

/// Whether its source is this project, as far as anybody can say.
pub(super) fn is_this_project(component: &Component<'_>, around: &Surroundings<'_>) -> bool {
    if component.node.get("image").is_some() {
        return false;
    }
    let named = ["bitbucket", "github", "gitlab"]
        .into_iter()
        .find_map(|source| component.node.get(source)?.word("repo"));
    match (named, &around.repository) {
        (Some(named), Some(ours)) => named.eq_ignore_ascii_case(ours),
        _ => true,
    }
}

/// A file or folder that is not where the spec has it, or builds in another's place.
fn files(
    app: &App<'_>,
    component: &Component<'_>,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    let node = component.node;
    let said = node.word("source_dir").unwrap_or("/");
    let dir = said.trim_matches('/').trim_start_matches("./");
    let is_root = dir.is_empty() || dir == ".";
    let name = component.title();
    if let Some(node) = node.get("source_dir")
        && !(is_root || around.files.has(dir))
    {
        let title = format!("`source_dir` of {name} is not a folder of this project");
        let finding = Diagnostic::error("source_dir_missing", title);
        return Some(
            app.at(finding, node.span, "does not exist")
                .because(
                    "the build starts there, and finds nothing to build",
                    see::APP_SPEC,
                )
                .help("use a folder, relative to the repository's root; `/` is the root")
                .correction("source_dir: /"),
        );
    }
    if let Some(node) = node.get("dockerfile_path") {
        let path = node.text().unwrap_or_default();
        if around.files.has(path.trim_start_matches('/')) {
            return None;
        }
        let title = format!("{name} is built with {path}, which does not exist");
        let finding = Diagnostic::error("dockerfile_missing", title);
        return Some(
            app.at(finding, node.span, "does not exist")
                .because(
                    "the build fails; the path is relative to the repository's root",
                    see::APP_SPEC,
                )
                .help("correct the path, or remove it"),
        );
    }
    let slug = node.get("environment_slug")?;
    let dockerfile = if is_root {
        "Dockerfile".to_owned()
    } else {
        format!("{dir}/Dockerfile")
    };
    if !around.files.has(&dockerfile) {
        return None;
    }
    let title = format!(
        "{name} is built with the Dockerfile, not by the {} buildpack",
        slug.text().unwrap_or_default()
    );
    Some(
        app.at(
            Diagnostic::warning("dockerfile_wins", title),
            slug.span,
            "has no effect",
        )
        .because(
            "a Dockerfile at the root of what is built takes precedence over every buildpack, \
                 so the command runs in the Dockerfile's image",
            see::BUILDPACKS,
        )
        .help(
            "make sure that `migrate` is in that image, or move the Dockerfile, or run the \
                 image: migrate spec digitalocean --via image",
        ),
    )
}
