//! What PostgreSQL tells of its own state, to any user. A question that a server
//! refuses, which is not quite PostgreSQL then, leaves its fact unknown.

mod catalogue;
mod pooling;

use super::Postgres;
use crate::db::fault::{Fault, FaultKind};
use crate::db::health::{self, Clock, Health, Line, Of, Own, Product, Room};
use crate::db::url::DatabaseUrl;
use crate::db::{BlockingSession, GuardSession, Lock, Look};
use crate::history::ledger::Ledger;
use crate::history::table::{LockKey, Row};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many open transactions are told.
const MOST_OPEN: usize = 5;

impl Postgres {
    /// All that an examination wants to know. `look` is what was read of the
    /// history, if it could be read.
    pub(in crate::db) async fn health(
        &mut self,
        url: &DatabaseUrl,
        ledger: &Ledger,
        look: Option<&Look>,
    ) -> Result<Health, Fault> {
        let mut health = Health::default();
        let mut own = health::Postgres::default();
        self.session(&mut health, &mut own).await?;
        health.rooms = self.rooms().await?;
        own.settings = self.settings().await?;
        self.catalogue(ledger, &mut own).await?;
        own.prepared = self.prepared().await?;
        health.open = self.open().await?;
        health.runs = self
            .ask(
                "SELECT DISTINCT a.application_name FROM pg_stat_get_activity(NULL) a \
                 WHERE a.application_name LIKE 'migrate %' AND a.pid <> pg_backend_pid()",
            )
            .await?
            .iter()
            .filter_map(|row| text(row, 0))
            .collect();
        if let Some(look) = look {
            health.held = Some(self.held(look).await?);
        }
        // The last, for it may cost the connection.
        if health.rooms.iter().all(|room| room.used < room.limit) {
            own.pooling = self.pooling(url).await;
        }
        if own.pooling != health::Pooling::None {
            // The server tells of the pooler's connections, not of ours.
            health.line = Line::default();
            health.rooms.clear();
        }
        health.own = Own::Postgres(Box::new(own));
        Ok(health)
    }

