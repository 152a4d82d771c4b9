//! The guard's side of PostgreSQL: an idle transaction that holds the run's
//! advisory locks. A pooler pins it to one server connection, and it ends with
//! the connection, so that no lock stays behind.

use super::{DIALECT, Postgres, progress};
use crate::db::fault::Fault;
use crate::db::url::without_user_info;
use crate::db::{Activity, Attempt, BlockingSession, GuardSession, Handle, Lock, Look, Outside};
use crate::history::ledger::quote;
use crate::history::table::{LockKey, Row};
use std::time::Duration;

/// The point to which the tool's lock is given back.
const LENT: &str = "migrate_tools_lock";

/// Of a session, what a [`BlockingSession`] says of it; of another migrator's, which may
/// have values of variables in its SQL, not that.
const SESSION: &str = "coalesce(a.application_name, ''), coalesce(a.state, ''), \
    (coalesce(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.state_change)), 0) * 1000)\
    ::bigint::text, CASE WHEN a.application_name LIKE 'migrate %' THEN 'a statement of a migration' \
    ELSE coalesce(left(a.query, 200), '') END";

impl GuardSession for Postgres {
    /// The keepalives end a guard whose client has vanished, and its locks with it.
    /// The isolation level is spelled out: under REPEATABLE READ the idle
    /// transaction would keep a snapshot, and CREATE INDEX CONCURRENTLY would
    /// wait for it for ever. The tool's lock is only tried where ours is held,
    /// which a holder may try as often as it likes.
    async fn try_lock(&mut self, look: &Look, run: &str) -> Result<Attempt, Fault> {
        let LockKey::Id(own) = look.lock else {
            return Ok(Attempt::Locked);
        };
        let tools = match look.tools_lock {
            Some(LockKey::Id(tools)) => format!("pg_try_advisory_xact_lock({tools})"),
            _ => "true".to_owned(),
        };
        let answer = self
            .rows(&format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL application_name = {}; \
                 SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SET LOCAL tcp_keepalives_idle = 5; SET LOCAL tcp_keepalives_interval = 5; \
                 SET LOCAL tcp_keepalives_count = 3; \
                 SELECT pg_try_advisory_xact_lock({own})::text; SAVEPOINT {LENT}; \
                 SELECT CASE WHEN pg_try_advisory_xact_lock({own}) THEN {tools} ELSE false END::text",
                quote(DIALECT, run)
            ))
            .await?;
        let is = |at: usize| answer.rows.get(at).is_some_and(is_true);
        let attempt = match (is(0), is(1)) {
            (true, true) => return Ok(Attempt::Locked),
            (true, false) => Attempt::Held(Lock::Tools),
            (false, _) => Attempt::Held(Lock::Own),
        };
        self.roll_back().await;
        Ok(attempt)
    }

    /// By functions, as in [`Self::observe`].
    async fn holder(&mut self, key: &LockKey) -> Result<Option<BlockingSession>, Fault> {
        let LockKey::Id(id) = key else {
            return Ok(None);
        };
        let answer = self
            .rows(&format!(
                "SELECT l.pid::text, {SESSION} FROM pg_lock_status() l \
                 LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = l.pid \
                 LEFT JOIN pg_stat_get_activity(pg_backend_pid()) me ON true \
                 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                 AND l.database = me.datid AND l.pid <> me.pid \
                 AND l.classid::bigint << 32 | l.objid::bigint = {id}"
            ))
            .await?;
        Ok(answer.rows.into_iter().find_map(blocker))
    }

    /// CREATE INDEX CONCURRENTLY waits for every session with a snapshot, and an
    /// application that waits for sqlx's lock has one.
    async fn yield_lock(&mut self) -> Result<(), Fault> {
        self.rows(&format!("ROLLBACK TO SAVEPOINT {LENT}"))
            .await
            .map(|_| ())
    }

    async fn try_reacquire_lock(&mut self, key: &LockKey) -> Result<bool, Fault> {
        let LockKey::Id(id) = key else {
            return Ok(true);
        };
        let answer = self
            .rows(&format!("SELECT pg_try_advisory_xact_lock({id})::text"))
            .await?;
        Ok(answer.rows.first().is_some_and(is_true))
    }

    /// By name and state in one statement: a process number that was read
    /// before may serve somebody else by now.
    async fn cancel(&mut self, worker: &Handle, run: &str) -> Result<(), Fault> {
        self.rows(&format!(
            "SELECT pg_stat_clear_snapshot()::text; \
             SELECT pg_cancel_backend(w.pid)::text FROM {} AND w.state = 'active'",
            sessions(worker, run)
        ))
        .await
        .map(|_| ())
    }

    /// By functions alone: the views of the same would lock catalogue tables
    /// until the guard ends, and are read once for a whole transaction.
    async fn observe(&mut self, worker: &Handle, run: &str) -> Result<Activity, Fault> {
        let sessions = sessions(worker, run);
        // Our own guard is in a transaction, and idle.
        let at_work = match worker {
            Handle::Outside(_) => "w.state <> 'idle'",
            _ => "w.state = 'active'",
        };
        let worker = format!("{sessions} AND w.state = 'active'");
        let answer = self
            .rows(&format!(
                "SELECT pg_stat_clear_snapshot()::text; \
                 SELECT b.pid::text, {SESSION} \
                 FROM (SELECT unnest(pg_blocking_pids(w.pid)) AS pid FROM {worker}) b \
                 LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = b.pid ORDER BY a.xact_start; \
                 WITH RECURSIVE chain (pid) AS (SELECT w.pid FROM {worker} \
                 UNION SELECT unnest(pg_blocking_pids(chain.pid)) FROM chain) \
                 SELECT 'guard' FROM chain WHERE pid = pg_backend_pid(); \
                 SELECT 'at work' FROM {sessions} AND {at_work} LIMIT 1; {}",
                progress::select(&worker)
            ))
            .await?;
        Ok(Activity {
            work: answer.rows.iter().find_map(progress::work),
            is_at_work: answer.rows.contains(&vec![Some("at work".to_owned())]),
            waits_for_guard: answer.rows.contains(&vec![Some("guard".to_owned())]),
            blockers: answer.rows.into_iter().filter_map(blocker).collect(),
        })
    }

    async fn end_lost(
        &mut self,
        _number: Option<u64>,
        look: &Look,
        run: &str,
    ) -> Result<(), Fault> {
        let LockKey::Id(id) = look.lock else {
            return Ok(());
        };
        self.rows(&format!(
            "SELECT pg_terminate_backend(w.pid)::text FROM {} \
             AND w.state LIKE 'idle in transaction%' AND EXISTS (SELECT FROM pg_lock_status() l \
             WHERE l.pid = w.pid AND l.locktype = 'advisory' AND l.granted \
             AND l.database = w.datid AND l.classid::bigint << 32 | l.objid::bigint = {id})",
            sessions(&Handle::Name, run)
        ))
        .await
        .map(|_| ())
    }

    async fn release(&mut self) {
        self.roll_back().await;
    }
}

