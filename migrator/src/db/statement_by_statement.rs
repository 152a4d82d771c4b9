//! A migration that cannot be one transaction: its statements one by one, each
//! marked in the journal, so that a run that was killed goes on where it stopped.
//! Its history row says meanwhile that it is not complete, as sqlx's does.

use super::bookkeeping::{self, Bookkeeping};
use super::fault::{Fault, FaultKind};
use super::{Failure, Job, Remainder};
use crate::history::journal::{CLAIM, Journal, REVERT, claim_digest, claim_number, digest};
use crate::history::record;
use crate::history::{Mark, Resume};
use crate::model::{Operation, Version};
use crate::sql::unit::{self, Ends};
use crate::sql::{Dialect, Statement, StatementKind, session};
use std::ops::Range;
use std::time::{Duration, Instant};

/// What a database must tell for it.
pub(super) trait StatementByStatement: Bookkeeping {
    /// Whether a complaint says that somebody has inserted the same key before.
    fn is_duplicate(fault: &Fault) -> bool;

    /// Whether a complaint of a claim says that another run was quicker.
    fn is_claimed(fault: &Fault) -> bool {
        fault.kind == FaultKind::Claimed || Self::is_duplicate(fault)
    }

    /// The migration whose statements this session has run, and no others since:
    /// whatever they left in the session is there.
    fn held(&mut self) -> &mut Option<Version>;

    /// Runs the statements of a unit and marks them.
    ///
    /// # Errors
    /// What the database complained of, and what may stay.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss>;

    /// Runs one statement of a file that keeps no journal, for no longer than it
    /// may take, and so that it can be cancelled.
    ///
    /// # Errors
    /// As [`StatementByStatement::step`].
    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault>;

    /// Ends what an earlier run has left running in the server, where it can be
    /// found; tells whether there was anything.
    ///
    /// # Errors
    /// What the database complained of.
    async fn end_orphan(&mut self, _run: &str, _patience: Duration) -> Result<bool, Fault> {
        Ok(false)
    }

    /// Finds out whether the first statement of a step happened that an earlier run
    /// had begun.
    async fn settle(&mut self, step: &Step<'_>, mark: &Mark) -> Result<Settled, Fault>;

    /// Prepares the session for our own statements again, and checks what can
    /// only be checked at the end.
    async fn finish_session(&mut self) -> Result<(), Fault>;

    /// Where in a statement a complaint points to.
    fn offset(text: &str, fault: &Fault) -> Option<usize>;
}

/// Statements that are run and marked together, with all that is needed for it.
pub(super) struct Step<'a> {
    pub(super) job: Job<'a>,
    pub(super) journal: &'a Journal,
    /// The number of the first of its statements in the file.
    pub(super) first: usize,
    /// Never empty.
    pub(super) statements: &'a [Statement],
    pub(super) ends: Ends,
}

impl<'a> Step<'a> {
    fn of(job: Job<'a>, journal: &'a Journal, numbers: Range<usize>, ends: Ends) -> Self {
        Self {
            job,
            journal,
            first: numbers.start,
            statements: job.statements.get(numbers).unwrap_or_default(),
            ends,
        }
    }

