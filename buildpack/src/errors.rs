//! The only words about failures: each says what happened, why, and what to do
//! next. Snapshots beside this file hold them.

use crate::BuildpackError;
use crate::compilation::{Cause, CompilationError};
use crate::config::{ConfigError, DATABASES, DIR, PROCESS_TYPES, RUST_MIRROR};
use crate::layers::migrations::BundleError;
use crate::layers::toolchain::InstallError;
use crate::run_image::RunImageError;
use crate::sbom::SbomError;
use crate::toolchain::{OLDEST, ToolchainError};
use indoc::formatdoc;
use std::fmt::Display;

/// What follows the log of cargo, whatever it says.
const SEE_ABOVE: &str = "See the log output above for what cargo said.";

/// The whole text about an error.
pub(crate) fn describe(error: &libcnb::Error<BuildpackError>) -> String {
    match error {
        libcnb::Error::BuildpackError(error) => ours(error),
        // libcnb's own: a layer or plan file that cannot be read or written.
        other => internal("talking to the lifecycle", other),
    }
}

fn ours(error: &BuildpackError) -> String {
    match error {
        BuildpackError::Bundle(error) => bundle(error),
        BuildpackError::CargoLayer(cause) => {
            internal("preparing the folders that cargo uses", cause)
        }
        BuildpackError::Compilation(error) => compilation(error),
        BuildpackError::Config(error) => config(error),
        BuildpackError::FolderOutside { dir } => formatdoc! {"
            The migrations folder is outside the app

            The migrations folder is set to `{dir}`, which is outside the app's folder. Only
            what is in the app's folder is part of the build.

            Set `{DIR}`, or `dir` in migrate.toml, to a folder relative to the app's root:
            `db/migrations`, for example.
        "},
        BuildpackError::Install(error) => install(error),
        BuildpackError::MigratorLayer(cause) => internal("filling the migrator's layer", cause),
        BuildpackError::NoCCompiler => formatdoc! {"
            No C compiler in the build image

            The migrator is compiled while the image is built. That needs a C compiler
            and linker, and there is no `cc` on the PATH of this build image.

            Use a builder whose build image has one (a \"full\" or \"-build\" variant usually
            does), or install `gcc` and `libc6-dev` in your own build image.
        "},
        BuildpackError::NoLock { package } => formatdoc! {"
            The app has no Cargo.lock

            The migrations are inside the app's own program `migrate`, of the package
            `{package}`, and it is compiled with exactly the versions of a Cargo.lock. There
            is none next to the Cargo.toml at the app's root.

            Run `cargo generate-lockfile` there and commit the file. Check that neither
            .gitignore nor .dockerignore excludes it.
        "},
        BuildpackError::OwnCompilation(error) => own_compilation(error),
        BuildpackError::OwnMigrations { said } => formatdoc! {"
            The migrations inside the app's own program cannot be used

            {said}

            The build runs the program with `migrate check --offline`, so that such a problem
            stops the build and not a release. That check failed.
        "},
        BuildpackError::Project(error) => formatdoc! {"
            The migrations cannot be used

            {diagnostic}

            Nothing was built. The build reads all migrations, so that such a problem stops
            the build and not a release.
        ", diagnostic = error.diagnostic()},
        BuildpackError::RunImage(error) => run_image(error),
        BuildpackError::Sbom(error) => match error {
            SbomError::Lock(cause) | SbomError::Manifest(cause) => {
                internal("listing what the migrator is made of", cause)
            }
            SbomError::ReadManifest(cause) => {
                internal("listing what the migrator is made of", cause)
            }
        },
        BuildpackError::Source(cause) => internal("unpacking the migrator's source", cause),
        BuildpackError::Toolchain(error) => toolchain(error),
    }
}

fn config(error: &ConfigError) -> String {
    match error {
        ConfigError::BadProcessType { value } => formatdoc! {"
            `{value}` cannot be the name of a process

            `{PROCESS_TYPES}` names `{value}`. The name of a process contains only letters,
            digits, dots, dashes and underscores.

            Set it to the names that your platform looks for, separated by commas, such as
            `migrate,release`, or unset it to have `migrate` alone.
        "},
        ConfigError::MirrorNotHttp { value } => formatdoc! {"
            `{RUST_MIRROR}` is not a web address

            `{RUST_MIRROR}` is set to `{value}`. The Rust toolchain can be downloaded
            with http or https only.

            Set it to the address of a server that has the same folders as the Rust
            distribution server, such as `https://mirror.example.com/rust`, or unset it.
        "},
        ConfigError::NotUnicode { name } => formatdoc! {"
            `{name}` is not text

            The environment variable `{name}` is not valid UTF-8.

            Set it again, as plain text.
        "},
        ConfigError::UnknownDatabase { value, nearest } => {
            let hint = meant(nearest.as_deref());
            formatdoc! {"
                Unknown database in `{DATABASES}`

                `{DATABASES}` names `{value}`, which is not a database that the migrator
                has a driver for.{hint}

                Set it to one or more of `postgres`, `mysql` (MariaDB too) and `sqlite`,
                separated by commas, or unset it to have all three.
            "}
        }
        ConfigError::UnknownVariable { name, nearest } => {
            let hint = meant(nearest.as_deref());
            formatdoc! {"
                Unknown setting `{name}`

                The environment variable `{name}` begins like a setting of this
                buildpack, but there is no such setting, so it would have no effect.{hint}

                The settings are `{DATABASES}`, `{DIR}`,
                `{PROCESS_TYPES}` and `{RUST_MIRROR}`. Correct the
                name, or unset the variable.
            "}
        }
        ConfigError::WebProcess => formatdoc! {"
            The migrator cannot be the process `web`

            `{PROCESS_TYPES}` names `web`, which platforms start as the application: they would
            start the migrator instead, again and again, in every instance.

            Set it to the names that your platform looks for before a deploy, such as
            `migrate,release`, or unset it to have `migrate` alone.
        "},
    }
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |nearest| {
        format!(" Did you mean `{nearest}`?")
    })
}

fn run_image(error: &RunImageError) -> String {
    match error {
        RunImageError::GlibcTooOld { distro, has, needs } => formatdoc! {"
            The run image is older than the build image

            The migrator was compiled in the build image and needs glibc {needs} or later.
            The run image is {distro}, which has glibc {has}: the migrator would not
            start in it.

            Use a run image of the same distribution and release as the build image.
            The option `--run-image` of `pack build` may set a different one than the builder's.
        "},
        RunImageError::NoGlibc { distro } => formatdoc! {"
            The run image has no glibc

            The run image is {distro}, whose C library is musl. The migrator is compiled
            for glibc and would not start in it.

            Use a builder whose run image is from the Debian, Ubuntu or Red Hat family.
        "},
        RunImageError::ReadBinary(cause) => internal("reading the compiled migrator", cause),
    }
}

fn toolchain(error: &ToolchainError) -> String {
    match error {
        ToolchainError::Inventory(cause) => internal("reading the inventory of toolchains", cause),
        ToolchainError::UnsupportedArch { arch, because } => formatdoc! {"
            No Rust for this architecture

            The migrator is compiled with Rust {OLDEST} or later. In this build image
            {because}, and this buildpack knows where to get one for
            amd64 and arm64 only, not for {arch}.

            Use a builder whose build image has Rust, or put a buildpack that provides
            `rust` before this one.
        "},
    }
}

fn install(error: &InstallError) -> String {
    match error {
        InstallError::Checksum {
            url,
            expected,
            actual,
        } => formatdoc! {"
            A downloaded part of the Rust toolchain is not the expected one

            What was downloaded from
            {url}
            has the SHA-256
              {actual}
            and should have
              {expected}
            So it was not used. A proxy or a mirror may have answered with its own page, or
            the download was incomplete.

            Try again. If `{RUST_MIRROR}` is set, check that the mirror has the
            unchanged file; otherwise check what is between this build and the server.
        "},
        InstallError::Download { url, cause } => formatdoc! {"
            The Rust toolchain could not be downloaded

            Downloading
            {url}
            failed: {cause}

            The build image has no Rust that is new enough, so this buildpack installs it.
            1. Try again, if it may have been a network problem.
            2. Behind a proxy, set `HTTPS_PROXY` for the build; with your own certificate
               authority, `SSL_CERT_FILE`.
            3. With a mirror of the Rust distribution server, set `{RUST_MIRROR}`.
            4. Or use a builder with Rust {OLDEST} or later: then nothing is downloaded.
        "},
        InstallError::Io(cause) => internal("installing the Rust toolchain", cause),
        InstallError::Unpack { url, cause } => formatdoc! {"
            The Rust toolchain could not be unpacked

            What was downloaded from
            {url}
            is the right file, but unpacking it failed: {cause}

            Usually the disk of the build is full: about 700 MB are needed.
        "},
    }
}

fn compilation(error: &CompilationError) -> String {
    match error {
        CompilationError::Failed { status, cause } => {
            let next = advice(*cause);
            formatdoc! {"
                The migrator could not be compiled

                cargo failed with {status}.

                {next}

                {SEE_ABOVE}
            "}
        }
        CompilationError::Io(cause) => internal("reading what cargo says", cause),
        CompilationError::NoProgram => {
            internal("looking for the compiled migrator", &"cargo named none")
        }
        CompilationError::Start(cause) => formatdoc! {"
            cargo could not be started

            The cargo that was found does not start: {cause}

            If the build image has its own Rust, check that `cargo --version` works in it.
        "},
    }
}

/// The source is the app's, and so is most of what can be wrong with it.
fn own_compilation(error: &CompilationError) -> String {
    match error {
        CompilationError::Failed { status, cause } => {
            let next = match cause {
                Cause::Unknown => formatdoc! {"
                    Run the same in the app's folder on your own machine; it should fail in the same
                    way: `cargo build --release --locked --bin migrate`. What is outside the app's
                    folder, such as a path dependency, is not part of the build."},
                cause => advice(*cause),
            };
            formatdoc! {"
                The app's own program `migrate` could not be compiled

                cargo failed with {status}.

                {next}

                {SEE_ABOVE}
            "}
        }
        other => compilation(other),
    }
}

fn advice(cause: Cause) -> String {
    match cause {
        Cause::Killed => formatdoc! {"
            The compiler was killed, as happens when the build runs out of memory.
            Give the build more memory (2 GB are enough), or leave out the drivers that the
            app does not use: `{DATABASES}=postgres`, for example."},
        Cause::Network => formatdoc! {"
            A crate could not be downloaded from the Rust registry.
            1. Try again, if it may have been a network problem.
            2. Behind a proxy, set `HTTPS_PROXY` for the build; with your own certificate
               authority, `SSL_CERT_FILE` or `CARGO_HTTP_CAINFO`.
            3. With a mirror of the registry, configure it in the config.toml of the build
               image's CARGO_HOME: the build uses it."},
        Cause::NoLibc => formatdoc! {"
            There is a C compiler in the build image, but parts of the C library are
            missing. Install `libc6-dev` there, or use a builder whose build image has it."},
        Cause::NoSpace => formatdoc! {"
        The disk of the build is full: compiling needs about 1 GB."},
        Cause::OldLock => formatdoc! {"
            The Cargo.lock does not match the current Cargo.toml. Run
            `cargo update --workspace` in the app's folder and commit the Cargo.lock."},
        Cause::Unknown => formatdoc! {"
            The source and its dependencies are those that the buildpack was released
            with, so the cause is usually in the build image: an unusual compiler, linker
            or flag (`RUSTFLAGS`, `CC`, `CFLAGS`), or too little memory."},
    }
}

fn bundle(error: &BundleError) -> String {
    match error {
        BundleError::Manifest(cause) => internal("writing the migrations' manifest", cause),
        BundleError::Read { file, cause } => formatdoc! {"
            A migration file cannot be read

            Reading `{file}` failed: {cause}

            Check that every user can read the file, and that it is not removed while the
            image is built.
        "},
        BundleError::Write { file, cause } => internal(
            &format!("copying `{file}` into the migrations' layer"),
            cause,
        ),
    }
}

/// For what nobody who builds an app can have caused.
fn internal(doing: &str, cause: &dyn Display) -> String {
    formatdoc! {"
        Unexpected error while {doing}

        {cause}

        This is usually a temporary problem of the build machine, or a bug in this
        buildpack. Try again; if it happens again, please report it to the buildpack's
        authors, with the whole log of this build.
    "}
}

#[cfg(test)]
mod tests;
