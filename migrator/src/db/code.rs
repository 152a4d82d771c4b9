//! Migrations written in Rust: what they are given, and how they are run, inside
//! the transaction that their history row opens.

use super::fault::{Fault, FaultKind};
use super::statement_by_statement::already_claimed;
use super::wire::Answer;
use super::{Failure, Job, Remainder};
use crate::history::ledger::Written;
use crate::history::table::Change;
use crate::model::{Body, Code, Operation};
use crate::sql::Dialect;
use sqlx::error::BoxDynError;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::interval;

/// How often it is looked whether the run is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the code may take to end by itself once its statement was cancelled.
/// Then it is dropped where it waits: its transaction is ours to end.
const GRACE: Duration = Duration::from_millis(500);

/// Tells afterwards whether the transaction is still the one that was opened.
const SAVEPOINT: &str = "migrate_code";

/// The open transaction of a migration that is written in Rust. Its history row
/// is in it already; it is committed when the function returns `Ok`, and rolled
/// back otherwise.
///
/// What it gives is sqlx's own connection of the database, inside the
/// transaction: a function takes the one that it is written for.
#[derive(Debug)]
pub struct Transaction<'c>(pub(super) Handle<'c>);

#[derive(Debug)]
pub(super) enum Handle<'c> {
    #[cfg(feature = "mysql")]
    Mysql(&'c mut sqlx::MySqlConnection),
    #[cfg(feature = "postgres")]
    Postgres(&'c mut sqlx::PgConnection),
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut sqlx::SqliteConnection),
    #[cfg(not(any(feature = "mysql", feature = "postgres", feature = "sqlite")))]
    Nothing(PhantomData<&'c ()>),
}

/// The migration is for another database than the one it is run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherDatabase {
    wanted: &'static str,
}

impl Transaction<'_> {
    /// The connection, where the database is MySQL or MariaDB. There, statements
    /// that change the schema commit by themselves.
    ///
    /// # Errors
    /// On another database.
    #[cfg(feature = "mysql")]
    pub fn mysql(&mut self) -> Result<&mut sqlx::MySqlConnection, OtherDatabase> {
        match &mut self.0 {
            Handle::Mysql(connection) => Ok(connection),
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => Err(OtherDatabase { wanted: "MySQL" }),
        }
    }

    /// The connection, where the database is PostgreSQL.
    ///
    /// # Errors
    /// On another database.
    #[cfg(feature = "postgres")]
    pub fn postgres(&mut self) -> Result<&mut sqlx::PgConnection, OtherDatabase> {
        match &mut self.0 {
            Handle::Postgres(connection) => Ok(connection),
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => Err(OtherDatabase {
                wanted: "PostgreSQL",
            }),
        }
    }

    /// The connection, where the database is SQLite.
    ///
    /// # Errors
    /// On another database.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(&mut self) -> Result<&mut sqlx::SqliteConnection, OtherDatabase> {
        match &mut self.0 {
            Handle::Sqlite(connection) => Ok(connection),
            #[allow(unreachable_patterns, reason = "which drivers there are differs")]
            _ => Err(OtherDatabase { wanted: "SQLite" }),
        }
    }
}

impl fmt::Display for OtherDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the database is not {}", self.wanted)
    }
}

impl Error for OtherDatabase {}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), BoxDynError>> + 'a>>;

/// A migration's function, of whatever type.
pub(super) struct Function(Box<dyn Callable>);

trait Callable {
    fn run<'a>(&'a self, transaction: &'a mut Transaction<'_>) -> Done<'a>;
}

struct Typed<F, E>(F, PhantomData<fn() -> E>);

impl<F, E> Callable for Typed<F, E>
where
    F: AsyncFn(&mut Transaction<'_>) -> Result<(), E>,
    E: Into<BoxDynError>,
{
    fn run<'a>(&'a self, transaction: &'a mut Transaction<'_>) -> Done<'a> {
        Box::pin(async move { self.0(transaction).await.map_err(Into::into) })
    }
}

