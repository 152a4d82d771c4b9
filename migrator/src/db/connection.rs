//! A connection to whichever database the URL names.

use super::certificates;
use super::dependents::Dependents;
use super::fault::{Fault, FaultKind};
use super::health::{Examined, Health};
use super::url::DatabaseUrl;
use super::{
    Activity, Attempt, BlockingSession, Edit, Entry, GuardSession, Handle, Job, Look, Progress,
    ReadScope, Session,
};
use crate::history::ledger::Ledger;
use crate::history::table::LockKey;
use crate::sql::Dialect;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

#[cfg(feature = "mysql")]
use super::mysql::Mysql;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
#[cfg(feature = "sqlite")]
use super::sqlite::{self, LockFile, Sqlite};

/// The pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Before a connection is tried again that was lost.
const AFTER_A_LOSS: Duration = Duration::from_millis(200);

/// A connection that may write.
pub struct Connection(Driver);

/// A connection of which only questions can be asked.
pub struct Reader(Connection);

/// What holds a run's lock: a connection of its own, or a file.
pub struct Guard(Holder);

enum Driver {
    #[cfg(feature = "mysql")]
    Mysql(Mysql),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
    #[cfg(feature = "sqlite")]
    Sqlite(Sqlite),
}

enum Holder {
    Connection(Connection),
    #[cfg(feature = "sqlite")]
    File(LockFile),
}

/// Does the same with whichever driver it is.
macro_rules! with_driver {
    ($driver:expr, $session:ident => $call:expr) => {
        match $driver {
            #[cfg(feature = "mysql")]
            Driver::Mysql($session) => $call,
            #[cfg(feature = "postgres")]
            Driver::Postgres($session) => $call,
            #[cfg(feature = "sqlite")]
            Driver::Sqlite($session) => $call,
            #[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
            _ => unreachable!("no driver was compiled in"),
        }
    };
}

/// Connects, waiting for up to `wait` until the database answers. A SQLite file
/// that is missing is created where the URL allows it.
///
/// # Errors
/// The last complaint; at once where waiting is of no use.
pub async fn connect(url: &DatabaseUrl, wait: Duration) -> Result<Connection, Fault> {
    let create = url.file().is_some_and(|file| file.may_create);
    connect_within(url, wait, create).await
}

/// Connects and looks; a server that goes away meanwhile is waited for, too.
///
/// # Errors
/// As [`connect`], and what the database complained of.
pub async fn connect_and_look(
    url: &DatabaseUrl,
    wait: Duration,
    ledger: &Ledger,
    wanted: ReadScope,
) -> Result<(Connection, Look), Fault> {
    let create = url.file().is_some_and(|file| file.may_create);
    look_within(url, wait, create, ledger, wanted).await
}

/// The same to ask questions only: it creates nothing.
///
/// # Errors
/// As [`connect_and_look`].
pub async fn read_and_look(
    url: &DatabaseUrl,
    wait: Duration,
    ledger: &Ledger,
    wanted: ReadScope,
) -> Result<(Reader, Look), Fault> {
    let (connection, look) = look_within(url, wait, false, ledger, wanted).await?;
    Ok((Reader(connection), look))
}

/// Waits until the database answers and lets us in; it is asked nothing, and
/// creates nothing.
///
/// # Errors
/// As [`connect`].
pub async fn answers(url: &DatabaseUrl, wait: Duration) -> Result<(), Fault> {
    connect_within(url, wait, false).await.map(|_| ())
}

/// Looks, and asks for all else that an examination wants to know. A file that
/// `up` would create is examined where it would be.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn examine(
    url: &DatabaseUrl,
    wait: Duration,
    ledger: &Ledger,
    wanted: ReadScope,
) -> Result<Examined, Fault> {
    #[cfg(feature = "sqlite")]
    if let Some(file) = url.file() {
        let health = sqlite::health(url);
        let look = if file.may_create && !file.path.exists() {
            Ok(None)
        } else {
            let mut connection = connect_within(url, wait, false).await?;
            connection.look(ledger, wanted).await.map(Some)
        };
        return Ok(Examined {
            health,
            look: look.map_err(|fault| without_secrets(url, fault)),
        });
    }
    let mut connection = connect_within(url, wait, false).await?;
    let look = connection.look(ledger, wanted).await.map(Some);
    let seen = look.as_ref().ok().and_then(Option::as_ref);
    // Only a server has more to tell, once it was looked at.
    let _ = seen;
    let health = match &mut connection.0 {
        #[cfg(feature = "mysql")]
        Driver::Mysql(session) => session.health(seen).await,
        #[cfg(feature = "postgres")]
        Driver::Postgres(session) => session.health(url, ledger, seen).await,
        #[allow(unreachable_patterns, reason = "which drivers there are differs")]
        _ => Ok(Health::default()),
    };
    Ok(Examined {
        health: health.map_err(|fault| without_secrets(url, fault))?,
        look: look.map_err(|fault| without_secrets(url, fault)),
    })
}

