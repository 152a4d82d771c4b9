//! Which Rust compiles the migrator: the build image's or an earlier buildpack's
//! if it is new enough, otherwise the pinned one of inventory.toml.

use libcnb::Env;
use serde::Deserialize;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What sqlx 0.9 needs (its rust-version).
pub(crate) const OLDEST: Version = Version(1, 94);

/// `1.95` of `1.95.0` or `1.96.0-nightly`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

/// A choice, made without installing or compiling anything.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// What a cache key holds: equal identity, equal output. It is also read by
    /// people, in the log.
    pub(crate) identity: String,
    pub(crate) origin: Origin,
    /// The triple that it compiles for: its own.
    pub(crate) target: String,
}

#[derive(Debug)]
pub(crate) enum Origin {
    /// Found on PATH.
    Path { cargo: PathBuf, rustc: PathBuf },
    /// To be installed, because the one on PATH is unfit.
    Pinned { pinned: Pinned, because: Unfit },
}

/// Why the Rust on PATH was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Broken {
        command: String,
    },
    Missing {
        program: &'static str,
    },
    OtherTarget {
        target: String,
    },
    TooOld {
        program: &'static str,
        version: String,
    },
}

/// The toolchain of inventory.toml for one architecture.
#[derive(Clone, Debug)]
pub(crate) struct Pinned {
    pub(crate) components: Vec<Component>,
    pub(crate) server: String,
    pub(crate) version: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    arch: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) sha256: String,
    target: String,
}

