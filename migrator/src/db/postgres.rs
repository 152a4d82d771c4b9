//! PostgreSQL. A migration is one message, one transaction and one round trip:
//! its history row first, which is the fence, then its SQL.

use super::fault::{Fault, FaultKind, Position};
use super::url::DatabaseUrl;
use super::wire::{self, Answer, Failed};
use super::{GuardSession, Job, Left, LockKey, Look, Past, Session, Setback};
use crate::formats::foreign;
use crate::formats::ledger::{Ledger, quote};
use crate::plan::history::History;
use crate::sql::Dialect;
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition};
use std::str::FromStr;
use std::time::{Duration, Instant};

const DIALECT: Dialect = Dialect::Postgres;

/// SQLSTATEs that decide something here.
const UNIQUE_VIOLATION: &str = "23505";
const DUPLICATE_TABLE: &str = "42P07";

/// The first server that ends what a vanished client left running.
const HAS_CONNECTION_CHECK: u32 = 140_000;

pub(super) struct Postgres {
    connection: PgConnection,
    version: u32,
}

impl Postgres {
    pub(super) async fn connect(url: &DatabaseUrl) -> Result<Self, Fault> {
        let connection = async {
            PgConnectOptions::from_str(url.for_driver())?
                // Poolers refuse the connection for this setting (08P01).
                .extra_float_digits(None)
                .connect()
                .await
        };
        Ok(Self {
            connection: connection.await.map_err(|error| fault(&error, true))?,
            version: 0,
        })
    }

    async fn send(&mut self, sql: &str) -> Result<Answer, Failed> {
        wire::send(&mut self.connection, sql).await
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.send(sql)
            .await
            .map_err(|failed| fault(&failed.error, false))
    }

    /// Ends the transaction that a failed message left open; the fault that led
    /// here is the one to report.
    async fn roll_back(&mut self) {
        let _ = self.send("ROLLBACK").await;
    }

    async fn apply_in_transaction(&mut self, job: Job<'_>) -> Result<(), Setback> {
        let message = Message::of(job, self.version);
        match self.send(&message.text).await {
            Ok(answer) if answer.completed == message.expected => Ok(()),
            // Something of the file swallowed something of ours.
            Ok(answer) => {
                self.roll_back().await;
                Err(Setback {
                    fault: Fault::new(
                        FaultKind::Driver,
                        format!(
                            "{} of {} statements were answered",
                            answer.completed, message.expected
                        ),
                    ),
                    statement: None,
                    offset: None,
                    left: Left::Unknown,
                })
            }
            Err(failed) => {
                let fault = fault(&failed.error, false);
                if fault.kind != FaultKind::Lost {
                    self.roll_back().await;
                }
                Err(message.setback(job, fault, failed.completed))
            }
        }
    }

    /// Without a transaction every statement is a message of its own: in one
    /// message they would be one transaction all the same.
    async fn apply_by_statement(&mut self, job: Job<'_>) -> Result<(), Setback> {
        let began = Instant::now();
        let claim = job.ledger.insert(DIALECT, job.migration, false);
        self.send(&claim).await.map_err(|failed| {
            let fault = fault(&failed.error, false);
            let left = claimed_or(&fault, Left::Nothing);
            ours(fault, left)
        })?;
        let file = &job.migration.up.file;
        for (number, statement) in job.statements.iter().enumerate() {
            if let Err(failed) = self.send(file.slice(statement.span)).await {
                let fault = fault(&failed.error, false);
                return Err(Setback {
                    offset: character(&fault)
                        .map(|at| statement.span.start + byte_of(file.slice(statement.span), at)),
                    statement: Some(number),
                    left: lost_or(&fault, Left::Part { ran: number }),
                    fault,
                });
            }
        }
        let took = began.elapsed().as_nanos().to_string();
        let finish = job.ledger.finish(job.migration.version, &took);
        let reset = "RESET ALL; RESET SESSION AUTHORIZATION; RESET ROLE";
        self.send(&format!("{reset}; {finish}"))
            .await
            .map_err(|failed| {
                let fault = fault(&failed.error, false);
                let ran = job.statements.len();
                let left = lost_or(&fault, Left::Part { ran });
                ours(fault, left)
            })?;
        Ok(())
    }
}

