//! What a shell completes: every verb and option, from the same description as
//! `--help`.

use super::args::Cli;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

/// The script that a shell reads.
pub(super) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Cli::command(), "migrate", &mut script);
    script
}