/// A function as the code of a migration.
pub fn code<E>(function: impl AsyncFn(&mut Transaction<'_>) -> Result<(), E> + 'static) -> Code
where
    E: Into<BoxDynError> + 'static,
{
    Code::new(Function(Box::new(Typed(function, PhantomData))))
}

impl<'a> Job<'a> {
    /// Its code, where it is not SQL.
    pub(super) fn function(&self) -> Option<&'a Function> {
        match &self.operation.script().body {
            Body::Code(code) => code.get(),
            Body::Delegated | Body::Sql => None,
        }
    }
}

/// A transaction that was opened for code, of one database. It is sqlx's own, so
/// that one which the code begins in it becomes a savepoint.
pub(super) trait Opened: Sized {
    const DIALECT: Dialect;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault>;

    /// What the code is given.
    fn transaction(&mut self) -> Transaction<'_>;

    /// What an error of the driver is.
    fn fault(&self, error: &sqlx::Error) -> Fault;

    /// Whether a complaint of the fence says that another run was quicker.
    fn is_claimed(fault: &Fault) -> bool;

    async fn commit(self) -> Result<(), Fault>;

    /// What comes of it is nobody's concern any more.
    async fn roll_back(self);

    /// Writes the history row first: it is the fence.
    async fn fence(&mut self, job: Job<'_>) -> Result<(), Failure> {
        let fault = match self.ask(&job.record(Self::DIALECT).fence()).await {
            Ok(answer) if answer.affected == 1 => return Ok(()),
            Ok(_) => already_claimed(),
            Err(fault) => fault,
        };
        let left = match fault.kind {
            FaultKind::Claimed => Remainder::Claimed,
            _ if Self::is_claimed(&fault) => Remainder::Claimed,
            _ => nothing_of(&fault),
        };
        Err(Failure::unplaced(fault, left))
    }

    /// Says in the history how long it took.
    async fn finish(&mut self, job: Job<'_>, took: Duration) -> Result<(), Fault> {
        let took = took.as_nanos().to_string();
        match job.record(Self::DIALECT).finish(&took) {
            Some(finish) => self.ask(&finish).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Marks where the code begins.
    async fn mark(&mut self) -> Result<(), Fault> {
        let mark = format!("SAVEPOINT {SAVEPOINT}");
        self.ask(&mark).await.map(|_| ())
    }

    /// Waits for what a dropped function has left running, and takes away what the
    /// driver keeps of the code's statements.
    async fn settle(&mut self) {}

    /// Fails where the code has ended the transaction that it was given.
    async fn check(&mut self) -> Result<(), Fault> {
        let release = format!("RELEASE SAVEPOINT {SAVEPOINT}");
        self.ask(&release).await.map(|_| ())
    }

    /// What of it stays, once it failed: nothing, unless it has committed itself.
    async fn left(&mut self, job: Job<'_>) -> Remainder {
        let back = format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}");
        match self.ask(&back).await {
            Ok(_) => Remainder::Nothing,
            Err(fault) if fault.kind == FaultKind::Lost => Remainder::Unknown,
            Err(_) => committed(self, job).await,
        }
    }
}

/// Applies or reverts by code, in one transaction that has been opened for it.
pub(super) async fn apply(
    mut opened: impl Opened,
    job: Job<'_>,
    function: &Function,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    if let Err(setback) = opened.fence(job).await {
        opened.roll_back().await;
        return Err(setback);
    }
    if let Err(fault) = opened.mark().await {
        opened.roll_back().await;
        return Err(unplaced(fault));
    }
    let result = run(function, opened.transaction(), job.ending).await;
    opened.settle().await;
    let result = match result {
        Ok(()) => opened.check().await.map_err(ended),
        Err(failure) => Err(fault(&failure, |error| opened.fault(error))),
    };
    if let Err(fault) = result {
        let left = match fault.kind {
            FaultKind::Lost => Remainder::Unknown,
            _ => opened.left(job).await,
        };
        opened.roll_back().await;
        return Err(Failure::unplaced(fault, left));
    }
    if let Err(fault) = opened.finish(job, began.elapsed()).await {
        opened.roll_back().await;
        return Err(unplaced(fault));
    }
    opened.commit().await.map_err(unplaced)?;
    Ok(began.elapsed())
}

/// Of what was rolled back, nothing stays.
pub(super) fn unplaced(fault: Fault) -> Failure {
    let left = nothing_of(&fault);
    Failure::unplaced(fault, left)
}

fn nothing_of(fault: &Fault) -> Remainder {
    match fault.kind {
        FaultKind::Lost => Remainder::Unknown,
        _ => Remainder::Nothing,
    }
}

/// Runs the code to its end, or until it does not end although it is to.
async fn run(
    function: &Function,
    mut transaction: Transaction<'_>,
    ending: &AtomicBool,
) -> Result<(), BoxDynError> {
    let mut work = pin!(caught(function.0.run(&mut transaction)));
    let mut look = interval(LOOK_EVERY);
    let mut since: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            _ = look.tick() => if ending.load(Ordering::Relaxed) {
                let since = *since.get_or_insert_with(Instant::now);
                if since.elapsed() > GRACE {
                    return Err("it was stopped while it waited".into());
                }
            }
        }
    }
}

