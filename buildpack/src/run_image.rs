//! Can the run image run what the build image compiled? Asked where it can be
//! known: `CNB_TARGET_DISTRO_*` name the run image's distribution.

use libcnb::Target;
use std::{fmt, fs, io, path::Path};

/// A version of glibc: 2.36 is `Glibc(2, 36)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glibc(pub(crate) u32, pub(crate) u32);

#[derive(Debug)]
pub(crate) enum RunImageError {
    GlibcTooOld {
        distro: String,
        has: Glibc,
        needs: Glibc,
    },
    NoGlibc {
        distro: String,
    },
    ReadBinary(io::Error),
}

/// Before anything is compiled: a distribution without glibc cannot run it.
pub(crate) fn check_libc(target: &Target) -> Result<(), RunImageError> {
    match target.distro_name.as_str() {
        "alpine" => Err(RunImageError::NoGlibc {
            distro: distro(target),
        }),
        _ => Ok(()),
    }
}

/// Once the binary is there: a program linked against a newer glibc than the run
/// image's does not start. Of a distribution that is not known nothing is said.
pub(crate) fn check_glibc(target: &Target, binary: &Path) -> Result<(), RunImageError> {
    let needs = needed(&fs::read(binary).map_err(RunImageError::ReadBinary)?);
    match (shipped(&target.distro_name, &target.distro_version), needs) {
        (Some(has), Some(needs)) if has < needs => Err(RunImageError::GlibcTooOld {
            distro: distro(target),
            has,
            needs,
        }),
        _ => Ok(()),
    }
}

/// The distribution and its release, as a person knows them.
pub(crate) fn distro(target: &Target) -> String {
    format!("{} {}", target.distro_name, target.distro_version)
        .trim()
        .to_string()
}

/// The newest glibc that a program names: the versions of the symbols that it
/// imports stand in it as text, also when it is stripped.
fn needed(binary: &[u8]) -> Option<Glibc> {
    const MARK: &[u8] = b"GLIBC_2.";
    binary
        .windows(MARK.len())
        .enumerate()
        .filter(|(_, window)| *window == MARK)
        .filter_map(|(at, _)| {
            let digits: Vec<u8> = binary[at + MARK.len()..]
                .iter()
                .copied()
                .take_while(u8::is_ascii_digit)
                .collect();
            String::from_utf8(digits).ok()?.parse().ok()
        })
        .map(|minor| Glibc(2, minor))
        .max()
}

/// The glibc of a distribution's release, as its package lists have it.
fn shipped(distro: &str, version: &str) -> Option<Glibc> {
    let major = version.split('.').next().unwrap_or(version);
    let minor = match (distro, major, version) {
        ("debian", "10", _) | ("almalinux" | "rhel" | "rocky", "8", _) => 28,
        ("debian", "11", _) | ("ubuntu", _, "20.04") => 31,
        ("almalinux" | "rhel" | "rocky", "9", _) | ("amzn", "2023", _) => 34,
        ("debian", "12", _) => 36,
        ("debian", "13", _) => 41,
        ("ubuntu", _, "18.04") => 27,
        ("ubuntu", _, "22.04") => 35,
        ("ubuntu", _, "24.04") | ("almalinux" | "rhel" | "rocky", "10", _) => 39,
        _ => return None,
    };
    Some(Glibc(2, minor))
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(distro_name: &str, distro_version: &str) -> Target {
        Target {
            os: "linux".to_string(),
            arch: "amd64".to_string(),
            arch_variant: None,
            distro_name: distro_name.to_string(),
            distro_version: distro_version.to_string(),
        }
    }

    /// What is said about a program on a distribution; nothing where it is fine.
    fn complaint(distro_name: &str, distro_version: &str, program: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), program).unwrap();
        match check_glibc(&target(distro_name, distro_version), file.path()) {
            Ok(()) => String::new(),
            Err(RunImageError::GlibcTooOld { distro, has, needs }) => {
                format!("{distro} has {has}, needs {needs}")
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn alpine_has_no_glibc() {
        assert!(check_libc(&target("debian", "12")).is_ok());
        assert!(matches!(
            check_libc(&target("alpine", "3.22")),
            Err(RunImageError::NoGlibc { distro }) if distro == "alpine 3.22"
        ));
    }

    #[test]
    fn the_newest_version_that_a_program_names_counts() {
        let program = b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
        assert_eq!(needed(program), Some(Glibc(2, 34)));
        assert_eq!(needed(b"GLIBC_2."), None);
    }

    #[test]
    fn an_older_glibc_is_named_and_an_unknown_one_passes() {
        let program = b"GLIBC_2.36";
        assert_eq!(complaint("debian", "12", program), "");
        assert_eq!(complaint("debian", "13.1", program), "");
        assert_eq!(
            complaint("ubuntu", "22.04", program),
            "ubuntu 22.04 has 2.35, needs 2.36"
        );
        assert_eq!(complaint("wolfi", "20230201", program), "");
        assert_eq!(complaint("debian", "12", b"no glibc at all"), "");
    }
}
