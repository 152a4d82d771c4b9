//! Words for settings, the database's URL above all.

use super::one_line;
use crate::config::ConfigError;
use crate::db::url::UrlError;
use crate::diagnostic::{Diagnostic, Place};
use crate::sql::Dialect;
use crate::text::SourceFile;
use std::sync::Arc;

pub(super) fn config(error: &ConfigError) -> Diagnostic {
    match error {
        ConfigError::Authority { origin, problem } => {
            Diagnostic::error("bad_ca_certificate", format!("{origin} {problem}")).help(
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
            format!("{origin} says {value:?}, and {option} takes {takes}"),
        )
        .help(format!("correct {origin}")),
        ConfigError::File {
            file,
            span,
            message,
        } => Diagnostic::error(
            "bad_configuration_file",
            format!("{} cannot be used: {}", file.path(), one_line(message)),
        )
        .at(Some(Place::new(&masked(file), *span)), "here")
        .help("correct or remove it; its keys are those of `migrate --help`"),
        ConfigError::NoDatabaseUrl => Diagnostic::error(
            "no_database_url",
            "no database is named: DATABASE_URL is not set",
        )
        .help(
            "set DATABASE_URL where this process runs (on DigitalOcean: an `envs` entry of \
                     the job, scope RUN_TIME), or give --database-url",
        ),
        ConfigError::Url { origin, error } => url(&origin.to_string(), error),
    }
}

fn url(origin: &str, error: &UrlError) -> Diagnostic {
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

/// The same file, place by place, without what may be a database's URL: the
/// lines beside an error are shown, too.
fn masked(file: &Arc<SourceFile>) -> Arc<SourceFile> {
    let mask = |line: &str| -> String {
        let start = match line.find("://") {
            _ if line.trim_start().starts_with("database-url") => line.find('='),
            Some(at) => Some(line[..at].find('=').unwrap_or_default()),
            None => None,
        };
        let Some(start) = start else {
            return line.to_owned();
        };
        let hidden = |c: char| if c.is_whitespace() { c } else { '*' };
        // As many bytes as before, or the place would be another.
        let rest = line[start..]
            .chars()
            .flat_map(|c| std::iter::repeat_n(if c == '=' { c } else { hidden(c) }, c.len_utf8()));
        line[..start].chars().chain(rest).collect()
    };
    let text: String = file.text().split_inclusive('\n').map(mask).collect();
    Arc::new(SourceFile::new(file.path(), text))
}

fn server(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "PostgreSQL",
        Dialect::Mysql => "MySQL or MariaDB",
        Dialect::Sqlite => "SQLite",
    }
}
