//! The real binary against real databases, as a user would run it.
//!
//! Stories on SQLite always run. Those that need a server are ignored in a plain
//! `cargo test`; with the environment of `scripts/servers`, `--include-ignored`
//! runs them all, and without it they fail.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[allow(dead_code, reason = "the examples use the rest")]
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/mod.rs"]
mod support;

#[path = "../code.rs"]
mod code;
#[path = "../doctor/mod.rs"]
mod doctor;
#[path = "../kill/mod.rs"]
mod kill;
#[path = "../library.rs"]
mod library;
#[path = "../race.rs"]
mod race;
#[path = "../wheel/mod.rs"]
mod wheel;

mod alembic;
mod application;
mod bad_input;
mod baseline;
mod batch;
mod batch_faults;
mod check;
mod command_line;
mod completions;
mod concurrency;
mod concurrently;
mod configuration;
mod connection;
mod databases;
mod deploy;
mod doctor_database;
mod down;
mod down_beside;
mod down_stops;
mod drift;
mod empty;
mod errors;
mod exchange;
mod failure;
mod files;
mod folder;
mod foreign;
mod json;
mod mysql;
mod mysql_defaults;
mod names;
mod new;
mod no_transaction;
mod plan;
mod postgres;
mod reader;
mod redo;
mod repair;
mod repeatable;
mod running;
mod runs;
mod search_path;
mod sessions;
mod side_tables;
mod sqlite;
mod sqlite_rebuild;
mod sqlx_toml;
mod steps;
mod stopping;
mod story;
mod tls;
mod transaction;
mod url_parameters;
mod variables;
mod wait;
