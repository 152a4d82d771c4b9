//! The way to the server: whether it is encrypted, what is on it, whether there is
//! room for a run, and whether both ends agree on the time.

use super::{Facts, name, said};
use crate::db::health::{Clock, Health, Line, Of, Own, Pooling, Room};
use crate::diagnostic::Diagnostic;
use crate::doctor::see;
use crate::sql::Dialect;
use std::net::IpAddr;
use std::time::Duration;

/// How far two clocks may be apart. A machine that keeps time at all is well
/// below it.
const CLOCKS_AGREE_WITHIN: Duration = Duration::from_secs(10);

/// How many connections an application's run needs that has two of its own.
const ENOUGH: u64 = 5;

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let health = facts.health;
    [
        pooler(facts),
        unencrypted(facts.dialect, &health.line),
        no_room(facts.dialect, health),
        health
            .clock
            .and_then(|clock| wrong_clock(facts.dialect, clock)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn pooler(facts: &Facts<'_>) -> Option<Diagnostic> {
    let Own::Postgres(own) = &facts.health.own else {
        return None;
    };
    let fix = "give migrate the database's own address (DATABASE_URL of its job alone, or \
         MIGRATE_DATABASE_URL); the application keeps the pool's. On DigitalOcean use port 25060 \
         in place of the pool's 25061";
    let see = see::PGBOUNCER;
    let title = "the URL leads through a pooler that changes connections after each transaction";
    let found = match own.pooling {
        Pooling::None => return None,
        Pooling::Statement => Diagnostic::error(
            "statement_pooling",
            "the URL leads through a pooler that changes connections after each statement",
        )
        .because(
            "it has no transactions: a migration that fails would stay half applied, and a run \
             cannot hold its lock",
            see,
        ),
        Pooling::Starved => starved(
            facts,
            "the URL leads through a pooler that has only one connection to the server",
        ),
        Pooling::Transaction { alone: true } => starved(facts, title),
        Pooling::Transaction { alone: false } => Diagnostic::warning("pooled_url", title).because(
            "a run takes two of the pool's connections for as long as it lasts; the pooler's own \
             timeouts end it, whatever --deadline and --lock-timeout say; and outside of a \
             transaction each statement of a file may have another session, so a SET does not \
             apply to the next",
            see,
        ),
    };
    Some(found.help(fix))
}

fn starved(facts: &Facts<'_>, title: &str) -> Diagnostic {
    let why = "it has no second connection to the server: while a run holds its lock, its own \
               statements and the application wait until the pooler gives up; then the run \
               continues without the lock";
    match facts.alone() {
        Some(file) => Diagnostic::error("pooled_url", title).because(
            format!(
                "{why}, and {}, which is not a transaction, is refused without the lock",
                file.file.path()
            ),
            see::PGBOUNCER,
        ),
        None => Diagnostic::warning("pooled_url", title).because(why, see::PGBOUNCER),
    }
}

/// Within a private network, and on the machine itself, it is nobody's business.
fn unencrypted(dialect: Dialect, line: &Line) -> Option<Diagnostic> {
    let far = line.ends.iter().find(|end| is_public(**end))?;
    if line.encrypted != Some(false) {
        return None;
    }
    let (see, mode) = match dialect {
        Dialect::Mysql => (see::MYSQL_TLS, "ssl-mode=REQUIRED"),
        Dialect::Postgres | Dialect::Sqlite => (see::LIBPQ_TLS, "sslmode=require"),
    };
    Some(
        Diagnostic::warning(
            "unencrypted",
            format!("the connection is not encrypted, and {far} is not a private address"),
        )
        .because(
            "anybody on the network path can read and change what is sent, including the data",
            see,
        )
        .help(format!(
            "add {mode} to the URL; if you have the server's CA certificate, set DATABASE_CA_CERT \
             to it and verify the server (sslmode=verify-full, for MySQL ssl-mode=VERIFY_IDENTITY)"
        )),
    )
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            // Between a provider's customers: RFC 6598.
            let is_shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || is_shared)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(v4.into()),
            None => {
                !(v6.is_loopback()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.is_unspecified())
            }
        },
    }
}

/// A run needs two: one that holds its lock, and one that works.
fn no_room(dialect: Dialect, health: &Health) -> Option<Diagnostic> {
    let mut full = health.rooms.iter().filter(|room| room.used >= room.limit);
    // Whose limit is the narrowest is the one to raise.
    let room = full.clone().find(|room| room.of != Of::Server);
    let room = room.or_else(|| full.next())?;
    let Room { of, limit, used } = *room;
    let whose = match of {
        Of::Database => format!("the database {}", health.database),
        Of::Server => "the server".to_owned(),
        Of::User => format!("the user {}", health.user),
    };
    let (see, correction) = raise(dialect, health, of);
    let found = Diagnostic::error(
        "no_connection_left",
        format!("{whose} has no second connection: {used} of {limit} are taken, this one included"),
    )
    .because(
        "a run needs two, one that holds its lock and one that works; without the second it waits \
         for --wait and exits with 4",
        see,
    )
    .help(match of {
        Of::Server => {
            "close some: unused sessions, or the pools of the application in each of its \
             instances; or use a larger plan"
        }
        Of::Database | Of::User => {
            "as an administrator, raise the limit (the number is an example: as many as the \
             application needs, plus two), or close some"
        }
    });
    Some(match correction {
        Some(sql) => found.correction(sql),
        None => found,
    })
}

/// The statement that raises a limit, where one does.
fn raise(dialect: Dialect, health: &Health, of: Of) -> (&'static str, Option<String>) {
    let user = &health.user;
    let database = name(dialect, &health.database);
    match (dialect, of) {
        (Dialect::Mysql, Of::User) => (
            see::MYSQL_USER_LIMITS,
            Some(format!(
                "ALTER USER {} WITH MAX_USER_CONNECTIONS {ENOUGH};",
                super::rights::account(user)
            )),
        ),
        (Dialect::Mysql, _) => (see::MYSQL_CONNECTIONS, None),
        (_, Of::User) => (
            see::ALTER_ROLE,
            Some(format!(
                "ALTER ROLE {} CONNECTION LIMIT {ENOUGH};",
                name(dialect, user)
            )),
        ),
        (_, Of::Database) => (
            see::ALTER_DATABASE,
            Some(format!(
                "ALTER DATABASE {database} CONNECTION LIMIT {ENOUGH};"
            )),
        ),
        (_, Of::Server) => (see::MAX_CONNECTIONS, None),
    }
}

/// The server's time was read somewhere between our two: only what is outside of
/// both is a difference.
fn wrong_clock(dialect: Dialect, clock: Clock) -> Option<Diagnostic> {
    let Clock {
        before,
        server,
        after,
    } = clock;
    let (apart, how) = match before.checked_sub(server) {
        Some(behind) if !behind.is_zero() => (behind, "behind"),
        _ => (server.saturating_sub(after), "ahead of"),
    };
    let see = match dialect {
        Dialect::Mysql => see::MYSQL_TIME,
        Dialect::Postgres | Dialect::Sqlite => see::CURRENT_TIME,
    };
    (apart > CLOCKS_AGREE_WITHIN).then(|| {
        Diagnostic::warning(
            "wrong_clock",
            format!("the server's clock is {} {how} this machine's", said(apart)),
        )
        .because(
            "one of them is wrong: certificates may seem expired or not yet valid, and the times \
             in the history, which are the server's, do not match other logs",
            see,
        )
        .help("synchronize the wrong one with NTP")
    })
}
