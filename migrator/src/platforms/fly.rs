//! Fly.io: a release command, in a machine of its own before any other is updated.

use super::{Deploy, go};

pub(super) const FILE: &str = "fly.toml";

pub(super) fn text(deploy: &Deploy) -> String {
    let names: Vec<_> = deploy
        .databases
        .iter()
        .map(|database| database.variable.as_str())
        .collect();
    let names = names
        .into_iter()
        .chain(deploy.variables.iter().map(String::as_str));
    let secrets: Vec<_> = names.map(|name| format!("{name}=…")).collect();
    format!(
        "# Database migrations on Fly.io: add this to fly.toml.\n\
         #\n\
         # The command runs in a machine of its own, without volumes, before any other is\n\
         # updated; when it fails, nothing is deployed. It is appended to the image's\n\
         # entrypoint: where the image has a default process (web), build it without one.\n\
         #\n\
         # fly secrets set {secrets}\n\
         [deploy]\n  \
         release_command = \"{command}\"\n  \
         # Without it flyctl waits for 5 minutes, and fails the deploy in the middle of a migration.\n  \
         # The run's own deadline ({deadline}) ends first.\n  \
         release_command_timeout = \"{time}\"\n",
        secrets = secrets.join(" "),
        command = deploy.command("/cnb/process/migrate"),
        deadline = go(deploy.deadline),
        time = go(deploy.time()),
    )
}
