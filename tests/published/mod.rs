//! An image as the workflow publishes it: its own commands, a real registry, the
//! buildpack as it is packaged.

use crate::image::{Database, QUICK_PROFILE, Run, builder};
use crate::workflow::{Workflow, example};
use libcnb_package::cross_compile::{CrossCompileAssistance, cross_compile_assistance};
use libcnb_package::{CargoProfile, package::package_buildpack};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// The repository that the workflow believes to run in.
const REPOSITORY: &str = "Your-Organisation/Ledger";

/// A registry that forgets all at its end.
pub(crate) struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    /// Listens on a free port, and holds the run image.
    pub(crate) fn start() -> Self {
        let program = env::var("INTEGRATION_TEST_REGISTRY")
            .expect("INTEGRATION_TEST_REGISTRY is not set: eval \"$(scripts/builder --env)\"");
        let mut process = Command::new(program)
            .args(["-port", "0"])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let port = log.find_map(|line| Some(line.unwrap().split_once("port ")?.1.to_owned()));
        // Or it would be stopped by a pipe that nobody reads.
        std::thread::spawn(move || log.for_each(drop));
        let address = format!("localhost:{}", port.unwrap());
        let this = Self { process, address };
        let run_image = builder("INTEGRATION_TEST_RUN_IMAGE", "run");
        docker(&["tag", &run_image, &this.run_image()]);
        docker(&["push", "--quiet", &this.run_image()]);
        this
    }

    fn run_image(&self) -> String {
        format!("{}/run", self.address)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = Command::new("docker")
            .args(["rmi", &self.run_image()])
            .output();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A machine that runs the workflow.
pub(crate) struct Runner<'a> {
    registry: &'a Registry,
    folder: tempfile::TempDir,
    buildpack: PathBuf,
}

/// What one run has published.
pub(crate) struct Published {
    pub(crate) log: String,
    image: String,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let buildpack = folder.path().join("buildpack");
        package(&buildpack);
        let this = Self {
            registry,
            folder,
            buildpack,
        };
        this.stand_in_for_pack();
        this
    }

    /// What this machine's builder and registry need, and a workflow does not: `pack`
    /// with a few options more.
    fn stand_in_for_pack(&self) {
        let path = env::var_os("PATH").unwrap();
        let pack = env::split_paths(&path)
            .map(|folder| folder.join("pack"))
            .find(|pack| pack.exists())
            .expect("no pack on the PATH: eval \"$(scripts/builder --env)\"");
        let script = format!(
            "#!/bin/sh\nexec '{}' \"$@\" --pull-policy if-not-present --trust-builder \
             --trust-extra-buildpacks --network host --run-image '{}' \
             --env POETRY_PYPI_MIRROR_URL --env PIP_INDEX_URL \
             --env 'MIGRATE_TEST_PROFILE={QUICK_PROFILE}'\n",
            pack.display(),
            self.registry.run_image()
        );
        let bin = self.folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("pack"), script).unwrap();
        fs::set_permissions(bin.join("pack"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the job `publish`: its commands, in the checked-out repository.
    pub(crate) fn publish(&self, commit: &str) -> Published {
        let workflow = Workflow::of_the_example();
        self.run(workflow.commands("Log in to the registry"), commit);
        let log = self.run(workflow.commands("Build and publish"), commit);
        let output = self.folder.path().join("output");
        let outputs = fs::read_to_string(&output).unwrap();
        fs::remove_file(output).unwrap();
        let digest = outputs.trim().strip_prefix("digest=").unwrap();
        let repository = format!("{}/{}", self.registry.address, REPOSITORY.to_lowercase());
        // As the job's `image:` with that digest.
        let image = format!("{repository}@{digest}");
        docker(&["pull", "--quiet", &image]);
        Published { log, image }
    }

    fn run(&self, commands: &str, commit: &str) -> String {
        let folder = self.folder.path();
        let bin = folder.join("bin").display().to_string();
        let path = [bin, env::var("PATH").unwrap()].join(":");
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/python_buildpack");
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", commands])
            .current_dir(example())
            .env("PATH", path)
            .env("DOCKER_CONFIG", folder.join("docker"))
            .env("REGISTRY", &self.registry.address)
            .env("TOKEN", "a token")
            .env("GITHUB_ACTOR", "somebody")
            .env("GITHUB_REPOSITORY", REPOSITORY)
            .env("GITHUB_SHA", commit)
            .env("GITHUB_OUTPUT", folder.join("output"))
            .env("RUNNER_TEMP", folder)
            .env(
                "BUILDER",
                builder("INTEGRATION_TEST_BUILDER_PYTHON", "builder-python"),
            )
            .env("PYTHON_BUILDPACK", python)
            .env("MIGRATE_BUILDPACK", &self.buildpack)
            .output()
            .unwrap();
        let log = [output.stdout, output.stderr].concat();
        let log = String::from_utf8(log).unwrap();
        assert!(output.status.success(), "{log}");
        log
    }
}

impl Published {
    /// `docker run` with the database in reach.
    pub(crate) fn start(&self, database: &Database, entrypoint: &str, args: &[&str]) -> Run {
        let (mount, url) = database.in_a_container();
        // As the application's own library writes it.
        let url = url.replace("sqlite:", "sqlite+aiosqlite:///");
        let mut docker = Command::new("docker");
        docker.args(["run", "--rm", "--volume", &mount]);
        docker.args(["--env", &format!("DATABASE_URL={url}")]);
        docker.args(["--entrypoint", entrypoint]);
        let output = docker.arg(&self.image).args(args).output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", &self.image]).output();
    }
}

/// As `cargo libcnb package` does it.
fn package(destination: &Path) {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let env = match cross_compile_assistance(&target) {
        CrossCompileAssistance::Configuration { cargo_env } => cargo_env,
        CrossCompileAssistance::NoAssistance => Vec::new(),
        CrossCompileAssistance::HelpText(help) => panic!("{help}"),
    };
    fs::create_dir(destination).unwrap();
    package_buildpack(
        Path::new(env!("CARGO_MANIFEST_DIR")),
        CargoProfile::Dev,
        &target,
        &env,
        destination,
        &BTreeMap::new(),
    )
    .unwrap();
}

#[track_caller]
fn docker(args: &[&str]) {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {output:?}");
}