#[derive(Debug)]
pub(crate) enum ToolchainError {
    /// inventory.toml is part of the buildpack: this is a mistake of ours.
    Inventory(toml::de::Error),
    UnsupportedArch {
        arch: String,
        because: Unfit,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inventory {
    components: Vec<Component>,
    server: String,
    version: String,
}

/// Takes what is there if it will do. The programs are asked in a folder without
/// a rust-toolchain file above it: a rustup in the app's folder would obey the
/// app's.
pub(crate) fn choose(env: &Env, folder: &Path, arch: &str) -> Result<Toolchain, ToolchainError> {
    match on_path(env, folder) {
        Ok(toolchain) => Ok(toolchain),
        Err(because) => pinned(arch, because),
    }
}

/// The program's path, as the PATH of `env` has it.
pub(crate) fn program(name: &str, env: &Env) -> Option<PathBuf> {
    env::split_paths(env.get("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn on_path(env: &Env, folder: &Path) -> Result<Toolchain, Unfit> {
    let find = |name| program(name, env).ok_or(Unfit::Missing { program: name });
    let (cargo, rustc) = (find("cargo")?, find("rustc")?);
    let verbose = ask(&rustc, "-vV", env, folder)?;
    let field = |name: &str| {
        verbose
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
            .to_string()
    };
    require("rustc", &field("release"))?;
    // Distributions package the two apart, so the one says nothing of the other.
    let cargo_version = ask(&cargo, "--version", env, folder)?;
    require("cargo", cargo_version.split(' ').nth(1).unwrap_or_default())?;
    let target = field("host");
    if !target.ends_with("-linux-gnu") {
        // musl in a build image lacks musl-gcc, and SQLite does not link there.
        return Err(Unfit::OtherTarget { target });
    }
    Ok(Toolchain {
        identity: verbose.lines().next().unwrap_or_default().to_string(),
        origin: Origin::Path { cargo, rustc },
        target,
    })
}

/// The standard output of one short question.
fn ask(program: &Path, argument: &str, env: &Env, folder: &Path) -> Result<String, Unfit> {
    let answer = Command::new(program)
        .arg(argument)
        .current_dir(folder)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .output();
    match answer {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        }
        // A rustup without a default toolchain is such a one: there, and no use.
        Ok(_) | Err(_) => Err(Unfit::Broken {
            command: format!("{} {argument}", program.display()),
        }),
    }
}

fn require(program: &'static str, version: &str) -> Result<(), Unfit> {
    match Version::of(version) {
        Some(found) if found >= OLDEST => Ok(()),
        _ => Err(Unfit::TooOld {
            program,
            version: version.to_string(),
        }),
    }
}

fn pinned(arch: &str, because: Unfit) -> Result<Toolchain, ToolchainError> {
    let inventory: Inventory =
        toml::from_str(include_str!("../inventory.toml")).map_err(ToolchainError::Inventory)?;
    let components: Vec<_> = inventory
        .components
        .into_iter()
        .filter(|component| component.arch == arch)
        .collect();
    let Some(target) = components.first().map(|component| component.target.clone()) else {
        return Err(ToolchainError::UnsupportedArch {
            arch: arch.to_string(),
            because,
        });
    };
    Ok(Toolchain {
        identity: format!("Rust {} of the buildpack, {target}", inventory.version),
        origin: Origin::Pinned {
            pinned: Pinned {
                components,
                server: inventory.server,
                version: inventory.version,
            },
            because,
        },
        target,
    })
}

impl Version {
    fn of(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-']).map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Some(Self(major, minor)),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { command } => write!(f, "`{command}` fails"),
            Self::Missing { program } => write!(f, "there is no {program} on the PATH"),
            Self::OtherTarget { target } => {
                write!(
                    f,
                    "the Rust on the PATH compiles for {target}, not for glibc"
                )
            }
            Self::TooOld { program, version } => write!(
                f,
                "the {program} on the PATH is {version}, but {OLDEST} or later is needed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A PATH with programs that print what they are told to.
    fn path_with(programs: &[(&str, &str)]) -> (tempfile::TempDir, Env) {
        let folder = tempfile::tempdir().unwrap();
        for (name, output) in programs {
            let file = folder.path().join(name);
            fs::write(&file, format!("#!/bin/sh\necho '{output}'\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut env = Env::new();
        env.insert("PATH", folder.path());
        (folder, env)
    }

    fn rustc(release: &str, host: &str) -> String {
        format!("rustc {release} (abc 2026-01-01)\nbinary: rustc\nhost: {host}\nrelease: {release}")
    }

    fn because(programs: &[(&str, &str)]) -> Unfit {
        let (folder, env) = path_with(programs);
        match choose(&env, folder.path(), "amd64").unwrap().origin {
            Origin::Pinned { because, .. } => because,
            Origin::Path { cargo, .. } => panic!("took {}", cargo.display()),
        }
    }

    const GNU: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn a_rust_that_is_new_enough_is_taken() {
        let rustc = rustc("1.94.0", GNU);
        let (folder, env) =
            path_with(&[("cargo", "cargo 1.94.1 (x 2026-01-01)"), ("rustc", &rustc)]);
        let toolchain = choose(&env, folder.path(), "amd64").unwrap();
        assert_eq!(toolchain.identity, "rustc 1.94.0 (abc 2026-01-01)");
        assert_eq!(toolchain.target, GNU);
        assert!(matches!(toolchain.origin, Origin::Path { .. }));
    }

    #[test]
    fn another_is_passed_over_and_the_reason_kept() {
        let new = rustc("1.97.0-nightly", GNU);
        assert_eq!(because(&[]).to_string(), "there is no cargo on the PATH");
        assert_eq!(
            because(&[("cargo", "cargo 1.95.0"), ("rustc", &rustc("1.93.1", GNU))]).to_string(),
            "the rustc on the PATH is 1.93.1, but 1.94 or later is needed"
        );
        assert_eq!(
            because(&[("cargo", "cargo 1.65.0"), ("rustc", &new)]),
            Unfit::TooOld {
                program: "cargo",
                version: "1.65.0".to_string()
            }
        );
        assert_eq!(
            because(&[
                ("cargo", "cargo 1.95.0"),
                ("rustc", &rustc("1.95.0", "x86_64-alpine-linux-musl"))
            ]),
            Unfit::OtherTarget {
                target: "x86_64-alpine-linux-musl".to_string()
            }
        );
    }

    #[test]
    fn a_program_that_fails_is_no_toolchain() {
        let (folder, env) = path_with(&[("cargo", ""), ("rustc", "")]);
        fs::write(folder.path().join("rustc"), "#!/bin/sh\nexit 1\n").unwrap();
        let toolchain = choose(&env, folder.path(), "arm64").unwrap();
        assert_eq!(toolchain.target, "aarch64-unknown-linux-gnu");
        assert!(matches!(
            toolchain.origin,
            Origin::Pinned {
                because: Unfit::Broken { .. },
                ..
            }
        ));
    }

    #[test]
    fn the_inventory_has_each_component_for_each_architecture() {
        for arch in ["amd64", "arm64"] {
            let because = Unfit::Missing { program: "cargo" };
            let Origin::Pinned { pinned, .. } = pinned(arch, because).unwrap().origin else {
                panic!("not pinned");
            };
            let names: Vec<_> = pinned.components.iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names, ["rustc", "cargo", "rust-std"]);
            assert!(pinned.components.iter().all(|c| c.sha256.len() == 64));
            assert!(Version::of(&pinned.version) >= Some(OLDEST));
        }
        assert!(matches!(
            pinned("riscv64", Unfit::Missing { program: "cargo" }),
            Err(ToolchainError::UnsupportedArch { .. })
        ));
    }
}
