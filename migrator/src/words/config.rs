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
            "{origin} is for one database, but migrate.toml has {}: {}",
            databases.len(),
            databases.join(", ")
        ),
    )
    .help(
        "set it in each database's table of migrate.toml, or choose one with --database (a build \
         has all of them)",
    )
}

fn addition_lost(label: &str, database: Option<&str>, known: &[String]) -> Diagnostic {
    let of = match (database, known) {
        (Some(name), []) => format!("is for the database `{name}`, but migrate.toml names none"),
        (Some(name), known) => format!(
            "is for the database `{name}`, but migrate.toml has only {}",
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
    .help("call .database(\"NAME\") before it, in the program's main function")
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
                .help("use PEM text (-----BEGIN CERTIFICATE-----) or the path of a file with it")
        }
        ConfigError::BadValue {
            option,
            origin,
            value,
            takes,
        } => Diagnostic::error(
            "bad_setting",
            without_user_info(&format!(
                "{origin} has the invalid value {value:?}: {option} expects {takes}"
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
                "{} is invalid: {}",
                file.path(),
                one_line(message)
            )),
        )
        .at(Some(Place::new(file, *span)), "here")
        .help(match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "correct it; docs/reference/configuration.md lists every key".to_owned(),
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
        .help(format!("correct {origin}, or remove it")),
        ConfigError::NoVersion { typed, why } => no_version(typed, why),
        ConfigError::NotUnicode { name } => Diagnostic::error(
            "not_unicode",
            format!("the variable {name} is not valid UTF-8"),
        )
        .help(format!("set {name} again, as plain text, or unset it")),
        ConfigError::OneForSeveral { origin, databases } => one_for_several(origin, databases),
        ConfigError::OnlyTyped { name, option } => Diagnostic::error(
            "only_typed",
            format!(
                "{name} is set, but --{option} is only for the command line: it is for one run"
            ),
        )
        .help(format!(
            "unset {name}, and put --{option} after the command"
        )),
        ConfigError::PickOne { databases } => Diagnostic::error(
            "one_for_several",
            format!(
                "this is for one database, but migrate.toml has {}: {}",
                databases.len(),
                databases.join(", ")
            ),
        )
        .help("choose one with --database"),
        ConfigError::TransactionAll { origin } => Diagnostic::error(
            "transaction_all_refused",
            format!(
                "{origin} asks for one transaction for all migrations, but MySQL and MariaDB \
                 commit at every statement that changes the schema"
            ),
        )
        .at(origin.place(), "here")
        .help("use `each`"),
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
pub(crate) fn unknown(variable: &Unknown) -> Diagnostic {
    let name = &variable.name;
    let warning = Diagnostic::warning(
        "unknown_variable",
        format!("the variable {name} is unknown to migrate, and has no effect"),
    );
    match &variable.nearest {
        Some(nearest) => warning.help(format!("did you mean {nearest}?")),
        None => warning.help(format!(
            "unset it; `migrate --help` lists every option that can be a variable, and {name} is \
             not one of them"
        )),
    }
}

/// A parameter of the database's URL that has no effect.
pub(crate) fn unused_parameter(origin: &Origin, name: &str) -> Diagnostic {
    Diagnostic::warning(
        "unused_url_parameter",
        format!("{origin} has the parameter {name}, which has no effect on migrate"),
    )
    .help("remove it; docs/reference/configuration.md lists the parameters that have an effect")
}

/// A setting of a project of Alembic that it has its own way for.
pub(crate) fn no_effect_on_alembic(origin: &Origin, instead: &str) -> Diagnostic {
    Diagnostic::warning(
        "no_effect_on_alembic",
        format!("{origin} has no effect on Alembic migrations"),
    )
    .help(instead)
}

fn no_database_url(variable: &str, database: Option<&str>, misspelt: Option<&str>) -> Diagnostic {
    let error = match database {
        None => Diagnostic::error(
            "no_database_url",
            format!("no database URL: {variable} is not set"),
        ),
        Some(name) => Diagnostic::error(
            "no_database_url",
            format!("the database {name} has no URL: {variable} is not set"),
        ),
    };
    match (misspelt, database) {
        (Some(misspelt), _) => error.help(format!(
            "{misspelt} is set, but is unknown to migrate; did you mean MIGRATE_DATABASE_URL?"
        )),
        (None, None) => error.help(format!(
            "set {variable} where this process runs (on DigitalOcean: an `envs` entry of the job, \
             scope RUN_TIME), or use --database-url"
        )),
        (None, Some(name)) => error.help(format!(
            "set {variable} where this process runs, or set the name of the variable that contains \
             it: `url-env` in [database.{name}] of migrate.toml"
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
        without_user_info(&format!("{origin} names {name:?}, but {have}")),
    );
    match nearest {
        _ if name.contains("://") => error.help("for a URL, use --database-url"),
        Some(nearest) => error.help(format!("did you mean `{nearest}`?")),
        None => error.help(format!("correct {origin}, or remove it")),
    }
}

fn url(origin: &Origin, error: &UrlError) -> Diagnostic {
    let forms = "use postgres://, mysql://, mariadb:// or sqlite:, as in \
                 postgres://user:password@host:5432/database";
    match error {
        UrlError::DriverLeftOut { dialect } => Diagnostic::error(
            "driver_left_out",
            format!(
                "{origin} names a {} database, but this migrator was built without its driver",
                server(*dialect)
            ),
        )
        .help("add it to BP_MIGRATE_DATABASES (or the features of cnb-migrate) and build again"),
        UrlError::Empty => Diagnostic::error("empty_database_url", format!("{origin} is empty"))
            .help(
                "set it to the database's URL; a platform leaves it empty if a binding or a secret \
                 has no value",
            ),
        UrlError::FileForm => Diagnostic::error(
            "bad_database_url",
            format!("{origin} uses SQLite's form file:, which migrate does not support"),
        )
        .help("write only the path, as in sqlite:app.db or sqlite:/srv/app.db"),
        UrlError::InMemory => Diagnostic::error(
            "database_in_memory",
            format!("{origin} names a SQLite database in memory, which ends with this process"),
        )
        .help("use a file, as in sqlite:app.db"),
        UrlError::Malformed { reason } => Diagnostic::error(
            "bad_database_url",
            format!("{origin} is not a valid URL: {reason}"),
        )
        .help(
            "percent-encode special characters in the user name and the password: / is %2F, @ \
                 is %40, # is %23, ? is %3F, : is %3A, % is %25",
        ),
        UrlError::Mode { mode } => Diagnostic::error(
            "bad_database_url",
            format!("{origin} has mode={mode}, which SQLite does not know"),
        )
        .help("mode is one of ro, rw or rwc; without it, `migrate up` creates a missing file"),
        UrlError::NoDatabase => Diagnostic::error(
            "no_database_name",
            format!("{origin} has no database name after the host"),
        )
        .help("add it, as in mysql://user:password@host:3306/database"),
        UrlError::Parameter { name, value, next } => Diagnostic::error(
            "bad_database_url",
            match value {
                Some(value) => format!("{origin} has {name}={value}, which migrate cannot use"),
                None => format!("{origin} has the parameter {name}, which migrate cannot use"),
            },
        )
        .help((*next).to_owned()),
        UrlError::SeveralHosts => Diagnostic::error(
            "bad_database_url",
            format!("{origin} names several servers, but migrate connects to only one"),
        )
        .help(
            "use the one server that accepts writes (the primary), or an address that leads to it",
        ),
        UrlError::VerifyCa => Diagnostic::error(
            "verify_ca_refused",
            format!("{origin} accepts a certificate of any host (verify-ca), which is refused"),
        )
        .note(
            "the public CAs are trusted in addition to yours, so the certificate of any website \
             would be accepted",
        )
        .help(
            "also check the host (sslmode=verify-full, for MySQL ssl-mode=VERIFY_IDENTITY), or \
             encrypt without verifying (sslmode=require, ssl-mode=REQUIRED)",
        ),
        UrlError::UnknownScheme { scheme: None } => Diagnostic::error(
            "bad_database_url",
            format!("{origin} is not a database URL: it has no scheme"),
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
            "use only the URL, without a variable's name before it"
        } else {
            forms
        }),
        UrlError::Unresolved { placeholder } => Diagnostic::error(
            "unresolved_variable",
            format!("{origin} contains {placeholder}, which the platform has not replaced"),
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
