//! The guard's side of MySQL and MariaDB: named locks, of which a session may
//! hold several.

use super::{DIALECT, Mysql};
use crate::db::fault::Fault;
use crate::db::{
    Activity, Attempt, BlockingSession, GuardSession, Handle, Lock, Look, Outside, Work,
};
use crate::history::ledger::quote;
use crate::history::table::LockKey;
use std::time::Duration;

impl GuardSession for Mysql {
    async fn try_lock(&mut self, look: &Look, run: &str) -> Result<Attempt, Fault> {
        let LockKey::Name(own) = &look.lock else {
            return Ok(Attempt::Locked);
        };
        let own = quote(DIALECT, own);
        let tools = match &look.tools_lock {
            Some(LockKey::Name(name)) => format!("GET_LOCK({}, 0)", quote(DIALECT, name)),
            _ => "1".to_owned(),
        };
        // The second only where we have the first: to have it for a moment would
        // send others away who poll as we do.
        let answer = self
            .rows(&format!(
                "/* {run} */ SELECT IF(GET_LOCK({own}, 0) = 1, \
                 IF({tools} = 1, 'locked', 'tools'), 'own')"
            ))
            .await?;
        let found = answer.rows.first().and_then(|row| row.first()?.as_deref());
        Ok(match found {
            Some("locked") => Attempt::Locked,
            Some("tools") => {
                self.rows(&format!("DO RELEASE_LOCK({own})")).await?;
                Attempt::Held(Lock::Tools)
            }
            _ => Attempt::Held(Lock::Own),
        })
    }

    async fn holder(&mut self, key: &LockKey) -> Result<Option<BlockingSession>, Fault> {
        let LockKey::Name(name) = key else {
            return Ok(None);
        };
        let answer = self
            .rows(&format!(
                "SELECT CAST(id AS CHAR), CAST(user AS CHAR), CAST(command AS CHAR), \
                 CAST(time AS CHAR), COALESCE(LEFT(info, 200), '') \
                 FROM information_schema.processlist WHERE id = IS_USED_LOCK({})",
                quote(DIALECT, name)
            ))
            .await?;
        Ok(answer.rows.first().and_then(|row| {
            let text = |at: usize| row.get(at)?.clone();
            Some(BlockingSession {
                process: text(0)?,
                application: text(1)?,
                // `Query`, `Sleep`: in the middle of a sentence.
                state: text(2)?.to_lowercase(),
                age: Duration::from_secs(text(3)?.parse().unwrap_or_default()),
                query: text(4)?,
            })
        }))
    }

    async fn cancel(&mut self, worker: &Handle, _run: &str) -> Result<(), Fault> {
        match worker {
            Handle::Connection(number) => {
                self.rows(&format!("KILL QUERY {number}")).await?;
            }
            Handle::Outside(outside) => {
                for number in self.at_work(outside).await? {
                    // It may have ended meanwhile.
                    let _ = self.rows(&format!("KILL QUERY {number}")).await;
                }
            }
            Handle::Flag(_) | Handle::Name => {}
        }
        Ok(())
    }

    /// What it waits for, if it does: the tables of locks need rights that a
    /// migrator has no other use for.
    async fn observe(&mut self, worker: &Handle, _run: &str) -> Result<Activity, Fault> {
        let number = match worker {
            Handle::Connection(number) => *number,
            Handle::Outside(outside) => match self.at_work(outside).await?.first() {
                Some(number) => *number,
                None => return Ok(Activity::default()),
            },
            Handle::Flag(_) | Handle::Name => return Ok(Activity::default()),
        };
        let answer = self
            .rows(&format!(
                "SELECT CAST(command AS CHAR), CAST(state AS CHAR) \
                 FROM information_schema.processlist WHERE id = {number}"
            ))
            .await?;
        let mut row = answer.rows.into_iter().next().unwrap_or_default();
        let state = row.pop().flatten();
        let command = row.pop().flatten();
        Ok(Activity {
            work: state
                .filter(|state| !state.is_empty() && state != "executing")
                .map(|phase| Work {
                    phase,
                    done: 0,
                    total: 0,
                }),
            is_at_work: matches!(worker, Handle::Outside(_))
                || command.is_some_and(|command| command != "Sleep"),
            ..Activity::default()
        })
    }

    fn number(&self) -> Option<u64> {
        Some(self.number)
    }

    /// Only if it is the one that has our lock: after a failover the number may be
    /// somebody else's.
    async fn end_lost(
        &mut self,
        number: Option<u64>,
        look: &Look,
        _run: &str,
    ) -> Result<(), Fault> {
        let (Some(number), LockKey::Name(own)) = (number, &look.lock) else {
            return Ok(());
        };
        let holder = self
            .rows(&format!(
                "SELECT 'it' FROM information_schema.processlist WHERE id = {number} \
                 AND id = IS_USED_LOCK({}) AND id <> CONNECTION_ID()",
                quote(DIALECT, own)
            ))
            .await?;
        if !holder.rows.is_empty() {
            self.rows(&format!("KILL CONNECTION {number}")).await?;
        }
        Ok(())
    }

    async fn release(&mut self) {
        // The locks are the session's: they go when the connection does, too.
        let _ = self.rows("DO RELEASE_ALL_LOCKS()").await;
    }
}

impl Mysql {
    /// The numbers of another program's connections that run something in this
    /// database: those that come from where we come from, by their ports. Behind a
    /// proxy another program's may seem to come from there, too.
    async fn at_work(&mut self, outside: &Outside) -> Result<Vec<u64>, Fault> {
        if outside.ports.is_empty() {
            return Ok(Vec::new());
        }
        let ports: Vec<_> = outside
            .ports
            .iter()
            .map(|port| format!("'{port}'"))
            .collect();
        let answer = self
            .rows(&format!(
                "SELECT CAST(p.id AS CHAR) FROM information_schema.processlist p \
                 WHERE p.command <> 'Sleep' AND p.db = DATABASE() AND SUBSTRING_INDEX(p.host, ':', -1) IN ({}) \
                 AND SUBSTRING_INDEX(p.host, ':', 1) = (SELECT SUBSTRING_INDEX(me.host, ':', 1) \
                 FROM information_schema.processlist me WHERE me.id = CONNECTION_ID())",
                ports.join(", ")
            ))
            .await?;
        let numbers = answer.rows.iter().flatten().flatten();
        Ok(numbers.filter_map(|number| number.parse().ok()).collect())
    }
}
