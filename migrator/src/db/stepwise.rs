//! A migration that cannot be one transaction: its statements one by one, each
//! marked in the journal, so that a run that was killed goes on where it stopped.
//! Its history row says meanwhile that it is not complete, as sqlx's does.

use super::fault::{Fault, FaultKind};
use super::memory::Memory;
use super::{Job, Left, Setback};
use crate::formats::journal::{CLAIM, Journal, REVERT, claim_digest, claim_number, digest};
use crate::formats::record;
use crate::model::{Deed, Version};
use crate::plan::history::{Mark, Resume};
use crate::sql::Statement;
use std::time::{Duration, Instant};

/// What a database must tell for it.
pub(super) trait Stepwise: Memory {
    /// Whether a complaint says that somebody has inserted the same key before.
    fn is_duplicate(fault: &Fault) -> bool;

    /// Whether a complaint of a claim says that another run was quicker.
    fn is_claimed(fault: &Fault) -> bool {
        fault.kind == FaultKind::Claimed || Self::is_duplicate(fault)
    }

    /// Runs one statement and marks it.
    ///
    /// # Errors
    /// What the database complained of, and whether anything may stay of it.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss>;

    /// Runs one statement of a file that keeps no journal, for no longer than it
    /// may take, and so that it can be cancelled.
    ///
    /// # Errors
    /// As [`Stepwise::step`].
    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault>;

    /// Ends what an earlier run has left running in the server, where it can be
    /// found; tells whether there was anything.
    ///
    /// # Errors
    /// What the database complained of.
    async fn end_orphan(&mut self, _run: &str, _patience: Duration) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Finds out whether a statement happened that an earlier run had begun.
    async fn settle(&mut self, step: &Step<'_>, mark: &Mark) -> Result<Settled, Fault>;

    /// Prepares the session for our own statements again, and checks what can
    /// only be checked at the end.
    async fn wind_up(&mut self) -> Result<(), Fault>;

    /// Where in a statement a complaint points to.
    fn offset(text: &str, fault: &Fault) -> Option<usize>;
}

/// One statement, with all that is needed to run and mark it.
pub(super) struct Step<'a> {
    pub(super) job: Job<'a>,
    pub(super) journal: &'a Journal,
    pub(super) number: i64,
    pub(super) statement: Statement,
    pub(super) text: &'a str,
}

impl<'a> Step<'a> {
    fn of(job: Job<'a>, journal: &'a Journal, number: usize, statement: &Statement) -> Self {
        Self {
            job,
            journal,
            number: i64::try_from(number).unwrap_or(i64::MAX),
            statement: *statement,
            text: job.file.slice(statement.span),
        }
    }

    /// By which the journal knows the migration.
    pub(super) fn version(&self) -> Version {
        record::version(self.job.deed)
    }

    /// What the statement is recognised by: as it was written, for the values of
    /// its variables may change.
    fn digest(&self) -> String {
        digest(self.job.file.slice_as_written(self.statement.span))
    }
}

/// A statement that did not come to its end.
pub(super) struct Miss {
    pub(super) fault: Fault,
    /// Whether nothing of the statement stays.
    pub(super) is_clean: bool,
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
impl Miss {
    /// One of which something may stay.
    pub(super) fn unclean(fault: Fault) -> Self {
        Self {
            fault,
            is_clean: false,
        }
    }
}

/// What was rolled back, or never ran; but of a lost connection nobody knows.
impl From<Fault> for Miss {
    fn from(fault: Fault) -> Self {
        Self {
            is_clean: fault.kind != FaultKind::Lost,
            fault,
        }
    }
}

/// What became of a statement of an earlier run.
#[cfg_attr(
    not(any(feature = "postgres", all(feature = "mysql", feature = "sqlite"))),
    expect(dead_code, reason = "no other database can tell all of them")
)]
pub(super) enum Settled {
    Happened,
    DidNotHappen,
    /// Nobody can tell.
    Unknown,
}

/// Applies a migration statement by statement.
pub(super) async fn apply<S: Stepwise>(session: &mut S, job: Job<'_>) -> Result<Duration, Setback> {
    let began = Instant::now();
    let journal = job.record(S::DIALECT).journal();
    let mut done = match job.resume {
        Some(resume) => go_on(session, job, &journal, resume).await?,
        None => claim(session, job, &journal).await.map(|()| 0)?,
    };
    for (number, statement) in job.statements.iter().enumerate().skip(done) {
        let step = Step::of(job, &journal, number, statement);
        if let Err(Miss { fault, is_clean }) = session.step(&step).await {
            let nothing = number == 0 && is_clean;
            let mut setback = setback::<S>(job, number, number, fault);
            if nothing && give_up(session, job, &journal).await.is_ok() {
                setback.left = Left::Nothing;
            }
            return Err(setback);
        }
        done = number + 1;
    }
    finish(session, job, &journal, began)
        .await
        .map_err(|fault| ours(done, fault))?;
    Ok(began.elapsed())
}

