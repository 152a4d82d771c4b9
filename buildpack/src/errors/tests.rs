//! Every text, held by a snapshot.

use super::*;
use crate::toolchain::Unfit;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

fn snapshot(name: &str, error: BuildpackError) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, describe(&error.into()));
    });
}

fn io_error() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "permission denied")
}

#[test]
fn bundle() {
    let file = "migrations/0001_users.sql".to_string();
    let cause = io_error();
    snapshot(
        "bundle_read",
        BuildpackError::Bundle(BundleError::Read {
            file: file.clone(),
            cause,
        }),
    );
    let cause = io_error();
    snapshot(
        "bundle_write",
        BuildpackError::Bundle(BundleError::Write { file, cause }),
    );
    let cause = "no form".to_string();
    snapshot(
        "bundle_manifest",
        BuildpackError::Bundle(BundleError::Manifest(cause)),
    );
}

#[test]
fn own_program() {
    let package = "guestbook".to_string();
    snapshot("own_no_lock", BuildpackError::NoLock { package });
    let status = ExitStatus::from_raw(101 << 8);
    for (name, cause) in [
        ("own_compilation_unknown", Cause::Unknown),
        ("own_compilation_old_lock", Cause::OldLock),
    ] {
        let error = CompilationError::Failed { status, cause };
        snapshot(name, BuildpackError::OwnCompilation(error));
    }
    let said = "error[duplicate_version]: two files claim version 1".to_string();
    snapshot("own_migrations", BuildpackError::OwnMigrations { said });
}

#[test]
fn compilation() {
    let status = ExitStatus::from_raw(101 << 8);
    for (name, cause) in [
        ("compilation_killed", Cause::Killed),
        ("compilation_network", Cause::Network),
        ("compilation_no_libc", Cause::NoLibc),
        ("compilation_no_space", Cause::NoSpace),
        ("compilation_unknown", Cause::Unknown),
    ] {
        let error = CompilationError::Failed { status, cause };
        snapshot(name, BuildpackError::Compilation(error));
    }
    snapshot(
        "compilation_start",
        BuildpackError::Compilation(CompilationError::Start(io_error())),
    );
    snapshot(
        "compilation_io",
        BuildpackError::Compilation(CompilationError::Io(io_error())),
    );
    snapshot(
        "compilation_no_program",
        BuildpackError::Compilation(CompilationError::NoProgram),
    );
    snapshot("no_c_compiler", BuildpackError::NoCCompiler);
}

#[test]
fn config() {
    let value = "/srv/rust".to_string();
    snapshot(
        "config_mirror",
        BuildpackError::Config(ConfigError::MirrorNotHttp { value }),
    );
    let name = DIR.to_string();
    snapshot(
        "config_not_unicode",
        BuildpackError::Config(ConfigError::NotUnicode { name }),
    );
    let (value, nearest) = ("postgrse".to_string(), Some("postgres".to_string()));
    snapshot(
        "config_database",
        BuildpackError::Config(ConfigError::UnknownDatabase { value, nearest }),
    );
    let (value, nearest) = ("oracle".to_string(), None);
    snapshot(
        "config_database_far",
        BuildpackError::Config(ConfigError::UnknownDatabase { value, nearest }),
    );
    let (name, nearest) = (
        "BP_MIGRATE_DATABASE".to_string(),
        Some(DATABASES.to_string()),
    );
    snapshot(
        "config_variable",
        BuildpackError::Config(ConfigError::UnknownVariable { name, nearest }),
    );
    let value = "re/lease".to_string();
    snapshot(
        "config_process_type",
        BuildpackError::Config(ConfigError::BadProcessType { value }),
    );
    snapshot(
        "config_process_web",
        BuildpackError::Config(ConfigError::WebProcess),
    );
    let dir = "../shared".to_string();
    snapshot("folder_outside", BuildpackError::FolderOutside { dir });
}

#[test]
fn install() {
    let url = || "https://rust.example.com/dist/rustc-1.95.0.tar.gz".to_string();
    let (expected, actual) = ("a".repeat(64), "b".repeat(64));
    snapshot(
        "install_checksum",
        BuildpackError::Install(InstallError::Checksum {
            url: url(),
            expected,
            actual,
        }),
    );
    let cause = "error sending request: Connection refused (os error 111)".to_string();
    snapshot(
        "install_download",
        BuildpackError::Install(InstallError::Download { url: url(), cause }),
    );
    let cause = io_error();
    snapshot(
        "install_unpack",
        BuildpackError::Install(InstallError::Unpack { url: url(), cause }),
    );
    snapshot(
        "install_io",
        BuildpackError::Install(InstallError::Io(io_error())),
    );
}

#[test]
fn internal() {
    snapshot("cargo_layer", BuildpackError::CargoLayer(io_error()));
    snapshot("migrator_layer", BuildpackError::MigratorLayer(io_error()));
    snapshot(
        "sbom",
        BuildpackError::Sbom(SbomError::ReadManifest(io_error())),
    );
    snapshot("source", BuildpackError::Source(io_error()));
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("libcnb", describe(&libcnb::Error::CannotWriteLaunchSbom(io_error())));
    });
}

fn projects(app: &std::path::Path) -> migrate::Error {
    let workspace = migrate::project::Workspace::open(app);
    workspace
        .and_then(|workspace| workspace.projects(&migrate::config::Overrides::default()))
        .err()
        .unwrap()
}

#[test]
fn project() {
    let app = tempfile::tempdir().unwrap();
    std::fs::create_dir(app.path().join("migrations")).unwrap();
    let file = app.path().join("migrations/0001_users.sql");
    std::fs::write(file, "-- +goose Up\nCREATE TABLE users (id int);\n").unwrap();
    let error = projects(app.path());
    snapshot("project", BuildpackError::Project(Box::new(error)));
    let text = "[database.billing]\nlock_wait = \"1m\"\n";
    std::fs::write(app.path().join("migrate.toml"), text).unwrap();
    let error = projects(app.path());
    snapshot("project_file", BuildpackError::Project(Box::new(error)));
}

#[test]
fn run_image() {
    let distro = "alpine 3.22".to_string();
    snapshot(
        "run_image_no_glibc",
        BuildpackError::RunImage(RunImageError::NoGlibc { distro }),
    );
    let distro = "ubuntu 22.04".to_string();
    let (has, needs) = (
        crate::run_image::Glibc(2, 35),
        crate::run_image::Glibc(2, 39),
    );
    snapshot(
        "run_image_glibc",
        BuildpackError::RunImage(RunImageError::GlibcTooOld { distro, has, needs }),
    );
    snapshot(
        "run_image_read",
        BuildpackError::RunImage(RunImageError::ReadBinary(io_error())),
    );
}

#[test]
fn toolchain() {
    let (arch, because) = ("riscv64".to_string(), Unfit::Missing { program: "cargo" });
    snapshot(
        "toolchain_arch",
        BuildpackError::Toolchain(ToolchainError::UnsupportedArch { arch, because }),
    );
    let error = toml::from_str::<toml::Table>("=").unwrap_err();
    snapshot(
        "toolchain_inventory",
        BuildpackError::Toolchain(ToolchainError::Inventory(error)),
    );
}
