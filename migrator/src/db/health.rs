//! What a database is like beside its history: whatever decides whether a deploy
//! goes well. Asked by questions alone; values, for others to judge.

use super::Look;
use super::fault::Fault;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use super::{BlockingSession, Lock};

/// What an examination of a database came to.
pub(crate) struct Examined {
    pub health: Health,
    /// The history, or what keeps from reading it; nothing of a SQLite file that
    /// `up` would create.
    pub look: Result<Option<Look>, Fault>,
}

/// What every server and file has, each as far as this user is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Health {
    /// What answers, and its version: major and minor number.
    pub product: Option<(Product, u32, u32)>,
    /// Whom we are to it; MySQL's and MariaDB's with the host.
    pub user: String,
    pub database: String,
    pub clock: Option<Clock>,
    pub line: Line,
    pub rooms: Vec<Room>,
    /// Which of a run's locks somebody has; `None` where that cannot be seen
    /// without taking them.
    pub held: Option<Vec<(Lock, BlockingSession)>>,
    /// The runs that are there, by name, where the server shows them.
    pub runs: Vec<String>,
    /// Transactions of others that are open and in the way of changing a table,
    /// the oldest first.
    pub open: Vec<BlockingSession>,
    pub own: Own,
}

impl Health {
    /// Whether somebody has the lock of this history.
    pub(crate) fn is_at_work(&self) -> bool {
        let held = self.held.as_deref().unwrap_or_default();
        held.iter().any(|(lock, _)| *lock == Lock::Own)
    }
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Mariadb,
    Mysql,
    Postgres,
}

/// What only one kind of database has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Own {
    Mysql(Mysql),
    Postgres(Box<Postgres>),
    Sqlite(Sqlite),
    #[default]
    Unknown,
}

/// The server's clock, read between two looks at ours: each since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    pub before: Duration,
    pub server: Duration,
    pub after: Duration,
}

/// The line to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    /// Whether what we say is encrypted; `None` where somebody between us and
    /// the server would have to be asked.
    pub encrypted: Option<bool>,
    /// Both ends, as the server sees them; none of a socket.
    pub ends: Vec<IpAddr>,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub of: Of,
    pub limit: u64,
    /// Ours is one of them.
    pub used: u64,
}

/// Whose connections are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Database,
    Server,
    User,
}

/// What only PostgreSQL has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Postgres {
    pub is_standby: bool,
    pub pooling: Pooling,
    /// Settings that are not as they come.
    pub settings: Vec<Setting>,
    pub search_path: SearchPath,
    /// The schemas that a run makes tables in.
    pub schemas: Vec<Schema>,
    /// The history table and those of ours beside it, as far as they are there.
    pub kept: Vec<Table>,
    /// Tables and views that only their owner may change, who is somebody else.
    pub foreign: Vec<Table>,
    pub invalid_indexes: Vec<InvalidIndex>,
    pub prepared: Vec<Prepared>,
}

/// What is between us and the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Nothing that gives a server's connection to several clients in turn.
    #[default]
    None,
    /// Something that gives us one connection, and no second as long as we have it.
    Starved,
    /// It changes after each statement: there are no transactions.
    Statement,
    /// It changes after each transaction. `alone` where a second transaction finds
    /// no connection while a first is open.
    Transaction { alone: bool },
}

/// A setting of this session that somebody has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub name: String,
    /// In the setting's own unit: of a time, milliseconds.
    pub value: String,
    /// Where it was set: `database`, `user`, `database user`, `configuration file`.
    pub source: String,
}

/// Where a name without a schema is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchPath {
    /// The schemas that it names, but for the user's own.
    pub named: Vec<Named>,
    /// The first that is there and may be used.
    pub current: Option<String>,
    /// The schema that the history's name has, where it is not there and nobody
    /// makes it.
    pub missing: Option<String>,
}

/// A schema that the search path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub name: String,
    pub exists: bool,
    pub usable: bool,
}

/// A schema, and what this user may do in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schema {
    pub name: String,
    pub owner: String,
    pub usable: bool,
    pub may_create: bool,
}

/// A table, and what this user may not do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub schema: String,
    pub name: String,
    pub owner: String,
    /// Whether its owner may do anything to anybody.
    pub of_superuser: bool,
    /// Whether this user may act for its owner.
    pub is_ours: bool,
    /// The rights that a run needs and this user has not.
    pub lacks: Vec<String>,
}

/// An index that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidIndex {
    pub schema: String,
    pub name: String,
    pub table: String,
    /// The statement that made it.
    pub definition: String,
}

/// A transaction that waits for its second phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub name: String,
    pub owner: String,
    pub age: Duration,
}

/// What only MySQL and MariaDB have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mysql {
    /// The setting that lets nobody write, or nobody but an administrator.
    pub read_only: Option<ReadOnly>,
    /// The setting that wants a primary key in every table.
    pub wants_key: Option<&'static str>,
    /// The rights that this user has in this database; `None` where roles have
    /// some that are not told.
    pub rights: Option<Vec<String>>,
}

/// Why a server takes no writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadOnly {
    pub setting: &'static str,
    /// Whether this user may write all the same.
    pub is_exempt: bool,
}

/// What only SQLite has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sqlite {
    pub path: PathBuf,
    pub exists: bool,
    /// Whether the URL itself lets nothing be written.
    pub opened_to_read: bool,
    /// What keeps from writing the file.
    pub file: Option<String>,
    pub folder: PathBuf,
    /// What keeps from putting a file beside it.
    pub beside: Option<String>,
}
