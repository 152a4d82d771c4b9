//! Heroku: the release phase, which every deploy, and every change of the
//! configuration, goes through.

use super::Deploy;

pub(super) const FILE: &str = "Procfile";

pub(super) fn text(deploy: &Deploy) -> String {
    format!(
        "# Database migrations in Heroku's release phase: a line of the Procfile.\n\
         #\n\
         # It runs after every build, and again on a change of the configuration, a promotion\n\
         # and a rollback: a run with nothing to do takes a moment. When it fails, the old\n\
         # release stays. It may take an hour, which nothing lengthens. `heroku local` skips it.\n\
         # {urls}\n\
         # Where a Cloud Native Buildpack builds the app, no Procfile is needed: set\n\
         # BP_MIGRATE_PROCESS_TYPES=migrate,release for the build.\n\
         release: {command}\n",
        urls = variables(deploy),
        command = deploy.command("migrate"),
    )
}

/// What must be set for the app.
fn variables(deploy: &Deploy) -> String {
    let mut names: Vec<_> = deploy
        .databases
        .iter()
        .map(|database| database.variable.as_str())
        .collect();
    names.extend(deploy.variables.iter().map(String::as_str));
    format!(
        "It reads {} of the app's configuration; never the URL of a connection pool.",
        names.join(", ")
    )
}
