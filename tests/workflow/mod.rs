//! The example's workflow, read as GitHub reads it.

use saphyr::{LoadableYamlNode, YamlOwned};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Workflow {
    pub(crate) yaml: YamlOwned,
}

pub(crate) fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fastapi-alembic")
}

/// The file's only document.
pub(crate) fn yaml(path: &str) -> YamlOwned {
    let text = fs::read_to_string(example().join(path)).unwrap();
    let mut documents = YamlOwned::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

impl Workflow {
    pub(crate) fn of_the_example() -> Self {
        let yaml = yaml(".github/workflows/deploy.yml");
        Self { yaml }
    }

    pub(crate) fn jobs(&self) -> impl Iterator<Item = &YamlOwned> {
        let jobs = self.yaml["jobs"].as_mapping().unwrap();
        jobs.iter().map(|(_, job)| job)
    }

    pub(crate) fn steps(&self) -> impl Iterator<Item = &YamlOwned> {
        self.jobs()
            .flat_map(|job| job["steps"].as_sequence().unwrap())
    }

    /// The commands of the step of that name.
    pub(crate) fn commands(&self, name: &str) -> &str {
        self.steps()
            .find(|step| text(step, "name") == Some(name))
            .and_then(|step| text(step, "run"))
            .unwrap_or_else(|| panic!("no step `{name}`"))
    }
}

pub(crate) fn text<'a>(mapping: &'a YamlOwned, key: &str) -> Option<&'a str> {
    mapping.as_mapping_get(key)?.as_str()
}
