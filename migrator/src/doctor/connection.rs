//! What a database's URL tells before anybody connects: whether it arrived, where
//! it leads, and how it is kept from listeners.

use super::see;
use crate::config::{ConfigError, Origin};
use crate::db::url::{DatabaseUrl, Tls, UrlError};
use crate::diagnostic::Diagnostic;
use crate::sql::Dialect;

/// The port of a managed cluster's connection pools.
const POOLED_PORT: u16 = 25061;

/// Hosts of managed clusters.
const MANAGED: &str = ".db.ondigitalocean.com";

/// What the settings say that keeps a URL from being used; `None` where it is to
/// be said in the words of every other verb, or nothing was set at all.
pub(crate) fn unusable(error: &ConfigError) -> Option<Diagnostic> {
    let ConfigError::Url { origin, error } = error else {
        return None;
    };
    let at = |finding: Diagnostic| finding.at(origin.place(), "here");
    let name = variable(origin);
    Some(match error {
        UrlError::Empty => at(Diagnostic::error(
            "database_url_empty",
            format!("{origin} is empty"),
        ))
        .because(
            "a platform leaves a variable empty if it cannot resolve its binding",
            see::ENVIRONMENT,
        )
        .help("bind it to a database that the app has")
        .correction(envs(&name)),
        UrlError::Unresolved { placeholder } => at(Diagnostic::error(
            "database_url_unresolved",
            format!(
                "{origin} contains the text {placeholder}, which the platform has not replaced"
            ),
        ))
        .because(
            "a reference to a component that the app does not have is passed on as it is written",
            see::ENVIRONMENT,
        )
        .help("name the database in the app's `databases`, and refer to it by that name")
        .correction("databases:\n- name: db\n  engine: PG\n  production: true\n  cluster_name: db"),
        _ => return None,
    })
}

/// That nothing here says how a deploy gets its URL.
pub(crate) fn unset(name: &str) -> Diagnostic {
    Diagnostic::warning(
        "database_url_unset",
        format!("{name} is not set here, and no app spec sets it for a deploy"),
    )
    .because(
        "a run without a URL fails; and without one the database could not be checked",
        see::ENVIRONMENT,
    )
    .help(
        "make sure that the platform sets it for whatever runs `migrate`; set it here to check the \
         database",
    )
    .correction(envs(name))
}

/// What of a URL would fail or harm a run. `authority`: a certificate's authority
/// is given beside it.
pub(crate) fn judge(url: &DatabaseUrl, origin: &Origin, authority: bool) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = url
        .unused_parameters()
        .iter()
        .map(|name| unused(origin, name))
        .collect();
    let Some(server) = url.server() else {
        return found;
    };
    let at = |finding: Diagnostic| finding.at(origin.place(), "here");
    if server.port == Some(POOLED_PORT) {
        found.push(
            at(Diagnostic::warning(
                "pooled_url",
                format!("{origin} leads to a connection pool, at port {POOLED_PORT}"),
            ))
            .because(
                "a pool gives out a server connection for one transaction only: what needs a \
                 session, such as CREATE INDEX CONCURRENTLY, gets another connection, or none",
                see::POOLS,
            )
            .help(
                "use the database's own URL, at port 25060; a pool's name is not a database's \
                 name, either",
            ),
        );
    }
    if !is_remote(&server.host) {
        return found;
    }
    let (address, require) = match url.dialect() {
        Dialect::Mysql => (see::MYSQL_TLS, "ssl-mode=REQUIRED"),
        Dialect::Postgres | Dialect::Sqlite => (see::LIBPQ_TLS, "sslmode=require"),
    };
    let is_managed = server.host.ends_with(MANAGED);
    match server.tls {
        Tls::Off => found.push(
            at(Diagnostic::error(
                "tls_off",
                format!("{origin} turns encryption off, but leads to another machine"),
            ))
            .because(
                "everybody on the network path can read the password and the data",
                address,
            )
            .help(format!("use {require} in the URL")),
        ),
        Tls::Preferred => found.push(
            at(Diagnostic::warning(
                "tls_not_required",
                format!("{origin} does not require encryption"),
            ))
            .because(
                "whoever answers in place of the server can claim to have no encryption, and read \
                 the password and the data",
                address,
            )
            .help(format!("use {require} in the URL")),
        ),
        Tls::Required if is_managed => {
            let title = if authority {
                format!(
                    "{origin} encrypts but does not verify the server: the CA certificate that is \
                     set is not used"
                )
            } else {
                format!("{origin} encrypts but does not verify the server")
            };
            let mode = match url.dialect() {
                Dialect::Mysql => "ssl-mode=VERIFY_IDENTITY",
                Dialect::Postgres | Dialect::Sqlite => "sslmode=verify-full",
            };
            found.push(
                at(Diagnostic::warning("tls_unverified", title))
                    .because(
                        "a cluster's certificate is signed by its own CA, which no system knows; \
                         without that CA, anybody who answers is trusted",
                        see::TLS,
                    )
                    .help(format!("set the CA certificate, and use {mode} in the URL"))
                    .correction(
                        "- key: DATABASE_CA_CERT\n  scope: RUN_TIME\n  value: ${db.CA_CERT}",
                    ),
            );
        }
        Tls::Required | Tls::Verified => {}
    }
    found
}

fn unused(origin: &Origin, name: &str) -> Diagnostic {
    Diagnostic::warning(
        "unused_url_parameter",
        format!("{origin} has the parameter {name}, which has no effect on migrate"),
    )
    .at(origin.place(), "here")
    .because(
        "other programs may act on it, but migrate does not",
        see::PARAMETERS,
    )
    .help("remove it; docs/reference/configuration.md lists the parameters that have an effect")
}

fn variable(origin: &Origin) -> String {
    match origin {
        Origin::Environment(name) => name.clone(),
        Origin::Embedded | Origin::File { .. } | Origin::Option(_) => "DATABASE_URL".to_owned(),
    }
}

fn envs(name: &str) -> String {
    format!("envs:\n- key: {name}\n  scope: RUN_TIME\n  value: ${{db.DATABASE_URL}}")
}

/// Whether a host is likely on another network: a socket, this machine, a
/// container's neighbour and a private address are not.
fn is_remote(host: &str) -> bool {
    // IPv6: but for this machine, its links and private networks.
    if let Some(address) = host.strip_prefix('[') {
        let is_near = ["::1]", "fe80:", "fc", "fd"]
            .iter()
            .any(|near| address.starts_with(near));
        return !is_near;
    }
    let is_near = ["127.", "10.", "192.168.", "169.254."]
        .iter()
        .any(|near| host.starts_with(near))
        || (16..32).any(|part| host.starts_with(&format!("172.{part}.")));
    let is_inner = [".internal", ".local", ".localhost", ".svc"]
        .iter()
        .any(|inner| host.ends_with(inner));
    host.contains('.') && !host.starts_with('/') && !is_near && !is_inner
}