/// The sessions `w` of a run, in this database. Another program's are known by the
/// run's name where they have it; else they come from where we come from, by their
/// port or with a lock on the history table, which a transaction of a tool has
/// from its first statement on.
pub(super) fn sessions(worker: &Handle, run: &str) -> String {
    let named = format!("w.application_name = {}", quote(DIALECT, run));
    let is_one = match worker {
        Handle::Outside(outside) => format!("({named} OR {})", came_from_here(outside)),
        _ => named,
    };
    // A name may come twice in a server, and the port of a pooler is no program's.
    format!(
        "pg_stat_get_activity(NULL) w WHERE w.pid <> pg_backend_pid() AND w.datid = \
         (SELECT me.datid FROM pg_stat_get_activity(pg_backend_pid()) me) AND {is_one}"
    )
}

fn came_from_here(Outside { table, ports }: &Outside) -> String {
    // A port that nobody has keeps the list from being empty.
    let ports = ports
        .iter()
        .fold("0".to_owned(), |all, port| format!("{all}, {port}"));
    format!(
        "(w.client_addr IS NOT DISTINCT FROM \
         (SELECT me.client_addr FROM pg_stat_get_activity(pg_backend_pid()) me) \
         AND (w.client_port IN ({ports}) OR EXISTS (SELECT FROM pg_lock_status() l \
         WHERE l.pid = w.pid AND l.locktype = 'relation' AND l.granted \
         AND l.database = w.datid AND l.relation = to_regclass({}))))",
        quote(DIALECT, table)
    )
}

fn is_true(row: &Row) -> bool {
    row.first()
        .is_some_and(|text| text.as_deref() == Some("true"))
}

fn blocker(row: Row) -> Option<BlockingSession> {
    let [process, application, state, age, query] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(BlockingSession {
        process: process?,
        application: application?,
        state: state?,
        age: Duration::from_millis(age?.parse().ok()?),
        query: without_user_info(&query?),
    })
}
