//! The verbs for a project of Alembic: the revisions are read and planned here,
//! and applied by the project's own Alembic under our lock and deadline.

mod ask;
pub(crate) mod check;
pub(crate) mod confirm;
pub(crate) mod down;
mod judge;
pub(crate) mod new;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod up;
mod work;

use super::{Start, only_history, opening};
use crate::config::Config;
use crate::db::url::DatabaseUrl;
use crate::db::{self, Connection, Look, Past, Reader, Session as _, Wanted};
use crate::engine::event::{Event, Listener};
use crate::engine::stop::Stop;
use crate::engine::{Errand, Run};
use crate::error::Error;
use crate::formats::alembic::{AlembicError, Graph, Head, Revision};
use crate::history::ledger::Ledger;
use crate::limits::Transaction;
use crate::model::Subject;
use crate::plan::planner::{Request, UnknownApplied};
use crate::project::AlembicProject;
use crate::python::{Alembic, NotFound, Places};
use std::ffi::OsString;

/// What every verb works on that asks a database.
pub(crate) struct AlembicTask {
    pub sources: AlembicSources,
    pub config: Config,
}

/// The revisions and their Alembic, which need no database.
pub(crate) struct AlembicSources {
    pub project: Box<AlembicProject>,
    /// Where its Alembic may be.
    pub places: Places,
    /// What Alembic is to find in its environment beside what we do.
    pub variables: Vec<(String, OsString)>,
    /// Of which nothing secret may be said.
    pub database: Option<DatabaseUrl>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    /// A revision, as a person types it.
    pub to: Option<&'a str>,
    pub steps: Option<usize>,
}

/// The runs count, for they tell whether any is to be remembered.
const WANTED: Wanted = Wanted {
    repeated: false,
    runs: true,
};

impl AlembicTask {
    /// Says what was read.
    fn announce(&self, listener: &mut dyn Listener) {
        listener.event(&Event::Read {
            dir: &self.sources.project.dir(),
            format: "alembic",
            count: self.sources.project.count(),
            embedded: false,
        });
    }

    async fn look(
        &self,
        stop: &mut Stop,
        listener: &mut dyn Listener,
    ) -> Result<(Connection, Look), Error> {
        let (connection, look) =
            opening::look_at(&self.config, self.ledger(), WANTED, stop, listener).await?;
        let mut connection = connection;
        let look = match stop.or(self.sources.other_table(&look)).await?? {
            Some(ledger) => stop.or(connection.look(&ledger, WANTED)).await??,
            None => look,
        };
        opening::connected(&self.config, &look, listener);
        Ok((connection, look))
    }

    /// Looks to ask questions only; `None` for a SQLite file that `up` would create.
    async fn read(&self) -> Result<Option<Look>, Error> {
        let found = opening::read_at(&self.config, self.ledger(), WANTED).await?;
        match found {
            Some((reader, look)) => self.settled(reader, look).await.map(Some),
            None => Ok(None),
        }
    }

    /// The look at the version table that these revisions have.
    async fn settled(&self, reader: Reader, look: Look) -> Result<Look, Error> {
        let mut reader = reader;
        Ok(match self.sources.other_table(&look).await? {
            Some(ledger) => reader.look(&ledger, WANTED).await?,
            None => look,
        })
    }

    fn ledger(&self) -> &Ledger {
        &self.sources.project.ledger
    }

    async fn connect(&self) -> Result<Connection, db::fault::Fault> {
        db::connect(&self.config.database.value, self.config.limits.wait).await
    }

    fn run<'a>(&self, start: &'a Start, verb: &'static str, look: &'a Look) -> Run<'a> {
        Run {
            name: &start.name,
            verb,
            who: &start.who,
            limits: self.config.limits,
            transaction: Transaction::Each,
            wanted: WANTED,
            look,
        }
    }

    /// An errand of Alembic's, under the run's name where its driver takes one from
    /// the environment.
    fn errand<'a>(
        &'a self,
        alembic: &'a Alembic,
        verb: &[&str],
        subjects: Vec<Subject>,
        run: &str,
        describe: &'a dyn Fn(&str) -> (String, String),
    ) -> Errand<'a> {
        let arguments = self.sources.arguments(verb);
        let mut variables = self.sources.variables.clone();
        variables.push(("PGAPPNAME".to_owned(), run.into()));
        let at = match self.sources.project.folder.as_str() {
            "." => String::new(),
            folder => format!(" (in {folder})"),
        };
        Errand {
            subjects,
            command: format!("{} {}{at}", alembic.shown(), arguments.join(" ")),
            start: Box::new(move |input| alembic.start(&arguments, &variables, input)),
            describe,
            without_secrets: Box::new(|text| self.sources.without_secrets(text)),
        }
    }
}

