//! How migrations are sent: those that are transactions together, the others alone.

use super::fault::{DIVISION_BY_ZERO, QUERY_CANCELED, fault};
use super::message::{Message, Transaction, Verdict, fresh, milliseconds};
use super::{DIALECT, Postgres};
use crate::db::bookkeeping;
use crate::db::fault::{Fault, FaultKind};
use crate::db::wire::{Answer, Rows};
use crate::db::{Failure, Job, Progress, Remainder, repeat, statement_by_statement, wire};
use crate::history::repeatables::Repeated;
use crate::model::Operation;
use crate::text::SourceFile;
use std::time::Duration;

impl Postgres {
    /// Applies what are transactions, each its own or all of them one.
    pub(super) async fn apply_together(
        &mut self,
        jobs: &[Job<'_>],
        transaction: Transaction,
    ) -> Progress {
        match self.prepare(jobs).await {
            Ok(()) => self.send_together(jobs, transaction).await,
            Err(fault) => Progress::none(Failure::unplaced(fault, Remainder::Nothing)),
        }
    }

    /// Applies one that is no transaction.
    pub(super) async fn apply_alone(&mut self, job: Job<'_>) -> Progress {
        if let Err(fault) = self.prepare(&[job]).await {
            return Progress::none(Failure::unplaced(fault, Remainder::Nothing));
        }
        if !job.goes_on_in(self.held.as_ref())
            && let Err(fault) = self.refresh_after(None).await
        {
            return Progress::none(Failure::unplaced(fault, Remainder::Nothing));
        }
        if let Err(fault) = self.bound_the_session(job).await {
            return Progress::none(Failure::unplaced(fault, Remainder::Nothing));
        }
        let result = match job.operation {
            Operation::Repeat(_) => repeat::apply(self, job).await,
            Operation::Apply(_) | Operation::Revert(..) => {
                statement_by_statement::apply(self, job).await
            }
        };
        match &result {
            // It is tried again, and needs what its first statements have set.
            Err(setback) if is_tried_again(setback) => {}
            // The session's next user must not find what was left in it.
            _ => {
                let _ = self.refresh_after(Some(job.file)).await;
            }
        }
        result.into()
    }

    /// Makes the session what it was when it was opened.
    pub(super) async fn refresh_after(&mut self, file: Option<&SourceFile>) -> Result<(), Fault> {
        self.held = None;
        self.rows(&fresh(file).join("; ")).await.map(|_| ())
    }

    /// Sends migrations together. A later one that cannot be parsed stops all of
    /// them before anything runs: then those before it go alone, so that the
    /// outcome does not depend on what travelled together.
    async fn send_together(&mut self, jobs: &[Job<'_>], transaction: Transaction) -> Progress {
        let mut jobs = jobs;
        loop {
            let message = Message::of(jobs, self.version, transaction);
            let wanted = message.wanted();
            match self.send_slices(&message, wanted).await {
                Ok(answer) if answer.completed == message.expected() => {
                    return Progress::all(Message::took(&answer));
                }
                // Something of a file swallowed something of ours.
                Ok(answer) => {
                    self.roll_back().await;
                    let (answered, sent) = (answer.completed, message.expected());
                    let fault = Fault::new(
                        FaultKind::Driver,
                        format!("{answered} of {sent} statements were answered"),
                    );
                    return Progress::none(Failure::unplaced(fault, Remainder::Unknown));
                }
                Err((answer, fault)) => {
                    if fault.kind != FaultKind::Lost {
                        self.roll_back().await;
                    }
                    let completed = answer.completed;
                    let verdict = if Message::is_unplaced(&fault, completed) {
                        self.find_unread(&message, fault).await
                    } else {
                        message.verdict(fault, completed)
                    };
                    match verdict {
                        Verdict::Unparsed(before) => jobs = &jobs[..before],
                        Verdict::Failed(number, setback) => {
                            let mut took = Message::took(&answer);
                            took.resize(number, Duration::ZERO);
                            if transaction == Transaction::Message {
                                took.clear();
                            }
                            return Progress {
                                applied: took,
                                failed: number,
                                setback: Some(*setback),
                            };
                        }
                    }
                }
            }
        }
    }

    /// Sends a message, in slices where it is large; of one that failed, what had
    /// completed before, and the fault with its place in the whole.
    async fn send_slices(
        &mut self,
        message: &Message<'_>,
        wanted: Rows<'_>,
    ) -> Result<Answer, (Answer, Fault)> {
        let mut whole = Answer::default();
        let mut before = 0;
        for slice in message.slices() {
            match wire::send_for(&mut self.connection, slice, wanted).await {
                Ok(answer) => whole.add(answer),
                Err(failed) => {
                    whole.add(failed.answer);
                    let fault = fault(&failed.error, false).of(&self.user);
                    return Err((whole, fault.moved_on(before)));
                }
            }
            before += slice.chars().count();
        }
        Ok(whole)
    }

    /// Finds what the server does not take in of a message of which nothing ran.
    /// Those before it are to go alone; what is first is alone to blame.
    async fn find_unread(&mut self, message: &Message<'_>, fault: Fault) -> Verdict {
        let (number, fault) = match self.first_unread(&message.ends(), fault).await {
            Ok(found) => found,
            Err(fault) => return unplaced(fault),
        };
        if !Message::is_unplaced(&fault, 0) {
            return message.verdict(fault, 0);
        }
        if number > 0 && message.is_of_transactions() {
            return Verdict::Unparsed(number);
        }
        let texts = message.statement_ends(number);
        match self.first_unread(&texts, fault).await {
            Ok((end, fault)) => {
                Verdict::Failed(number, Box::new(message.unread(number, end, fault)))
            }
            Err(fault) => unplaced(fault),
        }
    }

    /// The first of ever longer texts that the server does not take in, and what it
    /// says of it; of the last it is known what.
    ///
    /// # Errors
    /// The server does not answer: what is known of the last.
    async fn first_unread(
        &mut self,
        texts: &[&str],
        of_last: Fault,
    ) -> Result<(usize, Fault), Fault> {
        let (mut first, mut last) = (0, texts.len().saturating_sub(1));
        let mut of_last = of_last;
        while first < last {
            let middle = usize::midpoint(first, last);
            match self.take_in(texts[middle]).await {
                Some(Ok(())) => first = middle + 1,
                Some(Err(fault)) => (last, of_last) = (middle, fault),
                None => return Err(of_last),
            }
        }
        Ok((last, of_last))
    }

    /// Whether the server takes in a text, of which nothing is run: a statement
    /// before it fails, once all of them are read. None where it does not answer.
    async fn take_in(&mut self, text: &str) -> Option<Result<(), Fault>> {
        const FAILS: &str = "SELECT 1 OPERATOR(pg_catalog./) 0;\n";
        let failed = self.send(&format!("{FAILS}{text}")).await.err()?;
        let fault = fault(&failed.error, false).of(&self.user);
        match fault.kind {
            _ if fault.has_code(&[DIVISION_BY_ZERO]) => Some(Ok(())),
            FaultKind::Statement if !fault.has_code(&[QUERY_CANCELED]) => {
                Some(Err(fault.moved_back(FAILS.len())))
            }
            _ => None,
        }
    }

    /// The table of the repeatables must be there before their fence is.
    async fn prepare(&mut self, jobs: &[Job<'_>]) -> Result<(), Fault> {
        let repeat = jobs
            .iter()
            .find(|job| matches!(job.operation, Operation::Repeat(_)));
        match repeat {
            Some(job) => {
                let upkeep = Repeated::of(job.history.ledger, DIALECT).upkeep();
                bookkeeping::keep(self, &upkeep).await
            }
            None => Ok(()),
        }
    }

    /// How long each of a file's statements may take that share no transaction:
    /// once, before the first, so that the file's own SET comes after it.
    async fn bound_the_session(&mut self, job: Job<'_>) -> Result<(), Fault> {
        let timeout = milliseconds(job.statement_timeout);
        self.rows(&format!(
            "SELECT set_config('statement_timeout', '{timeout}', false) \
             WHERE current_setting('statement_timeout') <> '{timeout}'"
        ))
        .await
        .map(|_| ())
    }
}

/// Whether another try goes on in the same session.
fn is_tried_again(setback: &Failure) -> bool {
    let is_resumable = matches!(
        setback.left,
        Remainder::Part {
            resumable: true,
            ..
        }
    );
    is_resumable && setback.fault.kind == FaultKind::LockTimeout
}

fn unplaced(fault: Fault) -> Verdict {
    Verdict::Failed(0, Box::new(Failure::unplaced(fault, Remainder::Nothing)))
}
