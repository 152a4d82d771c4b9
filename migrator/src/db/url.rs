//! The database's URL: understood once, shown without its secrets for ever.

use crate::sql::Dialect;
use std::fmt;
use std::path::PathBuf;
use url::Url;

/// A database URL that a driver can use.
///
/// `Display` and `Debug` leave out the password and the parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    dialect: Dialect,
    /// What the driver reads.
    driver: String,
    /// What a person may see.
    shown: String,
    /// In every form in which they might come back in a message.
    secrets: Vec<String>,
    file: Option<DatabaseFile>,
    /// A certificate authority in PEM form, for the driver.
    authority: Option<String>,
}

/// `SQLite`'s database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFile {
    pub path: PathBuf,
    /// Whether the URL lets a missing file be created.
    pub may_create: bool,
}

/// Why a URL cannot be used. None of these holds any of its text but what can
/// be no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// The driver was left out when the program was compiled.
    DriverLeftOut {
        dialect: Dialect,
    },
    Empty,
    Malformed {
        reason: String,
    },
    /// `SQLite`'s own URL, as a path.
    FileForm,
    /// A database in memory ends with the process.
    InMemory,
    /// The mode trusts any host that the authority vouches for, and the driver
    /// trusts the public ones beside it: then any site on the internet would do.
    VerifyCa,
    /// `SQLite` has no such mode.
    Mode {
        mode: String,
    },
    /// The URL names no database.
    NoDatabase,
    UnknownScheme {
        scheme: Option<String>,
    },
    /// The platform left its own placeholder in place.
    Unresolved {
        placeholder: String,
    },
}

impl DatabaseUrl {
    /// Reads a URL in the forms of libpq, MySQL, SQLite and `SQLAlchemy`.
    ///
    /// # Errors
    /// Anything that no driver could use.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if let Some(placeholder) = placeholder(text) {
            return Err(UrlError::Unresolved { placeholder });
        }
        let (scheme, rest) = text
            .split_once(':')
            .filter(|(scheme, rest)| rest.starts_with("//") || *scheme == "sqlite")
            .ok_or(UrlError::UnknownScheme { scheme: None })?;
        let scheme = scheme.to_ascii_lowercase();
        // SQLAlchemy names its driver: postgresql+asyncpg, sqlite+aiosqlite.
        let (name, alchemy) = match scheme.split_once('+') {
            Some((name, _driver)) => (name, true),
            None => (scheme.as_str(), false),
        };
        let dialect = match name {
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" | "mariadb" => Dialect::Mysql,
            "sqlite" => Dialect::Sqlite,
            _ => {
                return Err(UrlError::UnknownScheme {
                    scheme: Some(scheme),
                });
            }
        };
        if !is_compiled_in(dialect) {
            return Err(UrlError::DriverLeftOut { dialect });
        }
        match dialect {
            Dialect::Sqlite => Self::sqlite(rest, alchemy),
            Dialect::Postgres | Dialect::Mysql => Self::server(dialect, rest),
        }
    }

    fn server(dialect: Dialect, rest: &str) -> Result<Self, UrlError> {
        let scheme = match dialect {
            Dialect::Mysql => "mysql",
            Dialect::Postgres | Dialect::Sqlite => "postgres",
        };
        let mut url =
            Url::parse(&format!("{scheme}:{rest}")).map_err(|error| UrlError::Malformed {
                reason: error.to_string(),
            })?;
        let mut parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (key, _) in &mut parameters {
            // asyncpg's name of libpq's parameter, as SQLAlchemy users write it.
            if dialect == Dialect::Postgres && key == "ssl" {
                "sslmode".clone_into(key);
            }
        }
        let parameter = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let mode = ["sslmode", "ssl-mode"].into_iter().find_map(parameter);
        if mode.is_some_and(|mode| {
            matches!(
                mode.to_ascii_lowercase().as_str(),
                "verify-ca" | "verify_ca"
            )
        }) {
            return Err(UrlError::VerifyCa);
        }
        let names_database =
            !url.path().trim_start_matches('/').is_empty() || parameter("dbname").is_some();
        if dialect == Dialect::Mysql && !names_database {
            return Err(UrlError::NoDatabase);
        }
        let mut secrets: Vec<String> = url
            .password()
            .into_iter()
            .flat_map(|password| [password.to_owned(), decode(password)])
            .chain(parameter("password"))
            .filter(|secret| !secret.is_empty())
            .collect();
        secrets.dedup();
        let shown = shown(&url, parameter("host").or_else(|| parameter("socket")));
        if !parameters.is_empty() {
            url.query_pairs_mut().clear().extend_pairs(parameters);
        }
        Ok(Self {
            dialect,
            driver: url.into(),
            shown,
            secrets,
            file: None,
            authority: None,
        })
    }

    fn sqlite(rest: &str, alchemy: bool) -> Result<Self, UrlError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        // For SQLAlchemy the third slash ends an empty host: ///a is relative.
        let path = if alchemy {
            path.strip_prefix('/').unwrap_or(path)
        } else {
            path
        };
        let name = decode(path);
        if name.is_empty() || name.contains(":memory:") || parameters.contains("mode=memory") {
            return Err(UrlError::InMemory);
        }
        if name.starts_with("file:") {
            return Err(UrlError::FileForm);
        }
        let mut pairs = parameters.split('&');
        let mode = pairs.find_map(|pair| pair.strip_prefix("mode="));
        if let Some(mode) = mode.filter(|mode| !matches!(*mode, "ro" | "rw" | "rwc")) {
            let mode = mode.to_owned();
            return Err(UrlError::Mode { mode });
        }
        Ok(Self {
            dialect: Dialect::Sqlite,
            driver: format!("sqlite:{path}?{parameters}"),
            shown: format!("sqlite:{path}"),
            secrets: Vec::new(),
            authority: None,
            file: Some(DatabaseFile {
                path: decode(path).into(),
                may_create: mode.is_none_or(|mode| mode == "rwc"),
            }),
        })
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The URL with its secrets, for the driver and nobody else.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(in crate::db) fn for_driver(&self) -> &str {
        &self.driver
    }

    /// The database's file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&DatabaseFile> {
        self.file.as_ref()
    }

    /// The same, with an authority to trust beside the public ones: a PEM text.
    #[must_use]
    pub fn trusting(self, authority: String) -> Self {
        Self {
            authority: Some(authority),
            ..self
        }
    }

    #[cfg(feature = "cli")]
    pub(in crate::db) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// A text from elsewhere, without the URL's secrets.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.shown)
    }
}

