//! The URL of a server: PostgreSQL's, MySQL's or MariaDB's.

use super::parameters::Parameters;
use super::secrets::in_every_form;
use super::{DatabaseUrl, Server, Tls, UrlError, UrlFacts, decode};
use crate::sql::Dialect;
use std::borrow::Cow;
use url::Url;

impl DatabaseUrl {
    pub(super) fn of_server(dialect: Dialect, rest: &str) -> Result<Self, UrlError> {
        let scheme = match dialect {
            Dialect::Mysql => "mysql",
            Dialect::Postgres | Dialect::Sqlite => "postgres",
        };
        if has_several_hosts(rest) {
            return Err(UrlError::SeveralHosts);
        }
        let rest = with_host(rest);
        let mut url =
            Url::parse(&format!("{scheme}:{rest}")).map_err(|error| UrlError::Malformed {
                reason: error.to_string(),
            })?;
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let read = Parameters::read(dialect, &pairs)?;
        let names_database = !url.path().trim_start_matches('/').is_empty() || read.names_database;
        if dialect == Dialect::Mysql && !names_database {
            return Err(UrlError::NoDatabase);
        }
        let secrets: Vec<String> = url
            .password()
            .into_iter()
            .flat_map(|password| [password.to_owned(), decode(password)])
            .chain(read.secrets)
            .filter(|secret| !secret.is_empty())
            .collect();
        let secrets = in_every_form(&secrets);
        let server = Server {
            host: match (url.host_str(), &read.host) {
                (Some(host), _) if !host.is_empty() => host.to_owned(),
                (_, Some(host)) => host.clone(),
                (_, None) => String::new(),
            },
            port: url.port(),
            // Both databases prefer it where nothing is said.
            tls: read.tls.unwrap_or(Tls::Preferred),
        };
        let shown = shown(&url, read.host);
        url.set_query(None);
        if !read.driver.is_empty() {
            url.query_pairs_mut().extend_pairs(read.driver);
        }
        Ok(Self {
            dialect,
            driver: url.into(),
            shown,
            secrets,
            file: None,
            told: Box::new(UrlFacts {
                server: Some(server),
                python_driver: None,
                search_path: read.search_path,
                unused: read.unused,
            }),
            authority: None,
        })
    }
}

/// Whether the part of a URL that names the server names several.
fn has_several_hosts(rest: &str) -> bool {
    let authority = rest.trim_start_matches('/');
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit('@')
        .next()
        .is_some_and(|hosts| hosts.contains(','))
}

/// libpq's URL of a socket may have a user and no host, as Cloud SQL's has:
/// `//user:password@/database?host=/folder`. It is a host's to the reader of URLs.
fn with_host(rest: &str) -> Cow<'_, str> {
    let end = rest
        .strip_prefix("//")
        .and_then(|authority| authority.find('/'))
        .map(|at| at + "//".len());
    match end {
        Some(end) if rest[..end].ends_with('@') => {
            format!("{}localhost{}", &rest[..end], &rest[end..]).into()
        }
        _ => rest.into(),
    }
}

/// User, host, port and database: no password, no parameters.
fn shown(url: &Url, host: Option<String>) -> String {
    let user = match url.username() {
        "" => String::new(),
        user => format!("{user}@"),
    };
    // What the parameters say is where the driver goes.
    let host = host.unwrap_or_else(|| url.host_str().unwrap_or_default().to_owned());
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

    #[test]
    fn the_rest_of_a_password_is_no_name() {
        let url = DatabaseUrl::parse("postgres://h/d?pool=1&password=hush&hush2x").unwrap();
        assert_eq!(url.unused_parameters().len(), 2);
        assert_eq!(url.unused_parameters()[0], "pool");
        assert!(!url.unused_parameters()[1].contains("hush2x"));
    }

    #[test]
    fn a_socket_with_a_user_and_no_host_is_libpqs_form() {
        let url = DatabaseUrl::parse("postgres://u:p@/d?host=/cloudsql/a:b:c").unwrap();
        assert_eq!(url.to_string(), "postgres://u@/cloudsql/a:b:c/d");
        assert_eq!(
            url.for_driver(),
            "postgres://u:p@localhost/d?host=%2Fcloudsql%2Fa%3Ab%3Ac"
        );
    }
}
