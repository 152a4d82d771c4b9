//! What commits by itself, on MySQL and MariaDB nearly every statement of a
//! schema, with its marks.

use super::fault::DUPLICATE_ENTRY;
use super::fault::{READ_ONLY_TRANSACTION, fault};
use super::one_transaction::is_transactional;
use super::place::offset_in;
use super::{DIALECT, Mysql};
use crate::db::Job;
use crate::db::bookkeeping::Bookkeeping;
use crate::db::fault::{Fault, FaultKind};
use crate::db::statement_by_statement::{Miss, Settled, StatementByStatement, Step, first_word};
use crate::db::wire;
use crate::history::Mark;
use crate::history::journal::Journal;
use crate::history::ledger::quote;
use crate::history::side_table::Layout;
use crate::model::Version;
use crate::sql::unit::{self, Control, Ends};
use crate::sql::{Statement, StatementKind};
use std::time::Duration;

impl StatementByStatement for Mysql {
    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[DUPLICATE_ENTRY])
    }

    fn held(&mut self) -> &mut Option<Version> {
        &mut self.held
    }

    /// What does not commit by itself shares a transaction with its marks; a
    /// transaction of the file's own is sent as the file has it.
    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        if self.is_atomic_step(step).await {
            return self.in_transaction(step).await;
        }
        match step.only() {
            Some(_) => self.at_once(step).await,
            None => self.one_by_one(step).await,
        }
    }

    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault> {
        let text = job.file.slice(statement.span);
        self.rows(&format!("/* {} */ {text}", job.run))
            .await
            .map(|_| ())
    }

    /// An orphan's message goes on to its end and marks the statement as done; if
    /// it ended without, nobody can tell: the statement may have failed, or the
    /// server have stopped between the two.
    async fn settle(&mut self, step: &Step<'_>, mark: &Mark) -> Result<Settled, Fault> {
        let end = tokio::time::Instant::now() + step.job.lock_wait;
        loop {
            let running = self
                .rows(&format!(
                    "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
                     WHERE id = {} AND info LIKE {}",
                    mark.connection,
                    quote(DIALECT, &format!("%{}%", mark.run))
                ))
                .await?;
            if running.rows.is_empty() || tokio::time::Instant::now() >= end {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let marks = self.rows(&step.journal.select(Layout::Current)).await?;
        let is_done =
            marks.rows.iter().filter_map(Journal::read).any(|now| {
                now.version == mark.version && now.statement == mark.statement && now.done
            });
        Ok(if is_done {
            Settled::Happened
        } else {
            Settled::Unknown
        })
    }

    async fn finish_session(&mut self) -> Result<(), Fault> {
        Ok(())
    }

    fn offset(text: &str, fault: &Fault) -> Option<usize> {
        offset_in(text, fault)
    }
}

impl Mysql {
    /// Whether nothing of a step stays where it is rolled back.
    async fn is_atomic_step(&mut self, step: &Step<'_>) -> bool {
        let is_transactional = |(at, text): (usize, &str)| {
            is_transactional(text)
                || announces(text)
                || matches!(first_word(text).as_str(), "SAVEPOINT" | "RELEASE")
                || is_control(&step.statements[at])
        };
        let text = step.job.file.text();
        step.texts().all(is_transactional)
            && step.texts().all(|(_, text)| first_word(text) != "XA")
            && !step.statements.iter().all(is_control)
            && !self.writes_for_good(text).await
    }

    /// Statements that a transaction holds together, ours or the file's.
    async fn in_transaction(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let last = step.statements.len() - 1;
        // `SET TRANSACTION` is for the transaction after it.
        let is_ours = !step.statements.iter().any(is_control);
        let begins = step.texts().position(|(_, text)| !announces(text));
        let marks = step.done_at_once();
        let ends_itself = matches!(step.ends, Ends::Commit | Ends::Rollback);
        for (at, text) in step.texts() {
            if Some(at) == begins && (is_ours || !is_control(&step.statements[at])) {
                self.rows(Self::BEGIN)
                    .await
                    .map_err(|fault| Miss::at(at, fault, true))?;
            }
            let result = match step.ends {
                Ends::Commit if at == last => self.marked(&marks).await,
                Ends::Rollback if at == last => self.rolled_back_and_marked(&marks).await,
                _ => {
                    let sent = format!("/* {} */ {text}", step.job.run);
                    self.rows(&sent).await.map(|_| ())
                }
            };
            if let Err(fault) = result {
                return Err(self.rolled_back(at, fault).await);
            }
        }
        if !ends_itself && let Err(fault) = self.marked(&marks).await {
            return Err(self.rolled_back(last, fault).await);
        }
        Ok(())
    }

    /// A step that failed in a transaction, which is rolled back.
    async fn rolled_back(&mut self, at: usize, fault: Fault) -> Miss {
        let is_clean = self.rolls_back().await;
        Miss::at(at, fault, is_clean)
    }

    /// The end of a file's transaction that ends with ROLLBACK: the marks must not
    /// go with it.
    async fn rolled_back_and_marked(&mut self, marks: &str) -> Result<(), Fault> {
        self.rows(Self::ROLLBACK).await?;
        self.rows(Self::BEGIN).await?;
        self.marked(marks).await
    }

    async fn marked(&mut self, marks: &str) -> Result<(), Fault> {
        // In a transaction that the file has made READ ONLY nothing can be marked,
        // and nothing has to be: it has changed nothing.
        match self.rows(marks).await {
            Err(fault) if fault.has_code(&[READ_ONLY_TRANSACTION]) => {
                self.rows(Self::COMMIT).await?;
                self.rows(Self::BEGIN).await?;
                self.rows(marks).await?;
            }
            result => {
                result?;
            }
        }
        self.rows(Self::COMMIT).await.map(|_| ())
    }

    /// Rolls back what has failed; whether nothing of it stays, which a table
    /// without transactions makes untrue.
    pub(super) async fn rolls_back(&mut self) -> bool {
        self.rows_surely(Self::ROLLBACK).await.is_ok() && !self.kept_something().await
    }

    /// Whether the server says of the ROLLBACK before that it could not take back
    /// all.
    pub(super) async fn kept_something(&mut self) -> bool {
        match self.rows_surely("SHOW WARNINGS").await {
            Ok(answer) => answer.rows.iter().any(|row| {
                row.iter()
                    .flatten()
                    .any(|text| text == NOT_ROLLED_BACK || text.contains(NOT_ROLLED_BACK_TEXT))
            }),
            Err(_) => true,
        }
    }

    /// A statement that commits by itself goes with its marks in one message: the
    /// server runs the rest of a message after the client is gone. Each mark is
    /// committed by itself, whatever the file has made of autocommit.
    async fn at_once(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let text = format!("/* {} */ {}", step.job.run, step.text(0));
        let tail = format!(";\n{}; {}", step.done(), Self::COMMIT);
        let message = format!("{}; {};\n{text}{tail}", step.begin(), Self::COMMIT);
        self.forget_what_it_changes(step.text(0));
        let sent = wire::send(&mut self.connection, &message).await;
        let Err(failed) = sent else {
            return Ok(());
        };
        let mut fault = fault(&failed.error, false).of(&self.user);
        fault.message = without_tail(&fault.message, &tail);
        // What was completed: the mark and its COMMIT, then the statement.
        if failed.answer.completed > 2 {
            return Err(step.unrecorded(fault));
        }
        if fault.kind != FaultKind::Lost {
            self.take_back(step).await;
        }
        let is_clean = self.is_atomic(step.text(0)) && !self.kept_something().await;
        Err(Miss::at(0, fault, is_clean))
    }

    /// Statements that belong together, and of which some commit by themselves.
    async fn one_by_one(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let begin = format!("{}; {}", step.begin(), Self::COMMIT);
        self.rows(&begin)
            .await
            .map_err(|fault| Miss::at(0, fault, true))?;
        // Before the first: nothing of ours may come between them.
        let mut autocommits = self.autocommits().await;
        // How many of them stay where the others are rolled back.
        let mut staying = 0;
        let mut is_open = false;
        for (at, text) in step.texts() {
            self.forget_what_it_changes(text);
            let sent = format!("/* {} */ {text}", step.job.run);
            if let Err(fault) = self.rows(&sent).await {
                let is_known = self.is_atomic(text) && self.rolls_back().await;
                if is_known && fault.kind != FaultKind::Lost {
                    self.settle_failed(step, staying).await;
                }
                let miss = Miss::at(at, fault, is_known && staying == 0);
                return Err(if is_known { miss.after(staying) } else { miss });
            }
            match unit::control(text, step.statements[at].kind, DIALECT) {
                Control::Begin => (staying, is_open) = (at, true),
                Control::Announce | Control::None if is_transactional(text) && is_open => {}
                Control::None if is_transactional(text) && !autocommits => is_open = true,
                Control::Autocommit(on) => {
                    autocommits = on;
                    (staying, is_open) = (at + 1, false);
                }
                _ => (staying, is_open) = (at + 1, false),
            }
        }
        let done = format!("{}; {}", step.done(), Self::COMMIT);
        self.rows(&done)
            .await
            .map(|_| ())
            .map_err(|fault| step.unrecorded(fault))
    }

    /// Whether what stands in no transaction of the file's is committed at once.
    async fn autocommits(&mut self) -> bool {
        // MariaDB has words for it where MySQL has numbers.
        let answer = self.rows("SELECT IF(@@autocommit, 'on', 'off')").await;
        answer.is_ok_and(|answer| answer.rows == [[Some("on".to_owned())]])
    }

    /// Records of a step that failed which of its statements stay. Where even this
    /// fails, the next run asks.
    async fn settle_failed(&mut self, step: &Step<'_>, staying: usize) {
        let sql = format!("{}; {}", step.done_until(staying), Self::COMMIT);
        let _ = self.rows_surely(&sql).await;
    }

    /// Where even this fails, the next run settles it.
    async fn take_back(&mut self, step: &Step<'_>) {
        let _ = self
            .rows_surely(&format!("{}; {}", step.undo(), Self::COMMIT))
            .await;
    }

    /// Whether a statement that failed has done nothing: a procedure may have
    /// committed before, and MariaDB drops those of several tables that are there.
    fn is_atomic(&self, statement: &str) -> bool {
        match first_word(statement).as_str() {
            "CALL" => false,
            "DROP" => !self.is_mariadb || !statement.contains(','),
            _ => true,
        }
    }
}

/// The warning of a ROLLBACK: some tables know no transactions.
const NOT_ROLLED_BACK: &str = "1196";
const NOT_ROLLED_BACK_TEXT: &str = "non-transactional changed tables";

fn is_control(statement: &Statement) -> bool {
    statement.kind == StatementKind::TransactionControl
}

fn announces(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let mut is = |word: &str| words.next().is_some_and(|it| it.eq_ignore_ascii_case(word));
    is("SET") && is("TRANSACTION")
}

/// A message that quotes the statement up to 80 characters further, without
/// what of it is ours.
fn without_tail(message: &str, tail: &str) -> String {
    let Some((head, rest)) = message.rsplit_once("' at line ") else {
        return message.to_owned();
    };
    // MariaDB says with dots that it goes on.
    let quoted = head.strip_suffix("...").unwrap_or(head);
    // Where the statement goes on after its last semicolon, as that of a routine
    // without a DELIMITER, the server trips over what is ours: over its end, that is.
    if let Some((before, all)) = quoted.split_once(" near '")
        && !all.is_empty()
        && tail.contains(all)
    {
        return format!("{before} near '' at line {rest}");
    }
    let ours = quoted
        .match_indices(';')
        .map(|(at, _)| at)
        .find(|at| tail.starts_with(&quoted[*at..]));
    format!("{}' at line {rest}", &head[..ours.unwrap_or(head.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_is_in_no_message() {
        let tail = ";\nUPDATE app._migrate_journal SET done = TRUE WHERE x";
        assert_eq!(
            without_tail("bad near 'x (oops;\nUPDATE app._mig' at line 1", tail),
            "bad near 'x (oops' at line 1"
        );
        assert_eq!(
            without_tail("bad near 'x;\nUPDATE app._mig...' at line 1", tail),
            "bad near 'x' at line 1"
        );
        assert_eq!(
            without_tail("bad near 'UPDATE app._migrate_jo...' at line 3", tail),
            "bad near '' at line 3"
        );
        for other in [
            "bad near '' at line 1",
            "bad near 'a; b' at line 1",
            "bad near 'a; b...' at line 1",
            "Unknown table 'a'",
        ] {
            assert_eq!(without_tail(other, tail), other);
        }
    }
}