impl AlembicSources {
    /// The version table that these revisions have, where it is not the one that was
    /// looked at: env.py may name its schema by no literal, or the search path may
    /// have been changed.
    ///
    /// # Errors
    /// One that nothing leads to, or more than one.
    pub(in crate::commands) async fn other_table(
        &self,
        look: &Look,
    ) -> Result<Option<Ledger>, Error> {
        if look.elsewhere.is_empty() {
            return Ok(None);
        }
        let graph = self.graph().await?;
        let knows = |current: &[String]| current.iter().any(|id| graph.find(id).is_some());
        let is_theirs = knows(look.past.current());
        let tables = look.elsewhere.iter();
        let knowing: Vec<_> = tables
            .filter(|it| !is_theirs && knows(&it.current))
            .collect();
        // Alembic takes the first of the search path, whatever is in it.
        only_history(look, &knowing, look.past == Past::Fresh)
    }

    /// The project's Alembic.
    fn alembic(&self) -> Result<Alembic, Error> {
        Alembic::find(&self.places)
            .map_err(|NotFound { looked, cause }| AlembicError::NoCommand { looked, cause }.into())
    }

    /// Alembic's own options before its verb.
    fn arguments(&self, verb: &[&str]) -> Vec<String> {
        let verb = verb.iter().map(|&it| it.to_owned());
        self.project.options().into_iter().chain(verb).collect()
    }

    /// What the server says of a secret is not to be said again.
    fn without_secrets(&self, text: &str) -> String {
        let text = match &self.database {
            Some(url) => url.without_secrets(text),
            None => text.to_owned(),
        };
        db::url::without_user_info(&text)
    }
}

/// The revisions to which `up` leads: one, or that of each branch with a label.
///
/// # Errors
/// Several of which it is not said that they are branches.
fn heads<'a>(graph: &'a Graph, project: &AlembicProject) -> Result<Vec<&'a Revision>, Error> {
    match &graph.heads()[..] {
        heads if heads.len() <= 1 || graph.has_branches() => Ok(heads.to_vec()),
        heads => {
            let heads = heads.iter().map(|head| Head {
                label: head.label(),
                id: head.id.clone(),
                path: head.file.path().to_owned(),
            });
            Err(AlembicError::SeveralHeads {
                heads: heads.collect(),
                folder: project.folder.clone(),
                options: project.options(),
            }
            .into())
        }
    }
}

/// What a database is at that no file has, where that is not to be passed over.
/// A newer version's is, if it is remembered that it came after what we have: then
/// this is an older image on the newer schema.
///
/// # Errors
/// Which ones.
fn known(graph: &Graph, past: &Past, table: &str, request: &Request) -> Result<Known, Error> {
    let unknown: Vec<String> = graph.unknown(past.current()).cloned().collect();
    if unknown.is_empty() {
        return Ok(Known::All);
    }
    let is_newer = || {
        let runs = past.history().runs;
        let did = |id: &str| {
            runs.iter()
                .any(|run| run.verb == "up" && run.did.contains(&Subject::Revision(id.to_owned())))
        };
        unknown.iter().all(|id| did(id))
    };
    let tolerated = match request.unknown_applied {
        UnknownApplied::Error => false,
        UnknownApplied::Newer => is_newer(),
        UnknownApplied::Warn => true,
    };
    if tolerated {
        return Ok(Known::Newer(unknown));
    }
    Err(AlembicError::UnknownCurrent {
        ids: unknown,
        table: table.to_owned(),
    }
    .into())
}

/// Whether the files know where the database is.
enum Known {
    All,
    /// It is at these, which are another version's.
    Newer(Vec<String>),
}
