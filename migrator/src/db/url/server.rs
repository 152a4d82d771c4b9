//! The URL of a server: PostgreSQL's, MySQL's or MariaDB's.

use super::{DatabaseUrl, Server, Tls, Told, UrlError, decode};
use crate::sql::Dialect;
use url::Url;

impl DatabaseUrl {
    pub(super) fn of_server(dialect: Dialect, rest: &str) -> Result<Self, UrlError> {
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
        let socket = parameter("host").or_else(|| parameter("socket"));
        let mode = ["sslmode", "ssl-mode"].into_iter().find_map(parameter);
        let server = Server {
            host: match (url.host_str(), &socket) {
                (Some(host), _) if !host.is_empty() => host.to_owned(),
                (_, Some(host)) => host.clone(),
                (_, None) => String::new(),
            },
            port: url.port(),
            tls: Tls::named(mode.as_deref()),
        };
        let shown = shown(&url, socket);
        if !parameters.is_empty() {
            url.query_pairs_mut().clear().extend_pairs(parameters);
        }
        Ok(Self {
            dialect,
            driver: url.into(),
            shown,
            secrets,
            file: None,
            told: Box::new(Told {
                server: Some(server),
                python_driver: None,
            }),
            authority: None,
        })
    }
}

impl Tls {
    /// By the mode of a URL, of either database; both prefer it where none is named.
    fn named(mode: Option<&str>) -> Self {
        let mode = mode.map(|mode| mode.to_ascii_lowercase().replace('_', "-"));
        match mode.as_deref() {
            Some("allow" | "disable" | "disabled") => Self::Off,
            Some("require" | "required") => Self::Required,
            Some("verify-full" | "verify-identity") => Self::Verified,
            _ => Self::Preferred,
        }
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

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn asyncpgs_ssl_is_libpqs_sslmode() {
        let url =
            DatabaseUrl::parse("postgresql+asyncpg://h/d?ssl=require&application_name=a").unwrap();
        assert_eq!(
            url.for_driver(),
            "postgres://h/d?sslmode=require&application_name=a"
        );
    }
}
