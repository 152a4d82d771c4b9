//! What this user may do: make tables, write the history, and change what is
//! there. Each finding has the statement that gives the right.

use super::{Facts, name};
use crate::db::health::{Health, Mysql, Named, Own, Postgres, Schema, Table};
use crate::diagnostic::Diagnostic;
use crate::doctor::see;
use crate::sql::{self, Dialect, Name};

/// Without these a run cannot even keep its history.
const OF_A_RUN: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE"];

/// What hardly any migration does without.
const OF_MIGRATIONS: [&str; 2] = ["ALTER", "INDEX"];

/// How many tables are named.
const MOST_NAMED: usize = 3;

pub(super) fn judge(facts: &Facts<'_>) -> Vec<Diagnostic> {
    match &facts.health.own {
        Own::Mysql(own) => mysql(facts.health, own).into_iter().collect(),
        // A standby's rights are those of its primary.
        Own::Postgres(own) if !own.is_standby => postgres(facts, own),
        Own::Postgres(_) | Own::Sqlite(_) | Own::Unknown => Vec::new(),
    }
}

fn postgres(facts: &Facts<'_>, own: &Postgres) -> Vec<Diagnostic> {
    let user = quoted(&facts.health.user);
    let mut found = Vec::new();
    let current = own.search_path.current.as_deref();
    found.extend(not_the_first(own, current, &user));
    if current.is_none() {
        found.extend(no_schema(own, &user));
    }
    found.extend(own.search_path.missing.as_deref().map(|name| {
        Diagnostic::error(
            "no_schema",
            format!("the history should be in the schema {name}, which does not exist"),
        )
        .because(
            "its table cannot be created without the schema",
            see::SEARCH_PATH,
        )
        .help("create the schema, as the database's owner, or correct --table:")
        .correction(format!(
            "CREATE SCHEMA {} AUTHORIZATION {user};",
            quoted(name)
        ))
    }));
    // Of the history's own schema nothing more is wanted once the history is there.
    let is_made_in =
        |schema: &&Schema| current == Some(schema.name.as_str()) || own.kept.is_empty();
    let made_in = own.schemas.iter().filter(is_made_in);
    found.extend(
        made_in
            .filter(|schema| !(schema.usable && schema.may_create))
            .map(|schema| may_not_create(facts.health, schema, &user)),
    );
    found.extend(not_owner(facts, own, &user).or_else(|| not_written(own, &user)));
    found
}

/// Nothing of the search path is there.
fn no_schema(own: &Postgres, user: &str) -> Option<Diagnostic> {
    // The history's name may have its schema, and so may everything else.
    if !own.kept.is_empty() {
        return None;
    }
    let named = own.search_path.named.first();
    let found = Diagnostic::error(
        "no_schema",
        match named {
            Some(Named {
                name, exists: true, ..
            }) => format!("this user may not use the schema {name} of its search_path"),
            Some(Named { name, .. }) => {
                format!("the search_path names the schema {name}, which does not exist")
            }
            None => "the search_path names no schema that exists".to_owned(),
        },
    )
    .because(
        "a table without a schema in its name is created in the first schema of the search_path \
         that exists; if none does, every CREATE TABLE fails",
        see::SEARCH_PATH,
    );
    Some(match named {
        Some(Named {
            name, exists: true, ..
        }) => found
            .help("as the schema's owner:")
            .correction(format!("GRANT USAGE, CREATE ON SCHEMA {} TO {user};", quoted(name))),
        Some(Named { name, .. }) => found
            .help("create the schema, as the database's owner, or correct the search_path of the URL, the user or the database:")
            .correction(format!("CREATE SCHEMA {} AUTHORIZATION {user};", quoted(name))),
        None => found
            .help("set a search_path:")
            .correction(format!("ALTER ROLE {user} SET search_path = public;")),
    })
}

