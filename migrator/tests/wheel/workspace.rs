//! The app's folder as the build leaves it: the source, and the Python packages in
//! `.heroku/python`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// What an application's owner does once, on a machine of their own, and then what
    /// the platform does in every build, in another folder.
    pub(crate) fn build() -> Self {
        let here = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let checkout = Self::empty(here.join("checkout"));
        copy(&example(), &checkout.root);
        checkout.add_the_wheel();
        let workspace = Self::empty(here.join("workspace"));
        copy(&checkout.root, &workspace.root);
        fs::remove_dir_all(checkout.root).unwrap();
        workspace.install();
        workspace
    }

    fn empty(root: PathBuf) -> Self {
        let _ = fs::remove_dir_all(&root);
        Self { root }
    }

    /// A dependency by its name, and where to find it: `poetry add` would write down the
    /// absolute path, which holds on one machine.
    fn add_the_wheel(&self) {
        let wheel = PathBuf::from(variable("MIGRATE_TEST_WHEEL", "scripts/wheel --dev"));
        let file = Path::new("vendor").join(wheel.file_name().unwrap());
        fs::create_dir(self.path("vendor")).unwrap();
        fs::copy(&wheel, self.root.join(&file)).unwrap();
        let pyproject = fs::read_to_string(self.path("pyproject.toml")).unwrap();
        let (before, after) = pyproject.split_once("    \"fastapi ").unwrap();
        let pyproject = format!(
            "{before}    \"cnb-migrate\",\n    \"fastapi {after}\n\
             [tool.poetry.dependencies]\ncnb-migrate = {{ path = \"{}\" }}\n",
            file.display()
        );
        fs::write(self.path("pyproject.toml"), pyproject).unwrap();
        self.poetry(&["lock"]);
    }

    fn install(&self) {
        let python = variable("MIGRATE_TEST_PYTHON", "scripts/python --env");
        succeeds(
            Command::new(python)
                .args(["-m", "venv"])
                .arg(self.path(".heroku/python")),
        );
        self.poetry(&["sync", "--only", "main"]);
    }

    fn poetry(&self, args: &[&str]) {
        let poetry = variable("MIGRATE_TEST_POETRY", "scripts/python --env");
        succeeds(
            Command::new(poetry)
                .args(args)
                .args(["--no-interaction", "--no-ansi"])
                .current_dir(&self.root)
                .env("VIRTUAL_ENV", self.path(".heroku/python")),
        );
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The application where no environment is below it.
    pub(crate) fn source_alone(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        copy(&self.path("api"), &folder.path().join("api"));
        folder
    }

    /// Where Poetry has installed the packages.
    pub(crate) fn packages(&self) -> PathBuf {
        let lib = self.path(".heroku/python/lib");
        let mut pythons = fs::read_dir(&lib).unwrap();
        pythons
            .next()
            .unwrap()
            .unwrap()
            .path()
            .join("site-packages")
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/fastapi-alembic")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn variable(name: &str, script: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: {script}"))
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{command:?}: {said}");
}
