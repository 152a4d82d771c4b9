//! What a server is and how it is set: whether it can be written at all, and
//! whether it is one that this program knows.

use super::{Facts, PendingScript, name, said};
use crate::db::health::{Health, Mysql, Own, Postgres, Product, ReadOnly, Setting, Sqlite};
use crate::diagnostic::{Diagnostic, Place};
use crate::doctor::see;
use crate::sql::{self, Dialect};
use std::time::Duration;

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(old_server(facts.health));
    match &facts.health.own {
        Own::Mysql(own) => {
            found.extend(mysql_read_only(own));
            found.extend(wants_key(facts, own));
        }
        Own::Postgres(own) => {
            found.extend(postgres_read_only(facts.health, own));
            found.extend(timeouts(facts, own));
        }
        Own::Sqlite(own) => found.extend(sqlite(own)),
        Own::Unknown => {}
    }
    found
}

/// Below these nobody mends the server any more, and no test of this program's
/// has run on it.
fn old_server(health: &Health) -> Option<Diagnostic> {
    let (product, major, minor) = health.product?;
    let (what, oldest, see) = match product {
        Product::Mariadb => ("MariaDB", (10, 6), see::MARIADB_VERSIONS),
        Product::Mysql => ("MySQL", (8, 0), see::MYSQL_VERSIONS),
        Product::Postgres => ("PostgreSQL", (13, 0), see::POSTGRES_VERSIONS),
    };
    ((major, minor) < oldest).then(|| {
        let number = |(major, minor): (u32, u32)| match product {
            Product::Postgres => major.to_string(),
            Product::Mariadb | Product::Mysql => format!("{major}.{minor}"),
        };
        Diagnostic::warning(
            "old_server",
            format!("the server is {what} {}", number((major, minor))),
        )
        .because(
            format!(
                "it is no longer supported by its makers, and this program is not tested with \
                 anything older than {what} {}",
                number(oldest)
            ),
            see,
        )
        .help("upgrade to a supported version")
    })
}

fn postgres_read_only(health: &Health, own: &Postgres) -> Option<Diagnostic> {
    if own.is_standby {
        return Some(
            Diagnostic::error("standby", "the URL leads to a standby, which is read-only")
                .because(
                    "a standby follows its primary, and refuses every change",
                    see::STANDBY,
                )
                .help("use the primary's address in the URL"),
        );
    }
    let setting = setting(own, "default_transaction_read_only")?;
    Some(
        Diagnostic::error(
            "read_only",
            format!(
                "default_transaction_read_only is on, set for {}",
                whom(setting)
            ),
        )
        .because(
            "every transaction begins as read-only; some providers set it if a disk is nearly full",
            see::READ_ONLY,
        )
        .help("find out why it was set, and reset it")
        .correction(reset(health, setting)),
    )
}

/// A run sets the timeouts of what it sends, but for the lock timeout of what is
/// run outside of a transaction, which is the session's; and a transaction that
/// holds the lock lasts as long as the run.
fn timeouts(facts: &Facts<'_>, own: &Postgres) -> Vec<Diagnostic> {
    let deadline = facts.limits.deadline;
    let short = |name: &str| {
        let setting = setting(own, name)?;
        let time = Duration::from_millis(setting.value.parse().ok()?);
        (time < deadline).then_some((setting, time))
    };
    let mut alone = facts.pending.iter().filter(|pending| !pending.transaction);
    let alone = alone.find(|pending| !sets(pending, "lock_timeout"));
    let of_a_lock = short("lock_timeout")
        .zip(alone)
        .map(|((setting, time), file)| {
            let path = file.file.path();
            Diagnostic::warning(
            "short_timeout",
            format!("lock_timeout is {}, set for {}", said(time), whom(setting)),
        )
        .because(
            format!(
                "{path} is run outside of a transaction, where this setting applies: CREATE INDEX \
                 CONCURRENTLY waits for every open transaction, and if one lasts longer than that, \
                 the index is discarded and begun again, until --deadline"
            ),
            see::LOCK_TIMEOUT,
        )
        .help(format!(
            "turn it off with a first statement in {path}; it is restored at the end of the file:"
        ))
        .correction("SET lock_timeout = 0;")
        });
    let of_a_transaction = short("transaction_timeout").map(|(setting, time)| {
        Diagnostic::warning(
            "short_timeout",
            format!(
                "transaction_timeout is {}, set for {}, and --deadline is {}",
                said(time),
                whom(setting),
                said(deadline)
            ),
        )
        .because(
            "the server ends the session of a transaction that lasts longer: the session of a \
             migration, and the session that holds the run's lock",
            see::TRANSACTION_TIMEOUT,
        )
        .help("turn it off for the user that runs the migrations:")
        .correction(format!(
            "ALTER ROLE {} SET transaction_timeout = 0;",
            name(Dialect::Postgres, &facts.health.user)
        ))
    });
    of_a_lock.into_iter().chain(of_a_transaction).collect()
}

