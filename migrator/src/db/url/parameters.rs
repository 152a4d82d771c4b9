//! A URL's parameters, in the spellings of the drivers that people come from.
//! sqlx passes over what it does not know, a wish for TLS among it: so nothing
//! reaches it but what it obeys.

use super::{Tls, UrlError};
use crate::sql::Dialect;

/// In place of a name that may be a secret's.
const HIDDEN: &str = "one after a password (is an & in it written as %26?)";

/// What the parameters come to.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    /// In the driver's own names.
    pub(super) driver: Vec<(String, String)>,
    pub(super) tls: Option<Tls>,
    /// The socket or host that takes the place of the URL's.
    pub(super) host: Option<String>,
    pub(super) names_database: bool,
    /// PostgreSQL's `search_path`, as the setting has it.
    pub(super) search_path: Option<String>,
    /// The names of those that have no effect.
    pub(super) unused: Vec<String>,
    pub(super) secrets: Vec<String>,
}

/// What the parameters say of TLS, before it is weighed.
#[derive(Default)]
struct UrlOptions {
    /// Explicit modes, with the parameter of each.
    modes: Vec<(String, Tls)>,
    /// That the certificate is, or is not, to be checked.
    check: Option<bool>,
    /// That the certificate's host is, or is not, to be checked.
    check_host: Option<bool>,
    /// Checked, unless something beside it says otherwise.
    checked_by_default: bool,
    /// Encryption is asked for; how it is checked is said elsewhere.
    encrypt: bool,
    /// The parameter that names an authority.
    authority: Option<String>,
    is_system: bool,
}

impl Parameters {
    pub(super) fn read(dialect: Dialect, pairs: &[(String, String)]) -> Result<Self, UrlError> {
        let mut read = Self::default();
        let mut options = UrlOptions::default();
        for (key, value) in pairs {
            let name = plain(key);
            if is_secret(&name, value) {
                read.secrets.push(value.clone());
            }
            let is_ours = options.take(dialect, key, &name, value)?
                || match dialect {
                    Dialect::Mysql => read.of_mysql(key, &name, value)?,
                    Dialect::Postgres | Dialect::Sqlite => read.of_postgres(key, &name, value)?,
                };
            if !is_ours {
                read.certificate(dialect, key, &name, value, &mut options);
            }
        }
        read.tls = options.weigh()?;
        if let Some(authority) = options.authority
            && !matches!(read.tls, Some(Tls::Verified))
        {
            read.unused.push(authority);
        }
        if let Some(tls) = read.tls {
            let mode = match dialect {
                Dialect::Mysql => ("ssl-mode", tls.of_mysql()),
                Dialect::Postgres | Dialect::Sqlite => ("sslmode", tls.of_postgres()),
            };
            read.driver
                .insert(0, (mode.0.to_owned(), mode.1.to_owned()));
        }
        Ok(read)
    }

    fn put(&mut self, name: &str, value: &str) -> bool {
        self.driver.push((name.to_owned(), value.to_owned()));
        true
    }

    fn of_postgres(&mut self, key: &str, name: &str, value: &str) -> Result<bool, UrlError> {
        Ok(match name {
            "host" | "hostaddr" | "socket" | "unixsocket" => {
                if value.contains(',') {
                    return Err(UrlError::SeveralHosts);
                }
                self.host = Some(value.to_owned());
                self.put(if name == "hostaddr" { name } else { "host" }, value)
            }
            "dbname" | "database" => {
                self.names_database = true;
                self.put("dbname", value)
            }
            "user" | "username" => self.put("user", value),
            "options" => {
                // A pooler that drops the options would drop this one unseen.
                if let Some((_, path)) = value.split_once("search_path=")
                    && let Some(path) = path.split_whitespace().next()
                    && !path.contains('\\')
                {
                    self.goes_to(key, value, path.to_owned())?;
                }
                self.put(name, value)
            }
            "port" | "password" => self.put(name, value),
            "applicationname" => self.put("application_name", value),
            "statementcachecapacity" => self.put("statement-cache-capacity", value),
            "options[searchpath]" | "searchpath" | "currentschema" => {
                return self.goes_to(key, value, value.trim().to_owned());
            }
            // One name, as it is written: Prisma's.
            "schema" => {
                let quoted = format!("\"{}\"", value.replace('"', "\"\""));
                return self.goes_to(key, value, quoted);
            }
            _ if key.starts_with("options[") => self.put(key, value),
            "targetsessionattrs" => match plain(value).as_str() {
                // What does not take our writes fails by itself.
                "any" | "readwrite" | "primary" => true,
                _ => {
                    return Err(wrong(
                        key,
                        value,
                        "migrate needs the server that accepts writes: remove it",
                    ));
                }
            },
            "gssencmode" => matches!(value, "disable" | "prefer"),
            "channelbinding" => matches!(value, "disable" | "prefer"),
            "sslnegotiation" => value == "postgres",
            _ => false,
        })
    }