/// Goes on with what an earlier run has begun: ends what is left of that run,
/// takes its claim over, and settles the statement that it was at. The count of
/// statements that are done.
async fn go_on<S: Stepwise>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
    resume: &Resume,
) -> Result<usize, Setback> {
    let version = record::version(job.deed);
    let done = resume.done;
    let ours = |fault| ours(done, fault);
    if let Some(run) = &resume.run
        && session.end_orphan(run, job.lock_wait).await.map_err(ours)?
    {
        // It may have come further: the journal is to be read again.
        return Err(Setback {
            left: Left::Claimed,
            ..ours(quicker())
        });
    }
    let take_over = journal.take_over(version, job.run);
    session.ask(&take_over).await.map_err(ours)?;
    // What the earlier run set for its session must be set for this one, too.
    for (number, statement) in job.statements.iter().enumerate().take(done) {
        let text = job.file.slice(statement.span);
        if sets_the_session(text) {
            session
                .ask(text)
                .await
                .map_err(|fault| setback::<S>(job, number, done, fault))?;
        }
    }
    let (Some(mark), Some(statement)) = (&resume.begun, job.statements.get(done)) else {
        return Ok(done);
    };
    let step = Step::of(job, journal, done, statement);
    let (mark, settled) = match session.settle(&step, mark).await.map_err(ours)? {
        Settled::Happened => (journal.done(version, step.number), done + 1),
        Settled::DidNotHappen => (journal.undo(version, step.number), done),
        Settled::Unknown => {
            let fault = Fault::new(
                FaultKind::Statement,
                "an earlier run began this statement, and nobody knows how it ended",
            );
            return Err(Setback {
                left: Left::Unsettled { ran: done },
                ..setback::<S>(job, done, done, fault)
            });
        }
    };
    session.ask(&mark).await.map_err(ours)?;
    Ok(settled)
}

/// The fence: the history row, and with it the mark that says whose it is.
async fn claim<S: Stepwise>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
) -> Result<(), Setback> {
    let nothing = |fault| Setback::unplaced(fault, Left::Nothing);
    // Before the transaction: on MySQL it would end it.
    session.ask(&journal.create()).await.map_err(nothing)?;
    let number = claim_number(job.run);
    let version = record::version(job.deed);
    let row = job.record(S::DIALECT).claim(number);
    // Whoever deleted a history row by hand has left its marks.
    let stale = journal.clear(version);
    let digest = claim_digest(number);
    let direction = match job.deed {
        Deed::Apply(_) | Deed::Repeat(_) => CLAIM,
        Deed::Revert(..) => REVERT,
    };
    let mark = journal.mark(version, direction, &digest, job.run, true);
    for sql in ["BEGIN", &row, &stale, &mark, "COMMIT"] {
        let fault = match session.ask(sql).await {
            Ok(answer) if sql == row && answer.affected != 1 => quicker(),
            Ok(_) => continue,
            Err(fault) => fault,
        };
        let _ = session.ask("ROLLBACK").await;
        let is_fence = sql == row && S::is_claimed(&fault);
        return Err(Setback {
            left: if is_fence {
                Left::Claimed
            } else {
                Left::Nothing
            },
            ..nothing(fault)
        });
    }
    Ok(())
}

/// A claim that changed nothing: there was nothing left to claim.
pub(super) fn quicker() -> Fault {
    Fault::new(FaultKind::Claimed, "another run was quicker")
}

/// Takes the claim back where nothing came of it.
async fn give_up<S: Stepwise>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
) -> Result<(), Fault> {
    let marks = journal.clear(record::version(job.deed));
    match job.record(S::DIALECT).give_up() {
        Some(row) => both(session, &row, &marks).await,
        None => session.ask(&marks).await.map(|_| ()),
    }
}

async fn finish<S: Stepwise>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
    began: Instant,
) -> Result<(), Fault> {
    session.wind_up().await?;
    let took = began.elapsed().as_nanos().to_string();
    let row = job.record(S::DIALECT).complete(&took);
    let clear = journal.clear(record::version(job.deed));
    both(session, &row, &clear).await
}

/// Changes the history row and its marks, or neither.
async fn both<S: Stepwise>(session: &mut S, row: &str, marks: &str) -> Result<(), Fault> {
    for sql in ["BEGIN", row, marks, "COMMIT"] {
        if let Err(fault) = session.ask(sql).await {
            let _ = session.ask("ROLLBACK").await;
            return Err(fault);
        }
    }
    Ok(())
}

fn setback<S: Stepwise>(job: Job<'_>, number: usize, ran: usize, fault: Fault) -> Setback {
    let offset = job.statements.get(number).and_then(|statement| {
        let text = job.file.slice(statement.span);
        S::offset(text, &fault).map(|at| statement.span.start + at)
    });
    Setback {
        statement: Some(number),
        offset,
        ..ours(ran, fault)
    }
}

fn ours(ran: usize, fault: Fault) -> Setback {
    let left = if fault.kind == FaultKind::Lost {
        Left::Unknown
    } else {
        Left::Part {
            ran,
            resumable: true,
        }
    };
    Setback::unplaced(fault, left)
}

/// Settings last as long as the session, which a killed run has taken with it.
fn sets_the_session(statement: &str) -> bool {
    matches!(
        first_word(statement).as_str(),
        "PRAGMA" | "RESET" | "SET" | "USE"
    )
}

/// A statement's first word, in capitals.
pub(super) fn first_word(statement: &str) -> String {
    statement
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

/// Tells a database's statement by its digest when the journal is asked.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn begin(step: &Step<'_>) -> String {
    step.journal.mark(
        step.version(),
        step.number,
        &step.digest(),
        step.job.run,
        false,
    )
}

/// The mark of a statement that happens in one transaction with it.
pub(super) fn done_at_once(step: &Step<'_>) -> String {
    step.journal.mark(
        step.version(),
        step.number,
        &step.digest(),
        step.job.run,
        true,
    )
}
