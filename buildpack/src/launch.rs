//! The process that a platform starts.

use libcnb::data::launch::{Launch, LaunchBuilder, ProcessBuilder, WorkingDirectory};
use libcnb::data::process_type;
use std::path::Path;

/// `migrate up`, by the binary's absolute path: an app's Python environment may
/// hold another `migrate` that stands before ours on the PATH. `up` is an argument
/// that a user may override. Never the default: starting an image by mistake must
/// not change a database.
pub(crate) fn launch(program: &Path) -> Launch {
    LaunchBuilder::new()
        .process(
            ProcessBuilder::new(process_type!("migrate"), [program.to_string_lossy()])
                .arg("up")
                .default(false)
                .working_directory(WorkingDirectory::App)
                .build(),
        )
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_migrate_up_and_not_the_default() {
        let launch = launch(Path::new("/layers/x/migrator/bin/migrate"));
        let [process] = &launch.processes[..] else {
            panic!("{launch:?}");
        };
        assert_eq!(process.r#type, process_type!("migrate"));
        assert_eq!(process.command, ["/layers/x/migrator/bin/migrate"]);
        assert_eq!(process.args, ["up"]);
        assert!(!process.default);
        assert_eq!(process.working_directory, WorkingDirectory::App);
    }
}