    /// The text of one of its statements.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn text(&self, at: usize) -> &'a str {
        self.statements
            .get(at)
            .map_or("", |statement| self.job.file.slice(statement.span))
    }

    /// The texts of its statements, each with its number in the step.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn texts(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let file = self.job.file;
        let texts = self.statements.iter();
        texts
            .map(move |statement| file.slice(statement.span))
            .enumerate()
    }

    /// Whether a transaction is ended that is ours, or begun and not used.
    fn is_empty(&self) -> bool {
        self.job.operation.script().begins_inside()
            && self
                .statements
                .iter()
                .all(|statement| statement.kind == StatementKind::TransactionControl)
    }

    /// The only statement, of most steps.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn only(&self) -> Option<&'a Statement> {
        match self.statements {
            [only] => Some(only),
            _ => None,
        }
    }

    /// By which the journal knows the migration.
    pub(super) fn version(&self) -> Version {
        record::version(self.job.operation)
    }

    /// Marks all its statements.
    fn marks(&self, done: bool) -> String {
        self.each(|number, statement| {
            // As it was written, for the values of its variables may change.
            let digest = digest(self.job.file.slice_as_written(statement.span));
            let version = self.version();
            self.journal
                .mark(&version, number, &digest, self.job.run, done)
        })
    }

    /// Marks them as begun.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn begin(&self) -> String {
        self.marks(false)
    }

    /// Marks them as done, of which the database knows no beginning.
    pub(super) fn done_at_once(&self) -> String {
        self.marks(true)
    }

    /// Marks them as done that were begun.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn done(&self) -> String {
        self.each(|number, _| self.journal.done(&self.version(), number))
    }

    /// Takes the marks back: none of them has happened.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn undo(&self) -> String {
        self.each(|number, _| self.journal.undo(&self.version(), number))
    }

    /// Marks so many of the first ones as done, and takes the marks of the others
    /// back.
    #[cfg(feature = "mysql")]
    pub(super) fn done_until(&self, done: usize) -> String {
        let end = number(self.first + done);
        self.each(|number, _| {
            if number < end {
                self.journal.done(&self.version(), number)
            } else {
                self.journal.undo(&self.version(), number)
            }
        })
    }

    fn each(&self, sql: impl Fn(i64, &Statement) -> String) -> String {
        let statements = self.statements.iter().enumerate();
        let each: Vec<_> = statements
            .map(|(at, statement)| sql(number(self.first + at), statement))
            .collect();
        each.join("; ")
    }

    /// What it came to that all its statements ran and could not be recorded.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(super) fn unrecorded(&self, fault: Fault) -> Miss {
        Miss {
            at: self.statements.len(),
            is_clean: false,
            fault,
            staying: None,
            is_of_mark: true,
        }
    }
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Statements that did not come to their end.
pub(super) struct Miss {
    /// Which of the step's statements failed.
    pub(super) at: usize,
    pub(super) fault: Fault,
    /// Whether nothing of the step stays.
    pub(super) is_clean: bool,
    /// How many of the step's first statements are known to stay, and no others.
    pub(super) staying: Option<usize>,
    /// Whether they ran, and only their record failed.
    pub(super) is_of_mark: bool,
}

impl Miss {
    /// One of a step's statements failed; of a lost connection nobody knows.
    pub(super) fn at(at: usize, fault: Fault, is_clean: bool) -> Self {
        Self {
            at,
            is_clean: is_clean && fault.kind != FaultKind::Lost,
            fault,
            staying: None,
            is_of_mark: false,
        }
    }

    /// The same where so many of the step's first statements stay, and no others.
    #[cfg(feature = "mysql")]
    pub(super) fn after(self, staying: usize) -> Self {
        Self {
            staying: Some(staying),
            ..self
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
pub(super) async fn apply<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    let journal = job.record(S::DIALECT).journal();
    let mut done = match job.resume {
        Some(resume) => resume_from(session, job, &journal, resume).await?,
        None => claim(session, job, &journal).await.map(|()| 0)?,
    };
    *session.held() = Some(record::version(job.operation));
    for step in steps(job, &journal, S::DIALECT, done) {
        let result = if step.is_empty() {
            let marks = session.ask(&step.done_at_once()).await;
            marks.map(|_| ()).map_err(|fault| Miss::at(0, fault, true))
        } else {
            session.step(&step).await
        };
        if let Err(miss) = result {
            let nothing = step.first == 0 && miss.is_clean;
            let mut setback = missed::<S>(&step, miss);
            if nothing && release_claim(session, job, &journal).await.is_ok() {
                *session.held() = None;
                setback.left = Remainder::Nothing;
            }
            return Err(setback);
        }
        done = step.first + step.statements.len();
    }
    finish(session, job, &journal, began)
        .await
        .map_err(|fault| ours(done, fault))?;
    *session.held() = None;
    Ok(began.elapsed())
}

/// What is left to do after so many statements. Whatever was done of a unit by
/// itself, the rest of it is done so, too.
fn steps<'a>(
    job: Job<'a>,
    journal: &'a Journal,
    dialect: Dialect,
    done: usize,
) -> impl Iterator<Item = Step<'a>> {
    let begins_inside = job.operation.script().begins_inside();
    unit::units(job.file, job.statements, dialect, begins_inside)
        .into_iter()
        .filter(move |unit| unit.statements.end > done)
        .flat_map(move |unit| {
            let Range { start, end } = unit.statements;
            if start >= done {
                vec![Step::of(job, journal, start..end, unit.ends)]
            } else {
                (done..end)
                    .map(|at| Step::of(job, journal, at..at + 1, Ends::Ours))
                    .collect()
            }
        })
}

