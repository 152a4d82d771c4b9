//! Does this app have migrations to run?

use crate::config::{Config, ConfigError};
use libcnb::data::build_plan::{BuildPlan, BuildPlanBuilder};
use migrate::project::Project;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A one-line reason for the log.
    Fail(String),
    Pass,
}

/// Passes where there are migrations, and where somebody said that there are: then
/// the build tells in full what is wrong with them. A folder that merely happens to
/// be there, another tool's say, must not break an app's build.
pub(crate) fn verdict(
    config: &Result<Config, ConfigError>,
    project: &Result<Project, migrate::Error>,
    is_explicit: bool,
) -> Verdict {
    match project {
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
    use std::path::Path;

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
        let config = Config::from_env(&env);
        let dir = config
            .as_ref()
            .ok()
            .and_then(|config| config.dir.as_deref());
        let project = migrate::project::find(app.path(), dir, None);
        let is_explicit = migrate::project::is_explicit(app.path(), dir);
        verdict(&config, &project, is_explicit)
    }

    const USERS: (&str, &str) = ("migrations/0001_users.sql", "CREATE TABLE users (id int);");
    const GOOSE: (&str, &str) = ("migrations/0001_users.sql", "-- +goose Up\nSELECT 1;\n");

    #[test]
    fn migrations_pass() {
        assert_eq!(verdict_on(&[USERS], &[]), Verdict::Pass);
    }

    #[test]
    fn an_app_without_migrations_fails_with_a_reason_of_one_line() {
        let Verdict::Fail(reason) = verdict_on(&[("README.md", "hello")], &[]) else {
            panic!("passed");
        };
        assert_eq!(reason.lines().count(), 1, "{reason}");
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
    }
}
