//! Whether the program that a job runs comes into what is built for it.

use super::super::{cargo, python, see};
use super::Surroundings;
use super::app::{App, Component, Kind};
use super::source;
use crate::diagnostic::Diagnostic;

/// The program, and the Python package that brings it.
const PROGRAM: &str = "migrate";
const PACKAGE: &str = "cnb-migrate";

/// Jobs whose program nothing brings.
pub(super) fn find(app: &App<'_>, around: &Surroundings<'_>) -> Vec<Diagnostic> {
    let components = app.components.iter();
    let components = components.filter(|component| component.kind == Kind::Job);
    components
        .filter_map(|component| absent(app, component, around))
        .collect()
}

/// Of a component that a buildpack builds from this project's root, and nothing
/// else: a build command may bring anything.
fn absent(
    app: &App<'_>,
    component: &Component<'_>,
    around: &Surroundings<'_>,
) -> Option<Diagnostic> {
    let node = component.node.get("run_command")?;
    if node.text()?.split_whitespace().next() != Some(PROGRAM) {
        return None;
    }
    let says = |key: &str| component.node.get(key).is_some();
    let is_root = matches!(
        component.node.word("source_dir"),
        None | Some("/" | "." | "./")
    );
    if says("build_command")
        || says("dockerfile_path")
        || around.files.has("Dockerfile")
        || !is_root
        || !source::is_this_project(component, around)
    {
        return None;
    }
    let is_rust = around.files.has("Cargo.toml");
    let (why, fix, correction) = match component.node.word("environment_slug") {
        None if is_rust && !cargo::makes_migrate(around.files) => (
            "the Rust buildpack installs the binaries of Cargo.toml, and none of them is called \
             migrate",
            "add a binary that contains the migrations",
            "[[bin]]\nname = \"migrate\"",
        ),
        None if is_rust => return None,
        Some("python") | None if python::installs(around.files, PACKAGE) == Some(false) => (
            "the Python buildpack installs what is locked, except development groups, and \
             cnb-migrate, which contains the program, is not among it",
            "make it a dependency, and commit the lock; or run the image: migrate spec \
             digitalocean --via image",
            "dependencies = [\"cnb-migrate\"]",
        ),
        _ => return None,
    };
    let title = format!(
        "{} runs {PROGRAM}, but its build does not provide it",
        component.title()
    );
    Some(
        app.at(
            Diagnostic::error("program_missing", title),
            node.span,
            "not provided",
        )
        .because(
            format!("{why}; the job fails, and the deploy with it"),
            see::COMMANDS,
        )
        .help(fix)
        .correction(correction),
    )
}
