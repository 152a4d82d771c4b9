//! Does this app have migrations to run, or a program of its own that has them?

use crate::config::{Config, ConfigError};
use crate::own;
use libcnb::data::build_plan::{BuildPlan, BuildPlanBuilder};
use migrate::project::{self, Project, Workspace};
use std::path::Path;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A one-line reason for the log.
    Fail(String),
    Pass,
}

/// What is to be said of the app's folder.
pub(crate) fn on(app: &Path, config: &Result<Config, ConfigError>) -> Verdict {
    let overrides = config.as_ref().map(Config::overrides).unwrap_or_default();
    if overrides.dir.is_none() && own::find(app).is_some() {
        return Verdict::Pass;
    }
    let projects = Workspace::open(app).and_then(|workspace| workspace.projects(&overrides));
    let dir = overrides.dir.as_ref().map(|dir| dir.value.0.as_str());
    verdict(config, &projects, project::is_explicit(app, dir))
}

/// Passes where there are migrations, and where somebody said that there are: then
/// the build tells in full what is wrong with them. A folder that merely happens to
/// be there, another tool's say, must not break an app's build.
fn verdict(
    config: &Result<Config, ConfigError>,
    projects: &Result<Vec<Project>, migrate::Error>,
    is_explicit: bool,
) -> Verdict {
    match projects {
        _ if is_explicit || config.is_err() => Verdict::Pass,
        Ok(_) => Verdict::Pass,
        Err(error) => Verdict::Fail(error.diagnostic().title),
    }
}

/// Rust from an earlier buildpack where one provides it, otherwise our own: the
/// lifecycle takes the first alternative that all buildpacks together satisfy.
pub(crate) fn build_plan() -> BuildPlan {
    BuildPlanBuilder::new()
        .provides("migrate")
        .requires("migrate")
        .requires("rust")
        .or()
        .provides("migrate")
        .requires("migrate")
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DIR;
    use libcnb::Env;
    use std::fs;

    fn verdict_on(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Verdict {
        let app = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = app.path().join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut env = Env::new();
        for (name, value) in variables {
            env.insert(*name, *value);
        }
        on(app.path(), &Config::from_env(&env))
    }

    const USERS: (&str, &str) = ("migrations/0001_users.sql", "CREATE TABLE users (id int);");
    const GOOSE: (&str, &str) = ("migrations/0001_users.sql", "-- +goose Up\nSELECT 1;\n");

    #[test]
    fn migrations_pass() {
        assert_eq!(verdict_on(&[USERS], &[]), Verdict::Pass);
    }

    #[test]
    fn a_program_of_the_apps_own_passes_without_a_folder() {
        let manifest = "[package]\nname = \"app\"\n[[bin]]\nname = \"migrate\"\n\
                        [dependencies]\ncnb-migrate = \"1\"\n";
        assert_eq!(verdict_on(&[("Cargo.toml", manifest)], &[]), Verdict::Pass);
    }

    #[test]
    fn an_app_without_migrations_fails_with_a_reason_of_one_line() {
        let Verdict::Fail(reason) = verdict_on(&[("README.md", "hello")], &[]) else {
            panic!("passed");
        };
        assert_eq!(reason.lines().count(), 1, "{reason}");
    }

    #[test]
    fn a_project_of_alembic_passes() {
        let revision = "revision = 'a'\ndown_revision = None\n";
        let files = [
            ("api/alembic.ini", "[alembic]\nscript_location = alembic\n"),
            ("api/alembic/versions/a_users.py", revision),
        ];
        assert_eq!(verdict_on(&files, &[]), Verdict::Pass);
    }

    #[test]
    fn another_tools_folder_fails_and_names_the_tool() {
        let Verdict::Fail(reason) = verdict_on(&[GOOSE], &[]) else {
            panic!("passed");
        };
        assert!(reason.contains("goose"), "{reason}");
    }

    #[test]
    fn who_asked_for_it_hears_from_the_build_what_is_wrong() {
        assert_eq!(verdict_on(&[GOOSE], &[(DIR, "migrations")]), Verdict::Pass);
        assert_eq!(verdict_on(&[("migrate.toml", "")], &[]), Verdict::Pass);
        assert_eq!(verdict_on(&[], &[("BP_MIGRATE_DRI", "db")]), Verdict::Pass);
        let wrong = ("migrate.toml", "lock_wait = \"1m\"\n");
        assert_eq!(verdict_on(&[USERS, wrong], &[]), Verdict::Pass);
    }
}
