//! What the phase tests stand on: a phase started as the lifecycle starts it, and a
//! server that stands in for a mirror.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

/// An app, a build image's PATH, and what the lifecycle hands to a phase.
#[must_use]
pub(crate) struct Phase {
    pub(crate) folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a phase said and did.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Phase {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["app", "bin", "layers", "path", "platform"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for phase in ["build", "detect"] {
            let binary = env!("CARGO_BIN_EXE_migrate-buildpack");
            symlink(binary, folder.path().join("bin").join(phase)).unwrap();
        }
        let phase = Self {
            folder,
            variables: Vec::new(),
        };
        for (path, text) in files {
            phase.write(path, text);
        }
        phase.set("CNB_TARGET_DISTRO_NAME", "debian")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_string(), value.to_string()));
        self
    }

    /// A file of the app.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("app").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A program on the PATH.
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        let path = self.folder.path().join("path").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// A Rust that notes how cargo is started, and makes a program that finds nothing
    /// wrong.
    pub(crate) fn rust(self) -> Self {
        let target = "x86_64-unknown-linux-gnu";
        let notes = self.folder.path().join("cargo.log");
        let rustc =
            format!("echo 'rustc 1.95.0 (abc)'; echo 'host: {target}'; echo 'release: 1.95.0'");
        let cargo = format!(
            r#"echo "$@" >>'{}'
test "$1" = --version && echo 'cargo 1.95.0 (abc)' && exit
while test "$1" != --target-dir; do shift; done
out=$2/{target}/release
/bin/mkdir -p "$out"
printf '#!/bin/sh\n# made of GLIBC_2.34\necho "{{\\"migrations\\":3,\\"findings\\":[]}}"\n' >"$out/migrate"
/bin/chmod +x "$out/migrate"
echo '   Compiling cnb-migrate' >&2
echo '{{"reason":"compiler-artifact","manifest_path":"'$PWD/Cargo.toml'","filenames":["'$out/migrate'"],"executable":"'$out/migrate'"}}'"#,
            notes.display()
        );
        self.program("rustc", &rustc)
            .program("cargo", &cargo)
            .program("cc", "exit 0")
    }

    pub(crate) fn detect(&self) -> Outcome {
        self.run("detect", &["platform", "plan-out.toml"])
    }

    pub(crate) fn build(&self) -> Outcome {
        fs::write(self.folder.path().join("plan.toml"), "entries = []\n").unwrap();
        self.run("build", &["layers", "platform", "plan.toml"])
    }

    fn run(&self, phase: &str, arguments: &[&str]) -> Outcome {
        let folder = self.folder.path();
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(folder.join("bin").join(phase))
            .args(arguments.iter().map(|argument| folder.join(argument)))
            .current_dir(folder.join("app"))
            .env_clear()
            .env("PATH", folder.join("path"))
            .env("CNB_BUILDPACK_DIR", env!("CARGO_MANIFEST_DIR"))
            .env("CNB_TARGET_OS", "linux")
            .env("CNB_TARGET_ARCH", "amd64")
            .env("CNB_TARGET_DISTRO_VERSION", "12")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let said = [stdout, stderr].concat();
        Outcome {
            code: status.code(),
            said: strip_colours(&String::from_utf8(said).unwrap()),
        }
    }

    pub(crate) fn layer(&self, path: &str) -> PathBuf {
        self.folder.path().join("layers").join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.folder.path().join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// How cargo was started since it was last asked.
    pub(crate) fn cargo_runs(&self) -> Vec<String> {
        let runs = self.read("cargo.log").lines().map(String::from).collect();
        fs::remove_file(self.folder.path().join("cargo.log")).unwrap();
        runs
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn fails_with(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.said);
        self.says(words);
    }

    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.said.contains(word), "no {word:?} in:\n{}", self.said);
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }
}

fn strip_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    plain
}

/// A server that gives every request the same answer; its address.
pub(crate) fn server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = connection.write_all((head + body).as_bytes());
        }
    });
    format!("http://me:secret@{address}")
}

pub(crate) fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
