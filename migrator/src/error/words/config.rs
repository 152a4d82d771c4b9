//! The words about settings.

use super::one_line;
use crate::config::environment::Unknown;
use crate::config::{ConfigError, Origin};
use crate::db::url::{UrlError, without_user_info};
use crate::diagnostic::{Diagnostic, Place};
use crate::sql::Dialect;

fn one_for_several(origin: &Origin, databases: &[String]) -> Diagnostic {
    Diagnostic::error(
        "one_for_several",
        format!(
            "{origin} is for one database, and migrate.toml has {}: {}",
            databases.len(),
            databases.join(", ")
        ),
    )
    .help(
        "say it in each database's table of migrate.toml, or pick one with --database (a build \
             has them all)",
    )
}

fn addition_lost(label: &str, database: Option<&str>, known: &[String]) -> Diagnostic {
    let of = match (database, known) {
        (Some(name), []) => format!("is for the database `{name}`, and migrate.toml names none"),
        (Some(name), known) => format!(
            "is for the database `{name}`, and migrate.toml has only {}",
            known.join(", ")
        ),
        (None, known) => format!(
            "does not say which of the databases it is for: {}",
            known.join(", ")
        ),
    };
    Diagnostic::error(
        "code_without_database",
        format!("the migration {label} of the program {of}"),
    )
    .help("say .database(\"NAME\") before it, in the program's main function")
}

pub(super) fn config(error: &ConfigError) -> Diagnostic {
    match error {
        ConfigError::AdditionLost {
            label,
            database,
            known,
        } => addition_lost(label, *database, known),
        ConfigError::Authority { origin, problem } => {
            Diagnostic::error("bad_ca_certificate", format!("{origin} {problem}"))
                .at(origin.place(), "here")
                .help(
                    "give the certificate's text (-----BEGIN CERTIFICATE-----) or its file's path",
                )
        }
        ConfigError::BadValue {
            option,
            origin,
            value,
            takes,
        } => Diagnostic::error(
            "bad_setting",
            without_user_info(&format!(
                "{origin} says {value:?}, and {option} takes {takes}"
            )),
        )
        .help(format!("correct {origin}")),
        ConfigError::File {
            file,
            span,
            message,
            nearest,
        } => Diagnostic::error(
            "bad_configuration_file",
            without_user_info(&format!(
                "{} cannot be used: {}",
                file.path(),
                one_line(message)
            )),
        )
        .at(Some(Place::new(file, *span)), "here")
        .help(match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "correct it; docs/reference/configuration.md has every key".to_owned(),
        }),
        ConfigError::NoDatabaseUrl {
            variable,
            database,
            misspelt,
        } => no_database_url(variable, database.as_deref(), misspelt.as_deref()),
        ConfigError::NoFile { origin, path } => Diagnostic::error(
            "missing_configuration_file",
            format!("{origin} names {}, which does not exist", path.display()),
        )
        .help(format!("correct {origin}, or leave it out")),
        ConfigError::NoVersion { typed, why } => no_version(typed, why),
        ConfigError::NotUnicode { name } => Diagnostic::error(
            "not_unicode",
            format!("the variable {name} holds bytes that are not UTF-8 text"),
        )
        .help(format!("set {name} again, as plain text, or unset it")),
        ConfigError::OneForSeveral { origin, databases } => one_for_several(origin, databases),
        ConfigError::OnlyTyped { name, option } => Diagnostic::error(
            "only_typed",
            format!("{name} is set, and --{option} is no setting: it is for one run"),
        )
        .help(format!("unset {name}, and type --{option} behind the verb")),
        ConfigError::PickOne { databases } => Diagnostic::error(
            "one_for_several",
            format!(
                "this is for one database, and migrate.toml has {}: {}",
                databases.len(),
                databases.join(", ")
            ),
        )
        .help("pick one with --database"),
        ConfigError::TransactionAll { origin } => Diagnostic::error(
            "transaction_all_refused",
            format!(
                "{origin} asks for one transaction over all migrations, and on MySQL and MariaDB \
                 the statements of a schema commit by themselves"
            ),
        )
        .at(origin.place(), "here")
        .help("leave it at `each`"),
        ConfigError::UnknownDatabase {
            origin,
            name,
            known,
            nearest,
        } => unknown_database(origin, name, known, nearest.as_deref()),
        ConfigError::Url { origin, error } => url(origin, error).at(origin.place(), "here"),
    }
}

