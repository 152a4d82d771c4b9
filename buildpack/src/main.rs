//! The Cloud Native Buildpack `cnb-migrate/migrate`: finds a project's migrations,
//! compiles the migrator that it carries as source, and adds the process `migrate`.

mod compilation;
mod config;
mod detect;
mod environment;
mod errors;
mod launch;
mod layers;
mod own;
mod run_image;
mod sbom;
mod source;
mod toolchain;

use crate::compilation::CompilationError;
use crate::config::{Config, ConfigError, DATABASES, Database};
use crate::detect::Verdict;
use crate::layers::migrations::BundleError;
use crate::layers::toolchain::InstallError;
use crate::own::OwnProgram;
use crate::run_image::RunImageError;
use crate::sbom::SbomError;
use crate::toolchain::{Origin, Toolchain, ToolchainError};
use bullet_stream::global::{self, print};
use bullet_stream::style;
use libcnb::build::{BuildContext, BuildResult, BuildResultBuilder};
use libcnb::detect::{DetectContext, DetectResult, DetectResultBuilder};
use libcnb::generic::{GenericMetadata, GenericPlatform};
use libcnb::{Buildpack, Env, buildpack_main};
use migrate::project::{Project, Workspace};
use std::io;
use std::path::{Component, Path};

pub(crate) struct MigrateBuildpack;

impl Buildpack for MigrateBuildpack {
    type Platform = GenericPlatform;
    type Metadata = GenericMetadata;
    type Error = BuildpackError;

    fn detect(&self, context: DetectContext<Self>) -> libcnb::Result<DetectResult, BuildpackError> {
        global::set_writer(io::stdout());
        let config = Config::from_env(&Env::from_current());
        match detect::on(&context.app_dir, &config) {
            Verdict::Pass => DetectResultBuilder::pass()
                .build_plan(detect::build_plan())
                .build(),
            Verdict::Fail(reason) => {
                print::plain(reason);
                DetectResultBuilder::fail().build()
            }
        }
    }

    fn build(&self, context: BuildContext<Self>) -> libcnb::Result<BuildResult, BuildpackError> {
        // The lifecycle's own stream, so that the lines of both keep their order.
        global::set_writer(io::stdout());
        let descriptor = &context.buildpack_descriptor.buildpack;
        let started = print::buildpack(descriptor.name.as_deref().unwrap_or("Migrate"));
        let env = Env::from_current();
        let config = Config::from_env(&env).map_err(BuildpackError::Config)?;

        print::bullet("Migrations");
        let own = find_own(&context.app_dir, &config, &env)?;
        let projects = match own {
            Some(_) => Vec::new(),
            None => find_projects(&context.app_dir, &config)?,
        };
        warn_of_database_url(&env);

        print::bullet("Rust");
        run_image::check_libc(&context.target).map_err(BuildpackError::RunImage)?;
        // The app's rust-toolchain counts for a program of its own alone.
        let folder = own
            .as_ref()
            .map_or(&context.layers_dir, |_| &context.app_dir);
        let toolchain = toolchain::choose(&env, folder, &context.target.arch)
            .map_err(BuildpackError::Toolchain)?;
        print::sub_bullet(about_toolchain(&toolchain));

        print::bullet(match &own {
            Some(own) => format!("Migrator of the package {}", style::value(&own.package)),
            None => format!("Migrator for {}", names(&config)),
        });
        let program = layers::migrator::install(&context, &env, &config, &toolchain, own.as_ref())?;
        run_image::check_glibc(&context.target, &program).map_err(BuildpackError::RunImage)?;

        print::bullet("Image");
        if own.is_some() {
            check(&program, &context.layers_dir)?;
        } else {
            match layers::migrations::bundle(&context, &projects)? {
                Some(count) => print::sub_bullet(format!("Added {} as they are", files(count))),
                None => {
                    print::sub_bullet("Left the revisions in the application, for its own Alembic");
                }
            }
        }
        for process in &config.process_types {
            print::sub_bullet(format!(
                "Added the process {}: {}",
                style::value(process.to_string()),
                style::command(format!("{} up", program.display()))
            ));
        }

        print::all_done(&Some(started));
        BuildResultBuilder::new()
            .launch(launch::launch(&program, &config.process_types))
            .build()
    }

    fn on_error(&self, error: libcnb::Error<BuildpackError>) {
        print::error(errors::describe(&error));
    }
}

buildpack_main!(MigrateBuildpack);

/// What can go wrong; errors.rs has the words.
#[derive(Debug)]
pub(crate) enum BuildpackError {
    /// The migrations could not be copied into their layer.
    Bundle(BundleError),
    /// The folders that cargo uses could not be prepared or tidied.
    CargoLayer(io::Error),
    /// cargo failed.
    Compilation(CompilationError),
    /// A `BP_MIGRATE_*` variable is wrong.
    Config(ConfigError),
    /// The migrations folder is not part of the app.
    FolderOutside { dir: String },
    /// The pinned Rust could not be installed.
    Install(InstallError),
    /// The compiled program could not be put into its layer.
    MigratorLayer(io::Error),
    /// The build image has no `cc`.
    NoCCompiler,
    /// An app with a program of its own has no Cargo.lock.
    NoLock { package: String },
    /// cargo failed with a program of the app's own.
    OwnCompilation(CompilationError),
    /// A program of the app's own does not accept the migrations that it carries,
    /// or cannot be asked.
    OwnMigrations { said: String },
    /// The migrations are not there, or not as they should be.
    Project(Box<migrate::Error>),
    /// The run image cannot run the program.
    RunImage(RunImageError),
    /// The bill of materials could not be made.
    Sbom(SbomError),
    /// The carried source could not be unpacked.
    Source(io::Error),
    /// No Rust can be had.
    Toolchain(ToolchainError),
}

