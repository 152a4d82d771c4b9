//! Where a component comes from, and whether what is there fits what is said of it.

use super::super::finding::Finding;
use super::super::see;
use super::Surroundings;
use super::app::{App, Component, Kind};
use crate::config::nearest;

pub(super) const SOURCES: [&str; 5] = ["bitbucket", "git", "github", "gitlab", "image"];

const SLUGS: [&str; 12] = [
    "bun",
    "gatsby",
    "go",
    "hexo",
    "html",
    "hugo",
    "jekyll",
    "node-js",
    "php",
    "python",
    "ruby",
    "ruby-on-rails",
];

/// What a buildpack must find at the component's root, one of them.
const NEEDED: [(&str, &[&str]); 5] = [
    ("go", &["go.mod"]),
    ("node-js", &["package.json"]),
    ("php", &["composer.json", "index.php"]),
    (
        "python",
        &[
            "Pipfile",
            "Pipfile.lock",
            "poetry.lock",
            "requirements.txt",
            "setup.py",
            "uv.lock",
        ],
    ),
    ("ruby", &["Gemfile"]),
];

/// Sources that are none, several, or do not fit.
pub(super) fn find(app: &App<'_>, around: &Surroundings<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for component in &app.components {
        let mut given: Vec<_> = SOURCES
            .iter()
            .filter_map(|source| component.node.entry(source))
            .collect();
        given.sort_by_key(|(key, _)| key.span.start);
        match given.as_slice() {
            [] => found.push(none(app, component)),
            [_] => {}
            [_, (second, _), ..] => {
                let title = format!("{} has several sources", component.title());
                found.push(
                    app.at(
                        Finding::error("several_sources", title),
                        second.span,
                        "the second",
                    )
                    .because(
                        "a component is built from exactly one source; the platform refuses more",
                        see::APP_SPEC,
                    )
                    .fix("leave one of them"),
                );
            }
        }
        if matches!(component.kind, Kind::Function | Kind::StaticSite) {
            continue;
        }
        found.extend(repository(app, component));
        found.extend(image(app, component));
        found.extend(slug(app, component));
        if is_this_project(component, around) {
            found.extend(files(app, component, around));
        }
    }
    found
}

/// A source of a repository that is not named, or still the placeholder of a
/// stanza that was printed.
fn repository(app: &App<'_>, component: &Component<'_>) -> Option<Finding> {
    let (source, node) = SOURCES
        .iter()
        .filter(|source| **source != "image")
        .find_map(|source| Some((*source, component.node.entry(source)?)))?;
    let key = if source == "git" {
        "repo_clone_url"
    } else {
        "repo"
    };
    let (place, said) = match node.1.get(key) {
        Some(value) => (value.span, value.text()?),
        None => (node.0.span, ""),
    };
    let is_named = if source == "git" {
        said.contains("://")
    } else {
        said.split('/').count() == 2 && said != "OWNER/REPOSITORY"
    };
    if is_named {
        return None;
    }
    let finding = Finding::error(
        "repository_missing",
        format!("{} names no repository", component.title()),
    );
    let example = if source == "git" {
        "repo_clone_url: https://github.com/owner/name.git"
    } else {
        "repo: owner/name"
    };
    Some(
        app.at(finding, place, "here")
            .because(
                "the platform has nothing to clone, and refuses the spec",
                see::APP_SPEC,
            )
            .fix("name it")
            .correction(example),
    )
}

fn none(app: &App<'_>, component: &Component<'_>) -> Finding {
    let title = format!("{} has no source", component.title());
    app.at(
        Finding::error("source_missing", title),
        component.key("name"),
        "built from nothing",
    )
    .because(
        "a component is built from exactly one source; the platform refuses none",
        see::APP_SPEC,
    )
    .fix(format!("give one of {}", SOURCES.join(", ")))
    .correction("github:\n  repo: owner/name\n  branch: main\n  deploy_on_push: false")
}

/// An image that is also to be built, or is not one image.
fn image(app: &App<'_>, component: &Component<'_>) -> Vec<Finding> {
    let Some(image) = component.node.get("image") else {
        return Vec::new();
    };
    let of_a_build = [
        "build_command",
        "dockerfile_path",
        "environment_slug",
        "source_dir",
    ];
    let built = of_a_build.into_iter().filter_map(|key| {
        let (place, _) = component.node.entry(key)?;
        let title = format!(
            "{} is an image, and `{key}` is for what is built",
            component.title()
        );
        Some(
            app.at(
                Finding::error("source_mismatch", title),
                place.span,
                "of no effect",
            )
            .because(
                "an image is run as it is: nothing is built, and no buildpack looks at it",
                see::APP_SPEC,
            )
            .fix(format!(
                "leave `{key}` out, or build from a repository in place of the image"
            )),
        )
    });
    let mut found: Vec<_> = built.collect();
    if let (Some(_), Some((digest, _))) = (image.entry("tag"), image.entry("digest")) {
        let title = format!("the image of {} has a tag and a digest", component.title());
        found.push(
            app.at(
                Finding::error("source_mismatch", title),
                digest.span,
                "one of the two",
            )
            .because(
                "which of the two is meant nobody can say; the platform refuses both",
                see::APP_SPEC,
            )
            .fix("leave the digest: it cannot move under a deploy"),
        );
    }
    found
}

