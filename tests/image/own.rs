//! `examples/rust-app` as an app that stands alone. What it depends on would be
//! named by its repository; here it lies beside it, in a workspace of which the
//! example is a member.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The example's folder in the workspace.
const MEMBER: &str = "guestbook";

/// Makes the workspace of a copy of the example.
pub(crate) fn make_workspace(app: &Path) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in ["Cargo.toml", "build.rs", "migrations", "src"] {
        fs::create_dir_all(app.join(MEMBER)).unwrap();
        fs::rename(app.join(part), app.join(MEMBER).join(part)).unwrap();
    }
    let manifest = app.join(MEMBER).join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replace("../../", "../").replace("[workspace]", "");
    fs::write(manifest, text).unwrap();

    for library in ["embed", "migrator"] {
        copy(
            &project.join(library).join("src"),
            &app.join(library).join("src"),
        );
        let manifest = fs::read_to_string(project.join(library).join("Cargo.toml")).unwrap();
        // Its tests are not there, nor what they need.
        let (published, _) = manifest.split_once("[dev-dependencies]").unwrap();
        let manifest = format!("{published}[lints]\nworkspace = true\n");
        fs::write(app.join(library).join("Cargo.toml"), manifest).unwrap();
    }

    let root = fs::read_to_string(project.join("Cargo.toml")).unwrap();
    let (_, workspace) = root.split_once("[workspace]").unwrap();
    // Not optimised: that it is built is what counts, and that takes long enough.
    let (workspace, _) = workspace.split_once("[profile.release]").unwrap();
    let workspace: Vec<_> = workspace
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some(("members", _)) => "members = [\"embed\", \"guestbook\", \"migrator\"]",
            Some(("exclude", _)) => "",
            _ => line,
        })
        .collect();
    fs::write(
        app.join("Cargo.toml"),
        format!(
            "[workspace]{}\n[profile.release]\nopt-level = 0\nstrip = true\n",
            workspace.join("\n")
        ),
    )
    .unwrap();
    // The versions of this workspace; a member's lock is another than a
    // dependency's, which needs no more than its features do.
    fs::copy(project.join("Cargo.lock"), app.join("Cargo.lock")).unwrap();
    let locked = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version=1"])
        .current_dir(app)
        .output()
        .unwrap();
    assert!(locked.status.success(), "{locked:?}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
