//! The revisions, from the files or, where those hold more than literals, from
//! Python.

use super::target::target;
use crate::error::Error;
use crate::formats::alembic as format;
use crate::formats::alembic::{AlembicError, LocationError, PYPROJECT, Revision, Unreadable};
use crate::history::History;
use crate::model::{Migration, Operation};
use crate::order;
use crate::project::Project;
use crate::sources;
use crate::text::{SourceFile, Span};
use crate::tools::{Aim, Tool};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

/// Prints what Alembic itself knows of the revisions, as JSON.
const PROGRAM: &str = "\
import json, sys
from alembic.config import Config
from alembic.script import ScriptDirectory
import inspect
keywords = {'ini_section': SECTION}
if 'toml_file' in inspect.signature(Config.__init__).parameters:
    keywords['toml_file'] = TOML
sys.path.insert(0, '')
config = Config(INI, **keywords)
def names(value):
    return [value] if isinstance(value, str) else list(value or ())
print()
print(json.dumps([{
    'id': script.revision,
    'message': script.doc or '',
    'follows': names(script.down_revision),
    'depends_on': names(script.dependencies),
    'branch_labels': names(script.module.__dict__.get('branch_labels')),
    'path': script.path,
} for script in ScriptDirectory.from_config(config).walk_revisions()]))
";

/// Prints where Alembic itself finds folders of packages, as JSON.
const WHERE: &str = "\
import json, sys
from alembic.util import coerce_resource_to_filename
sys.path[:0] = SYS_PATH
print()
print(json.dumps({name: str(coerce_resource_to_filename(name)) for name in NAMES}))
";

#[derive(Deserialize)]
struct RevisionRow {
    id: String,
    message: String,
    follows: Vec<String>,
    depends_on: Vec<String>,
    branch_labels: Vec<String>,
    path: String,
}

impl Tool {
    /// Has Python tell what no file does: where the packages are in which revisions
    /// lie, and what of them is no literal.
    ///
    /// # Errors
    /// Python has no answer, or what is there cannot be read.
    pub(crate) async fn settle(&mut self, project: &mut Project) -> Result<(), Error> {
        self.locate(project).await?;
        let unreadable = std::mem::take(&mut self.project.unreadable);
        if !unreadable.is_empty() {
            let revisions = self.ask_python(&unreadable).await?;
            project.take(format::Alembic::reading(revisions)?);
        }
        Ok(())
    }

    /// Has Python say where the packages are in which revisions lie, if they are
    /// installed, and reads them.
    ///
    /// # Errors
    /// Python has no answer, or what is there cannot be read.
    pub(crate) async fn locate(&mut self, project: &mut Project) -> Result<(), Error> {
        if !self.project.packages.is_empty() {
            let search_paths = self.places_of_packages().await;
            let search_paths = search_paths.map_err(|said| LocationError::NoPackage {
                path: self.project.config_path(),
                packages: self.project.packages.clone(),
                said: self.without_secrets(&said),
            })?;
            self.project.located(search_paths, project)?;
        }
        Ok(())
    }

    /// The SQL of these, in Alembic's own words; nothing is connected to, and nothing is
    /// run.
    ///
    /// # Errors
    /// Why it does not tell.
    pub(crate) async fn sql(
        &self,
        files: &[Migration],
        history: &History,
        operations: &[Operation<'_>],
    ) -> Result<String, String> {
        let applied = history.applied.iter().map(|applied| &applied.version);
        let from = order::tips(&order::lineage(files, applied));
        let from = match &from[..] {
            [] => "base",
            [only] => only.as_str(),
            _ => return Err("the database is on several branches".to_owned()),
        };
        let target = target(Aim::Apply, files, operations, history);
        let target = target.map_err(|error| error.diagnostic().title)?;
        let range = format!("{from}:{target}");
        let arguments = self.arguments(&["upgrade", &range, "--sql"]);
        let answer = match self.program() {
            Ok(alembic) => alembic.answer(&arguments, &self.variables).await,
            Err(error) => Err(error.diagnostic().title),
        };
        match answer {
            Ok(sql) => Ok(self.without_secrets(&sql)),
            Err(said) => Err(self.without_secrets(&said)),
        }
    }

    async fn places_of_packages(&self) -> Result<BTreeMap<String, PathBuf>, String> {
        let alembic = self.program().map_err(|error| error.diagnostic().title)?;
        let sys_path = self.project.sys_path();
        let sys_path = sys_path.iter().filter_map(|path| absolute(path).ok());
        let sys_path: Vec<_> = sys_path.collect();
        // What JSON writes of lists and texts, Python reads.
        let python = |value: serde_json::Value| value.to_string();
        let program = WHERE
            .replace("SYS_PATH", &python(json!(sys_path)))
            .replace("NAMES", &python(json!(self.project.packages)));
        let answer = alembic.ask(&program).await?;
        read(&answer)
    }

    async fn ask_python(&self, unreadable: &[Unreadable]) -> Result<Vec<Revision>, Error> {
        let no_answer = |said: String| AlembicError::NoAnswer {
            unreadable: unreadable.to_vec(),
            said: self.without_secrets(&said),
        };
        let alembic = self.program().map_err(|error| {
            let said = error.diagnostic().title;
            no_answer(said)
        })?;
        let config = &self.project.config;
        let (ini, toml) = if Path::new(config).ends_with(PYPROJECT) {
            ("None".to_owned(), config.as_str())
        } else {
            (format!("{config:?}"), PYPROJECT)
        };
        let program = PROGRAM
            .replace("(INI", &format!("({ini}"))
            .replace("TOML", &format!("{toml:?}"))
            .replace("SECTION", &format!("{:?}", self.project.section()));
        let answer = alembic.ask(&program).await.map_err(no_answer)?;
        let told: Vec<RevisionRow> = read(&answer).map_err(no_answer)?;
        let revisions = told.into_iter().map(|told| self.revision(told));
        Ok(revisions.collect())
    }

    fn revision(&self, told: RevisionRow) -> Revision {
        let root = self.project.root.canonicalize();
        let path = Path::new(&told.path);
        let shown = root
            .as_deref()
            .ok()
            .and_then(|root| path.strip_prefix(root).ok());
        let shown = shown.unwrap_or(path).to_string_lossy().into_owned();
        let text = sources::read_optional(path).ok().flatten();
        let text = text.unwrap_or_default();
        Revision {
            id: told.id,
            message: told.message.lines().next().unwrap_or_default().to_owned(),
            follows: told.follows,
            depends_on: told.depends_on,
            branch_labels: told.branch_labels,
            commits_early: text.contains("autocommit_block"),
            file: Arc::new(SourceFile::new(shown, text)),
            span: Span::default(),
            follows_span: Span::default(),
        }
    }
}

/// The last line of an answer: what is imported may print something before it.
fn read<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    let last = answer.trim().lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|error| format!("{answer} ({error})"))
}
