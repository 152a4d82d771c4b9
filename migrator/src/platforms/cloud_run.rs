//! Google Cloud Run: a job that is executed, and waited for, before the service is
//! deployed.

use super::{Deploy, go};
use std::fmt::Write;

pub(super) const FILE: &str = "migrate-job.yaml";

pub(super) fn text(deploy: &Deploy) -> String {
    let args = deploy.option().map_or(String::new(), |deadline| {
        format!("            args: [\"up\", \"--deadline\", \"{deadline}\"]\n")
    });
    let mut envs = String::new();
    let databases = deploy
        .databases
        .iter()
        .map(|database| database.variable.as_str());
    for name in databases.chain(deploy.variables.iter().map(String::as_str)) {
        // Writing to a String cannot fail.
        let _ = write!(
            envs,
            "            - name: {name}\n              valueFrom:\n                secretKeyRef:\n                  \
             name: {app}-{secret}\n                  key: latest\n",
            app = deploy.app,
            secret = name.to_lowercase().replace('_', "-"),
        );
    }
    format!(
        "# Database migrations on Cloud Run: a job.\n\
         #\n\
         #   gcloud run jobs replace {FILE}\n\
         #   gcloud run jobs execute {app}-migrate --wait\n\
         #\n\
         # and only then the service. The secrets are Secret Manager's.\n\
         apiVersion: run.googleapis.com/v1\n\
         kind: Job\n\
         metadata:\n  \
         name: {app}-migrate\n\
         spec:\n  \
         template:\n    \
         spec:\n      \
         # One task: several would wait for one another's lock.\n      \
         taskCount: 1\n      \
         parallelism: 1\n      \
         template:\n        \
         spec:\n          \
         # Without it a task is ended after 10 minutes, and 10 seconds later killed. The\n          \
         # run's own deadline ({deadline}) ends first.\n          \
         timeoutSeconds: {seconds}\n          \
         # 3 by default, whatever failed. The run itself waits for the database, for locks\n          \
         # and for another migrator; what fails nevertheless would fail again.\n          \
         maxRetries: 0\n          \
         containers:\n          \
         - image: {image}\n            \
         # The process of the image, by its path: no shell, and no other entrypoint.\n            \
         command: [\"/cnb/process/migrate\"]\n\
         {args}            env:\n{envs}",
        app = deploy.app,
        image = deploy.image(),
        deadline = go(deploy.deadline),
        seconds = deploy.time().as_secs(),
    )
}
