//! Real compilations of a tiny project, with what a lifecycle does between them.

use super::*;
use crate::compilation::Compilation;
use crate::toolchain::program;
use libcnb::Env;
use std::process::Command;

#[cfg(target_arch = "x86_64")]
const TARGET: &str = "x86_64-unknown-linux-gnu";
#[cfg(target_arch = "aarch64")]
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// A project, its dependencies, and the layer in which it is compiled. The
/// dependencies are published crates to cargo, whose files are of 2006.
struct Story {
    folder: tempfile::TempDir,
}

impl Story {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let story = Self { folder };
        let manifest = "[package]\nname = \"base\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
        story.publish(
            "base",
            &[
                ("Cargo.toml", manifest),
                (
                    "build.rs",
                    r#"fn main() { println!("cargo:rerun-if-changed=data.txt"); }"#,
                ),
                ("data.txt", "as large as SQLite"),
                ("src/lib.rs", "pub fn base() -> &'static str { \"base\" }"),
            ],
        );
        let manifest = manifest.replace("base", "middle") + "[dependencies]\nbase = \"1\"\n";
        story.publish(
            "middle",
            &[
                ("Cargo.toml", &manifest),
                (
                    "src/lib.rs",
                    "pub fn middle() -> &'static str { base::base() }",
                ),
            ],
        );
        story
    }

    fn publish(&self, name: &str, files: &[(&str, &str)]) {
        let folder = self.folder.path().join("published").join(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
        fs::write(folder.join(".cargo-checksum.json"), r#"{"files":{}}"#).unwrap();
        let published = FileTime::from_unix_time(1_153_704_088, 0);
        age(&folder, published).unwrap();
    }

    /// The settings of the build image, which name a mirror; and a target folder,
    /// which is not to have a say.
    fn env(&self) -> Env {
        let workspace = self.folder.path().join("build-image");
        let published = self.folder.path().join("published");
        let config = format!(
            "[source.crates-io]\nreplace-with = \"published\"\n\
             [source.published]\ndirectory = {published:?}\n\
             [build]\ntarget-dir = \"elsewhere\"\n"
        );
        fs::create_dir_all(&workspace).unwrap();
        fs::write(workspace.join("config.toml"), config).unwrap();
        let mut env = Env::from_current();
        env.insert("CARGO_HOME", workspace);
        env
    }

    /// The program that prints `text`.
    fn source(&self, text: &str) -> Source {
        let manifest = "[package]\nname = \"app\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\
             [[bin]]\nname = \"migrate\"\npath = \"src/main.rs\"\n\
             [dependencies]\nmiddle = \"1\"\n";
        let main = format!("fn main() {{ println!(\"{text} on {{}}\", middle::middle()); }}");
        let files = [("Cargo.toml", manifest), ("src/main.rs", &*main)];
        // A lock of its own, as the carried source has one.
        let folder = tempfile::tempdir().unwrap();
        Source::of(files).unpack(folder.path()).unwrap();
        let locked = Command::new("cargo")
            .args(["generate-lockfile", "--offline"])
            .current_dir(folder.path())
            .envs(&self.env())
            .output()
            .unwrap();
        assert!(locked.status.success(), "{locked:?}");
        let lock = fs::read_to_string(folder.path().join("Cargo.lock")).unwrap();
        let [manifest, main] = files;
        Source::of([manifest, main, ("Cargo.lock", &lock)])
    }

    fn layer(&self) -> PathBuf {
        self.folder.path().join("layer")
    }

    /// What the lifecycle does between two builds: the layer goes into an archive
    /// and comes back, every file with the time of that moment.
    fn restore(&self) {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all("layer", self.layer()).unwrap();
        let archive = archive.into_inner().unwrap();
        fs::remove_dir_all(self.layer()).unwrap();
        let mut archive = tar::Archive::new(&archive[..]);
        archive.set_preserve_mtime(false);
        archive.unpack(self.folder.path()).unwrap();
    }

    /// Compiles what stands in the workshop; what cargo said, what the program says.
    fn compile(&self) -> (String, String) {
        let env = self.env();
        let workshop = Workshop::at(&self.layer());
        let mut log = Vec::new();
        let compiled = Compilation {
            cargo: program("cargo", &env).unwrap(),
            env: &env,
            features: String::new(),
            package: None,
            rustc: program("rustc", &env).unwrap(),
            target: TARGET,
            workshop: &workshop,
        }
        .run(&mut log);
        let log = String::from_utf8(log).unwrap();
        let compiled = compiled.unwrap_or_else(|error| panic!("{error:?}\n{log}"));
        let said = Command::new(compiled.program).output().unwrap().stdout;
        (log, String::from_utf8(said).unwrap())
    }
}

#[test]
fn a_restored_workshop_is_reused_and_never_stale() {
    let story = Story::new();
    let workshop = Workshop::at(&story.layer());
    workshop.prepare(&story.source("one")).unwrap();
    let (log, said) = story.compile();
    assert_eq!(said, "one on base\n");
    assert!(
        log.contains("Compiling base") && log.contains("Compiling middle"),
        "{log}"
    );

    // Taken as it is restored: the change is older than the moment of restoring,
    // so cargo takes the old program for current. This is what `prepare` is there
    // for; should a cargo no longer be deceived, this line will tell.
    let changed = workshop.source.join("src/main.rs");
    fs::write(&changed, "fn main() { println!(\"two\"); }").unwrap();
    story.restore();
    let hour_ago = SystemTime::now() - Duration::from_hours(1);
    filetime::set_file_mtime(&changed, FileTime::from_system_time(hour_ago)).unwrap();
    age(&workshop.target, FileTime::now()).unwrap();
    let (_, said) = story.compile();
    assert_eq!(said, "one on base\n", "cargo is not deceived any more");

    // As the buildpack takes it: the dependencies stay, the change counts.
    story.restore();
    workshop.prepare(&story.source("two")).unwrap();
    let (log, said) = story.compile();
    assert_eq!(said, "two on base\n");
    assert!(!log.contains("Compiling base"), "{log}");
    assert!(!log.contains("Compiling middle"), "{log}");
    assert!(log.contains("Compiling app"), "{log}");
}

#[test]
fn a_closed_workshop_holds_only_what_the_next_build_needs() {
    let folder = tempfile::tempdir().unwrap();
    let workshop = Workshop::at(folder.path());
    workshop.prepare(&Source::of([("Cargo.toml", "")])).unwrap();
    for file in [
        "registry/src/a",
        "registry/cache/a",
        "registry/index/a",
        "git/db/a",
        "git/checkouts/a",
        "bin/a",
    ] {
        let file = workshop.workspace.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }
    workshop.close().unwrap();
    let left = |path: &str| workshop.workspace.join(path).exists();
    assert!(left("registry/cache/a") && left("registry/index/a") && left("git/db/a"));
    assert!(!left("registry/src") && !left("git/checkouts") && !left("bin"));
    assert!(!workshop.source.exists());
}
