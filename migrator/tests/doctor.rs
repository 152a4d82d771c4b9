//! The doctor on projects and app specs that are broken in one way each, and on
//! good ones: the one finding that each must give, at its place, and none.

#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "doctor/committed.rs"]
mod committed;
#[path = "doctor/patient.rs"]
mod patient;
#[path = "doctor/projects.rs"]
mod projects;
#[path = "doctor/specs.rs"]
mod specs;
#[path = "doctor/stanzas.rs"]
mod stanzas;
#[path = "doctor/urls.rs"]
mod urls;