/// What comes before the schema that is used was meant to be.
fn not_the_first(own: &Postgres, current: Option<&str>, user: &str) -> Vec<Diagnostic> {
    let Some(current) = current else {
        return Vec::new();
    };
    let path = &own.search_path.named;
    let before = path.iter().take_while(|named| named.name != current);
    let before: Vec<&Named> = before.collect();
    // The user's own schema, which nobody has to name, is none of them.
    if before.len() == path.len() {
        return Vec::new();
    }
    let finding = |named: &&Named| {
        let schema = quoted(&named.name);
        let found = Diagnostic::warning(
            "schema_passed_over",
            format!(
                "the search_path names the schema {} before {current}, and {}",
                named.name,
                if named.exists {
                    "this user may not use it"
                } else {
                    "it does not exist"
                }
            ),
        )
        .because(
            format!(
                "this is silent: tables and the history itself go to {current}; once the other \
                 schema can be used, the history is no longer found"
            ),
            see::SEARCH_PATH,
        );
        if named.exists {
            found
                .help("as the schema's owner, or remove it from the search_path:")
                .correction(format!("GRANT USAGE, CREATE ON SCHEMA {schema} TO {user};"))
        } else {
            found
                .help("create it before the first run, or remove it from the search_path:")
                .correction(format!("CREATE SCHEMA {schema} AUTHORIZATION {user};"))
        }
    };
    before.iter().map(finding).collect()
}

fn may_not_create(health: &Health, schema: &Schema, user: &str) -> Diagnostic {
    let is_closed = health.product.is_some_and(|(_, major, _)| major >= 15);
    let since = match schema.name.as_str() {
        "public" if is_closed => {
            "since PostgreSQL 15 only the database's owner may create tables in it by default; "
        }
        _ => "",
    };
    Diagnostic::error(
        "may_not_create",
        format!(
            "the user {user} may not create tables in the schema {}",
            schema.name
        ),
    )
    .because(
        format!("{since}the history, and every table of a migration, is created there"),
        see::SCHEMA_RIGHTS,
    )
    .help(format!("as the schema's owner, {}:", schema.owner))
    .correction(format!(
        "GRANT USAGE, CREATE ON SCHEMA {} TO {user};",
        quoted(&schema.name)
    ))
}

/// What is to be changed belongs to somebody else; or the history does, so that
/// what was made until now does, too.
fn not_owner(facts: &Facts<'_>, own: &Postgres, user: &str) -> Option<Diagnostic> {
    let path = &own.search_path;
    let is_meant = |table: &&Table, meant: &Name| {
        let is_found = match &meant.schema {
            Some(schema) => *schema == table.schema,
            None => {
                path.current.as_ref() == Some(&table.schema)
                    || path.named.iter().any(|named| named.name == table.schema)
            }
        };
        is_found && meant.table == table.name
    };
    let statements = facts.pending.iter().flat_map(|pending| {
        let statements = pending.statements.iter();
        statements.map(|statement| pending.file.slice(statement.span))
    });
    let changed: Vec<Name> = statements
        .filter_map(|text| sql::needs_owner_of(text, facts.dialect))
        .collect();
    let touched: Vec<&Table> = own
        .foreign
        .iter()
        .filter(|table| changed.iter().any(|meant| is_meant(table, meant)))
        .collect();
    let history = own.kept.first().filter(|history| !history.is_ours);
    let lacks = history.is_some_and(|history| !history.lacks.is_empty());
    let tables = match (touched.is_empty(), history) {
        (false, _) => touched.clone(),
        (true, Some(history)) => vec![history],
        (true, None) => return None,
    };
    let title = format!(
        "{} {} to {}, not to {user}",
        listed(&tables),
        if tables.len() == 1 {
            "belongs"
        } else {
            "belong"
        },
        owners(&tables).join(" and ")
    );
    let (found, why) = if touched.is_empty() && !lacks {
        (
            Diagnostic::warning("not_owner", title),
            "another user has run the migrations until now: only the owner of a table may ALTER or \
             DROP it, and the existing tables belong to that user",
        )
    } else if touched.is_empty() {
        (
            Diagnostic::error("not_owner", title),
            "another user has run the migrations until now: this user may not write the history, \
             nor ALTER or DROP the existing tables",
        )
    } else {
        (
            Diagnostic::error("not_owner", title),
            "a pending migration changes it, and only its owner may ALTER or DROP a table or create \
             an index on it",
        )
    };
    let found = found.because(why, see::PRIVILEGES);
    if tables.iter().any(|table| table.of_superuser) {
        // To act for a superuser is to be one.
        let owners = owners(&tables);
        let theirs = own
            .foreign
            .iter()
            .filter(|table| owners.contains(&table.owner.as_str()));
        let given = theirs.map(|table| {
            format!(
                "ALTER TABLE {}.{} OWNER TO {user};",
                quoted(&table.schema),
                quoted(&table.name)
            )
        });
        return Some(
            found
                .help("run migrate as the owner; or as the owner, give the tables to this user:")
                .correction(given.collect::<Vec<_>>().join("\n")),
        );
    }
    let grants = owners(&tables)
        .into_iter()
        .map(|owner| format!("GRANT {} TO {user};", quoted(owner)));
    Some(
        found
            .help(
                "run migrate as the owner; or as an administrator, let this user act for the owner \
                 (it then also has the owner's other rights):",
            )
            .correction(grants.collect::<Vec<_>>().join("\n")),
    )
}

