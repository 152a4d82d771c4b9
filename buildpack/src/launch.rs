//! The process that a platform starts.

use libcnb::data::launch::{Launch, LaunchBuilder, ProcessBuilder, ProcessType, WorkingDirectory};
use std::path::Path;

/// `migrate up` under each of the names, by the binary's absolute path: an app's
/// Python environment may hold another `migrate` that stands before ours on the
/// PATH. `up` is an argument that a user may override. Never the default: starting
/// an image by mistake must not change a database.
pub(crate) fn launch(program: &Path, types: &[ProcessType]) -> Launch {
    let process = |of: &ProcessType| {
        ProcessBuilder::new(of.clone(), [program.to_string_lossy()])
            .arg("up")
            .default(false)
            .working_directory(WorkingDirectory::App)
            .build()
    };
    LaunchBuilder::new()
        .processes(types.iter().map(process).collect::<Vec<_>>())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use libcnb::data::process_type;

    #[test]
    fn each_process_is_migrate_up_and_none_is_the_default() {
        let types = [process_type!("migrate"), process_type!("release")];
        let launch = launch(Path::new("/layers/x/migrator/bin/migrate"), &types);
        let named: Vec<_> = launch
            .processes
            .iter()
            .map(|process| &process.r#type)
            .collect();
        assert_eq!(named, types.iter().collect::<Vec<_>>());
        for process in &launch.processes {
            assert_eq!(process.command, ["/layers/x/migrator/bin/migrate"]);
            assert_eq!(process.args, ["up"]);
            assert!(!process.default);
            assert_eq!(process.working_directory, WorkingDirectory::App);
        }
    }
}
