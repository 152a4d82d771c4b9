//! The layer `migrator`: the compiled program, the carried one or the app's own, keyed by what went into it. An equal
//! key means that nothing is started and nothing compiled.

use crate::compilation::{Compilation, PROGRAM};
use crate::config::Config;
use crate::environment;
use crate::layers::{cargo, toolchain as toolchain_layer};
use crate::own::OwnProgram;
use crate::source::{self, Source};
use crate::toolchain::{self, Origin, Toolchain};
use crate::{BuildpackError, MigrateBuildpack, run_image, sbom};
use bullet_stream::global::print;
use bullet_stream::style;
use libcnb::Env;
use libcnb::build::BuildContext;
use libcnb::data::layer_name;
use libcnb::data::sbom::SbomFormat;
use libcnb::layer::{
    CachedLayerDefinition, EmptyLayerCause, InvalidMetadataAction, LayerRef, LayerState,
    RestoredLayerAction,
};
use libcnb::sbom::Sbom;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Kept in the layer, so that a build that compiles nothing has one too.
const SBOM: &str = "sbom.cdx.json";

/// The package's name, which the SBOM is about.
const PACKAGE: &str = "cnb-migrate";

/// Everything that the program depends on.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
struct Key {
    databases: String,
    /// Another distribution has another glibc, which an older one cannot stand for.
    distro: String,
    environment: String,
    profile: String,
    /// The package that it is of.
    program: String,
    source: String,
    target: String,
    toolchain: String,
}

/// What became of the layer that was restored.
enum Restored {
    Differs(Vec<String>),
    Equal,
    Incomplete,
}

type MigratorLayer = LayerRef<MigrateBuildpack, (), Restored>;

/// The program's path, in a layer that holds exactly what the sources make.
pub(crate) fn install(
    context: &BuildContext<MigrateBuildpack>,
    env: &Env,
    config: &Config,
    toolchain: &Toolchain,
    own: Option<&OwnProgram>,
) -> libcnb::Result<PathBuf, BuildpackError> {
    let source = match own {
        Some(_) => Source::of_app(&context.app_dir),
        None => Source::carried(),
    }
    .map_err(BuildpackError::Source)?;
    let digest = source.digest().map_err(BuildpackError::Source)?;
    let key = key(context, digest, env, config, toolchain, own);
    let layer = layer(context, &key)?;
    let folder = layer.path();
    if let LayerState::Restored { .. } = layer.state {
        print::sub_bullet("Using the cached migrator: nothing that it is built from has changed");
        cargo::keep(context)?;
        if let Origin::Pinned { pinned, .. } = &toolchain.origin {
            toolchain_layer::keep(context, pinned)?;
        }
    } else {
        print::sub_bullet(reason(&layer.state));
        compile(context, env, config, toolchain, &source, own, &folder)?;
        // Last: a layer without metadata is never used again.
        layer.write_metadata(key)?;
    }
    let sbom = Sbom::from_path(SbomFormat::CycloneDxJson, folder.join(SBOM))
        .map_err(BuildpackError::MigratorLayer)?;
    layer.write_sboms(&[sbom])?;
    Ok(program(&folder))
}

fn key(
    context: &BuildContext<MigrateBuildpack>,
    source: String,
    env: &Env,
    config: &Config,
    toolchain: &Toolchain,
    own: Option<&OwnProgram>,
) -> Key {
    // What of an app's own program is not said here, its manifests say.
    Key {
        databases: own.map_or_else(|| features(config), |_| String::new()),
        distro: run_image::distro(&context.target),
        environment: environment::digest(env),
        profile: own.map_or_else(|| source::profile(env).join(", "), |_| String::new()),
        program: own.map_or(PACKAGE, |own| &own.package).to_string(),
        source,
        target: toolchain.target.clone(),
        toolchain: toolchain.identity.clone(),
    }
}

fn layer(
    context: &BuildContext<MigrateBuildpack>,
    key: &Key,
) -> libcnb::Result<MigratorLayer, BuildpackError> {
    context.cached_layer(
        layer_name!("migrator"),
        CachedLayerDefinition {
            build: false,
            launch: true,
            invalid_metadata_action: &|_| InvalidMetadataAction::DeleteLayer,
            restored_layer_action: &|restored: &Key, folder| {
                let changes = changes(restored, key);
                if !changes.is_empty() {
                    (RestoredLayerAction::DeleteLayer, Restored::Differs(changes))
                } else if program(folder).is_file() && folder.join(SBOM).is_file() {
                    (RestoredLayerAction::KeepLayer, Restored::Equal)
                } else {
                    (RestoredLayerAction::DeleteLayer, Restored::Incomplete)
                }
            },
        },
    )
}

/// Why it is compiled.
fn reason(state: &LayerState<(), Restored>) -> String {
    match state {
        LayerState::Empty {
            cause:
                EmptyLayerCause::RestoredLayerAction {
                    cause: Restored::Differs(changes),
                },
        } => format!("Compiling, because {}", changes.join(", and ")),
        LayerState::Empty {
            cause: EmptyLayerCause::NewlyCreated,
        } => "Compiling, because no migrator is cached".to_string(),
        _ => "Compiling, because the cached migrator cannot be used".to_string(),
    }
}