/// The tables of a run's own are there, and may not be written.
fn not_written(own: &Postgres, user: &str) -> Option<Diagnostic> {
    let lacking: Vec<&Table> = own
        .kept
        .iter()
        .filter(|table| !table.lacks.is_empty())
        .collect();
    let first = lacking.first()?;
    let title = format!(
        "the user {user} lacks {} on {}",
        first.lacks.join(", "),
        listed(&lacking)
    );
    let is_history = own.kept.first() == Some(*first);
    let found = if is_history {
        Diagnostic::error("may_not_write_history", title)
    } else {
        Diagnostic::warning("may_not_write_history", title)
    };
    let grants = lacking.iter().map(|table| {
        format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON {}.{} TO {user};",
            quoted(&table.schema),
            quoted(&table.name)
        )
    });
    Some(
        found
            .because(
                if is_history {
                    "each migration is recorded in the history in its own transaction: without the \
                     record it is rolled back"
                } else {
                    "runs are recorded there, and what is applied statement by statement; without \
                     these rights neither `status` nor `down --unconfirmed` knows of them"
                },
                see::PRIVILEGES,
            )
            .help(format!("as the owner, {}:", first.owner))
            .correction(grants.collect::<Vec<_>>().join("\n")),
    )
}

fn mysql(health: &Health, own: &Mysql) -> Option<Diagnostic> {
    let rights = own.rights.as_ref()?;
    let lacks = |right: &&str| !rights.iter().any(|has| has == right);
    let of_a_run: Vec<&str> = OF_A_RUN.into_iter().filter(lacks).collect();
    let of_migrations = OF_MIGRATIONS.into_iter().filter(lacks);
    let lacking: Vec<&str> = of_a_run.iter().copied().chain(of_migrations).collect();
    if lacking.is_empty() {
        return None;
    }
    let account = account(&health.user);
    let lacking = lacking.join(", ");
    let title = format!(
        "the user {account} lacks {lacking} on the database {}",
        health.database
    );
    let found = if of_a_run.is_empty() {
        Diagnostic::warning("may_not_create", title)
            .because("almost every migration needs it", see::MYSQL_PRIVILEGES)
    } else {
        Diagnostic::error("may_not_create", title).because(
            "a run creates the history if it is missing, and records every migration in it",
            see::MYSQL_PRIVILEGES,
        )
    };
    Some(found.help("as an administrator:").correction(format!(
        "GRANT {lacking} ON {}.* TO {account};",
        name(Dialect::Mysql, &health.database)
    )))
}

/// An account as SQL has it: `'user'@'host'`.
pub(super) fn account(user: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match user.rsplit_once('@') {
        Some((user, host)) => format!("{}@{}", quoted(user), quoted(host)),
        None => quoted(user),
    }
}

fn quoted(text: &str) -> String {
    name(Dialect::Postgres, text)
}

fn owners<'a>(tables: &[&'a Table]) -> Vec<&'a str> {
    let mut owners: Vec<&str> = tables.iter().map(|table| table.owner.as_str()).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

fn listed(tables: &[&Table]) -> String {
    let names: Vec<String> = tables
        .iter()
        .take(MOST_NAMED)
        .map(|table| format!("{}.{}", table.schema, table.name))
        .collect();
    match tables.len().saturating_sub(MOST_NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
