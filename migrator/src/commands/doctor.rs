//! `doctor`: what would fail or harm a deploy. It reads facts, of the project and
//! of the connection, has them judged, and changes nothing.

use super::check;
use super::check::Sources;
use crate::config::{Config, ConfigError};
use crate::doctor::finding::Finding;
use crate::doctor::sources;
use crate::error::Error;
use crate::exit;
use crate::plan::planner::Request;
use crate::project::Project;

/// One database of the project, as far as it can be read.
pub(crate) struct Patient {
    /// The database's name, where there are several.
    pub name: Option<String>,
    pub project: Result<Project, Error>,
    pub config: Result<Config, ConfigError>,
    pub request: Request,
}

/// What was looked at, and what was found.
#[derive(Default)]
pub(crate) struct Examination {
    /// What was looked at, and what was not and why: a line each.
    pub looked_at: Vec<String>,
    pub findings: Vec<Finding>,
    /// Whether a database could not be asked.
    pub unreachable: bool,
}

impl Examination {
    /// The exit code: what would fail or harm a deploy, else a database that does
    /// not answer.
    pub(crate) fn code(&self) -> u8 {
        if self.findings.iter().any(Finding::is_error) {
            exit::CONFIGURATION
        } else if self.unreachable {
            exit::CONNECTION
        } else {
            exit::DONE
        }
    }
}

/// Examines a project and its databases.
pub(crate) async fn examine(patients: Vec<Patient>) -> Examination {
    let mut examination = Examination::default();
    for patient in patients {
        files(patient, &mut examination);
    }
    examination
}

/// What `check --offline` finds.
fn files(patient: Patient, examination: &mut Examination) {
    let project = match patient.project {
        Ok(project) => project,
        Err(error) => {
            let found = sources::finding(error.diagnostic());
            return examination.findings.push(found);
        }
    };
    examination.looked_at.push(format!(
        "{}: {} migrations",
        project.dir,
        project.migrations.len()
    ));
    let dialect = match &patient.config {
        Ok(config) => Some(config.database.value.dialect()),
        Err(_) => None,
    };
    let sources = Sources {
        project,
        request: patient.request,
        dialect,
    };
    match check::offline(&sources, None) {
        Ok(found) => {
            let found = found.files.into_iter();
            // Whose SQL it is matters to who checks the SQL alone.
            let found = found.filter(|found| found.code != "unknown_dialect");
            examination.findings.extend(found.map(sources::finding));
        }
        Err(error) => {
            let found = sources::finding(error.diagnostic());
            examination.findings.push(found);
        }
    }
    if let Err(error) = patient.config
        && !is_unset(&error)
    {
        let found = sources::finding(Error::from(error).diagnostic());
        examination.findings.push(found);
    }
}

/// Whether nothing says which database is meant.
fn is_unset(error: &ConfigError) -> bool {
    matches!(error, ConfigError::NoDatabaseUrl { .. })
}