fn missed<S: StatementByStatement>(step: &Step<'_>, miss: Miss) -> Failure {
    let Miss {
        at,
        fault,
        is_clean,
        staying,
        is_of_mark,
    } = miss;
    let ran = step.first + staying.unwrap_or_default();
    if is_of_mark && fault.kind != FaultKind::Lost {
        let message = format!("it ran, but could not be recorded: {}", fault.message);
        let last = step.first + step.statements.len();
        let left = Remainder::Part {
            ran: last,
            resumable: false,
        };
        return Failure {
            statement: Some(last - 1),
            ..Failure::unplaced(Fault { message, ..fault }, left)
        };
    }
    let mut setback = setback::<S>(step.job, step.first + at, ran, fault);
    let is_known = is_clean || staying.is_some() || step.statements.len() == 1;
    if !is_known && setback.left != Remainder::Unknown {
        setback.left = Remainder::Unsettled { ran };
    }
    setback
}

/// Goes on with what an earlier run has begun: ends what is left of that run,
/// takes its claim over, and settles the statement that it was at. The count of
/// statements that are done.
async fn resume_from<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
    resume: &Resume,
) -> Result<usize, Failure> {
    let version = record::version(job.operation);
    let done = resume.done;
    let ours = |fault| ours(done, fault);
    if let Some(run) = &resume.run
        && session.end_orphan(run, job.lock_wait).await.map_err(ours)?
    {
        // It may have come further: the journal is to be read again.
        return Err(Failure {
            left: Remainder::Claimed,
            ..ours(already_claimed())
        });
    }
    bookkeeping::keep(session, &journal.upkeep())
        .await
        .map_err(ours)?;
    let take_over = journal.take_over(&version, job.run);
    session.ask(&take_over).await.map_err(ours)?;
    if session.held().as_ref() != Some(&version) {
        restore(session, job, done).await?;
    }
    let Some(mark) = &resume.begun else {
        return Ok(done);
    };
    if done >= job.statements.len() {
        return Ok(done);
    }
    let step = Step::of(job, journal, done..done + 1, Ends::Ours);
    let (mark, settled) = match session.settle(&step, mark).await.map_err(ours)? {
        Settled::Happened => (journal.done(&version, number(done)), done + 1),
        Settled::DidNotHappen => (journal.undo(&version, number(done)), done),
        Settled::Unknown => {
            let fault = Fault::new(
                FaultKind::Statement,
                "an earlier run began this statement, but how it ended is not known",
            );
            return Err(Failure {
                left: Remainder::Unsettled { ran: done },
                ..setback::<S>(job, done, done, fault)
            });
        }
    };
    session.ask(&mark).await.map_err(ours)?;
    Ok(settled)
}

/// Makes of this session what the done statements have made of theirs, which has
/// ended: their settings are made again. What cannot be had again must not be
/// missed by what is left to do.
async fn restore<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
    done: usize,
) -> Result<(), Failure> {
    let (before, rest) = job.statements.split_at(done.min(job.statements.len()));
    let left = session::left_by(job.file, before, S::DIALECT);
    let lost = left.states.iter().find(|(_, state)| {
        let mut rest = rest.iter();
        rest.any(|statement| state.is_used_by(job.file.slice(statement.span)))
    });
    if let Some((at, state)) = lost {
        let fault = Fault::new(
            FaultKind::Statement,
            format!(
                "statement {} left {} in its session, which has ended, and the following \
                 statements may need it",
                at + 1,
                state.what
            ),
        );
        return Err(Failure {
            left: Remainder::Part {
                ran: done,
                resumable: false,
            },
            ..setback::<S>(job, *at, done, fault)
        });
    }
    for at in left.settings {
        let text = job
            .statements
            .get(at)
            .map_or("", |it| job.file.slice(it.span));
        session
            .ask(text)
            .await
            .map_err(|fault| setback::<S>(job, at, done, fault))?;
    }
    Ok(())
}

