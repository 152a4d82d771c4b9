//! Kubernetes: a job, and, for clusters where nothing waits for jobs, an init
//! container.

use super::{Deploy, GRACE_SECONDS, go};
use std::fmt::Write;

pub(super) const FILE: &str = "migrate-job.yaml";

/// What another try cannot mend: a wrong command line, wrong files, a history that
/// disagrees, a migration that failed, a deadline that has passed.
const FINAL_CODES: &str = "[2, 3, 7, 8, 9, 10]";

pub(super) fn text(deploy: &Deploy) -> String {
    let Deploy { app, .. } = deploy;
    format!(
        "# Database migrations on Kubernetes: a job that is made for each deploy.\n\
         #\n\
         #   kubectl create -f {FILE}     (create: a job cannot be changed)\n\
         #   kubectl wait --for=condition=complete --timeout={time} job/NAME\n\
         #\n\
         # and only then the deployment. A job may run more than once; the history and a lock in\n\
         # the database see to it that no migration does. The secret {app}-database is yours to make.\n\
         apiVersion: batch/v1\n\
         kind: Job\n\
         metadata:\n  \
         generateName: {app}-migrate-\n\
         spec:\n  \
         # Of all tries together. The run's own deadline ({deadline}) ends first.\n  \
         activeDeadlineSeconds: {seconds}\n  \
         # A node that goes away is no fault of the migration: try again.\n  \
         backoffLimit: 3\n  \
         # But never what would only fail again; the codes are in docs/exit-codes.md.\n  \
         podFailurePolicy:\n    \
         rules:\n    \
         - action: FailJob\n      \
         onExitCodes:\n        \
         containerName: migrate\n        \
         operator: In\n        \
         values: {FINAL_CODES}\n  \
         # The log is kept for a day.\n  \
         ttlSecondsAfterFinished: 86400\n  \
         template:\n    \
         spec:\n      \
         # The job makes new pods; a container that restarts would lose its log.\n      \
         restartPolicy: Never\n      \
         # From SIGTERM to SIGKILL: time to cancel in the database and roll back.\n      \
         terminationGracePeriodSeconds: {GRACE_SECONDS}\n      \
         containers:\n{container}\n\
         # Or, where nothing waits for a job: in the pod template of the deployment. Every\n\
         # replica runs it at every start; one migrates, the others wait, and with nothing to do\n\
         # it takes a moment. A replica of an older version does not mind a newer schema.\n\
         #\n\
         #     spec:\n\
         #       initContainers:\n{init}",
        deadline = go(deploy.deadline),
        time = go(deploy.time()),
        seconds = deploy.time().as_secs(),
        container = container(deploy, "      "),
        init = commented(&container(deploy, "      ")),
    )
}

fn container(deploy: &Deploy, indent: &str) -> String {
    let mut lines = vec![
        "- name: migrate".to_owned(),
        format!("  image: {}", deploy.image()),
        "  # The process of the image, by its path: no shell, and no other entrypoint.".to_owned(),
        "  command: [\"/cnb/process/migrate\"]".to_owned(),
    ];
    if let Some(deadline) = deploy.option() {
        lines.push(format!("  args: [\"up\", \"--deadline\", \"{deadline}\"]"));
    }
    lines.push("  env:".to_owned());
    let databases = deploy
        .databases
        .iter()
        .map(|database| database.variable.as_str());
    for name in databases.chain(deploy.variables.iter().map(String::as_str)) {
        lines.push(format!("  - name: {name}"));
        lines.push("    valueFrom:".to_owned());
        lines.push("      secretKeyRef:".to_owned());
        lines.push(format!("        name: {}-database", deploy.app));
        lines.push(format!("        key: {name}"));
    }
    let mut text = String::new();
    for line in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{indent}{line}");
    }
    text
}

fn commented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "# {line}");
        all
    })
}