/// A text without the user names and passwords of the URLs in it.
#[must_use]
pub fn without_user_info(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(char::is_whitespace).unwrap_or(part.len());
        let host = part[..end].rfind('@').unwrap_or_default();
        clean.push_str("://");
        clean.push_str(&part[host..]);
    }
    clean
}

/// The first `${…}` of a text: what `DigitalOcean` leaves where it cannot bind.
fn placeholder(text: &str) -> Option<String> {
    let start = text.find("${")?;
    let length = text[start..].find('}')?;
    Some(text[start..=start + length].to_owned())
}

fn is_compiled_in(dialect: Dialect) -> bool {
    match dialect {
        Dialect::Postgres => cfg!(feature = "postgres"),
        Dialect::Mysql => cfg!(feature = "mysql"),
        Dialect::Sqlite => cfg!(feature = "sqlite"),
    }
}

/// User, host, port and database: no password, no parameters.
fn shown(url: &Url, host: Option<String>) -> String {
    let user = match url.username() {
        "" => String::new(),
        user => format!("{user}@"),
    };
    let host = match (url.host_str(), host) {
        (None | Some(""), Some(host)) => host,
        (Some(host), _) => host.to_owned(),
        (None, None) => String::new(),
    };
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{user}{host}{port}{}", url.scheme(), url.path())
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(all(test, feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod tests {
    use super::*;

    #[expect(clippy::unwrap_used, reason = "a test's")]
    fn parse(text: &str) -> DatabaseUrl {
        DatabaseUrl::parse(text).unwrap()
    }

    #[test]
    fn every_form_that_people_have_is_understood() {
        for (text, dialect, shown) in [
            (
                "postgres://u:p@h:1/d",
                Dialect::Postgres,
                "postgres://u@h:1/d",
            ),
            (
                "postgresql://h/d?sslmode=require",
                Dialect::Postgres,
                "postgres://h/d",
            ),
            (
                "postgresql+asyncpg://u:p@h/d",
                Dialect::Postgres,
                "postgres://u@h/d",
            ),
            (
                "postgres:///d?host=/run/pg",
                Dialect::Postgres,
                "postgres:///run/pg/d",
            ),
            (
                "mysql://u:p@h:25060/d?ssl-mode=REQUIRED",
                Dialect::Mysql,
                "mysql://u@h:25060/d",
            ),
            ("mariadb://h/d", Dialect::Mysql, "mysql://h/d"),
            ("sqlite:app.db", Dialect::Sqlite, "sqlite:app.db"),
            (
                "sqlite:///srv/app.db?mode=rwc",
                Dialect::Sqlite,
                "sqlite:/srv/app.db",
            ),
            (
                "sqlite+aiosqlite:///./app.db",
                Dialect::Sqlite,
                "sqlite:./app.db",
            ),
            (
                "sqlite+aiosqlite:////srv/app.db",
                Dialect::Sqlite,
                "sqlite:/srv/app.db",
            ),
        ] {
            let url = parse(text);
            assert_eq!(
                (url.dialect(), url.to_string().as_str()),
                (dialect, shown),
                "{text}"
            );
        }
    }

    #[test]
    fn asyncpgs_ssl_is_libpqs_sslmode() {
        let url = parse("postgresql+asyncpg://h/d?ssl=require&application_name=a");
        assert_eq!(
            url.for_driver(),
            "postgres://h/d?sslmode=require&application_name=a"
        );
    }

    #[test]
    fn secrets_are_in_no_form_of_it() {
        let url = parse("postgres://u:p%40ss@h/d?password=other");
        for text in [url.to_string(), format!("{url:?}")] {
            assert!(!text.contains("ss") && !text.contains("other"), "{text}");
        }
        assert_eq!(
            url.without_secrets("a p@ss, p%40ss and other"),
            "a ***, *** and ***"
        );
    }

    #[test]
    fn a_url_anywhere_in_a_text_loses_its_user() {
        for (text, clean) in [
            (
                "no 'postgres://u:p@w@h/d' here",
                "no 'postgres://@h/d' here",
            ),
            ("a://u:p@h b://c d@e", "a://@h b://c d@e"),
            ("://", "://"),
            ("nothing @ all", "nothing @ all"),
        ] {
            assert_eq!(without_user_info(text), clean);
        }
    }

    #[test]
    fn what_no_driver_could_use_is_told_apart() {
        for (text, error) in [
            ("", UrlError::Empty),
            ("  ", UrlError::Empty),
            (
                "${db.DATABASE_URL}",
                UrlError::Unresolved {
                    placeholder: "${db.DATABASE_URL}".into(),
                },
            ),
            (
                "postgres://u:${PW}@h/d",
                UrlError::Unresolved {
                    placeholder: "${PW}".into(),
                },
            ),
            ("hunter2", UrlError::UnknownScheme { scheme: None }),
            ("hunter2:x", UrlError::UnknownScheme { scheme: None }),
            (
                "mongodb://h/d",
                UrlError::UnknownScheme {
                    scheme: Some("mongodb".into()),
                },
            ),
            ("postgres://h/d?sslmode=verify-ca", UrlError::VerifyCa),
            ("mysql://h/d?ssl-mode=VERIFY_CA", UrlError::VerifyCa),
            ("mysql://h", UrlError::NoDatabase),
            ("sqlite::memory:", UrlError::InMemory),
            ("sqlite://", UrlError::InMemory),
            ("sqlite:%3Amemory%3A", UrlError::InMemory),
            ("sqlite:file::memory:?cache=shared", UrlError::InMemory),
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(error), "{text}");
        }
        assert!(matches!(
            DatabaseUrl::parse("postgres://u:a/b@h/d"),
            Err(UrlError::Malformed { .. })
        ));
    }

    #[test]
    fn a_sqlite_file_may_be_created_unless_the_url_forbids_it() {
        for (text, may) in [
            ("sqlite:a", true),
            ("sqlite:a?mode=rwc", true),
            ("sqlite:a?mode=rw", false),
        ] {
            assert_eq!(parse(text).file().unwrap().may_create, may, "{text}");
        }
    }
}