    fn goes_to(&mut self, key: &str, value: &str, path: String) -> Result<bool, UrlError> {
        if value.trim().is_empty() {
            return Err(wrong(key, value, "name a schema, or remove it"));
        }
        if self.search_path.as_ref().is_some_and(|it| *it != path) {
            return Err(wrong(
                key,
                value,
                "another parameter names a different schema: keep one of them",
            ));
        }
        self.search_path = Some(path);
        Ok(true)
    }

    fn of_mysql(&mut self, key: &str, name: &str, value: &str) -> Result<bool, UrlError> {
        Ok(match name {
            "socket" | "unixsocket" => {
                self.host = Some(value.to_owned());
                self.put("socket", value)
            }
            "host" if value.starts_with('/') => {
                self.host = Some(value.to_owned());
                self.put("socket", value)
            }
            // The driver takes these from the URL's beginning alone.
            "host" | "hostaddr" | "user" | "username" | "password" | "port" | "database"
            | "dbname" => {
                return Err(UrlError::Parameter {
                    name: key.to_owned(),
                    value: None,
                    next: "write it before the question mark, as in \
                           mysql://user:password@host:3306/database",
                });
            }
            "charset" | "collation" => self.put(name, value),
            "timezone" => self.put("time-zone", value),
            "statementcachecapacity" => self.put("statement-cache-capacity", value),
            _ => false,
        })
    }

    /// Files of certificates; what is none of them has no effect.
    fn certificate(
        &mut self,
        dialect: Dialect,
        key: &str,
        name: &str,
        value: &str,
        options: &mut UrlOptions,
    ) {
        let is_mysql = dialect == Dialect::Mysql;
        // Under the driver's names: what is complained of is then found in the URL.
        let known: &[&str] = match name {
            "sslca" | "sslrootcert" | "tlsca" | "sslcafile" => {
                options.authority = Some(key.to_owned());
                options.is_system |= !is_mysql && value == "system";
                if options.is_system {
                    return;
                }
                if is_mysql {
                    &["ssl-ca", "sslca"]
                } else {
                    &["sslrootcert", "ssl-root-cert", "ssl-ca"]
                }
            }
            "sslcert" => &["ssl-cert", "sslcert"],
            "sslkey" => &["ssl-key", "sslkey"],
            // Behind a secret it may be the rest of it, cut at an `&` of its own.
            _ if !self.secrets.is_empty() => {
                self.secrets.push(key.to_owned());
                self.unused.push(HIDDEN.to_owned());
                return;
            }
            _ => {
                self.unused.push(key.to_owned());
                return;
            }
        };
        let own = known
            .iter()
            .find(|known| **known == key)
            .unwrap_or(&known[0]);
        self.put(own, value);
    }
}