impl From<BuildpackError> for libcnb::Error<BuildpackError> {
    fn from(error: BuildpackError) -> Self {
        Self::BuildpackError(error)
    }
}

/// The app's own program, unless a folder is named for the carried one.
fn find_own(app: &Path, config: &Config, env: &Env) -> Result<Option<OwnProgram>, BuildpackError> {
    let Some(own) = own::find(app).filter(|_| config.dir.is_none()) else {
        return Ok(None);
    };
    if !app.join("Cargo.lock").is_file() {
        return Err(BuildpackError::NoLock {
            package: own.package,
        });
    }
    let place = match own.folder.to_string_lossy() {
        folder if folder.is_empty() => String::new(),
        folder => format!(" in {}", style::value(format!("{folder}/"))),
    };
    print::sub_bullet(format!(
        "Inside the app's own program `migrate`, of the package {}{place}",
        style::value(&own.package)
    ));
    if env.contains_key(DATABASES) {
        print::warning(format!(
            "Warning: {DATABASES} has no effect\n\n\
             The program is the app's own: the features of cnb-migrate in its Cargo.toml decide\n\
             which databases it supports."
        ));
    }
    Ok(Some(own))
}

/// Lets the app's own program check what it carries: whatever is wrong with it
/// fails the build, and not a release.
fn check(program: &Path, folder: &Path) -> Result<(), BuildpackError> {
    let checked =
        own::check(program, folder).map_err(|said| BuildpackError::OwnMigrations { said })?;
    print::sub_bullet(match checked.migrations {
        1 => "1 migration is inside the program, and checked".to_string(),
        count => format!("{count} migrations are inside the program, and checked"),
    });
    for warning in checked.warnings {
        print::warning(format!("Warning: {warning}"));
    }
    Ok(())
}

/// Reads the migrations of every database, and `migrate.toml`, in full: whatever
/// is wrong with them fails the build, and not a release.
fn find_projects(app: &Path, config: &Config) -> Result<Vec<Project>, BuildpackError> {
    let projects = Workspace::open(app)
        .and_then(|workspace| workspace.projects(&config.overrides()))
        .map_err(|error| BuildpackError::Project(Box::new(error)))?;
    for project in &projects {
        print::sub_bullet(about(project));
        if project.bundled().is_none() {
            continue;
        }
        let dir = project.dir();
        let inside = Path::new(&dir)
            .components()
            .all(|part| matches!(part, Component::CurDir | Component::Normal(_)));
        if !inside {
            return Err(BuildpackError::FolderOutside { dir });
        }
        for warning in &project.warnings {
            print::warning(format!("Warning: {warning}"));
        }
    }
    Ok(projects)
}

fn about(project: &Project) -> String {
    let slash = if project.bundled().is_some() { "/" } else { "" };
    let folder = style::value(format!("{}{slash}", project.dir()));
    let folder = match &project.database {
        Some(name) => format!("{folder} for the database {}", style::value(name)),
        None => folder,
    };
    match &project.delegated {
        // What only the project's Python knows, it is asked when it runs.
        Some(alembic) if !alembic.packages.is_empty() => {
            format!("Revisions of Alembic in the package {folder}")
        }
        Some(alembic) if !alembic.unreadable.is_empty() => {
            format!("Revisions of Alembic in {folder}")
        }
        Some(_) => {
            let number = match project.migrations.len() {
                1 => "1 revision".to_string(),
                number => format!("{number} revisions"),
            };
            format!("{number} of Alembic in {folder}")
        }
        None => about_migrations(project, &folder),
    }
}

fn about_migrations(project: &Project, folder: &str) -> String {
    match &project.migrations[..] {
        [] => format!("No migrations yet in {folder}"),
        [only] => format!("1 migration in {folder}: {}", only.label()),
        [first, .., last] => format!(
            "{} migrations in {folder}, from {} to {}",
            project.migrations.len(),
            first.label(),
            last.label()
        ),
    }
}

fn about_toolchain(toolchain: &Toolchain) -> String {
    match &toolchain.origin {
        Origin::Path { cargo, .. } => {
            format!("{}, {}", toolchain.identity, cargo.display())
        }
        Origin::Pinned { because, .. } => format!("{}, because {because}", toolchain.identity),
    }
}

/// A build that could reach a database would be one that changes it.
fn warn_of_database_url(env: &Env) {
    for name in ["DATABASE_URL", "MIGRATE_DATABASE_URL"] {
        if env.contains_key(name) {
            print::warning(format!(
                "Warning: {name} is set for the build\n\n\
                 The build needs no database and no secret, so it was not used. Set it\n\
                 where the process `migrate` runs, and only there."
            ));
        }
    }
}

fn names(config: &Config) -> String {
    let names: Vec<_> = config.databases.iter().map(Database::to_string).collect();
    names.join(", ")
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_string(),
        count => format!("{count} files"),
    }
}