/// A panic of the code is a failure of its migration, and told as one.
async fn caught(mut work: Done<'_>) -> Result<(), BoxDynError> {
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> BoxDynError {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    format!("it panicked: {}", text.or(owned).unwrap_or("no message")).into()
}

/// What the code complained of: the database's complaint where it is one, with
/// what was said around it.
fn fault(failure: &BoxDynError, of: impl Fn(&sqlx::Error) -> Fault) -> Fault {
    let mut said = Vec::new();
    let mut cause: Option<&(dyn Error + 'static)> = Some(failure.as_ref());
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            let fault = of(error);
            said.push(fault.message.clone());
            return Fault {
                kind: match fault.kind {
                    // It is not ours that was misunderstood.
                    FaultKind::Driver => FaultKind::Statement,
                    kind => kind,
                },
                message: said.join(": "),
                // Places are in the code's own statement.
                position: None,
                ..fault
            };
        }
        said.push(error.to_string());
        cause = error.source();
    }
    // Many an error repeats its source's words.
    said.dedup_by(|inner, outer| outer.ends_with(inner.as_str()));
    Fault::new(FaultKind::Statement, said.join(": "))
}

/// Our own savepoint is not there any more.
fn ended(fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::Lost => fault,
        _ => Fault {
            detail: Some(fault.message),
            ..Fault::new(
                FaultKind::Statement,
                "its transaction ended or failed before it returned: leave COMMIT and ROLLBACK to \
                 migrate, and return the first error",
            )
        },
    }
}

/// Nobody knows how much the code has committed, and the row says too much.
async fn committed<O: Opened>(opened: &mut O, job: Job<'_>) -> Remainder {
    let Operation::Apply(migration) = job.operation else {
        return Remainder::Unknown;
    };
    // There may be one that it has begun itself.
    let _ = opened.ask("ROLLBACK").await;
    let Written { ledger, writes } = job.history;
    let version = &migration.version;
    let reopen = writes.write(ledger, O::DIALECT, Change::Reopen { version, claim: -1 });
    match opened.ask(&reopen).await {
        Ok(answer) if answer.affected == 1 => Remainder::Part {
            ran: 0,
            resumable: false,
        },
        // It has been rolled back, by the code or by the database.
        Ok(_) => Remainder::Nothing,
        Err(_) => Remainder::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_what_was_said_around_it() {
        #[derive(Debug)]
        struct Around(sqlx::Error);
        impl fmt::Display for Around {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("user 7")
            }
        }
        impl Error for Around {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let of = |error: &sqlx::Error| Fault::new(FaultKind::Driver, error.to_string());
        let failure: BoxDynError = Around(sqlx::Error::RowNotFound).into();
        let found = fault(&failure, of);
        assert_eq!(found.kind, FaultKind::Statement);
        assert!(found.message.starts_with("user 7: no rows"), "{found:?}");
        let failure: BoxDynError = "no such tenant".into();
        assert_eq!(fault(&failure, of).message, "no such tenant");
    }
}
