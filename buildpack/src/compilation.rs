//! cargo, started on the migrator's source.

use crate::environment;
use crate::layers::cargo::Workshop;
use crate::source;
use libcnb::Env;
use serde::Deserialize;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::{fmt, thread};

/// The program to compile: the name of its target in the source.
pub(crate) const PROGRAM: &str = "migrate";

/// How much of cargo's last words is kept to find the reason of a failure.
const LAST_WORDS: usize = 200;

/// Everything that a compilation needs to know.
pub(crate) struct Compilation<'a> {
    pub(crate) cargo: PathBuf,
    pub(crate) env: &'a Env,
    /// Of the carried migrator; an app's own program has those of its manifest.
    pub(crate) features: String,
    /// The app's package that has the program, and its own release profile.
    pub(crate) package: Option<&'a str>,
    pub(crate) rustc: PathBuf,
    pub(crate) target: &'a str,
    pub(crate) workshop: &'a Workshop,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) program: PathBuf,
    /// The crates that are part of it, whether compiled now or reused.
    pub(crate) crates: Vec<Artifact>,
}

/// A crate that cargo reported: exactly what it put together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) manifest: PathBuf,
    /// False for what only helped to compile: build scripts, macros, theirs.
    pub(crate) in_program: bool,
}

#[derive(Debug)]
pub(crate) enum CompilationError {
    Failed { status: ExitStatus, cause: Cause },
    Io(io::Error),
    NoProgram,
    Start(io::Error),
}

/// What cargo's last words point to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Killed, as the kernel does when memory runs out.
    Killed,
    /// Headers or start files of the C library are not there.
    NoLibc,
    NoSpace,
    Network,
    /// The lock file does not belong to the manifests.
    OldLock,
    Unknown,
}

impl Compilation<'_> {
    /// The command line, as a person would type it.
    fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = ["build", "--release", "--locked", "--bin", PROGRAM]
            .map(String::from)
            .into();
        // Named, though it is the host's own: an app's CARGO_BUILD_TARGET has no
        // say then, and what only helps to compile lies apart from the program's
        // crates.
        arguments.extend(["--target".to_string(), self.target.to_string()]);
        if let Some(package) = self.package {
            arguments.extend(["--package".to_string(), package.to_string()]);
        } else if !self.features.is_empty() {
            arguments.push("--no-default-features".to_string());
            arguments.extend(["--features".to_string(), self.features.clone()]);
        }
        arguments
    }

    /// Runs cargo; what it tells goes to `log` while it tells it.
    pub(crate) fn run(&self, log: &mut dyn Write) -> Result<Compiled, CompilationError> {
        let mut cargo = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(CompilationError::Start)?;
        let (stdout, stderr) = (cargo.stdout.take(), cargo.stderr.take());
        let (messages, last_words) = thread::scope(|scope| {
            let messages = scope.spawn(|| {
                let mut messages = String::new();
                stdout.map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut messages))?;
                Ok(messages)
            });
            let last_words = stderr.map_or(Ok(Vec::new()), |stderr| pass_on(stderr, log));
            (messages.join(), last_words)
        });
        let status = cargo.wait().map_err(CompilationError::Io)?;
        let last_words = last_words.map_err(CompilationError::Io)?;
        if !status.success() {
            let cause = cause(status, &last_words);
            return Err(CompilationError::Failed { status, cause });
        }
        let messages = messages
            .unwrap_or_else(|_| Err(io::Error::other("the reader of cargo's messages died")))
            .map_err(CompilationError::Io)?;
        compiled(&messages, self.target)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command
            .args(self.arguments())
            .args(["--message-format", "json-render-diagnostics"])
            // In the source's own folder, so that the app's rust-toolchain and its
            // .cargo/config.toml have no say but over a program of its own.
            .current_dir(&self.workshop.source)
            .env_clear()
            .envs(
                self.env
                    .iter()
                    .filter(|(name, _)| !environment::is_ours(name)),
            )
            .env("CARGO_HOME", &self.workshop.workspace)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TERM_COLOR", "never")
            .env("RUSTC", &self.rustc);
        // The build image's own settings, a registry mirror say, stay in force. Ours
        // follow, and as options: a file that is named here outdoes the environment.
        if let Some(file) = environment::user_config(self.env) {
            command.arg("--config").arg(file);
        }
        if self.package.is_none() {
            for setting in source::profile(self.env) {
                command.args(["--config", &setting]);
            }
        }
        command.arg("--target-dir").arg(&self.workshop.target);
        command
    }
}

/// As a person would type it.
impl fmt::Display for Compilation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo {}", self.arguments().join(" "))
    }
}

