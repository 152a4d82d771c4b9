//! Whether a pooler is between us and the server, which gives one of its
//! connections to several clients in turn. It does not say so itself; that two
//! sessions of ours that are both there are served by one process does.

use super::text;
use crate::db::fault::FaultKind;
use crate::db::health::Pooling;
use crate::db::postgres::Postgres;
use crate::db::url::DatabaseUrl;
use std::time::Duration;
use tokio::time::timeout;

/// How long a second session may take to be there.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);

/// How long a pool may take to find a second connection to the server.
const FOUND_WITHIN: Duration = Duration::from_secs(2);

impl Postgres {
    /// Nothing is known of a second session that cannot be had, and what takes its
    /// turns by sessions is as good as the server itself. After a pool without a
    /// second connection, this session is of no use any more.
    pub(super) async fn pooling(&mut self, url: &DatabaseUrl) -> Pooling {
        let second = timeout(CONNECTS_WITHIN, Self::connect(url)).await;
        let Ok(Ok(mut second)) = second else {
            return Pooling::None;
        };
        let first = self.process().await;
        let Ok(other) = timeout(FOUND_WITHIN, second.process()).await else {
            return Pooling::Starved;
        };
        // A pool may give its oldest or its newest; so neither order can keep two
        // apart for long.
        let again = timeout(FOUND_WITHIN, async {
            [second.process().await, self.process().await]
        });
        let (Some(a), Some(b), Ok([Some(c), Some(d)])) = (first, other, again.await) else {
            return Pooling::None;
        };
        if [&a, &d].iter().all(|pid| ![&b, &c].contains(pid)) {
            return Pooling::None;
        }
        if let Err(fault) = second.rows("BEGIN READ ONLY").await {
            return match fault.kind {
                FaultKind::Statement => Pooling::Transaction { alone: false },
                _ => Pooling::Statement,
            };
        }
        let found = timeout(FOUND_WITHIN, self.process()).await;
        second.roll_back().await;
        Pooling::Transaction {
            alone: found.is_err(),
        }
    }

    async fn process(&mut self) -> Option<String> {
        let answer = self.rows("SELECT pg_backend_pid()::text").await.ok()?;
        text(answer.rows.first()?, 0)
    }
}
