//! The database's URL: understood once, shown without its secrets for ever.

mod parameters;
mod secrets;
mod server;
mod sqlite;

use crate::sql::Dialect;
use std::fmt;
use std::path::{Path, PathBuf};

pub use secrets::without_user_info;

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
    told: Box<UrlFacts>,
    /// A certificate authority in PEM form, for the driver.
    authority: Option<String>,
}

/// What a URL tells beside what a driver of ours needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct UrlFacts {
    server: Option<Server>,
    /// The driver that `SQLAlchemy` is to take, which is none of ours.
    python_driver: Option<String>,
    /// PostgreSQL's `search_path`, where a parameter says where names go.
    search_path: Option<String>,
    /// The names of the parameters that have no effect.
    unused: Vec<String>,
}

/// Where a URL leads, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name, an address, or a socket's folder.
    pub host: String,
    /// Where it is not the usual one.
    pub port: Option<u16>,
    pub tls: Tls,
}

/// How far a connection is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Off,
    /// Where the server offers it.
    Preferred,
    /// Encrypted, with whoever answers.
    Required,
    /// Encrypted, with the server that was meant.
    Verified,
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
    /// A parameter that cannot be obeyed; a value only where it is no secret.
    Parameter {
        name: String,
        value: Option<String>,
        next: &'static str,
    },
    /// One URL of several servers.
    SeveralHosts,
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
            Some((name, driver)) => (name, Some(driver)),
            None => (scheme.as_str(), None),
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
        let mut url = match dialect {
            Dialect::Sqlite => Self::sqlite(rest, alchemy.is_some()),
            Dialect::Postgres | Dialect::Mysql => Self::of_server(dialect, rest),
        }?;
        url.told.python_driver = alchemy.map(str::to_owned);
        Ok(url)
    }

    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The URL with its secrets, for the driver and nobody else.
    #[must_use]
    pub(in crate::db) fn for_driver(&self) -> &str {
        &self.driver
    }

    /// The database's file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&DatabaseFile> {
        self.file.as_ref()
    }

    /// Whether there may be a database: of SQLite, its file.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.file.as_ref().is_none_or(|file| file.path.exists())
    }

    /// Whether it is a file that is missing, and that `up` creates.
    #[must_use]
    pub fn is_to_be_created(&self) -> bool {
        !self.is_there() && self.file.as_ref().is_some_and(|file| file.may_create)
    }

    /// The same, as it is meant by who works in another folder: only a relative
    /// path of a SQLite file is another one there.
    #[must_use]
    pub fn seen_from(self, folder: &Path) -> Self {
        match &self.file {
            Some(file) if file.path.is_relative() && folder != Path::new(".") => {
                // Without the dots that mean nothing.
                let path: PathBuf = folder.join(&file.path).components().collect();
                let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
                let encoded = sqlite::encode(&path);
                let parameters = self.driver.split_once('?').map_or("", |(_, it)| it);
                Self {
                    driver: format!("sqlite:{encoded}?{parameters}"),
                    shown: format!("sqlite:{}", path.display()),
                    file: Some(DatabaseFile {
                        path,
                        may_create: file.may_create,
                    }),
                    ..self
                }
            }
            _ => self,
        }
    }

    /// Where it leads, where that is no file.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        self.told.server.as_ref()
    }

    /// The driver that the URL names for `SQLAlchemy`, as in `postgresql+asyncpg`.
    #[must_use]
    pub fn python_driver(&self) -> Option<&str> {
        self.told.python_driver.as_deref()
    }

    /// The `search_path` that a parameter asks for.
    #[cfg(feature = "postgres")]
    pub(in crate::db) fn search_path(&self) -> Option<&str> {
        self.told.search_path.as_deref()
    }

    /// The names of the parameters that have no effect.
    #[must_use]
    pub fn unused_parameters(&self) -> &[String] {
        &self.told.unused
    }

    /// The same, with an authority to trust beside the public ones: a PEM text.
    #[must_use]
    pub fn trusting(self, authority: String) -> Self {
        Self {
            authority: Some(authority),
            ..self
        }
    }

    pub(crate) fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
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

/// An IPv6 address without the brackets that it has in a URL.
#[cfg(all(feature = "cli", any(feature = "postgres", feature = "mysql")))]
pub(in crate::db) fn without_brackets(host: &str) -> Option<String> {
    let address = host.strip_prefix('[')?.strip_suffix(']')?;
    Some(address.to_owned())
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
}
