//! What the image tests stand on: a build's settings, a container that ends, and
//! databases of a test's own.

pub(crate) mod own;

use libcnb::data::buildpack_id;
use libcnb::data::layer::LayerName;
use libcnb::data::sbom::SbomFormat;
use libcnb_test::{BuildConfig, BuildpackReference, ContainerConfig, SbomType, TestContext};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

/// The ways in which a platform may start a job's command `migrate` in an image: the
/// entry point, and what follows it.
pub(crate) const STARTS: [(&str, &[&str]); 7] = [
    // The process type.
    ("migrate", &[]),
    ("/cnb/process/migrate", &[]),
    // The command as arguments of the process type.
    ("migrate", &["migrate"]),
    // The command in place of the image's own, which is none: the entry point is this.
    ("/cnb/lifecycle/launcher", &["migrate"]),
    ("/cnb/lifecycle/launcher", &["--", "migrate"]),
    // A shell that knows nothing of the launcher.
    ("bash", &["-c", "migrate"]),
    ("sh", &["-c", "exec migrate up"]),
];

/// How a container ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeds(&self) {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
    }
}

/// A builder that somebody has, or the one that scripts/builder makes.
pub(crate) fn builder(variable: &str, ours: &str) -> String {
    env::var(variable).unwrap_or_else(|_| format!("migrate-test/{ours}"))
}

pub(crate) fn config(builder: &str, app: impl AsRef<Path>) -> BuildConfig {
    let mut config = BuildConfig::new(builder, app.as_ref());
    config.buildpacks([BuildpackReference::CurrentCrate]);
    if cfg!(target_arch = "aarch64") {
        config.target_triple("aarch64-unknown-linux-musl");
    }
    config
}

/// What compiles soonest, a setting a line.
pub(crate) const QUICK_PROFILE: &str =
    "profile.release.opt-level = 0\nprofile.release.strip = true";

/// The same where what is compiled need not be optimised.
pub(crate) fn quick_config(builder: &str, app: impl AsRef<Path>) -> BuildConfig {
    let mut config = config(builder, app);
    config.env("MIGRATE_TEST_PROFILE", QUICK_PROFILE);
    config
}

/// Starts a container and waits for its end; libcnb-test does not tell its exit code.
pub(crate) fn run(image: &TestContext, config: &ContainerConfig) -> Run {
    let mut ended = None;
    image.start_container(config, |container| {
        let code = output(Command::new("docker").args(["wait", &container.container_name]));
        let logs = container.logs_now();
        ended = Some(Run {
            code: code.trim().parse().unwrap(),
            stdout: logs.stdout,
            stderr: logs.stderr,
        });
    });
    ended.unwrap()
}

/// The `CycloneDX` text about a layer.
pub(crate) fn layer_sbom(image: &TestContext, layer: &LayerName) -> String {
    image.download_sbom_files(|files| {
        let buildpack = buildpack_id!("cnb-migrate/migrate");
        let layer = SbomType::Layer(layer.clone());
        let path = files.path_for(buildpack, layer, SbomFormat::CycloneDxJson);
        fs::read_to_string(path).unwrap()
    })
}

/// A database that no other test uses.
pub(crate) struct Database {
    kind: Kind,
    name: String,
}

enum Kind {
    Mariadb { socket: PathBuf },
    Postgres { sockets: PathBuf, port: String },
    Sqlite { folder: tempfile::TempDir },
}

impl Database {
    pub(crate) fn mariadb() -> Self {
        let socket = PathBuf::from(variable("MIGRATE_TEST_MARIADB_SOCKET"));
        let database = Self::new(Kind::Mariadb { socket });
        database.ask_server(&format!("CREATE DATABASE {}", database.name));
        database
    }

    pub(crate) fn postgres() -> Self {
        let sockets = PathBuf::from(variable("MIGRATE_TEST_POSTGRES_SOCKET_DIR"));
        // The socket is called .s.PGSQL.PORT; beside it lies a lock file.
        let port = fs::read_dir(&sockets)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .find_map(|name| Some(name.strip_prefix(".s.PGSQL.")?.to_string()))
            .map(|port| port.trim_end_matches(".lock").to_string())
            .expect("no PostgreSQL is listening: scripts/servers start");
        let database = Self::new(Kind::Postgres { sockets, port });
        database.ask_server(&format!("CREATE DATABASE {}", database.name));
        database
    }

    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The image's user is not this one.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self::new(Kind::Sqlite { folder })
    }

    fn new(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("image_test_{}_{count}", process::id());
        Self { kind, name }
    }

    /// A container that reaches the database, and nothing else: by its socket or file.
    pub(crate) fn container(&self) -> ContainerConfig {
        let (mount, url) = self.in_a_container();
        let (from, to) = mount.split_once(':').unwrap();
        let mut container = ContainerConfig::new();
        container.entrypoint("migrate");
        container.bind_mount(from, to);
        container.env("DATABASE_URL", url);
        container
    }

    /// What a container mounts, `FROM:TO`, and the URL there.
    pub(crate) fn in_a_container(&self) -> (String, String) {
        let (folder, to, url) = match &self.kind {
            Kind::Mariadb { socket } => {
                let name = &self.name;
                let password = mariadb_password();
                let server = format!("mysql://migrate:{password}@localhost/{name}");
                let url = format!("{server}?socket=/sockets/mysql.sock");
                (socket.parent().unwrap(), "/sockets", url)
            }
            Kind::Postgres { sockets, port } => {
                let name = &self.name;
                let url = format!("postgres://postgres@localhost:{port}/{name}?host=/sockets");
                (sockets.as_path(), "/sockets", url)
            }
            Kind::Sqlite { folder } => (folder.path(), "/data", "sqlite:/data/app.db".to_string()),
        };
        (format!("{}:{to}", folder.display()), url)
    }

    /// What the database answers to one question.
    pub(crate) fn ask(&self, sql: &str) -> String {
        self.client(&self.name, sql)
    }

    fn ask_server(&self, sql: &str) {
        let database = match self.kind {
            Kind::Postgres { .. } => "postgres",
            Kind::Mariadb { .. } | Kind::Sqlite { .. } => "",
        };
        self.client(database, sql);
    }

    fn client(&self, database: &str, sql: &str) -> String {
        let answer = match &self.kind {
            Kind::Mariadb { socket } => output(
                Command::new("mariadb")
                    .arg("--no-defaults")
                    .arg("--socket")
                    .arg(socket)
                    .args(["--user", "migrate", "--batch", "--skip-column-names"])
                    .env("MYSQL_PWD", mariadb_password())
                    .args(["--execute", sql, database]),
            ),
            Kind::Postgres { sockets, port } => output(
                Command::new("psql")
                    .arg("--host")
                    .arg(sockets)
                    .args(["--port", port, "--username", "postgres", "--no-psqlrc"])
                    .args(["--tuples-only", "--no-align", "--dbname", database])
                    .args(["--command", sql]),
            ),
            Kind::Sqlite { .. } => panic!("a SQLite file is asked through the image"),
        };
        answer.trim().to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !matches!(self.kind, Kind::Sqlite { .. }) && !std::thread::panicking() {
            self.ask_server(&format!("DROP DATABASE {}", self.name));
        }
    }
}

fn mariadb_password() -> String {
    let url = variable("MIGRATE_TEST_MARIADB_URL");
    let (before, _) = url.rsplit_once('@').unwrap();
    before.rsplit_once(':').unwrap().1.to_string()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: eval \"$(scripts/servers env)\""))
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
