//! What needs no database but SQLite's, and nothing that scripts/ starts: texts in,
//! values out, and the pages of docs/ as they are told.

mod docs;
mod filled;
mod layers;
mod links;
mod plan;
mod revert;
mod split;
mod transcript;
