//! The parameters of a server's URL, in the spelling of whatever driver or platform
//! wrote them, for the driver that there is. What is not obeyed is told by name.

use super::{Tls, UrlError};
use crate::sql::Dialect;

/// What the parameters of a URL come to.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// In the driver's own spelling.
    pub(super) driver: Vec<(String, String)>,
    /// Those that have no effect, as they are written.
    pub(super) unknown: Vec<String>,
    /// What they ask for; `None` where they say nothing.
    pub(super) tls: Option<Tls>,
    pub(super) socket: Option<String>,
    pub(super) user: Option<String>,
    pub(super) secrets: Vec<String>,
    pub(super) names_database: bool,
}

impl Parameters {
    /// Reads them in order.
    ///
    /// # Errors
    /// One about TLS that cannot be obeyed, or that contradicts another.
    pub(super) fn read(
        dialect: Dialect,
        pairs: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, UrlError> {
        let mut read = Self::default();
        let mut asks = Asks::default();
        let mut schema = None;
        for (key, value) in pairs {
            // `sslMode`, `ssl-mode` and `ssl_mode` are one.
            let name: String = key
                .chars()
                .filter(|c| !matches!(c, '-' | '_'))
                .collect::<String>()
                .to_ascii_lowercase();
            if matches!(name.as_str(), "password" | "sslpassword" | "passphrase") {
                read.secrets.push(value.clone());
            }
            if asks.takes(dialect, &key, &name, &value)? {
                continue;
            }
            if dialect == Dialect::Postgres
                && let Some(path) = search_path(&name, &value)
            {
                schema = Some(path);
                continue;
            }
            // A migrator writes: it wants no other server.
            let is_usual = name == "targetsessionattrs"
                && matches!(value.as_str(), "any" | "primary" | "read-write");
            if is_usual {
                continue;
            }
            match read.spelling(dialect, &key, &name, &value) {
                Some(spelling) => read.driver.push((spelling, value)),
                None => read.unknown.push(key),
            }
        }
        if let Some(path) = schema {
            // A setting of the session's start outlives every RESET.
            let escaped = path.replace('\\', "\\\\").replace(' ', "\\ ");
            read.driver
                .push(("options".to_owned(), format!("-c search_path={escaped}")));
        }
        read.tls = asks.tls(dialect)?;
        if let Some(authority) = asks.authority {
            let name = match dialect {
                Dialect::Mysql => "ssl-ca",
                Dialect::Postgres | Dialect::Sqlite => "sslrootcert",
            };
            read.driver.push((name.to_owned(), authority));
        }
        if let Some(tls) = read.tls {
            let (name, mode) = mode(dialect, tls);
            read.driver.push((name.to_owned(), mode.to_owned()));
        }
        Ok(read)
    }

    /// The driver's name of a parameter; `None` where it has none.
    fn spelling(&mut self, dialect: Dialect, key: &str, name: &str, value: &str) -> Option<String> {
        let spelling = match (dialect, name) {
            (_, "sslcert") => "sslcert",
            (_, "sslkey") => "sslkey",
            (_, "statementcachecapacity") => "statement-cache-capacity",
            (Dialect::Postgres, "host") => {
                self.socket = Some(value.to_owned());
                "host"
            }
            (Dialect::Postgres, "hostaddr") => "hostaddr",
            (Dialect::Postgres, "port") => "port",
            (Dialect::Postgres, "dbname") => {
                self.names_database = true;
                "dbname"
            }
            (Dialect::Postgres, "user") => {
                self.user = Some(value.to_owned());
                "user"
            }
            (Dialect::Postgres, "password") => "password",
            (Dialect::Postgres, "applicationname") => "application_name",
            (Dialect::Postgres, "options") => "options",
            (Dialect::Postgres, _) if key.starts_with("options[") => key,
            (Dialect::Mysql, "charset") => "charset",
            (Dialect::Mysql, "collation") => "collation",
            (Dialect::Mysql, "timezone") => "timezone",
            (Dialect::Mysql, "socket" | "unixsocket" | "socketpath" | "localsocket") => {
                self.socket = Some(value.to_owned());
                "socket"
            }
            (Dialect::Mysql, "host") if value.starts_with('/') => {
                self.socket = Some(value.to_owned());
                "socket"
            }
            _ => return None,
        };
        Some(spelling.to_owned())
    }
}

/// What several parameters say of TLS.
#[derive(Debug, Default)]
struct Asks {
    /// The strictest that was asked for, with the parameter's name.
    most: Option<(Tls, String)>,
    /// The one that turns it off.
    off: Option<String>,
    /// Whether a certificate's authority is named, and how it is for the driver.
    authority: Option<String>,
}

impl Asks {
    /// Takes a parameter that is about TLS; whether it is one.
    fn takes(
        &mut self,
        dialect: Dialect,
        key: &str,
        name: &str,
        value: &str,
    ) -> Result<bool, UrlError> {
        let word = value.to_ascii_lowercase().replace('_', "-");
        let tls = match name {
            "sslmode" | "ssl" | "tls" | "usessl" | "requiressl" => match word.as_str() {
                "allow" | "disable" | "disabled" | "false" | "0" | "no" | "off" => Tls::Off,
                "prefer" | "preferred" => Tls::Preferred,
                "require" | "required" | "true" | "1" | "yes" | "on" | "" | "no-verify"
                | "skip-verify" | "trust" => Tls::Required,
                "verify-full" | "verify-identity" | "strict" => Tls::Verified,
                "verify-ca" => return Err(UrlError::VerifyCa),
                _ if word.starts_with('{') => of_json(&word),
                _ => {
                    return Err(UrlError::Tls {
                        parameter: key.to_owned(),
                    });
                }
            },
            "sslaccept" => match word.as_str() {
                "strict" => Tls::Verified,
                "accept-invalid-certs" => return Ok(true),
                _ => {
                    return Err(UrlError::Tls {
                        parameter: key.to_owned(),
                    });
                }
            },
            "verifyservercertificate"
            | "sslverifycert"
            | "sslverifyidentity"
            | "sslcheckhostname" => match word.as_str() {
                "true" | "1" | "yes" | "on" => Tls::Verified,
                _ => return Ok(true),
            },
            "ssldisabled" if matches!(word.as_str(), "true" | "1") => Tls::Off,
            "ssldisabled" | "trustservercertificate" => return Ok(true),
            "sslca" | "sslrootcert" if dialect == Dialect::Postgres && value == "system" => {
                // As libpq has it: the public authorities, and the host.
                self.ask(Tls::Verified, key);
                return Ok(true);
            }
            "sslca" | "sslrootcert" => {
                self.authority = Some(value.to_owned());
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.ask(tls, key);
        Ok(true)
    }

    fn ask(&mut self, tls: Tls, key: &str) {
        if tls == Tls::Off {
            self.off = Some(key.to_owned());
        } else if self
            .most
            .as_ref()
            .is_none_or(|(most, _)| rank(*most) < rank(tls))
        {
            self.most = Some((tls, key.to_owned()));
        }
    }

    fn tls(&self, dialect: Dialect) -> Result<Option<Tls>, UrlError> {
        match (&self.most, &self.off) {
            (Some((Tls::Required | Tls::Verified, asked)), Some(off)) => {
                Err(UrlError::TlsContradiction {
                    asks: asked.clone(),
                    refuses: off.clone(),
                })
            }
            (_, Some(_)) => Ok(Some(Tls::Off)),
            (Some((most, _)), None) => Ok(Some(*most)),
            // As the clients of MySQL have it: whoever names an authority wants it
            // asked.
            (None, None) if dialect == Dialect::Mysql && self.authority.is_some() => {
                Ok(Some(Tls::Verified))
            }
            (None, None) => Ok(None),
        }
    }
}

fn rank(tls: Tls) -> u8 {
    match tls {
        Tls::Off => 0,
        Tls::Preferred => 1,
        Tls::Required => 2,
        Tls::Verified => 3,
    }
}

/// mysql2's `ssl={"rejectUnauthorized":true}`; any other asks for encryption.
fn of_json(word: &str) -> Tls {
    let plain: String = word.chars().filter(|c| !c.is_whitespace()).collect();
    if plain.contains("\"rejectunauthorized\":true") {
        Tls::Verified
    } else {
        Tls::Required
    }
}

/// The driver's parameter of a mode.
fn mode(dialect: Dialect, tls: Tls) -> (&'static str, &'static str) {
    match (dialect, tls) {
        (Dialect::Mysql, Tls::Off) => ("ssl-mode", "DISABLED"),
        (Dialect::Mysql, Tls::Preferred) => ("ssl-mode", "PREFERRED"),
        (Dialect::Mysql, Tls::Required) => ("ssl-mode", "REQUIRED"),
        (Dialect::Mysql, Tls::Verified) => ("ssl-mode", "VERIFY_IDENTITY"),
        (_, Tls::Off) => ("sslmode", "disable"),
        (_, Tls::Preferred) => ("sslmode", "prefer"),
        (_, Tls::Required) => ("sslmode", "require"),
        (_, Tls::Verified) => ("sslmode", "verify-full"),
    }
}

/// The search path that a parameter chooses, as SQL has it.
fn search_path(name: &str, value: &str) -> Option<String> {
    match name {
        // Prisma's: one name, as it is written.
        "schema" => Some(format!("\"{}\"", value.replace('"', "\"\""))),
        // JDBC's, and the setting's own: a list.
        "currentschema" | "searchpath" => Some(value.to_owned()),
        _ => None,
    }
}

#[cfg(all(test, feature = "mysql", feature = "postgres"))]
mod tests {
    use crate::db::url::{DatabaseUrl, Tls, UrlError};

    #[test]
    fn whatever_asks_for_encryption_gets_it() {
        for (text, tls) in [
            ("mysql://h/d", Tls::Preferred),
            ("mysql://h/d?ssl=true", Tls::Required),
            ("mysql://h/d?tls=true", Tls::Required),
            ("mysql://h/d?tls=skip-verify", Tls::Required),
            ("mysql://h/d?tls=preferred", Tls::Preferred),
            ("mysql://h/d?useSSL=false", Tls::Off),
            ("mysql://h/d?useSSL=true&requireSSL=true", Tls::Required),
            (
                "mysql://h/d?useSSL=true&verifyServerCertificate=true",
                Tls::Verified,
            ),
            ("mysql://h/d?sslMode=VERIFY_IDENTITY", Tls::Verified),
            ("mysql://h/d?ssl_mode=REQUIRED", Tls::Required),
            (
                "mysql://h/d?ssl={\"rejectUnauthorized\":true}",
                Tls::Verified,
            ),
            (
                "mysql://h/d?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D",
                Tls::Required,
            ),
            ("mysql://h/d?sslaccept=strict", Tls::Verified),
            ("mysql://h/d?ssl_ca=/ca.pem", Tls::Verified),
            (
                "mysql://h/d?ssl-mode=REQUIRED&ssl-ca=/ca.pem",
                Tls::Required,
            ),
            ("postgres://h/d?ssl=true", Tls::Required),
            ("postgres://h/d?sslmode=no-verify", Tls::Required),
            ("postgres://h/d?sslmode=REQUIRE", Tls::Required),
            ("postgres://h/d?sslrootcert=system", Tls::Verified),
            ("postgres://h/d?ssl=verify-full", Tls::Verified),
            ("postgres://h/d?sslmode=disable", Tls::Off),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.server().unwrap().tls, tls, "{text}");
            let mode = url.for_driver().contains("mode=");
            assert_eq!(mode, text.contains('?'), "{text}: {}", url.for_driver());
        }
    }

    #[test]
    fn what_cannot_be_obeyed_of_encryption_is_an_error() {
        for (text, error) in [
            (
                "mysql://h/d?ssl=banana",
                UrlError::Tls {
                    parameter: "ssl".into(),
                },
            ),
            (
                "postgres://h/d?sslmode=banana",
                UrlError::Tls {
                    parameter: "sslmode".into(),
                },
            ),
            (
                "mysql://h/d?ssl=true&ssl-mode=DISABLED",
                UrlError::TlsContradiction {
                    asks: "ssl".into(),
                    refuses: "ssl-mode".into(),
                },
            ),
            ("mysql://h/d?sslMode=VERIFY_CA", UrlError::VerifyCa),
            ("postgres://u:p@a:1,b:2/d", UrlError::SeveralHosts),
        ] {
            assert_eq!(DatabaseUrl::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_schema_is_a_search_path_and_what_is_unknown_is_told() {
        for (text, driver, unknown) in [
            (
                "postgres://h/d?schema=My%20App",
                "postgres://h/d?options=-c+search_path%3D%22My%5C+App%22",
                &[][..],
            ),
            (
                "postgres://h/d?search_path=app,public",
                "postgres://h/d?options=-c+search_path%3Dapp%2Cpublic",
                &[],
            ),
            (
                "postgres://h/d?currentSchema=app",
                "postgres://h/d?options=-c+search_path%3Dapp",
                &[],
            ),
            (
                "postgres://h/d?target_session_attrs=read-write",
                "postgres://h/d",
                &[],
            ),
            (
                "postgres://h/d?pgbouncer=true&connection_limit=1",
                "postgres://h/d",
                &["pgbouncer", "connection_limit"],
            ),
            (
                "mysql://h/d?unix_socket=/run/m.sock&parseTime=true",
                "mysql://h/d?socket=%2Frun%2Fm.sock",
                &["parseTime"],
            ),
            (
                "postgres://u:p@[::1]:5432/d",
                "postgres://u:p@[::1]:5432/d",
                &[],
            ),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(url.for_driver(), driver, "{text}");
            assert_eq!(url.unknown_parameters(), unknown, "{text}");
        }
    }
}