impl Session for Postgres {
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault> {
        let name = quote(DIALECT, &ledger.table);
        // Where the table is found, or where it would be created; the names are
        // the server's reading of what the user wrote, quotes and all.
        let facts = self
            .rows(&format!(
                "SELECT current_setting('server_version'), current_setting('server_version_num'), \
                 exist::text, schema, name, quote_ident(schema), quote_ident(name) FROM (\
                 SELECT n.oid IS NOT NULL AS exist, \
                 coalesce(n.nspname, parts[array_length(parts, 1) - 1], current_schema(), '')::text AS schema, \
                 coalesce(c.relname, parts[array_length(parts, 1)])::text AS name \
                 FROM (SELECT parse_ident({name}) AS parts) p \
                 LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass({name}) \
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) found"
            ))
            .await?;
        let fact = |at: usize| -> String {
            let row = facts.rows.first();
            row.and_then(|row| row.get(at)?.clone()).unwrap_or_default()
        };
        self.version = fact(1).parse().unwrap_or_default();
        let (schema, table) = (fact(3), fact(4));
        let found = Ledger {
            table: if schema.is_empty() {
                fact(6)
            } else {
                format!("{}.{}", fact(5), fact(6))
            },
            schemas: ledger.schemas.clone(),
        };
        let past = if fact(2) == "true" {
            Past::Known(self.history(&found).await?)
        } else {
            self.other_tools_past().await?
        };
        Ok(Look {
            // Debian appends its own version: `15.18 (Debian 15.18-0+deb12u1)`.
            server: format!(
                "PostgreSQL {}",
                fact(0).split(' ').next().unwrap_or_default()
            ),
            lock: LockKey::Id(lock_id(&schema, &table)),
            ledger: found,
            past,
        })
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        let create = ledger.create(DIALECT).join(";\n");
        match self.send(&format!("BEGIN;\n{create};\nCOMMIT")).await {
            Ok(_) => Ok(()),
            Err(failed) => {
                let fault = fault(&failed.error, false);
                self.roll_back().await;
                // IF NOT EXISTS does not exclude two creators at once.
                if fault.has_code(&[UNIQUE_VIOLATION, DUPLICATE_TABLE]) {
                    return Ok(());
                }
                Err(fault)
            }
        }
    }

    async fn apply(&mut self, job: Job<'_>) -> Result<Duration, Setback> {
        let began = Instant::now();
        if job.migration.up.transaction {
            self.apply_in_transaction(job).await?;
        } else {
            self.apply_by_statement(job).await?;
        }
        Ok(began.elapsed())
    }
}

impl Postgres {
    async fn history(&mut self, ledger: &Ledger) -> Result<History, Fault> {
        let answer = self.rows(&ledger.select(DIALECT)).await?;
        wire::history(&answer, &ledger.table)
    }

    async fn other_tools_past(&mut self) -> Result<Past, Fault> {
        let names: Vec<_> = foreign::tables()
            .into_iter()
            .map(|name| quote(DIALECT, name))
            .collect();
        let columns = self
            .rows(&format!(
                "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
                 WHERE c.relkind IN ('r', 'p') AND lower(c.relname) IN ({}) \
                 AND (n.nspname = ANY (current_schemas(false)) OR n.nspname = 'drizzle')",
                names.join(", ")
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }
}

impl GuardSession for Postgres {
    /// The isolation level is spelled out: under REPEATABLE READ the idle
    /// transaction would keep a snapshot, and CREATE INDEX CONCURRENTLY would
    /// wait for it for ever.
    async fn try_lock(&mut self, key: &LockKey, run: &str) -> Result<bool, Fault> {
        let LockKey::Id(id) = key else {
            return Ok(true);
        };
        let answer = self
            .rows(&format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL application_name = {}; \
                 SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SELECT pg_try_advisory_xact_lock({id})::text",
                quote(DIALECT, run)
            ))
            .await?;
        let locked = answer.rows == [[Some("true".to_owned())]];
        if !locked {
            self.roll_back().await;
        }
        Ok(locked)
    }

    async fn release(&mut self) {
        self.roll_back().await;
    }
}

/// A migration as one message, and where its parts are.
struct Message {
    text: String,
    /// How many statements stand before the INSERT that is the fence.
    fence: usize,
    /// How many statements stand before the file's first.
    first: usize,
    /// How many statements complete when all goes well.
    expected: usize,
    /// Where the file's text begins, in characters.
    file_at: usize,
}

impl Message {
    fn of(job: Job<'_>, version: u32) -> Self {
        let mut before = vec![
            "BEGIN".to_owned(),
            format!("SET LOCAL application_name = {}", quote(DIALECT, job.run)),
            format!("SET LOCAL lock_timeout = {}", milliseconds(job.lock_wait)),
        ];
        if version >= HAS_CONNECTION_CHECK {
            before.push("SET LOCAL client_connection_check_interval = 2000".to_owned());
        }
        let fence = before.len();
        before.push(job.ledger.insert(DIALECT, job.migration, true));
        before.push(format!(
            "SET LOCAL lock_timeout = {}",
            milliseconds(job.lock_timeout)
        ));
        // A file may have changed the role or the search path; what it set must
        // not reach a pooled connection's next user either.
        let after = [
            "RESET ALL".to_owned(),
            "RESET SESSION AUTHORIZATION".to_owned(),
            "RESET ROLE".to_owned(),
            job.ledger.finish(
                job.migration.version,
                "(extract(epoch FROM clock_timestamp() - now()) * 1000000000)::bigint",
            ),
            "COMMIT".to_owned(),
        ];
        let head = format!("{};\n", before.join("; "));
        // The line break ends a comment in the file's last line, which would
        // swallow the COMMIT.
        let tail = format!("\n;\n{};", after.join("; "));
        Self {
            fence,
            first: before.len(),
            expected: before.len() + job.statements.len() + after.len(),
            file_at: head.chars().count(),
            text: head + job.migration.up.file.text() + &tail,
        }
    }