/// What differs, in words. The keys are taken apart field by field, so that a new
/// field cannot be forgotten here.
fn changes(restored: &Key, wanted: &Key) -> Vec<String> {
    let Key {
        databases,
        distro,
        environment,
        profile,
        program,
        source,
        target,
        toolchain,
    } = restored;
    if *program != wanted.program {
        // Everything else differs with it.
        let (from, to) = (style::value(program), style::value(&wanted.program));
        return vec![format!("the program is {to} now, not {from}")];
    }
    let named = |what: &str, from: &str, to: &str| {
        (from != to).then(|| {
            let (from, to) = (style::value(from), style::value(to));
            format!("{what} changed from {from} to {to}")
        })
    };
    let silent = |what: &str, from: &str, to: &str| (from != to).then(|| format!("{what} changed"));
    [
        named("the databases", databases, &wanted.databases),
        named("the distribution", distro, &wanted.distro),
        silent(
            "the compiler's settings in the environment",
            environment,
            &wanted.environment,
        ),
        named("its release profile", profile, &wanted.profile),
        silent("its source", source, &wanted.source),
        named("the target", target, &wanted.target),
        named("the toolchain", toolchain, &wanted.toolchain),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn compile(
    context: &BuildContext<MigrateBuildpack>,
    env: &Env,
    config: &Config,
    toolchain: &Toolchain,
    source: &Source,
    own: Option<&OwnProgram>,
    folder: &Path,
) -> libcnb::Result<(), BuildpackError> {
    // cargo would find out after a minute, and say so on the last of many lines.
    if toolchain::program("cc", env).is_none() && !environment::names_a_linker(env) {
        return Err(BuildpackError::NoCCompiler.into());
    }
    let (cargo, rustc) = match &toolchain.origin {
        Origin::Path { cargo, rustc } => (cargo.clone(), rustc.clone()),
        Origin::Pinned { pinned, .. } => {
            let folder = toolchain_layer::install(context, config, pinned)?;
            (folder.join("bin/cargo"), folder.join("bin/rustc"))
        }
    };
    let workshop = cargo::open(context, &toolchain.identity, source)?;
    let compilation = Compilation {
        cargo,
        env,
        features: features(config),
        package: own.map(|own| own.package.as_str()),
        rustc,
        target: &toolchain.target,
        workshop: &workshop,
    };
    let title = format!("Running {}", style::command(compilation.to_string()));
    let compiled =
        print::sub_stream_with(title, |_, mut log| compilation.run(&mut log)).map_err(|error| {
            match own {
                Some(_) => BuildpackError::OwnCompilation(error),
                None => BuildpackError::Compilation(error),
            }
        })?;
    let package = own.map_or(PACKAGE, |own| &own.package);
    let sbom =
        sbom::describe(package, &compiled.crates, &source.lock()).map_err(BuildpackError::Sbom)?;
    put(folder, &compiled.program, &sbom).map_err(BuildpackError::MigratorLayer)?;
    workshop.close().map_err(BuildpackError::CargoLayer)?;
    Ok(())
}

/// Fills the layer.
fn put(folder: &Path, compiled: &Path, sbom: &[u8]) -> io::Result<()> {
    let program = program(folder);
    fs::create_dir_all(program.parent().unwrap_or(folder))?;
    fs::copy(compiled, &program)?;
    fs::write(folder.join(SBOM), sbom)
}

fn program(folder: &Path) -> PathBuf {
    folder.join("bin").join(PROGRAM)
}

fn features(config: &Config) -> String {
    let features: Vec<_> = config
        .databases
        .iter()
        .map(|database| database.feature())
        .collect();
    features.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            databases: "mysql,postgres,sqlite".to_string(),
            distro: "debian 12".to_string(),
            environment: "e".to_string(),
            profile: "p".to_string(),
            program: PACKAGE.to_string(),
            source: "s".to_string(),
            target: "t".to_string(),
            toolchain: "rustc 1.95.0".to_string(),
        }
    }

    #[test]
    fn every_part_of_the_key_counts_and_is_named() {
        assert_eq!(changes(&key(), &key()), Vec::<String>::new());
        let other = Key {
            databases: "sqlite".to_string(),
            distro: "debian 13".to_string(),
            environment: "x".to_string(),
            profile: "x".to_string(),
            program: PACKAGE.to_string(),
            source: "x".to_string(),
            target: "x".to_string(),
            toolchain: "rustc 1.96.0".to_string(),
        };
        let changes = changes(&key(), &other).join("\n");
        insta::assert_snapshot!(bullet_stream::strip_ansi(changes), @r"
        the databases changed from `mysql,postgres,sqlite` to `sqlite`
        the distribution changed from `debian 12` to `debian 13`
        the compiler's settings in the environment changed
        its release profile changed from `p` to `x`
        its source changed
        the target changed from `t` to `x`
        the toolchain changed from `rustc 1.95.0` to `rustc 1.96.0`
        ");
        let own = Key {
            program: "guestbook".to_string(),
            ..other
        };
        let changes = super::changes(&key(), &own).join("\n");
        insta::assert_snapshot!(
            bullet_stream::strip_ansi(changes),
            @"the program is `guestbook` now, not `cnb-migrate`"
        );
    }
}
