//! What is wrong with a database, and between it and the files: facts are asked
//! for, and judged elsewhere.

use super::{Checkup, Diagnosis};
use crate::commands::{self, check, other_history, refuse_foreign};
use crate::config::Config;
use crate::db::fault::Fault;
use crate::db::health::Examined;
use crate::db::{self, Look, Past, ReadScope};
use crate::diagnostic::Diagnostic;
use crate::doctor::database::{self, Facts, PendingScript};
use crate::error::Error;
use crate::history::History;
use crate::model::Script;
use crate::plan::planner::{self, Files, Request};
use crate::project::Project;
use crate::sql::Syntax;
use crate::verify;
use crate::words;

/// What `check` calls a migration that began and did not end.
const UNFINISHED: [&str; 3] = ["half_applied", "half_reverted", "resumable"];

/// What the URL tells, too: where it leads is better known by whoever was there.
const POOLED: &str = "pooled_url";
const UNENCRYPTED: &str = "unencrypted";

/// What a database answered, or why it did not.
pub(super) type ServerAnswer = Result<Examined, Fault>;

/// Asks a database, where it is known which.
pub(super) async fn ask(checkup: &Checkup) -> Option<ServerAnswer> {
    let (Ok(project), Ok(config)) = (&checkup.project, &checkup.config) else {
        return None;
    };
    let url = &config.database.value;
    let ledger = project.format.ledger();
    let wanted = ReadScope {
        repeated: !project.repeatables.is_empty(),
        runs: true,
    };
    let mut answer = db::examine(url, config.limits.wait, ledger, wanted).await;
    if let Ok(Examined {
        look: Ok(Some(look)),
        ..
    }) = &answer
        && let Ok(Some(other)) = other_history(look, &project.migrations)
    {
        answer = db::examine(url, config.limits.wait, &other, wanted).await;
    }
    Some(answer)
}

/// As the server reads the files that answered, else as most do.
pub(super) fn syntax(config: &Config, answer: Option<&ServerAnswer>) -> Syntax {
    let examined = answer.and_then(|answer| answer.as_ref().ok());
    let look = examined.and_then(|examined| examined.look.as_ref().ok()?.as_ref());
    commands::syntax(config, look)
}

/// Has the answer judged. What the URL alone told of the database was found from
/// `of_the_url` on.
pub(super) fn judge(
    checkup: &Checkup,
    answer: ServerAnswer,
    of_the_url: usize,
    diagnosis: &mut Diagnosis,
) {
    let (Ok(project), Ok(config)) = (&checkup.project, &checkup.config) else {
        return;
    };
    let server = match &checkup.name {
        Some(name) => format!("server of {name}"),
        None => "server".to_owned(),
    };
    let syntax = syntax(config, Some(&answer));
    let Examined { health, look } = match answer {
        Ok(examined) => examined,
        Err(fault) => {
            let finding = Error::from(fault).diagnostic();
            diagnosis.saw(&server, "could not be reached");
            return diagnosis.unreachable.push(finding);
        }
    };
    match &look {
        Ok(Some(look)) => diagnosis.saw(&server, &look.server),
        Ok(None) => diagnosis.saw(&server, "none; the file does not exist yet"),
        Err(_) => diagnosis.saw(&server, "its history cannot be read"),
    }
    let seen = look.as_ref().ok().and_then(Option::as_ref);
    let history = seen.map(|look| look.history(&project.migrations));
    let history = history.unwrap_or_default();
    let pending = pending(project, syntax, &history);
    let facts = Facts {
        health: &health,
        dialect: syntax.dialect,
        history: &history,
        limits: config.limits,
        pending: &pending,
    };
    let mut findings = database::judge(&facts);
    match look {
        Ok(Some(look)) => {
            let is_at_work = health.is_at_work();
            let found = of_the_history(&config.request, project, syntax, &look, is_at_work);
            findings.extend(found);
        }
        Ok(None) => {}
        // Whoever lacks a right is told which already.
        Err(fault) if fault.is_denied() && findings.iter().any(Diagnostic::is_error) => {}
        Err(fault) => findings.push(Error::from(fault).diagnostic()),
    }
    let told: Vec<Diagnostic> = diagnosis.findings.drain(of_the_url..).collect();
    let is_pooled = findings.iter().any(|found| found.code == POOLED);
    let is_open = told.iter().any(|found| found.code.starts_with("tls_"));
    let told = told.into_iter();
    diagnosis
        .findings
        .extend(told.filter(|found| !(is_pooled && found.code == POOLED)));
    let findings = findings.into_iter();
    diagnosis
        .findings
        .extend(findings.filter(|found| !(is_open && found.code == UNENCRYPTED)));
}

/// What a run would do, as far as it can be read: what cannot is found with the
/// files.
fn pending(project: &Project, syntax: Syntax, history: &History) -> Vec<PendingScript> {
    let files = Files {
        migrations: &project.migrations,
        repeatables: &project.repeatables,
    };
    let read = |script: &Script| {
        // Another program alone knows what it would send.
        if !script.is_sql() {
            return None;
        }
        let verified = verify::script(script, syntax, |_| Some(String::new())).ok()?;
        Some(PendingScript {
            transaction: script.transaction,
            file: verified.file,
            statements: verified.statements,
        })
    };
    let operations = planner::pending(files, history);
    operations
        .iter()
        .filter_map(|operation| read(operation.script()))
        .collect()
}

/// Where files and history disagree.
fn of_the_history(
    request: &Request,
    project: &Project,
    syntax: Syntax,
    look: &Look,
    is_at_work: bool,
) -> Vec<Diagnostic> {
    if let Err(refused) = other_history(look, &project.migrations) {
        return vec![refused.diagnostic()];
    }
    match &look.past {
        Past::Foreign { .. } => {
            let refused = refuse_foreign(look, syntax.dialect).err();
            refused.iter().map(Error::diagnostic).collect()
        }
        Past::Fresh if look.has_tables && !project.migrations.is_empty() => {
            vec![words::tables_without_history()]
        }
        Past::Fresh => Vec::new(),
        Past::Known(_) => {
            let history = look.history(&project.migrations);
            let mut found = check::drifts(project, request, &history, syntax);
            // Whoever is at work has not ended what it began.
            found.retain(|found| !(is_at_work && UNFINISHED.contains(&found.code)));
            found
        }
    }
}