/// Copies lines as they come, and returns the last of them.
fn pass_on(from: impl Read, log: &mut dyn Write) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(log, "{line}")?;
        if lines.len() == LAST_WORDS {
            lines.remove(0);
        }
        lines.push(line);
    }
    Ok(lines)
}

fn cause(status: ExitStatus, last_words: &[String]) -> Cause {
    let says = |words: &[&str]| {
        last_words
            .iter()
            .any(|line| words.iter().any(|word| line.contains(word)))
    };
    if status.signal() == Some(9) || says(&["signal: 9"]) {
        Cause::Killed
    } else if says(&["No space left on device"]) {
        Cause::NoSpace
    } else if says(&["because --locked was passed"]) {
        Cause::OldLock
    } else if says(&[
        "failed to download",
        "download of",
        "Could not resolve host",
        "failed to query replaced source",
        "failed to fetch",
        "network failure",
    ]) {
        Cause::Network
    } else if says(&["crt1.o", "cannot find -lc", ".h: No such file or directory"]) {
        Cause::NoLibc
    } else {
        Cause::Unknown
    }
}

/// A line of cargo's messages; only those of crates have what is asked for here.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    filenames: Vec<PathBuf>,
    manifest_path: PathBuf,
}

fn compiled(messages: &str, target: &str) -> Result<Compiled, CompilationError> {
    let mut crates: Vec<Artifact> = Vec::new();
    let mut program = None;
    for message in messages
        .lines()
        .filter(|line| line.contains(r#""reason":"compiler-artifact""#))
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
    {
        // With --target, what runs at compile time lies outside its folder.
        let in_program = message
            .filenames
            .iter()
            .any(|file| file.components().any(|part| part.as_os_str() == target));
        match crates
            .iter_mut()
            .find(|known| known.manifest == message.manifest_path)
        {
            Some(known) => known.in_program |= in_program,
            None => crates.push(Artifact {
                manifest: message.manifest_path,
                in_program,
            }),
        }
        if let Some(executable) = message.executable.filter(|_| in_program) {
            program = Some(executable);
        }
    }
    program
        .map(|program| Compiled { program, crates })
        .ok_or(CompilationError::NoProgram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_tell_the_cause() {
        let failed = ExitStatus::from_raw(101 << 8);
        let of = |words: &str| cause(failed, &[words.to_string()]);
        assert_eq!(
            of("error: failed to download `serde v1.0.0`"),
            Cause::Network
        );
        assert_eq!(of("  (signal: 9, SIGKILL: kill)"), Cause::Killed);
        assert_eq!(of("/usr/bin/ld: cannot find crt1.o"), Cause::NoLibc);
        assert_eq!(
            of("sqlite3.c:1: stdio.h: No such file or directory"),
            Cause::NoLibc
        );
        assert_eq!(of("No space left on device (os error 28)"), Cause::NoSpace);
        assert_eq!(
            of("error: cannot update the lock file /a/Cargo.lock because --locked was passed"),
            Cause::OldLock
        );
        assert_eq!(of("error[E0308]: mismatched types"), Cause::Unknown);
        assert_eq!(cause(ExitStatus::from_raw(9), &[]), Cause::Killed);
    }

    #[test]
    fn cargos_messages_tell_the_program_and_its_crates() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/r/syn/Cargo.toml","filenames":["/t/release/deps/libsyn.rlib"],"executable":null}
{"reason":"build-script-executed","package_id":"x"}
{"reason":"compiler-artifact","manifest_path":"/r/ring/Cargo.toml","filenames":["/t/release/build/ring/build-script-build"],"executable":null}
{"reason":"compiler-artifact","manifest_path":"/r/ring/Cargo.toml","filenames":["/t/gnu/release/deps/libring.rlib"],"executable":null}
{"reason":"compiler-artifact","manifest_path":"/s/Cargo.toml","filenames":["/t/gnu/release/migrate"],"executable":"/t/gnu/release/migrate"}
{"reason":"build-finished","success":true}"#;
        let compiled = compiled(messages, "gnu").unwrap();
        assert_eq!(compiled.program, PathBuf::from("/t/gnu/release/migrate"));
        let crates: Vec<_> = compiled
            .crates
            .iter()
            .map(|artifact| (artifact.manifest.to_str().unwrap(), artifact.in_program))
            .collect();
        assert_eq!(
            crates,
            [
                ("/r/syn/Cargo.toml", false),
                ("/r/ring/Cargo.toml", true),
                ("/s/Cargo.toml", true)
            ]
        );
        assert!(matches!(
            super::compiled("{}", "gnu"),
            Err(CompilationError::NoProgram)
        ));
    }
}
