//! `-- no-transaction` files on PostgreSQL. Most statements can share a
//! transaction with their mark; what cannot, CREATE INDEX CONCURRENTLY and its
//! like, is marked before and after, and can mostly be told from the catalogue.

use super::fault::{DUPLICATE_TABLE, UNIQUE_VIOLATION};
use super::guard::sessions;
use super::index::{Index, concurrent_index, dropped_index};
use super::message::{connection_check, fresh, milliseconds};
use super::place::{byte_of, character, name_in};
use super::{DIALECT, PAUSE, Postgres};
use crate::db::fault::{Fault, FaultKind};
use crate::db::statement_by_statement::{Miss, Settled, StatementByStatement, Step, first_word};
use crate::db::{Handle, Job};
use crate::history::Mark;
use crate::history::ledger::quote;
use crate::model::Version;
use crate::sql::unit::Ends;
use crate::sql::{Statement, StatementKind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A statement that says that it cannot share a transaction: 25001 inside a
/// transaction block, 2D000 a procedure that commits.
const NEEDS_ITS_OWN: [&str; 2] = ["25001", "2D000"];

/// The file's own SET ROLE is for its statements, not for our marks.
const AS_OURSELVES: &str = "SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE";

impl StatementByStatement for Postgres {
    fn is_duplicate(fault: &Fault) -> bool {
        fault.has_code(&[UNIQUE_VIOLATION])
    }

    fn held(&mut self) -> &mut Option<Version> {
        &mut self.held
    }

    async fn step(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let statement = match step.only() {
            Some(statement) if step.ends == Ends::Ours => statement,
            _ => return self.transaction_of_the_file(step).await,
        };
        let text = step.text(0);
        if !matches!(statement.kind, StatementKind::NoTransaction(_)) {
            let done = step.done_at_once();
            match self.in_transaction(step.job, text, Some(&done)).await {
                Err(fault) if fault.has_code(&NEEDS_ITS_OWN) => {}
                result => return result.map_err(|fault| Miss::at(0, fault, true)),
            }
        }
        self.ours(&step.begin())
            .await
            .map_err(|fault| Miss::at(0, fault, true))?;
        if let Err(fault) = self.alone(step.job, text).await {
            if fault.kind != FaultKind::Lost {
                // Where even this fails, the next run settles it.
                let _ = self.ours(&step.undo()).await;
            }
            let is_clean = self.left_nothing(text, &fault).await;
            return Err(Miss::at(0, fault, is_clean));
        }
        self.ours(&step.done())
            .await
            .map_err(|fault| step.unrecorded(fault))
    }

    async fn run(&mut self, job: Job<'_>, statement: Statement) -> Result<(), Fault> {
        let text = job.file.slice(statement.span);
        if !matches!(statement.kind, StatementKind::NoTransaction(_)) {
            match self.in_transaction(job, text, None).await {
                Err(fault) if fault.has_code(&NEEDS_ITS_OWN) => {}
                result => return result,
            }
        }
        self.alone(job, text).await
    }

    /// It is cancelled: nobody waits for its answer. Our own guard, which has the
    /// run's name, too, is known by what it asks.
    async fn end_orphan(&mut self, run: &str, patience: Duration) -> Result<bool, Fault> {
        let end = Instant::now() + patience;
        let mut found = false;
        loop {
            let running = self
                .rows(&format!(
                    "SELECT pg_cancel_backend(w.pid)::text FROM {} AND w.state = 'active' \
                     AND w.query NOT LIKE 'SELECT pg_stat_clear_snapshot%'",
                    sessions(&Handle::Name, run)
                ))
                .await?;
            if running.rows.is_empty() || Instant::now() >= end {
                return Ok(found);
            }
            found = true;
            sleep(PAUSE).await;
        }
    }

    async fn settle(&mut self, step: &Step<'_>, mark: &Mark) -> Result<Settled, Fault> {
        self.end_orphan(&mark.run, step.job.lock_wait).await?;
        if let Some((name, table)) = concurrent_index(step.text(0)) {
            return Ok(match self.index(&name, &table).await? {
                Index::Valid => Settled::Happened,
                Index::Absent | Index::BeingBuilt | Index::Invalid { .. } => Settled::DidNotHappen,
            });
        }
        if let Some(name) = dropped_index(step.text(0)) {
            let name = quote(DIALECT, &name);
            let left = self
                .rows(&format!(
                    "SELECT 'left' WHERE to_regclass({name}) IS NOT NULL"
                ))
                .await?;
            return Ok(if left.rows.is_empty() {
                Settled::Happened
            } else {
                Settled::DidNotHappen
            });
        }
        Ok(match first_word(step.text(0)).as_str() {
            "REINDEX" => Settled::DidNotHappen,
            word if is_repeatable(word) => Settled::DidNotHappen,
            _ => Settled::Unknown,
        })
    }

    async fn finish_session(&mut self) -> Result<(), Fault> {
        self.rows(&fresh(None).join("; ")).await.map(|_| ())
    }

    fn offset(text: &str, fault: &Fault) -> Option<usize> {
        character(fault)
            .map(|at| byte_of(text, at))
            .or_else(|| name_in(text, fault))
    }
}

impl Postgres {
    /// A transaction that the file begins and ends itself, with the marks of its
    /// statements: they are sent one by one, so that one that fails is known.
    async fn transaction_of_the_file(&mut self, step: &Step<'_>) -> Result<(), Miss> {
        let head = format!(
            "SET LOCAL application_name = {}; SET LOCAL lock_timeout = {}{}",
            quote(DIALECT, step.job.run),
            milliseconds(step.job.lock_timeout),
            connection_check(self.version, "SET LOCAL")
        );
        let marks = format!("{AS_OURSELVES}; {}", step.done_at_once());
        let last = step.statements.len() - 1;
        for (at, text) in step.texts() {
            let is_end = at == last && matches!(step.ends, Ends::Commit | Ends::Rollback);
            let result = match (at, is_end, step.ends) {
                (_, true, Ends::Commit) => self.rows(&format!("{marks}; COMMIT")).await,
                (_, true, _) => {
                    self.rows(&format!("ROLLBACK; BEGIN; {marks}; COMMIT"))
                        .await
                }
                (0, ..) if step.statements[0].kind == StatementKind::TransactionControl => {
                    self.rows(&format!("{text}\n;\n{head}")).await
                }
                // It was begun before the file.
                (0, ..) => match self.rows(&format!("BEGIN; {head}")).await {
                    Ok(_) => self.rows(text).await,
                    Err(fault) => Err(fault),
                },
                _ => self.rows(text).await,
            };
            if let Err(fault) = result {
                self.roll_back().await;
                return Err(Miss::at(at, fault, true));
            }
        }
        if step.ends == Ends::Open {
            let marked = self.rows(&format!("{marks}; COMMIT")).await;
            if let Err(fault) = marked {
                self.roll_back().await;
                return Err(Miss::at(last, fault, true));
            }
        }
        Ok(())
    }

    /// A statement in a transaction, with its mark if it has one.
    async fn in_transaction(
        &mut self,
        job: Job<'_>,
        text: &str,
        mark: Option<&str>,
    ) -> Result<(), Fault> {
        let head = format!(
            "BEGIN; SET LOCAL application_name = {}; SET LOCAL lock_timeout = {}{};\n",
            quote(DIALECT, job.run),
            milliseconds(job.lock_timeout),
            connection_check(self.version, "SET LOCAL")
        );
        let mark = mark.map_or(String::new(), |mark| format!("{AS_OURSELVES}; {mark}; "));
        let before = head.chars().count();
        self.transaction(&format!("{head}{text}\n;\n{mark}COMMIT"))
            .await
            .map_err(|fault| fault.moved_back(before))
    }

    /// A statement that can be in no transaction. What it is found by lasts as long
    /// as the session.
    async fn alone(&mut self, job: Job<'_>, text: &str) -> Result<(), Fault> {
        self.rows(&format!(
            "SET application_name = {}{}",
            quote(DIALECT, job.run),
            connection_check(self.version, "SET")
        ))
        .await?;
        if let Some((name, table)) = concurrent_index(text) {
            self.clear_invalid(&name, &table, job.lock_wait).await?;
        }
        self.rows(text).await.map(|_| ())
    }

    /// Whether a statement that failed outside of a transaction has done nothing:
    /// it was refused before it began. A CONCURRENTLY that came further has left
    /// an invalid index, and a procedure may have committed.
    async fn left_nothing(&mut self, text: &str, fault: &Fault) -> bool {
        if fault.kind == FaultKind::Lost {
            return false;
        }
        if let Some((name, table)) = concurrent_index(text) {
            return match self.index(&name, &table).await {
                Ok(Index::Absent) => true,
                // Somebody else's, whose name was in the way.
                Ok(Index::Valid) => fault.has_code(&[DUPLICATE_TABLE]),
                Ok(Index::BeingBuilt | Index::Invalid { .. }) | Err(_) => false,
            };
        }
        is_repeatable(&first_word(text)) || is_refusal(fault)
    }

    /// A statement of ours, as ourselves.
    async fn ours(&mut self, sql: &str) -> Result<(), Fault> {
        self.transaction(&format!("BEGIN; {AS_OURSELVES}; {sql}; COMMIT"))
            .await
    }

    /// A message that is a transaction: one that failed would swallow whatever
    /// comes after it.
    async fn transaction(&mut self, message: &str) -> Result<(), Fault> {
        let result = self.rows(message).await.map(|_| ());
        if result
            .as_ref()
            .is_err_and(|fault| fault.kind != FaultKind::Lost)
        {
            self.roll_back().await;
        }
        result
    }
}

/// Whether to do a statement with this first word once more does no more than to
/// do it once.
fn is_repeatable(word: &str) -> bool {
    matches!(
        word,
        "ANALYZE" | "CLUSTER" | "DISCARD" | "REFRESH" | "VACUUM"
    )
}

/// Whether a statement was refused as it stands: a syntax error or what it names
/// (class 42), what the server cannot do (0A), a schema that is not there (3F), or
/// that it may not stand in a transaction. Whatever a function raises while the
/// statement runs has a context.
fn is_refusal(fault: &Fault) -> bool {
    let class = fault.code.as_deref().and_then(|code| code.get(..2));
    let is_of_analysis =
        matches!(class, Some("0A" | "3F" | "42")) || fault.has_code(&NEEDS_ITS_OWN[..1]);
    fault.context.is_none() && is_of_analysis
}
