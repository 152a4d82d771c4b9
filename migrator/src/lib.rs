//! Database migrations: read, planned, applied exactly once, and told truthfully.
//!
//! The rooms, each below all that it imports, so that there is no circle. The table
//! is whole and true: `tests/layers.rs` reads what every file imports against it.
//!
//! | room | imports | does not touch |
//! |---|---|---|
//! | git | | tokio, a driver |
//! | limits | | anything outside |
//! | python | | a driver |
//! | repository | | anything outside |
//! | sources | | tokio, a driver, the environment |
//! | text | | anything outside |
//! | diagnostic | text | anything outside |
//! | embedded | sources | anything outside |
//! | model | text | anything outside |
//! | sql | text | anything outside |
//! | bundle | model | anything outside |
//! | order | model | anything outside |
//! | history | model, order, sql | anything outside |
//! | db | history, model, sql, text | a process, the environment, printing |
//! | formats | diagnostic, history, model, order, sources, text | anything outside |
//! | plan | history, model, order, sql, text | anything outside |
//! | config | db, diagnostic, formats, limits, model, plan, sources, sql, text | tokio, a driver, a process, printing |
//! | doctor | config, db, diagnostic, history, limits, sql, text | anything outside |
//! | platforms | config, repository | anything outside |
//! | error | bundle, config, db, formats, git, limits, model, plan, platforms, sources, sql, text | anything outside |
//! | exit | config, db, error, formats, limits, plan | anything outside |
//! | project | bundle, config, diagnostic, embedded, error, formats, history, model, order, sources, text | tokio, a driver, a process, the environment, printing |
//! | verify | db, error, history, model, plan, sql, text | anything outside |
//! | words | bundle, config, db, diagnostic, error, formats, git, limits, model, plan, platforms, sources, sql, text | anything outside |
//! | engine | db, diagnostic, error, history, limits, model, plan, python, sql, text, words | a file, the environment, a driver, a database by name, printing |
//! | report | config, diagnostic, engine, error, exit, history, limits, model, order, plan | tokio, a driver, the environment |
//! | tools | db, engine, error, formats, history, model, order, project, python, sources, sql, text, words | a driver, printing, SQL |
//! | commands | config, db, diagnostic, doctor, engine, error, formats, git, history, limits, model, order, plan, platforms, project, report, repository, sources, sql, text, tools, verify, words | clap, a driver, printing, exiting, SQL |
//! | cli | bundle, commands, config, db, diagnostic, embedded, engine, error, exit, formats, history, limits, model, plan, platforms, project, python, report, sql, tools, words | a driver |
//! | program | cli, db, embedded, model, text | SQL |
//!
//! Only git and python start a process.
//!
//! A project's own program: [`main!`] carries its migrations, and with [`embedded!`]
//! some of them can be written in Rust, as functions of a [`Transaction`].
//!
//! Without features the crate reads and plans, and has no driver: that is what
//! the buildpack takes.

#![cfg_attr(
    not(feature = "cli"),
    allow(
        dead_code,
        unused_imports,
        reason = "the program uses it, and the buildpack does not"
    )
)]

pub mod diagnostic;
pub mod limits;
pub mod model;
pub mod text;

pub mod bundle;
pub mod config;
pub mod embedded;
pub mod formats;
mod git;
pub mod history;
pub mod order;
pub mod plan;
mod platforms;
pub mod project;
#[cfg(feature = "cli")]
mod python;
mod repository;
pub mod sources;
pub mod sql;
mod verify;
mod words;

pub mod db;
#[cfg(feature = "cli")]
mod doctor;
#[cfg(feature = "cli")]
mod engine;
mod error;
#[cfg(feature = "cli")]
mod exit;
#[cfg(feature = "cli")]
mod report;
#[cfg(feature = "cli")]
mod tools;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
mod commands;

#[cfg(feature = "cli")]
mod program;

#[cfg(feature = "cli")]
pub use db::{OtherDatabase, Transaction};
pub use error::Error;
#[cfg(feature = "cli")]
pub use program::Program;
#[cfg(feature = "cli")]
pub use sqlx;

/// The version of this program, as its runs are remembered with it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
