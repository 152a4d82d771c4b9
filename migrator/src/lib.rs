//! Database migrations: read, planned, applied exactly once, and told truthfully.
//!
//! The modules stand in the order in which data flows through them. What a layer
//! may not import (`tests/layers.rs` reads the `use` lines against it):
//!
//! | layer | may not import |
//! |---|---|
//! | model, text, diagnostic, limits | anything of ours but each other |
//! | sql | anything but text |
//! | sources | anything of ours |
//! | git, python | anything of ours |
//! | repository | anything of ours |
//! | history | a file, the environment, a driver, tokio, the clock, formats, plan, db |
//! | formats | a file, the environment, a driver, tokio, plan, db |
//! | plan | db, engine, config, tokio, the clock, the environment |
//! | platforms | db, engine, report, commands, doctor, tokio, a file, the clock, the environment |
//! | db | plan, engine, report, config, commands |
//! | doctor | db but what it knows of a URL and a server's health, engine, report, commands, tokio, a file, the clock, the environment |
//! | engine | formats, sources, config, report, a database by name |
//! | report | db, drivers, tokio, commands |
//! | commands | clap, printing, exiting, SQL |
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
