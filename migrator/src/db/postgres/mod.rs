//! PostgreSQL. A migration is one message, one transaction and one round trip:
//! its history row first, which is the fence, then its SQL.

mod message;
mod stepwise;

use crate::db::fault::{Fault, FaultKind, Inner, Position};
use crate::db::names;
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{Blocker, GuardSession, Handle, Job, Left, LockKey, Look, Past, Progress, Session};
use crate::formats::journal::Journal;
use crate::formats::ledger::{Ledger, Row, quote};
use crate::model::Version;
use crate::plan::history::History;
use crate::sql::Dialect;
use message::{Message, RESET, Verdict, ours};
use sha2::{Digest, Sha256};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgErrorPosition, PgSslMode};
use std::str::FromStr;
use std::time::Duration;

const DIALECT: Dialect = Dialect::Postgres;

/// SQLSTATEs that decide something here.
const UNIQUE_VIOLATION: &str = "23505";
const DUPLICATE_TABLE: &str = "42P07";
const INVALID_NAME: [&str; 2] = ["22023", "42602"];
/// A history table of other columns, or of other types.
const OTHER_SHAPE: [&str; 4] = ["42703", "42804", "42846", "42883"];
const UNDEFINED_TABLE: &str = "42P01";
const LOCK_NOT_AVAILABLE: &str = "55P03";

pub(super) struct Postgres {
    connection: PgConnection,
    user: String,
    version: u32,
}

impl Postgres {
    pub(super) async fn connect(url: &DatabaseUrl) -> Result<Self, Fault> {
        let mut user = String::new();
        let connection = async {
            let mut options = PgConnectOptions::from_str(url.for_driver())?
                // Poolers refuse the connection for this setting (08P01).
                .extra_float_digits(None);
            if let Some(authority) = url.authority() {
                options = options.ssl_root_cert_from_pem(authority.into());
            }
            // The environment's PGSSLMODE is none of the URL's, and read all the same.
            if matches!(options.get_ssl_mode(), PgSslMode::VerifyCa) {
                let refused = "verify-ca is refused: any site's certificate would do";
                return Err(sqlx::Error::Configuration(refused.into()));
            }
            options.get_username().clone_into(&mut user);
            options.connect().await
        };
        let connection = connection.await;
        Ok(Self {
            connection: connection.map_err(|error| fault(&error, true).of(&user))?,
            user,
            version: 0,
        })
    }

    async fn send(&mut self, sql: &str) -> Result<Answer, Failed> {
        wire::send(&mut self.connection, sql).await
    }

    async fn rows(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.send(sql)
            .await
            .map_err(|failed| fault(&failed.error, false).of(&self.user))
    }

    /// Ends the transaction that a failed message left open; the fault that led
    /// here is the one to report.
    async fn roll_back(&mut self) {
        let _ = self.send("ROLLBACK").await;
    }

    /// Sends migrations together. A later one that cannot be parsed stops all of
    /// them before anything runs: then those before it go alone, so that the
    /// outcome does not depend on what travelled together.
    async fn apply_together(&mut self, jobs: &[Job<'_>]) -> Progress {
        let mut jobs = jobs;
        loop {
            let message = Message::of(jobs, self.version);
            let wanted = message.wanted();
            match wire::send_for(&mut self.connection, &message.text, wanted).await {
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
                    return Progress::none(ours(fault, Left::Unknown));
                }
                Err(failed) => {
                    let fault = fault(&failed.error, false).of(&self.user);
                    if fault.kind != FaultKind::Lost {
                        self.roll_back().await;
                    }
                    match message.verdict(fault, failed.answer.completed) {
                        Verdict::Unparsed(before) => jobs = &jobs[..before],
                        Verdict::Failed(number, setback) => {
                            let mut took = Message::took(&failed.answer);
                            took.resize(number, Duration::ZERO);
                            return Progress {
                                applied: took,
                                setback: Some(*setback),
                            };
                        }
                    }
                }
            }
        }
    }
}