impl UrlOptions {
    /// Whether it is a parameter about TLS, and no file.
    fn take(
        &mut self,
        dialect: Dialect,
        key: &str,
        name: &str,
        value: &str,
    ) -> Result<bool, UrlError> {
        let is_mysql = dialect == Dialect::Mysql;
        let flag = || flag(value).ok_or_else(|| wrong(key, value, "expected true or false"));
        match name {
            "sslmode" | "ssl" | "tls" | "tlsmode" => self.mode(is_mysql, key, name, value)?,
            "usessl" | "requiressl" | "ssldisabled" => match (name, flag()?) {
                ("ssldisabled", true) | ("usessl", false) => {
                    self.modes.push((key.to_owned(), Tls::Off));
                }
                ("ssldisabled" | "requiressl", false) => {}
                _ => self.encrypt = true,
            },
            // JDBC's and PyMySQL's.
            "verifyservercertificate"
            | "sslverifycert"
            | "sslverifyidentity"
            | "sslverifyservercert" => self.checks(flag()?),
            "sslcheckhostname" => {
                let checks = flag()?;
                self.check_host = Some(checks);
                if checks {
                    self.checks(true);
                }
            }
            "sslaccept" => match plain(value).as_str() {
                "strict" => self.checks(true),
                "acceptinvalidcerts" => {
                    self.encrypt = true;
                    self.checks(false);
                }
                _ => return Err(wrong(key, value, "expected strict or accept_invalid_certs")),
            },
            "trustservercertificate" | "allowinvalidcertificates" => {
                let trusts = flag()?;
                self.encrypt |= trusts;
                self.checks(!trusts);
            }
            "sslfactory" if value.ends_with("NonValidatingFactory") => {
                self.encrypt = true;
                self.checks(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn mode(&mut self, is_mysql: bool, key: &str, name: &str, value: &str) -> Result<(), UrlError> {
        let word: String = plain(value).split_whitespace().collect();
        let tls = match word.as_str() {
            "disable" | "disabled" | "none" | "off" | "false" | "0" | "no" | "allow" => Tls::Off,
            "prefer" | "preferred" => Tls::Preferred,
            "require"
            | "required"
            | "noverify"
            | "skipverify"
            | "trust"
            | "{\"rejectunauthorized\":false}" => Tls::Required,
            "verifyca" => return Err(UrlError::VerifyCa),
            "verifyfull" | "verifyidentity" | "{}" | "{\"rejectunauthorized\":true}" => {
                Tls::Verified
            }
            // What libraries of MySQL mean by it encrypts; Go's `tls` and those of
            // PostgreSQL check the certificate, too.
            "true" | "1" | "on" | "yes" => {
                self.checked_by_default |= !is_mysql || name == "tls";
                self.encrypt = true;
                return Ok(());
            }
            _ => {
                return Err(wrong(
                    key,
                    value,
                    if is_mysql {
                        "use one of the parameters that migrate knows: ssl-mode=DISABLED, \
                         PREFERRED, REQUIRED or VERIFY_IDENTITY"
                    } else {
                        "use one of the parameters that migrate knows: sslmode=disable, prefer, \
                         require or verify-full"
                    },
                ));
            }
        };
        self.modes.push((key.to_owned(), tls));
        Ok(())
    }

    fn checks(&mut self, check: bool) {
        self.check = Some(check);
    }

    /// What all of them come to; they may not contradict each other.
    fn weigh(&self) -> Result<Option<Tls>, UrlError> {
        let contradicts = |key: &str| UrlError::Parameter {
            name: key.to_owned(),
            value: None,
            next: "another parameter about TLS contradicts it: keep one of them",
        };
        let mode = self.modes.first();
        if let Some((_, first)) = mode
            && let Some((key, _)) = self.modes.iter().find(|(_, other)| other != first)
        {
            return Err(contradicts(key));
        }
        let check = self.check == Some(true)
            || self.is_system
            || mode.is_none()
                && self.check.is_none()
                // An authority is given to be asked.
                && (self.checked_by_default || self.authority.is_some());
        let tls = match mode {
            Some((key, Tls::Off)) if self.encrypt || check => return Err(contradicts(key)),
            Some((key, tls)) if self.is_system && *tls != Tls::Verified => {
                return Err(UrlError::Parameter {
                    name: key.clone(),
                    value: None,
                    next: "sslrootcert=system checks the certificate and the host: use \
                           sslmode=verify-full, or remove it",
                });
            }
            Some((key, Tls::Verified)) if self.check == Some(false) => {
                return Err(contradicts(key));
            }
            _ if check => Some(Tls::Verified),
            Some((_, Tls::Preferred)) if self.encrypt => Some(Tls::Required),
            Some((_, tls)) => Some(*tls),
            None if self.encrypt || self.authority.is_some() => Some(Tls::Required),
            None => None,
        };
        if self.check_host == Some(false) && tls == Some(Tls::Verified) {
            return Err(UrlError::VerifyCa);
        }
        Ok(tls)
    }
}

impl Tls {
    fn of_mysql(self) -> &'static str {
        match self {
            Self::Off => "DISABLED",
            Self::Preferred => "PREFERRED",
            Self::Required => "REQUIRED",
            Self::Verified => "VERIFY_IDENTITY",
        }
    }

    fn of_postgres(self) -> &'static str {
        match self {
            Self::Off => "disable",
            Self::Preferred => "prefer",
            Self::Required => "require",
            Self::Verified => "verify-full",
        }
    }
}

/// A name in the one spelling that all drivers' have in common.
pub(super) fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_'], "")
}

fn flag(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn is_secret(name: &str, value: &str) -> bool {
    !value.is_empty()
        && (["password", "passphrase", "secret", "token", "passwd"]
            .iter()
            .any(|word| name.contains(word))
            || value.contains("PRIVATE KEY"))
}

fn wrong(name: &str, value: &str, next: &'static str) -> UrlError {
    UrlError::Parameter {
        name: name.to_owned(),
        // More than a word may hold a key or a password.
        value: Some(value.to_owned()).filter(|value| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            value.len() <= 30 && value.chars().all(is_plain)
        }),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(dialect: Dialect, query: &str) -> Result<Option<Tls>, UrlError> {
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        Parameters::read(dialect, &pairs).map(|read| read.tls)
    }

    #[test]
    fn every_drivers_wish_for_tls_is_understood() {
        use Dialect::{Mysql, Postgres};
        for (dialect, query, expected) in [
            (Postgres, "ssl=true", Tls::Verified),
            (Postgres, "ssl=true&sslmode=require", Tls::Required),
            (
                Postgres,
                "ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory",
                Tls::Required,
            ),
            (Postgres, "sslmode=no-verify", Tls::Required),
            (
                Postgres,
                "ssl={ \"rejectUnauthorized\": false }",
                Tls::Required,
            ),
            (Postgres, "sslrootcert=system", Tls::Verified),
            (Postgres, "sslrootcert=ca.pem", Tls::Verified),
            (
                Postgres,
                "sslmode=require&sslrootcert=ca.pem",
                Tls::Required,
            ),
            (Postgres, "sslmode=prefer&sslaccept=strict", Tls::Verified),
            (
                Postgres,
                "SSL Mode=Require".replace(' ', "").as_str(),
                Tls::Required,
            ),
            (Mysql, "ssl=true", Tls::Required),
            (Mysql, "tls=true", Tls::Verified),
            (Mysql, "tls=preferred", Tls::Preferred),
            (
                Mysql,
                "useSSL=true&verifyServerCertificate=false",
                Tls::Required,
            ),
            (
                Mysql,
                "requireSSL=true&verifyServerCertificate=true",
                Tls::Verified,
            ),
            (Mysql, "ssl_ca=ca.pem", Tls::Verified),
            (
                Mysql,
                "ssl_check_hostname=false&ssl_verify_cert=false&ssl_ca=a",
                Tls::Required,
            ),
            (Mysql, "useSSL=false", Tls::Off),
        ] {
            assert_eq!(tls(dialect, query), Ok(Some(expected)), "{query}");
        }
        for query in ["ssl_ca=a&ssl_check_hostname=false", "sslmode=verify_ca"] {
            assert_eq!(tls(Mysql, query), Err(UrlError::VerifyCa), "{query}");
        }
        for query in ["useSSL=false&ssl=true", "sslmode=required&sslmode=disabled"] {
            assert!(tls(Mysql, query).is_err(), "{query}");
        }
    }
}