async fn look_within(
    url: &DatabaseUrl,
    wait: Duration,
    create: bool,
    ledger: &Ledger,
    wanted: ReadScope,
) -> Result<(Connection, Look), Fault> {
    let end = Instant::now() + wait;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut connection = connect_within(url, left, create).await?;
        match connection.look(ledger, wanted).await {
            Err(fault) if fault.kind == FaultKind::Lost && Instant::now() < end => {
                sleep(AFTER_A_LOSS).await;
            }
            result => return result.map(|look| (connection, look)),
        }
    }
}

async fn connect_within(
    url: &DatabaseUrl,
    wait: Duration,
    create: bool,
) -> Result<Connection, Fault> {
    certificates::check(url)?;
    let end = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        // At least one honest attempt, however short the wait.
        let attempt = timeout(left.max(Duration::from_secs(1)), open(url, create));
        let fault = match attempt.await {
            Ok(Ok(driver)) => return Ok(Connection(driver)),
            // What ends before it is set up was never there.
            Ok(Err(fault)) if fault.kind == FaultKind::Lost => Fault {
                kind: FaultKind::Unreachable,
                ..fault
            },
            Ok(Err(fault)) => fault,
            Err(_) => Fault::new(FaultKind::Unreachable, "no answer"),
        };
        let fault = without_secrets(url, fault);
        let left = end.saturating_duration_since(Instant::now());
        // A server may go away between its greeting and our first question.
        let is_away = matches!(fault.kind, FaultKind::Lost | FaultKind::Unreachable);
        if !is_away || left.is_zero() {
            return Err(fault);
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn open(url: &DatabaseUrl, create: bool) -> Result<Driver, Fault> {
    // Only SQLite has anything to create.
    let _ = create;
    match url.dialect() {
        #[cfg(feature = "mysql")]
        Dialect::Mysql => Mysql::connect(url).await.map(Driver::Mysql),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => Postgres::connect(url).await.map(Driver::Postgres),
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => Sqlite::connect(url, create).await.map(Driver::Sqlite),
        // The URL was refused before (UrlError::DriverLeftOut).
        #[cfg(not(all(feature = "mysql", feature = "postgres", feature = "sqlite")))]
        _ => Err(Fault::new(FaultKind::Setting, "the driver was left out")),
    }
}

/// A server's message may quote what it was sent.
fn without_secrets(url: &DatabaseUrl, fault: Fault) -> Fault {
    fault.in_other_words(|text| url.without_secrets(text))
}

impl Session for Connection {
    async fn look(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Look, Fault> {
        with_driver!(&mut self.0, session => session.look(ledger, wanted).await)
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.create(ledger).await)
    }

    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.remember(ledger, entry).await)
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.edit(ledger, edits).await)
    }

    async fn invalid_indexes(&mut self, statements: &[&str]) -> Result<Vec<String>, Fault> {
        with_driver!(&mut self.0, session => session.invalid_indexes(statements).await)
    }

    async fn prepare(&mut self, job: &Job<'_>) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.prepare(job).await)
    }

    async fn refresh(&mut self) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.refresh().await)
    }

    fn handle(&self) -> Handle {
        with_driver!(&self.0, session => session.handle())
    }

    fn batch_size(&self) -> usize {
        with_driver!(&self.0, session => session.batch_size())
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        with_driver!(&mut self.0, session => session.apply(jobs).await)
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        with_driver!(&mut self.0, session => session.apply_as_one(jobs).await)
    }

    async fn flush(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        with_driver!(&mut self.0, session => session.flush(ledger).await)
    }
}