/// A slug that there is not.
fn slug(app: &App<'_>, component: &Component<'_>) -> Option<Finding> {
    let node = component.node.get("environment_slug")?;
    let slug = node.text()?;
    if SLUGS.contains(&slug) {
        return None;
    }
    let title = format!(
        "{} asks for the environment {slug}, which there is not",
        component.title()
    );
    let finding = app.at(Finding::error("slug_unknown", title), node.span, "unknown");
    Some(if slug.to_lowercase() == "rust" {
        finding
            .because(
                "Rust has no slug: its buildpack is found by Cargo.toml and Cargo.lock, where the \
                 slug is left out",
                see::RUST,
            )
            .fix("leave `environment_slug` out")
    } else {
        let finding = finding.because("the platform refuses the spec", see::BUILDPACKS);
        match nearest(slug, SLUGS) {
            Some(meant) => finding
                .fix(format!("did you mean {meant}?"))
                .correction(format!("environment_slug: {meant}")),
            None => finding.fix(format!("give one of {}, or leave it out", SLUGS.join(", "))),
        }
    })
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

/// Files that are not where the spec has them.
fn files(app: &App<'_>, component: &Component<'_>, around: &Surroundings<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let said = component.node.word("source_dir").unwrap_or("/");
    let dir = said.trim_matches('/').trim_start_matches("./");
    let within = |name: &str| {
        if dir.is_empty() || dir == "." {
            name.to_owned()
        } else {
            format!("{dir}/{name}")
        }
    };
    if let Some(node) = component.node.get("source_dir")
        && !(dir.is_empty() || dir == "." || around.files.has(dir))
    {
        let title = format!(
            "`source_dir` of {} is no folder of this project",
            component.title()
        );
        found.push(
            app.at(
                Finding::error("source_dir_missing", title),
                node.span,
                "not there",
            )
            .because(
                "the build begins there, and finds nothing to build",
                see::APP_SPEC,
            )
            .fix("give a folder, from the repository's root; `/` is the root")
            .correction("source_dir: /"),
        );
        return found;
    }
    if let Some(node) = component.node.get("dockerfile_path") {
        let path = node.text().unwrap_or_default();
        if !around.files.has(path.trim_start_matches('/')) {
            let title = format!(
                "{} is to be built by {path}, which is not there",
                component.title()
            );
            found.push(
                app.at(
                    Finding::error("dockerfile_missing", title),
                    node.span,
                    "not there",
                )
                .because(
                    "the build fails; the path is from the repository's root",
                    see::APP_SPEC,
                )
                .fix("correct the path, or leave it out"),
            );
        }
        return found;
    }
    let Some(node) = component.node.get("environment_slug") else {
        return found;
    };
    let slug = node.text().unwrap_or_default();
    if around.files.has(&within("Dockerfile")) {
        let title = format!(
            "{} is built by the Dockerfile, and not by the {slug} buildpack",
            component.title()
        );
        found.push(
            app.at(Finding::warning("dockerfile_wins", title), node.span, "of no effect")
                .because(
                    "a Dockerfile at the root of what is built wins over every buildpack, so that \
                     the run command meets the Dockerfile's image",
                    see::BUILDPACKS,
                )
                .fix("see that `migrate` is in that image, or move the Dockerfile, or build from the image: migrate spec digitalocean --road image"),
        );
        return found;
    }
    let needed = NEEDED.iter().find(|(of, _)| *of == slug);
    if let Some((_, files)) = needed
        && !files.iter().any(|file| around.files.has(&within(file)))
    {
        let title = format!(
            "{} has the slug {slug}, and nothing of it is there",
            component.title()
        );
        found.push(
            app.at(Finding::error("slug_without_files", title), node.span, "finds nothing")
                .because(
                    format!("the buildpack looks for {} at the component's root, and fails the build without", list(files)),
                    see::BUILDPACKS,
                )
                .fix(if slug == "python" && around.files.has(&within("pyproject.toml")) {
                    "commit the lock file beside pyproject.toml: poetry lock, or uv lock"
                } else {
                    "commit them, or correct `source_dir`"
                }),
        );
    }
    found
}

fn list(files: &[&str]) -> String {
    match files {
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
        [] => String::new(),
    }
}