impl Session for Postgres {
    async fn look(&mut self, ledger: &Ledger) -> Result<Look, Fault> {
        crate::db::check_names(ledger, DIALECT)?;
        let name = quote(DIALECT, &ledger.table);
        // Where the table is found, or where it would be created: as for sqlx,
        // in the first schema of the search path and no other, where another
        // application may have its own. The names are the server's reading of
        // what the user wrote, quotes and all.
        let facts = self
            .rows(&format!(
                "SELECT current_setting('server_version'), current_setting('server_version_num'), \
                 exist::text, schema, name, quote_ident(schema), quote_ident(name) FROM (\
                 SELECT n.oid IS NOT NULL AS exist, \
                 coalesce(n.nspname, parts[array_length(parts, 1) - 1], current_schema(), '')::text AS schema, \
                 coalesce(c.relname, parts[array_length(parts, 1)]::name)::text AS name \
                 FROM (SELECT parse_ident({name}) AS parts) p \
                 LEFT JOIN pg_catalog.pg_class c ON c.oid = to_regclass(\
                 CASE WHEN array_length(parts, 1) > 1 THEN {name} \
                 ELSE quote_ident(current_schema()) || '.' || quote_ident(parts[1]) END) \
                 LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) found"
            ))
            .await
            .map_err(|fault| Fault {
                kind: if fault.has_code(&INVALID_NAME) {
                    FaultKind::Name
                } else {
                    fault.kind
                },
                ..fault
            })?;
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
                let fault = fault(&failed.error, false).of(&self.user);
                self.roll_back().await;
                // IF NOT EXISTS does not exclude two creators at once.
                if fault.has_code(&[UNIQUE_VIOLATION, DUPLICATE_TABLE]) {
                    return Ok(());
                }
                Err(fault)
            }
        }
    }

    fn handle(&self) -> Handle {
        Handle::Name
    }

    /// More gain nothing: at 10 ms a round trip, 1,000 migrations took 74 s one
    /// statement a message, 17 s one migration a message, 4 s ten, 3 s a hundred.
    fn together(&self) -> usize {
        50
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        match jobs {
            [job] if !job.migration.up.transaction || job.resume.is_some() => {
                crate::db::stepwise::apply(self, *job).await.into()
            }
            _ => self.apply_together(jobs).await,
        }
    }

    /// A commit waits for the disk only if it wrote: the row is written again as
    /// it is.
    async fn flush(&mut self, ledger: &Ledger, version: Version) -> Result<(), Fault> {
        self.rows(&format!(
            "BEGIN; SET LOCAL synchronous_commit = on; \
             UPDATE {} SET success = success WHERE version = {version}; COMMIT",
            ledger.table
        ))
        .await
        .map(|_| ())
    }
}

impl Postgres {
    async fn history(&mut self, ledger: &Ledger) -> Result<History, Fault> {
        let answer = self.rows(&ledger.select(DIALECT)).await;
        let answer = answer.map_err(|fault| wire::as_history(fault, &OTHER_SHAPE))?;
        let mut history = wire::history(&answer, &ledger.table)?;
        if history.is_unfinished() {
            let marks = self.rows(&Journal::of(ledger, DIALECT).select()).await;
            history.marks = wire::marks(marks, |fault| fault.has_code(&[UNDEFINED_TABLE]))?;
        }
        Ok(history)
    }

    async fn other_tools_past(&mut self) -> Result<Past, Fault> {
        let names = wire::foreign_names(DIALECT);
        let columns = self
            .rows(&format!(
                "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
                 WHERE c.relkind IN ('r', 'p') AND lower(c.relname) IN ({names}) \
                 AND (n.nspname = ANY (current_schemas(false)) OR n.nspname = 'drizzle')"
            ))
            .await?;
        Ok(wire::foreign_past(columns))
    }
}

impl GuardSession for Postgres {
    /// The keepalives end a guard whose client has vanished, and its lock with it.
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
                 SET LOCAL tcp_keepalives_idle = 5; SET LOCAL tcp_keepalives_interval = 5; \
                 SET LOCAL tcp_keepalives_count = 3; \
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

    /// By name and state in one statement: a process number that was read
    /// before may serve somebody else by now.
    async fn cancel(&mut self, _worker: &Handle, run: &str) -> Result<(), Fault> {
        self.rows(&format!(
            "SELECT pg_stat_clear_snapshot()::text; \
             SELECT pg_cancel_backend(w.pid)::text FROM pg_stat_get_activity(NULL) w \
             WHERE w.application_name = {} AND w.state = 'active' AND w.pid <> pg_backend_pid()",
            quote(DIALECT, run)
        ))
        .await
        .map(|_| ())
    }

    /// By functions alone: the views of the same would lock catalogue tables
    /// until the guard ends, and are read once for a whole transaction.
    async fn blockers(&mut self, _worker: &Handle, run: &str) -> Result<Vec<Blocker>, Fault> {
        let answer = self
            .rows(&format!(
                "SELECT pg_stat_clear_snapshot()::text; \
                 SELECT b.pid::text, coalesce(a.application_name, ''), coalesce(a.state, ''), \
                 coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::bigint::text, \
                 coalesce(left(a.query, 200), '') \
                 FROM pg_stat_get_activity(NULL) w \
                 CROSS JOIN unnest(pg_blocking_pids(w.pid)) b (pid) \
                 LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = b.pid \
                 WHERE w.application_name = {} AND w.state = 'active' AND w.pid <> pg_backend_pid() \
                 ORDER BY a.xact_start",
                quote(DIALECT, run)
            ))
            .await?;
        Ok(answer.rows.into_iter().filter_map(blocker).collect())
    }

    async fn release(&mut self) {
        self.roll_back().await;
    }
}

fn blocker(row: Row) -> Option<Blocker> {
    let [process, application, state, age, query] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(Blocker {
        process: process?,
        application: application?,
        state: state?,
        age: Duration::from_secs(age?.parse().ok()?),
        query: query?,
    })
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
        name: names::postgres(error.code()),
        detail: own(error.detail()),
        hint: own(error.hint()),
        position: match error.position() {
            Some(PgErrorPosition::Original(at)) => Some(Position::Character(at.saturating_sub(1))),
            _ => None,
        },
        inner: match error.position() {
            Some(PgErrorPosition::Internal { position, query }) => Some(Box::new(Inner {
                text: query.to_owned(),
                character: position.saturating_sub(1),
            })),
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
        LOCK_NOT_AVAILABLE => FaultKind::LockTimeout,
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