impl Connection {
    /// What depends on these tables of a SQLite database; nothing elsewhere.
    ///
    /// # Errors
    /// What the database complained of.
    #[cfg_attr(
        not(feature = "sqlite"),
        allow(clippy::unused_async, reason = "only SQLite is asked")
    )]
    pub(crate) async fn dependents(&mut self, tables: &[String]) -> Result<Dependents, Fault> {
        // Only SQLite is asked.
        let _ = tables;
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(session) => session.dependents_of(tables).await,
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => Ok(Dependents::default()),
        }
    }
}

impl Reader {
    /// The indexes that these statements have left invalid.
    ///
    /// # Errors
    /// What the database complained of.
    pub async fn invalid_indexes(&mut self, statements: &[&str]) -> Result<Vec<String>, Fault> {
        self.0.invalid_indexes(statements).await
    }

    /// Looks again, at whichever history.
    ///
    /// # Errors
    /// What the database complained of.
    pub async fn look(&mut self, ledger: &Ledger, wanted: ReadScope) -> Result<Look, Fault> {
        self.0.look(ledger, wanted).await
    }

    /// What depends on these tables of a SQLite database; nothing elsewhere.
    ///
    /// # Errors
    /// What the database complained of.
    pub(crate) async fn dependents(&mut self, tables: &[String]) -> Result<Dependents, Fault> {
        self.0.dependents(tables).await
    }

    /// How many migrations may travel together.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.0.batch_size()
    }
}

impl Guard {
    /// Makes a guard of the connection that looked; a SQLite database is guarded
    /// by a file, since its connections lock nothing between transactions.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        match connection.0 {
            #[cfg(feature = "sqlite")]
            Driver::Sqlite(_) => Self(Holder::File(LockFile::new())),
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => Self(Holder::Connection(connection)),
        }
    }
}

/// Does the same with whatever holds the lock; `$nothing` where it is a driver
/// whose connections guard nothing.
macro_rules! with_holder {
    ($holder:expr, $guard:ident => $call:expr, $nothing:expr) => {
        match &mut $holder {
            Holder::Connection(Connection(driver)) => match driver {
                #[cfg(feature = "mysql")]
                Driver::Mysql($guard) => $call,
                #[cfg(feature = "postgres")]
                Driver::Postgres($guard) => $call,
                #[allow(unreachable_patterns, reason = "which drivers there are differs")]
                _ => $nothing,
            },
            #[cfg(feature = "sqlite")]
            Holder::File($guard) => $call,
        }
    };
}

impl GuardSession for Guard {
    async fn try_lock(&mut self, look: &Look, run: &str) -> Result<Attempt, Fault> {
        with_holder!(self.0, guard => guard.try_lock(look, run).await, Ok(Attempt::Locked))
    }

    async fn holder(&mut self, key: &LockKey) -> Result<Option<BlockingSession>, Fault> {
        with_holder!(self.0, guard => guard.holder(key).await, Ok(None))
    }

    async fn yield_lock(&mut self) -> Result<(), Fault> {
        with_holder!(self.0, guard => guard.yield_lock().await, Ok(()))
    }

    async fn try_reacquire_lock(&mut self, key: &LockKey) -> Result<bool, Fault> {
        with_holder!(self.0, guard => guard.try_reacquire_lock(key).await, Ok(true))
    }

    async fn cancel(&mut self, worker: &Handle, run: &str) -> Result<(), Fault> {
        with_holder!(self.0, guard => guard.cancel(worker, run).await, Ok(()))
    }

    async fn observe(&mut self, worker: &Handle, run: &str) -> Result<Activity, Fault> {
        with_holder!(self.0, guard => guard.observe(worker, run).await, Ok(Activity::default()))
    }

    fn number(&self) -> Option<u64> {
        match &self.0 {
            #[cfg(feature = "mysql")]
            Holder::Connection(Connection(Driver::Mysql(guard))) => guard.number(),
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => None,
        }
    }

    async fn end_lost(&mut self, number: Option<u64>, look: &Look, run: &str) -> Result<(), Fault> {
        with_holder!(self.0, guard => guard.end_lost(number, look, run).await, Ok(()))
    }

    fn inherited_lock(&self) -> Option<std::fs::File> {
        match &self.0 {
            Holder::Connection(_) => None,
            #[cfg(feature = "sqlite")]
            Holder::File(file) => file.inherited_lock(),
        }
    }

    async fn release(&mut self) {
        with_holder!(self.0, guard => guard.release().await, ());
    }
}