/// The fence: the history row, and with it the mark that says whose it is.
async fn claim<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
) -> Result<(), Failure> {
    let nothing = |fault| Failure::unplaced(fault, Remainder::Nothing);
    // Before the transaction: on MySQL it would end it.
    bookkeeping::keep(session, &journal.upkeep())
        .await
        .map_err(nothing)?;
    let number = claim_number(job.run);
    let version = record::version(job.operation);
    let row = job.record(S::DIALECT).claim(number);
    // Whoever deleted a history row by hand has left its marks.
    let stale = journal.clear(&version);
    let digest = claim_digest(number);
    let direction = match job.operation {
        Operation::Apply(_) | Operation::Repeat(_) => CLAIM,
        Operation::Revert(..) => REVERT,
    };
    let mark = journal.mark(&version, direction, &digest, job.run, true);
    for sql in [S::BEGIN, &row, &stale, &mark, S::COMMIT] {
        let fault = match session.ask(sql).await {
            Ok(answer) if sql == row && answer.affected != 1 => already_claimed(),
            Ok(_) => continue,
            Err(fault) => fault,
        };
        let _ = session.ask(S::ROLLBACK).await;
        let is_fence = sql == row && S::is_claimed(&fault);
        return Err(Failure {
            left: if is_fence {
                Remainder::Claimed
            } else {
                Remainder::Nothing
            },
            ..nothing(fault)
        });
    }
    Ok(())
}

/// A claim that changed nothing: there was nothing left to claim.
pub(super) fn already_claimed() -> Fault {
    Fault::new(FaultKind::Claimed, "another run was faster")
}

/// Takes the claim back where nothing came of it.
async fn release_claim<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
) -> Result<(), Fault> {
    let marks = journal.clear(&record::version(job.operation));
    match job.record(S::DIALECT).release_claim() {
        Some(row) => both(session, &row, &marks).await,
        None => session.ask(&marks).await.map(|_| ()),
    }
}

async fn finish<S: StatementByStatement>(
    session: &mut S,
    job: Job<'_>,
    journal: &Journal,
    began: Instant,
) -> Result<(), Fault> {
    session.finish_session().await?;
    let took = began.elapsed().as_nanos().to_string();
    let row = job.record(S::DIALECT).complete(&took);
    let clear = journal.clear(&record::version(job.operation));
    both(session, &row, &clear).await
}

/// Changes the history row and its marks, or neither.
async fn both<S: StatementByStatement>(
    session: &mut S,
    row: &str,
    marks: &str,
) -> Result<(), Fault> {
    for sql in [S::BEGIN, row, marks, S::COMMIT] {
        let fault = match session.ask(sql).await {
            Ok(answer) if sql == row && answer.affected != 1 => removed(),
            Ok(_) => continue,
            Err(fault) => fault,
        };
        let _ = session.ask(S::ROLLBACK).await;
        return Err(fault);
    }
    Ok(())
}

/// Its own row is not there to be completed.
pub(super) fn removed() -> Fault {
    Fault::new(
        FaultKind::Statement,
        "the migration removed its own row from the history table",
    )
}

fn setback<S: StatementByStatement>(
    job: Job<'_>,
    number: usize,
    ran: usize,
    fault: Fault,
) -> Failure {
    let offset = job.statements.get(number).and_then(|statement| {
        let text = job.file.slice(statement.span);
        S::offset(text, &fault).map(|at| statement.span.start + at)
    });
    Failure {
        statement: Some(number),
        offset,
        ..ours(ran, fault)
    }
}

fn ours(ran: usize, fault: Fault) -> Failure {
    let left = if fault.kind == FaultKind::Lost {
        Remainder::Unknown
    } else {
        Remainder::Part {
            ran,
            resumable: true,
        }
    };
    Failure::unplaced(fault, left)
}

/// A statement's first word, in capitals.
#[cfg(any(feature = "mysql", feature = "postgres"))]
pub(super) fn first_word(statement: &str) -> String {
    statement
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}
