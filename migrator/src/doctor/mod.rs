//! What would fail or harm a deploy, found before it: pure judgements of facts
//! that others have read. Each is a [`Diagnostic`](crate::diagnostic::Diagnostic): what,
//! why that bites, and how to mend it.

pub(crate) mod cargo;
pub(crate) mod committed;
pub(crate) mod connection;
pub(crate) mod database;
pub(crate) mod files;
pub(crate) mod python;
mod see;
pub(crate) mod spec;
mod toml_file;
mod yaml;
