//! Railway: a pre-deploy command, between the build and the deploy.

use super::Deploy;
use std::fmt::Write;

pub(super) const FILE: &str = "railway.toml";

pub(super) fn text(deploy: &Deploy) -> String {
    let mut variables = String::new();
    for database in &deploy.databases {
        // Writing to a String cannot fail.
        let _ = writeln!(
            variables,
            "#   {} = ${{{{Postgres.DATABASE_URL}}}}   (the service of {})",
            database.variable, database.component
        );
    }
    if !deploy.variables.is_empty() {
        let _ = writeln!(
            variables,
            "#   and what the migrations ask for: {}",
            deploy.others()
        );
    }
    format!(
        "# Database migrations on Railway: railway.toml of the service.\n\
         #\n\
         # The command runs in a container of its own, with the private network and without\n\
         # volumes; when it fails, nothing is deployed, and it is not tried again. Variables\n\
         # of the service:\n\
         {variables}\
         [deploy]\n\
         preDeployCommand = [\"{command}\"]\n",
        command = deploy.command("migrate"),
    )
}
