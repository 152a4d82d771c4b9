//! The real binary against real databases, as a user would run it.
//!
//! Stories on SQLite always run. Those that need a server are ignored in a plain
//! `cargo test`; with the environment of `scripts/servers`, `--include-ignored`
//! runs them all, and without it they fail.

#![expect(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "../support/mod.rs"]
mod support;

mod application;
mod batch;
mod command_line;
mod concurrency;
mod concurrently;
mod connection;
mod deploy;
mod down;
mod down_beside;
mod down_stops;
mod drift;
mod errors;
mod exchange;
mod failure;
mod files;
mod folder;
mod foreign;
mod json;
mod mysql;
mod no_transaction;
mod postgres;
mod reader;
mod redo;
mod runs;
mod sqlite;
mod sqlx_toml;
mod stopping;
mod story;
mod tls;