/// Whether a file has a statement of its own for a timeout.
fn sets(pending: &PendingScript, timeout: &str) -> bool {
    pending.statements.iter().any(|statement| {
        let text = pending.file.slice(statement.span).to_lowercase();
        text.starts_with("set ") && text.contains(timeout)
    })
}

fn setting<'a>(own: &'a Postgres, name: &str) -> Option<&'a Setting> {
    own.settings.iter().find(|setting| setting.name == name)
}

/// For whom a setting was made.
fn whom(setting: &Setting) -> &'static str {
    match setting.source.as_str() {
        "client" => "this connection, by the URL",
        "database" => "the database",
        "database user" => "this user in this database",
        "user" => "this user",
        _ => "the server",
    }
}

/// The statement that takes a setting back where it was made.
fn reset(health: &Health, setting: &Setting) -> String {
    let user = name(Dialect::Postgres, &health.user);
    let database = name(Dialect::Postgres, &health.database);
    let name = &setting.name;
    match setting.source.as_str() {
        "database" => format!("ALTER DATABASE {database} RESET {name};"),
        "database user" => format!("ALTER ROLE {user} IN DATABASE {database} RESET {name};"),
        "user" => format!("ALTER ROLE {user} RESET {name};"),
        _ => format!("ALTER ROLE {user} SET {name} = off;"),
    }
}

fn mysql_read_only(own: &Mysql) -> Option<Diagnostic> {
    let ReadOnly { setting, is_exempt } = own.read_only?;
    if is_exempt {
        return None;
    }
    let found = Diagnostic::error(
        "read_only",
        format!("{setting} is on: the server is read-only"),
    )
    .because(
        "it is on for replicas, and some providers set it if a disk is nearly full",
        see::MYSQL_READ_ONLY,
    )
    .help("use the primary's address in the URL; or find out why it was set, and reset it");
    Some(match setting {
        // It is read when the server starts.
        "innodb_read_only" => found,
        // This one ends the other, too.
        "super_read_only" => found.correction("SET GLOBAL read_only = OFF;"),
        setting => found.correction(format!("SET GLOBAL {setting} = OFF;")),
    })
}

/// Only what is to be made: what is there without a key was made before.
fn wants_key(facts: &Facts<'_>, own: &Mysql) -> Vec<Diagnostic> {
    let Some(setting) = own.wants_key else {
        return Vec::new();
    };
    let see = match setting {
        "innodb_force_primary_key" => see::MARIADB_KEYS,
        _ => see::MYSQL_KEYS,
    };
    let mut found = Vec::new();
    for pending in facts.pending {
        for statement in &pending.statements {
            if sql::lacks_key(pending.file.slice(statement.span), facts.dialect) {
                found.push(
                    Diagnostic::error(
                        "needs_primary_key",
                        format!("this table has no primary key, and {setting} is on"),
                    )
                    .at(
                        Some(Place::new(&pending.file, statement.span)),
                        "this server refuses it",
                    )
                    .because(
                        "the server requires a primary key in every table, because a replica uses \
                         it to find each changed row",
                        see,
                    )
                    .help("add a primary key to this statement"),
                );
            }
        }
    }
    found
}

fn sqlite(own: &Sqlite) -> Option<Diagnostic> {
    let path = own.path.display();
    if own.opened_to_read {
        return Some(
            Diagnostic::error("read_only", format!("the URL opens {path} read-only"))
                .because(
                    "mode=ro and immutable do not allow writing",
                    see::SQLITE_URI,
                )
                .help("remove mode=ro and immutable from the URL"),
        );
    }
    if let Some(error) = &own.file {
        return Some(
            Diagnostic::error("read_only", format!("{path} cannot be written: {error}"))
                .because("a migration changes the file", see::SQLITE_READ_ONLY)
                .help(
                    "allow the user of this process to write to it; if the file system is \
                     read-only, put the file on another one",
                ),
        );
    }
    let error = own.beside.as_ref()?;
    let folder = own.folder.display();
    Some(
        Diagnostic::error(
            "read_only",
            format!("no file can be created in {folder}, where the database is: {error}"),
        )
        .because(
            "while the database is changed, SQLite keeps its journal beside it, and this program \
             its lock file",
            see::SQLITE_JOURNAL,
        )
        .help(if own.exists {
            "allow the user of this process to write to the folder, not only to the file"
        } else {
            "create the folder, and allow the user of this process to write to it"
        }),
    )
}