fn no_version(typed: &str, why: &str) -> Diagnostic {
    Diagnostic::error(
        "bad_version_typed",
        format!("invalid version {typed:?}: {why}"),
    )
    .help("run `migrate status` to list them")
}

/// A variable that begins like ours, and has no effect.
pub(in crate::error) fn unknown(variable: &Unknown) -> Diagnostic {
    let name = &variable.name;
    let warning = Diagnostic::warning(
        "unknown_variable",
        format!("the variable {name} is none of migrate's, and has no effect"),
    );
    match &variable.nearest {
        Some(nearest) => warning.help(format!("did you mean {nearest}?")),
        None => warning.help(format!(
            "unset it; `migrate --help` has every option that can be a variable, and {name} is none \
             of them"
        )),
    }
}

/// A parameter of the database's URL that has no effect.
pub(in crate::error) fn unused_parameter(origin: &Origin, name: &str) -> Diagnostic {
    Diagnostic::warning(
        "unused_url_parameter",
        format!("{origin} has the parameter {name}, which has no effect on migrate"),
    )
    .help("remove it, or see the parameters that have one in docs/reference/configuration.md")
}

/// A setting of a project of Alembic that it has its own way for.
pub(in crate::error) fn no_effect_on_alembic(origin: &Origin, instead: &str) -> Diagnostic {
    Diagnostic::warning(
        "no_effect_on_alembic",
        format!("{origin} has no effect on the migrations of Alembic"),
    )
    .help(instead)
}

fn no_database_url(variable: &str, database: Option<&str>, misspelt: Option<&str>) -> Diagnostic {
    let error = match database {
        None => Diagnostic::error(
            "no_database_url",
            format!("no database is named: {variable} is not set"),
        ),
        Some(name) => Diagnostic::error(
            "no_database_url",
            format!("the database {name} has no URL: {variable} is not set"),
        ),
    };
    match (misspelt, database) {
        (Some(misspelt), _) => error.help(format!(
            "{misspelt} is set, and is none of migrate's variables; did you mean \
             MIGRATE_DATABASE_URL?"
        )),
        (None, None) => error.help(format!(
            "set {variable} where this process runs (on DigitalOcean: an `envs` entry of the job, \
             scope RUN_TIME), or give --database-url"
        )),
        (None, Some(name)) => error.help(format!(
            "set {variable} where this process runs, or name the variable that holds it: \
             `url-env` in [database.{name}] of migrate.toml"
        )),
    }
}

fn unknown_database(
    origin: &Origin,
    name: &str,
    known: &[String],
    nearest: Option<&str>,
) -> Diagnostic {
    let have = match known {
        [] => "migrate.toml has no table [database.NAME]".to_owned(),
        known => format!("migrate.toml has {}", known.join(", ")),
    };
    let error = Diagnostic::error(
        "unknown_database",
        without_user_info(&format!("{origin} names {name:?}, and {have}")),
    );
    match nearest {
        _ if name.contains("://") => error.help("a URL is given with --database-url"),
        Some(nearest) => error.help(format!("did you mean `{nearest}`?")),
        None => error.help(format!("correct {origin}, or leave it out")),
    }
}

