//! What MySQL and MariaDB tell of their own state, to any user. A question that a
//! server refuses leaves its fact unknown.

use super::{DIALECT, Mysql};
use crate::db::fault::{Fault, FaultKind};
use crate::db::health::{self, Clock, Health, Line, Of, Own, Product, ReadOnly, Room};
use crate::db::{BlockingSession, GuardSession, Lock, Look};
use crate::history::ledger::quote;
use crate::history::table::{LockKey, Row};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Settings that decide something, under the names of both servers.
const SETTINGS: [&str; 10] = [
    "innodb_force_primary_key",
    "innodb_read_only",
    "max_connections",
    "max_user_connections",
    "read_only",
    "sql_generate_invisible_primary_key",
    "sql_require_primary_key",
    "super_read_only",
    "transaction_read_only",
    "tx_read_only",
];

/// Rights by which an administrator writes where `read_only` is on.
const EXEMPT: [&str; 3] = ["CONNECTION_ADMIN", "READ_ONLY ADMIN", "SUPER"];

/// The account as the tables of rights have it: `'user'@'host'`.
const GRANTEE: &str = "CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) \
    - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', \
    SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')";

impl Mysql {
    /// All that an examination wants to know. `look` is what was read of the
    /// history, if it could be read.
    pub(in crate::db) async fn health(&mut self, look: Option<&Look>) -> Result<Health, Fault> {
        let mut health = Health::default();
        self.session(&mut health).await?;
        let settings = self.settings().await?;
        let (rights, has_roles) = self.rights().await?;
        let set = |name: &str| {
            let found = settings.iter().find(|(setting, _)| setting == name);
            found.map(|(_, value)| value.as_str())
        };
        let is_on = |name: &&str| matches!(set(name), Some("1" | "ON"));
        let is_exempt = rights.iter().any(|right| EXEMPT.contains(&right.as_str()));
        let no_exemption = ["super_read_only", "innodb_read_only"].into_iter();
        let own = health::Mysql {
            read_only: no_exemption
                .chain(["transaction_read_only", "tx_read_only"])
                .find(is_on)
                .map(|setting| ReadOnly {
                    setting,
                    is_exempt: false,
                })
                .or_else(|| {
                    is_on(&"read_only").then_some(ReadOnly {
                        setting: "read_only",
                        // What a role may do is not told.
                        is_exempt: is_exempt || has_roles,
                    })
                }),
            wants_key: ["sql_require_primary_key", "innodb_force_primary_key"]
                .into_iter()
                .find(is_on)
                .filter(|_| !is_on(&"sql_generate_invisible_primary_key")),
            rights: (!has_roles).then_some(rights),
        };
        health.rooms = self.rooms(set).await?;
        health.open = self.open().await?;
        if let Some(look) = look {
            health.held = Some(self.held(look).await?);
        }
        health.own = Own::Mysql(own);
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

    async fn session(&mut self, health: &mut Health) -> Result<(), Fault> {
        let before = now();
        let rows = self
            .ask(
                "SELECT CAST(ROUND(UNIX_TIMESTAMP(SYSDATE(6)) * 1000) AS CHAR), \
                 CAST(CURRENT_USER() AS CHAR), CAST(DATABASE() AS CHAR), CAST(VERSION() AS CHAR), \
                 CAST(SUBSTRING_INDEX(USER(), '@', -1) AS CHAR)",
            )
            .await?;
        let after = now();
        let Some(row) = rows.first() else {
            return Ok(());
        };
        let server = text(row, 0).and_then(|time| time.parse().ok());
        health.clock = server.map(|server| Clock {
            before,
            server: Duration::from_millis(server),
            after,
        });
        health.user = text(row, 1).unwrap_or_default();
        health.database = text(row, 2).unwrap_or_default();
        health.product = text(row, 3).as_deref().and_then(product);
        let cipher = self.ask("SHOW SESSION STATUS LIKE 'Ssl_cipher'").await?;
        health.line = Line {
            encrypted: cipher
                .first()
                .and_then(|row| text(row, 1))
                .map(|cipher| !cipher.is_empty()),
            // A name, where the server looks names up, says nothing of the way.
            ends: text(row, 4)
                .and_then(|host| host.parse().ok())
                .into_iter()
                .collect(),
        };
        Ok(())
    }

    async fn settings(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let names = SETTINGS.map(|name| quote(DIALECT, name)).join(", ");
        let rows = self
            .ask(&format!("SHOW VARIABLES WHERE Variable_name IN ({names})"))
            .await?;
        let setting = |row: &Row| Some((text(row, 0)?.to_lowercase(), text(row, 1)?));
        Ok(rows.iter().filter_map(setting).collect())
    }

    /// What this user may do in this database, and whether a role of its may do
    /// more. A database is granted by a pattern.
    async fn rights(&mut self) -> Result<(Vec<String>, bool), Fault> {
        let rows = self
            .ask(&format!(
                "SELECT CAST(privilege_type AS CHAR) FROM information_schema.user_privileges \
                 WHERE grantee = {GRANTEE} \
                 UNION SELECT CAST(privilege_type AS CHAR) FROM information_schema.schema_privileges \
                 WHERE grantee = {GRANTEE} AND DATABASE() LIKE table_schema"
            ))
            .await?;
        let roles = self.ask("SELECT CAST(CURRENT_ROLE() AS CHAR)").await?;
        let role = roles.first().and_then(|row| text(row, 0));
        let has_roles = role.is_some_and(|role| !role.is_empty() && role != "NONE");
        let rights: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
        // Who has no right at all would not be here.
        let is_told = !rights.is_empty();
        Ok((rights, has_roles || !is_told))
    }

    /// The session's own value of `max_user_connections` is its account's. Of
    /// another user's connections an ordinary one is told nothing, but of its own.
    async fn rooms<'a>(
        &mut self,
        set: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Vec<Room>, Fault> {
        let limit = |name: &str| set(name).and_then(|value| value.parse::<u64>().ok());
        let threads = self
            .ask("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
            .await?;
        let own = self
            .ask(
                "SELECT '', CAST(COUNT(*) AS CHAR) FROM information_schema.processlist \
                 WHERE user = LEFT(USER(), CHAR_LENGTH(USER()) \
                 - CHAR_LENGTH(SUBSTRING_INDEX(USER(), '@', -1)) - 1)",
            )
            .await?;
        let room = |of: Of, limit: Option<u64>, rows: &[Row]| {
            Some(Room {
                of,
                limit: limit.filter(|limit| *limit > 0)?,
                used: text(rows.first()?, 1)?.parse().ok()?,
            })
        };
        Ok([
            room(Of::Server, limit("max_connections"), &threads),
            room(Of::User, limit("max_user_connections"), &own),
        ]
        .into_iter()
        .flatten()
        .collect())
    }

    /// Who has a lock of a run. Our own runs hold both: that is told once. The
    /// holder itself may be hidden.
    async fn held(&mut self, look: &Look) -> Result<Vec<(Lock, BlockingSession)>, Fault> {
        let mut held: Vec<(Lock, BlockingSession)> = Vec::new();
        let keys = [
            (Lock::Own, Some(&look.lock)),
            (Lock::Tools, look.tools_lock.as_ref()),
        ];
        for (lock, key) in keys {
            let Some(key @ LockKey::Name(name)) = key else {
                continue;
            };
            let used = format!(
                "SELECT CAST(IS_USED_LOCK({}) AS CHAR)",
                quote(DIALECT, name)
            );
            let used = self.ask(&used).await?;
            let Some(process) = used.first().and_then(|row| text(row, 0)) else {
                continue;
            };
            if held.iter().any(|(_, other)| other.process == process) {
                continue;
            }
            let holder = self.holder(key).await?.unwrap_or(BlockingSession {
                process,
                application: String::new(),
                state: String::new(),
                age: Duration::ZERO,
                query: String::new(),
            });
            held.push((lock, holder));
        }
        Ok(held)
    }

    /// An ordinary user may not ask it.
    async fn open(&mut self) -> Result<Vec<BlockingSession>, Fault> {
        let rows = self
            .ask(
                "SELECT CAST(t.trx_mysql_thread_id AS CHAR), CAST(p.user AS CHAR), \
                 CAST(p.command AS CHAR), \
                 CAST(TIMESTAMPDIFF(SECOND, t.trx_started, SYSDATE()) AS CHAR) \
                 FROM information_schema.innodb_trx t \
                 JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
                 WHERE p.db = DATABASE() AND p.id <> CONNECTION_ID() \
                 ORDER BY t.trx_started LIMIT 5",
            )
            .await?;
        let blocker = |row: &Row| {
            Some(BlockingSession {
                process: text(row, 0)?,
                application: text(row, 1)?,
                state: text(row, 2)?.to_lowercase(),
                age: Duration::from_secs(text(row, 3)?.parse().ok()?),
                query: String::new(),
            })
        };
        Ok(rows.iter().filter_map(blocker).collect())
    }
}

fn product(version: &str) -> Option<(Product, u32, u32)> {
    // `5.5.5-10.4.12-MariaDB` is how an old client is told of a new server.
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let product = if version.contains("MariaDB") {
        Product::Mariadb
    } else {
        Product::Mysql
    };
    let mut numbers = version.split(['.', '-']);
    let mut number = || numbers.next()?.parse().ok();
    Some((product, number()?, number()?))
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn text(row: &Row, at: usize) -> Option<String> {
    row.get(at)?.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_are_known_by_their_versions() {
        for (version, product, major, minor) in [
            ("8.0.33", Product::Mysql, 8, 0),
            ("5.7.44-log", Product::Mysql, 5, 7),
            ("10.11.19-MariaDB-0+deb12u1", Product::Mariadb, 10, 11),
            ("5.5.5-10.4.12-MariaDB", Product::Mariadb, 10, 4),
        ] {
            assert_eq!(super::product(version), Some((product, major, minor)));
        }
    }
}
