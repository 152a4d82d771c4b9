//! PostgreSQL. A migration is one message, one transaction and one round trip:
//! its history row first, which is the fence, then its SQL.

mod guard;
mod message;
mod progress;
mod stepwise;

use crate::db::fault::{Fault, FaultKind, Inner, Position};
use crate::db::memory::{self, Memory};
use crate::db::names;
use crate::db::url::DatabaseUrl;
use crate::db::wire::{self, Answer, Failed};
use crate::db::{Edit, Entry, Handle, Job, Left, LockKey, Look, Past, Progress, Session, Wanted};
use crate::formats::ledger::{Ledger, quote};
use crate::formats::repeated::Repeated;
use crate::formats::sqlx::lock_number;
use crate::model::Deed;
use crate::plan::history::History;
use crate::sql::Dialect;
use message::{Message, RESET, Transaction, Verdict, milliseconds, ours};
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
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const DIVISION_BY_ZERO: &str = "22012";
const SERIALIZATION_FAILURE: &str = "40001";

/// How long dropping an invalid index may wait for those who have its table open.
const DROP_WITHIN: &str = "10s";

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
    async fn apply_together(&mut self, jobs: &[Job<'_>], transaction: Transaction) -> Progress {
        let mut jobs = jobs;
        loop {
            let message = Message::of(jobs, self.version, transaction);
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
}

impl Session for Postgres {
    async fn look(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<Look, Fault> {
        crate::db::check_names(ledger, DIALECT)?;
        let name = quote(DIALECT, &ledger.table);
        // Where the table is found, or where it would be created: as for sqlx,
        // in the first schema of the search path and no other, where another
        // application may have its own. The names are the server's reading of
        // what the user wrote, quotes and all.
        let facts = self
            .rows(&format!(
                "SELECT current_setting('server_version'), current_setting('server_version_num'), \
                 exist::text, schema, name, quote_ident(schema), quote_ident(name), \
                 current_database()::text FROM (\
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
            Past::Known(self.history(&found, wanted).await?)
        } else {
            self.other_tools_past().await?
        };
        Ok(Look {
            has_tables: past.is_empty() && self.has_tables(&table).await?,
            // Debian appends its own version: `15.18 (Debian 15.18-0+deb12u1)`.
            server: format!(
                "PostgreSQL {}",
                fact(0).split(' ').next().unwrap_or_default()
            ),
            lock: LockKey::Id(lock_id(&schema, &table)),
            tools_lock: Some(LockKey::Id(lock_number(&fact(7)))),
            ledger: found,
            past,
        })
    }

    async fn create(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.create_if_missing(&ledger.create(DIALECT).join(";\n"))
            .await
    }

    async fn invalid_indexes(&mut self, statements: &[&str]) -> Result<Vec<String>, Fault> {
        self.left_invalid(statements).await
    }

    fn handle(&self) -> Handle {
        Handle::Name
    }

    /// At 10 ms a round trip, 1,000 migrations took 74 s one statement a message,
    /// 17 s one migration a message, 4 s ten, 3 s a hundred.
    fn together(&self) -> usize {
        50
    }

    async fn apply(&mut self, jobs: &[Job<'_>]) -> Progress {
        match jobs {
            [job] if !job.is_transaction() => {
                if let Err(fault) = self.prepare(jobs).await {
                    return Progress::none(ours(fault, Left::Nothing));
                }
                if let Err(fault) = self.bound_the_session(*job).await {
                    return Progress::none(ours(fault, Left::Nothing));
                }
                let result = match job.deed {
                    Deed::Repeat(_) => crate::db::repeat::apply(self, *job).await,
                    Deed::Apply(_) | Deed::Revert(..) => {
                        crate::db::stepwise::apply(self, *job).await
                    }
                };
                if result.is_err() {
                    // What was set must not reach a pooled connection's next user.
                    let _ = self.rows(&RESET.join("; ")).await;
                }
                result.into()
            }
            _ => match self.prepare(jobs).await {
                Ok(()) => self.apply_together(jobs, Transaction::Part).await,
                Err(fault) => Progress::none(ours(fault, Left::Nothing)),
            },
        }
    }

    async fn apply_as_one(&mut self, jobs: &[Job<'_>]) -> Progress {
        match self.prepare(jobs).await {
            Ok(()) => self.apply_together(jobs, Transaction::Message).await,
            Err(fault) => Progress::none(ours(fault, Left::Nothing)),
        }
    }

    async fn remember(&mut self, ledger: &Ledger, entry: Entry<'_>) -> Result<(), Fault> {
        memory::remember(self, ledger, entry).await
    }

    async fn edit(&mut self, ledger: &Ledger, edits: &[Edit<'_>]) -> Result<(), Fault> {
        memory::edit(self, ledger, edits).await
    }

    /// A commit waits for the disk only if it wrote: a row is written again as it
    /// is. There is one, for what was not done last is taken back or not applied.
    async fn flush(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.rows(&format!(
            "BEGIN; SET LOCAL synchronous_commit = on; \
             UPDATE {0} SET success = success WHERE version = (SELECT max(version) FROM {0}); \
             COMMIT",
            ledger.table
        ))
        .await
        .map(|_| ())
    }
}

impl Memory for Postgres {
    const DIALECT: Dialect = DIALECT;

    async fn ask(&mut self, sql: &str) -> Result<Answer, Fault> {
        self.rows(sql).await
    }

    /// IF NOT EXISTS does not exclude two creators at once.
    async fn create_if_missing(&mut self, sql: &str) -> Result<(), Fault> {
        let Err(failed) = self.send(&format!("BEGIN;\n{sql};\nCOMMIT")).await else {
            return Ok(());
        };
        let fault = fault(&failed.error, false).of(&self.user);
        self.roll_back().await;
        if fault.has_code(&[UNIQUE_VIOLATION, DUPLICATE_TABLE]) {
            return Ok(());
        }
        Err(fault)
    }

    fn is_missing(fault: &Fault) -> bool {
        fault.has_code(&[UNDEFINED_TABLE])
    }

    fn is_denied(fault: &Fault) -> bool {
        fault.has_code(&[INSUFFICIENT_PRIVILEGE])
    }

    async fn drop_invalid_index(&mut self, statement: &str) -> Result<(), Fault> {
        for name in self.left_invalid(&[statement]).await? {
            // It waits for everybody who has the table open, and nobody is told so.
            self.rows(&format!("SET lock_timeout = '{DROP_WITHIN}'"))
                .await?;
            let dropped = self.rows(&format!("DROP INDEX CONCURRENTLY {name}")).await;
            let _ = self.rows("RESET lock_timeout").await;
            dropped?;
        }
        Ok(())
    }
}

impl Postgres {
    /// The table of the repeatables must be there before their fence is.
    async fn prepare(&mut self, jobs: &[Job<'_>]) -> Result<(), Fault> {
        let repeat = jobs.iter().find(|job| matches!(job.deed, Deed::Repeat(_)));
        match repeat {
            Some(job) => {
                let create = Repeated::of(job.ledger, DIALECT).create();
                self.create_if_missing(&create).await
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

    async fn history(&mut self, ledger: &Ledger, wanted: Wanted) -> Result<History, Fault> {
        let answer = self.rows(&ledger.select(DIALECT)).await;
        let answer = answer.map_err(|fault| wire::as_history(fault, &OTHER_SHAPE))?;
        let mut history = wire::history(&answer, &ledger.table)?;
        memory::recall(self, ledger, wanted, &mut history).await?;
        Ok(history)
    }

    /// Whether the schema in which unqualified tables are created has any,
    /// but for the history itself, and what an extension brought (`PostGIS` has one).
    async fn has_tables(&mut self, history: &str) -> Result<bool, Fault> {
        let answer = self
            .rows(&format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') \
                 AND c.relname <> {} AND c.relname NOT LIKE '\\_migrate\\_%' \
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid \
                 AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e'))::text",
                quote(DIALECT, history)
            ))
            .await?;
        Ok(answer.rows == [[Some("true".to_owned())]])
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

fn character(fault: &Fault) -> Option<usize> {
    match fault.position {
        Some(Position::Character(at)) => Some(at),
        _ => None,
    }
}

/// Where in a statement the name is that the server complains of where it counts
/// no characters: it does not for what only a running command looks up.
fn name_in(statement: &str, fault: &Fault) -> Option<usize> {
    // It names what was written in capitals in small letters.
    fault
        .token_in(&statement.to_ascii_lowercase())
        .or_else(|| fault.token_in(statement))
}

/// The name in `column "x" of relation "y" does not exist` and the like.
fn name(message: &str) -> Option<String> {
    let (_, rest) = message.split_once('"')?;
    let (name, _) = rest.split_once('"')?;
    (!name.is_empty()).then(|| name.to_owned())
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
            // What a function names need not be in the statement.
            None if is_about_a_name(error.code()) && error.r#where().is_none() => {
                name(error.message()).map(Position::Token)
            }
            Some(PgErrorPosition::Internal { .. }) | None => None,
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

/// By SQLSTATE: class 42 is about what a statement names, 3F about a schema.
fn is_about_a_name(code: &str) -> bool {
    code.starts_with("42") || code.starts_with("3F")
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
    fn a_name_is_placed_where_it_stands_once() {
        let place = |statement: &str, message: &str| {
            let fault = Fault {
                position: name(message).map(Position::Token),
                ..Fault::new(FaultKind::Statement, message)
            };
            name_in(statement, &fault)
        };
        let message = "column \"mail\" of relation \"users\" does not exist";
        let statement = "ALTER TABLE users\n  DROP COLUMN Mail";
        assert_eq!(place(statement, message), statement.find("Mail"));
        assert_eq!(place("ALTER TABLE mail DROP mail", message), None);
        let quoted = "ALTER TABLE users DROP COLUMN \"Mail\"";
        let message = "column \"Mail\" of relation \"users\" does not exist";
        assert_eq!(place(quoted, message), quoted.find("Mail"));
        assert_eq!(place(quoted, "permission denied"), None);
    }

    #[test]
    fn the_lock_has_the_name_that_never_changes() {
        // printf 'cnb-migrate:public._sqlx_migrations' | sha256sum, 8 bytes.
        assert_eq!(
            lock_id("public", "_sqlx_migrations"),
            -5_737_065_063_211_308_751
        );
    }
}
