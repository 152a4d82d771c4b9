//! Render: a pre-deploy command of a service.

use super::Deploy;
use std::fmt::Write;

pub(super) const FILE: &str = "render.yaml";

pub(super) fn text(deploy: &Deploy) -> String {
    let mut envs = String::new();
    for database in &deploy.databases {
        // Writing to a String cannot fail.
        let _ = write!(
            envs,
            "  - key: {}\n    fromDatabase:\n      name: {}\n      property: connectionString\n",
            database.variable, database.component
        );
    }
    for variable in &deploy.variables {
        // Asked for once, in the dashboard, and in no file.
        let _ = write!(envs, "  - key: {variable}\n    sync: false\n");
    }
    format!(
        "# Database migrations on Render: of a paid service in render.yaml.\n\
         #\n\
         # The command runs before every deploy, of an image too; when it fails, the deploy is\n\
         # cancelled. It may take 30 minutes.\n\
         services:\n\
         - type: web\n  \
         name: {app}\n  \
         runtime: image\n  \
         image:\n    \
         url: {image}\n  \
         # By its own path: a command is not looked up among the image's processes.\n  \
         preDeployCommand: {command}\n  \
         envVars:\n{envs}",
        app = deploy.app,
        image = deploy.image(),
        command = deploy.command("/cnb/process/migrate"),
    )
}