    fn setback(&self, job: Job<'_>, fault: Fault, completed: usize) -> Setback {
        let file = &job.migration.up.file;
        let offset = character(&fault)
            .and_then(|at| at.checked_sub(self.file_at))
            .filter(|at| *at < file.text().chars().count())
            .map(|at| file.offset_of_char(at));
        // A syntax error stops the message before anything of it runs: then only
        // its position tells the statement.
        let statement = match offset {
            Some(offset) => at_offset(job, offset),
            None => completed
                .checked_sub(self.first)
                .filter(|number| *number < job.statements.len()),
        };
        let left = if completed == self.fence {
            claimed_or(&fault, Left::Nothing)
        } else {
            lost_or(&fault, Left::Nothing)
        };
        Setback {
            fault,
            statement,
            offset,
            left,
        }
    }
}

fn at_offset(job: Job<'_>, offset: usize) -> Option<usize> {
    job.statements
        .iter()
        .position(|statement| offset < statement.span.end)
}

/// Only a unique violation of the fence's own INSERT is the fence.
fn claimed_or(fault: &Fault, otherwise: Left) -> Left {
    if fault.has_code(&[UNIQUE_VIOLATION]) {
        Left::Claimed
    } else {
        lost_or(fault, otherwise)
    }
}

fn lost_or(fault: &Fault, otherwise: Left) -> Left {
    if fault.kind == FaultKind::Lost {
        Left::Unknown
    } else {
        otherwise
    }
}

fn ours(fault: Fault, left: Left) -> Setback {
    Setback {
        fault,
        statement: None,
        offset: None,
        left,
    }
}

fn character(fault: &Fault) -> Option<usize> {
    match fault.position {
        Some(Position::Character(at)) => Some(at),
        _ => None,
    }
}

fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(offset, _)| offset)
}

fn milliseconds(duration: Duration) -> u128 {
    // The largest value that the setting takes.
    duration.as_millis().min(2_147_483_647)
}

/// The advisory lock of a history table: the form is fixed for ever.
fn lock_id(schema: &str, table: &str) -> i64 {
    let digest = Sha256::digest(format!("cnb-migrate:{schema}.{table}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

fn fault(error: &sqlx::Error, connecting: bool) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return wire::driver_fault(error, connecting);
    };
    let Some(error) = database.try_downcast_ref::<PgDatabaseError>() else {
        return wire::driver_fault(error, connecting);
    };
    let own = |text: Option<&str>| text.map(str::to_owned);
    Fault {
        kind: kind(error.code(), connecting),
        code: Some(error.code().to_owned()),
        detail: own(error.detail()),
        hint: own(error.hint()),
        position: match error.position() {
            Some(PgErrorPosition::Original(at)) => Some(Position::Character(at.saturating_sub(1))),
            _ => None,
        },
        context: own(error.r#where()),
        constraint: own(error.constraint()),
        table: own(error.table()),
        ..Fault::new(FaultKind::Statement, error.message())
    }
}

/// By SQLSTATE: class 08 and the shutdowns end a connection; while connecting,
/// a server that starts (57P03) or is full (53300) is one to wait for.
fn kind(code: &str, connecting: bool) -> FaultKind {
    match code {
        "57P01" | "57P02" | "57P03" | "53300" if connecting => FaultKind::Unreachable,
        _ if connecting => FaultKind::Refused,
        "57P01" | "57P02" | "57P03" => FaultKind::Lost,
        _ if code.starts_with("08") => FaultKind::Lost,
        _ => FaultKind::Statement,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        // printf 'cnb-migrate:public._sqlx_migrations' | sha256sum, 8 bytes.
        assert_eq!(
            lock_id("public", "_sqlx_migrations"),
            -5_737_065_063_211_308_751
        );
    }
}