    /// The rows of an answer; none where the server refuses the question.
    async fn ask(&mut self, sql: &str) -> Result<Vec<Row>, Fault> {
        match self.rows(sql).await {
            Ok(answer) => Ok(answer.rows),
            Err(fault) if fault.kind == FaultKind::Statement => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }

    async fn session(
        &mut self,
        health: &mut Health,
        own: &mut health::Postgres,
    ) -> Result<(), Fault> {
        let before = now();
        let rows = self
            .ask(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text, \
                 current_user::text, current_database()::text, \
                 current_setting('server_version_num'), pg_is_in_recovery()::text, \
                 (SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()), \
                 host(inet_client_addr()), host(inet_server_addr())",
            )
            .await?;
        let after = now();
        let Some(row) = rows.first() else {
            return Ok(());
        };
        health.clock = milliseconds(row, 0).map(|server| Clock {
            before,
            server,
            after,
        });
        health.user = text(row, 1).unwrap_or_default();
        health.database = text(row, 2).unwrap_or_default();
        let version: Option<u32> = text(row, 3).and_then(|number| number.parse().ok());
        health.product =
            version.map(|number| (Product::Postgres, number / 10_000, number % 10_000));
        own.is_standby = is_true(row, 4);
        health.line = Line {
            encrypted: text(row, 5).map(|ssl| ssl == "true"),
            ends: (6..8)
                .filter_map(|at| text(row, at)?.parse().ok())
                .collect(),
        };
        Ok(())
    }

    /// Who may not see the sessions of others sees that they are there. Neither a
    /// superuser nor a background process is counted in the limits of a user and
    /// of a database.
    async fn rooms(&mut self) -> Result<Vec<Room>, Fault> {
        let rows = self
            .ask(
                "SELECT 'server', (current_setting('max_connections')::bigint \
                 - CASE WHEN r.rolsuper THEN 0 \
                 ELSE current_setting('superuser_reserved_connections')::bigint \
                 + coalesce(current_setting('reserved_connections', true), '0')::bigint END)::text, \
                 a.whole::text \
                 FROM pg_roles r, LATERAL (SELECT count(*) AS whole FROM pg_stat_get_activity(NULL) \
                 WHERE usesysid IS NOT NULL AND datid IS NOT NULL \
                 AND coalesce(backend_type, 'client backend') = 'client backend') a \
                 WHERE r.rolname = session_user \
                 UNION ALL SELECT 'user', r.rolconnlimit::text, (SELECT count(*)::text \
                 FROM pg_stat_get_activity(NULL) WHERE usesysid = r.oid \
                 AND coalesce(backend_type, 'client backend') = 'client backend') \
                 FROM pg_roles r WHERE r.rolname = session_user \
                 AND r.rolconnlimit >= 0 AND NOT r.rolsuper \
                 UNION ALL SELECT 'database', d.datconnlimit::text, (SELECT count(*)::text \
                 FROM pg_stat_get_activity(NULL) WHERE datid = d.oid AND usesysid IS NOT NULL \
                 AND coalesce(backend_type, 'client backend') = 'client backend') \
                 FROM pg_database d, pg_roles r WHERE d.datname = current_database() \
                 AND r.rolname = session_user AND d.datconnlimit >= 0 AND NOT r.rolsuper",
            )
            .await?;
        let room = |row: &Row| {
            Some(Room {
                of: match text(row, 0)?.as_str() {
                    "server" => Of::Server,
                    "user" => Of::User,
                    _ => Of::Database,
                },
                limit: text(row, 1)?.parse().ok()?,
                used: text(row, 2)?.parse().ok()?,
            })
        };
        Ok(rows.iter().filter_map(room).collect())
    }

    async fn settings(&mut self) -> Result<Vec<health::Setting>, Fault> {
        let rows = self
            .ask(
                "SELECT name, setting, source FROM pg_settings WHERE name IN \
                 ('default_transaction_read_only', 'lock_timeout', 'transaction_timeout') AND setting NOT IN ('0', 'off') ORDER BY name",
            )
            .await?;
        let setting = |row: &Row| {
            Some(health::Setting {
                name: text(row, 0)?,
                value: text(row, 1)?,
                source: text(row, 2)?,
            })
        };
        Ok(rows.iter().filter_map(setting).collect())
    }

    /// Who has a lock of a run. Our own runs hold both: that is told once.
    async fn held(&mut self, look: &Look) -> Result<Vec<(Lock, BlockingSession)>, Fault> {
        let mut held: Vec<(Lock, BlockingSession)> = Vec::new();
        let keys = [
            (Lock::Own, Some(&look.lock)),
            (Lock::Tools, look.tools_lock.as_ref()),
        ];
        for (lock, key) in keys {
            let Some(key @ LockKey::Id(_)) = key else {
                continue;
            };
            if let Some(holder) = self.holder(key).await?
                && held
                    .iter()
                    .all(|(_, other)| other.process != holder.process)
            {
                held.push((lock, holder));
            }
        }
        Ok(held)
    }

    /// Only those that have a table open: nothing else waits for them.
    async fn open(&mut self) -> Result<Vec<BlockingSession>, Fault> {
        let rows = self
            .ask(&format!(
                "SELECT a.pid::text, coalesce(a.application_name, ''), coalesce(a.state, ''), \
                 (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint::text \
                 FROM pg_stat_get_activity(NULL) a \
                 WHERE a.pid <> pg_backend_pid() AND a.xact_start IS NOT NULL \
                 AND a.backend_type = 'client backend' \
                 AND a.application_name NOT LIKE 'migrate %' \
                 AND EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE l.pid = a.pid AND l.granted AND d.datname = current_database() \
                 AND c.relkind IN ('r', 'p', 'm') AND n.nspname <> 'information_schema' \
                 AND n.nspname NOT LIKE 'pg\\_%') \
                 ORDER BY a.xact_start LIMIT {MOST_OPEN}"
            ))
            .await?;
        let blocker = |row: &Row| {
            Some(BlockingSession {
                process: text(row, 0)?,
                application: text(row, 1)?,
                state: text(row, 2)?,
                age: milliseconds(row, 3)?,
                // It may hold anything.
                query: String::new(),
            })
        };
        Ok(rows.iter().filter_map(blocker).collect())
    }

    async fn prepared(&mut self) -> Result<Vec<health::Prepared>, Fault> {
        let rows = self
            .ask(
                "SELECT gid, owner::text, \
                 (extract(epoch FROM clock_timestamp() - prepared) * 1000)::bigint::text \
                 FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared",
            )
            .await?;
        let prepared = |row: &Row| {
            Some(health::Prepared {
                name: text(row, 0)?,
                owner: text(row, 1)?,
                age: milliseconds(row, 2)?,
            })
        };
        Ok(rows.iter().filter_map(prepared).collect())
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn text(row: &Row, at: usize) -> Option<String> {
    row.get(at)?.clone()
}

fn is_true(row: &Row, at: usize) -> bool {
    row.get(at).and_then(Option::as_deref) == Some("true")
}

fn milliseconds(row: &Row, at: usize) -> Option<Duration> {
    // A clock that was set back makes an age below zero.
    let milliseconds: i64 = row.get(at)?.as_deref()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds.try_into().unwrap_or(0)))
}