fn url(origin: &Origin, error: &UrlError) -> Diagnostic {
    let forms = "use postgres://, mysql://, mariadb:// or sqlite:, as in \
                 postgres://user:password@host:5432/database";
    match error {
        UrlError::DriverLeftOut { dialect } => Diagnostic::error(
            "driver_left_out",
            format!(
                "{origin} names a {} database, and this migrator was built without it",
                server(*dialect)
            ),
        )
        .help("add it to BP_MIGRATE_DATABASES (or the features of cnb-migrate) and build again"),
        UrlError::Empty => Diagnostic::error("empty_database_url", format!("{origin} is empty"))
            .help(
                "set it to the database's URL; a platform leaves it empty where a binding or a \
                 secret has no value",
            ),
        UrlError::FileForm => Diagnostic::error(
            "bad_database_url",
            format!("{origin} has SQLite's own form file:, which migrate does not understand"),
        )
        .help("write the path alone, as in sqlite:app.db or sqlite:/srv/app.db"),
        UrlError::InMemory => Diagnostic::error(
            "database_in_memory",
            format!("{origin} names a SQLite database in memory, which ends with this process"),
        )
        .help("name a file, as in sqlite:app.db"),
        UrlError::Malformed { reason } => {
            Diagnostic::error("bad_database_url", format!("{origin} is no URL: {reason}")).help(
                "percent-encode what is special in the user name and the password: / is %2F, @ is \
             %40, # is %23, ? is %3F, : is %3A, % is %25",
            )
        }
        UrlError::Mode { mode } => Diagnostic::error(
            "bad_database_url",
            format!("{origin} says mode={mode}, which SQLite does not know"),
        )
        .help("mode is one of ro, rw or rwc; without it, `migrate up` creates a missing file"),
        UrlError::NoDatabase => Diagnostic::error(
            "no_database_name",
            format!("{origin} names no database after the host"),
        )
        .help("add it, as in mysql://user:password@host:3306/database"),
        UrlError::Parameter { name, value, next } => Diagnostic::error(
            "bad_database_url",
            match value {
                Some(value) => format!("{origin} says {name}={value}, which migrate cannot obey"),
                None => format!("{origin} has the parameter {name}, which migrate cannot obey"),
            },
        )
        .help((*next).to_owned()),
        UrlError::SeveralHosts => Diagnostic::error(
            "bad_database_url",
            format!("{origin} names several servers, and migrate connects to one"),
        )
        .help(
            "name the one server that takes writes (the primary), or an address that leads to it",
        ),
        UrlError::VerifyCa => Diagnostic::error(
            "verify_ca_refused",
            format!(
                "{origin} asks for a certificate of any host (verify-ca), which migrate refuses"
            ),
        )
        .note(
            "the public authorities are trusted beside yours, so that any site's certificate \
             would do",
        )
        .help(
            "check the host, too (sslmode=verify-full, for MySQL ssl-mode=VERIFY_IDENTITY), or \
             encrypt without checking (sslmode=require, ssl-mode=REQUIRED)",
        ),
        UrlError::UnknownScheme { scheme: None } => Diagnostic::error(
            "bad_database_url",
            format!("{origin} is no database URL: it has no scheme"),
        )
        .help(forms),
        UrlError::UnknownScheme {
            scheme: Some(scheme),
        } => Diagnostic::error(
            "unknown_scheme",
            format!("{origin} begins with {scheme}://, which migrate does not know"),
        )
        .help(if scheme.starts_with(['"', '\'']) {
            "remove the quotes around it: they became part of the value"
        } else if scheme.contains('=') {
            "give the URL alone, without a variable's name before it"
        } else {
            forms
        }),
        UrlError::Unresolved { placeholder } => Diagnostic::error(
            "unresolved_variable",
            format!("{origin} holds {placeholder}, which the platform has not filled in"),
        )
        .help(
            "check the name before the dot: it must be that of a database in the same app spec \
             (on DigitalOcean, `databases: - name: db` for ${db.DATABASE_URL}), attached to this \
             component",
        ),
    }
}

fn server(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "PostgreSQL",
        Dialect::Mysql => "MySQL or MariaDB",
        Dialect::Sqlite => "SQLite",
    }
}
