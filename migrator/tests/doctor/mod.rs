//! The doctor on projects and app specs that are broken in one way each, and on
//! good ones: the one finding that each must give, at its place, and none.

#![expect(clippy::unwrap_used, reason = "a test")]

mod committed;
mod patient;
mod projects;
mod specs;
mod stanzas;
mod urls;
