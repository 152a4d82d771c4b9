//! One layer a file.

pub(crate) mod cargo;
pub(crate) mod migrations;
pub(crate) mod migrator;
pub(crate) mod toolchain;
