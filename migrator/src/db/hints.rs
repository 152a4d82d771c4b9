//! Known causes: what a complaint that people meet again and again means, and
//! the one step that helps.

use super::fault::Fault;

/// The next step for a known cause.
#[must_use]
pub fn next_step(fault: &Fault) -> Option<&'static str> {
    let says = |text: &str| fault.message.contains(text);
    let step = match fault.code.as_deref() {
        Some("42501") if says("schema public") => {
            "since PostgreSQL 15 only its owner may create in the schema public. As the database's \
             owner: GRANT USAGE, CREATE ON SCHEMA public TO the user of DATABASE_URL"
        }
        Some("42P07" | "1050" | "1") if says("already exists") => {
            "if the database had it before it had a history, record so: `migrate baseline VERSION`; \
             otherwise correct the file; then run again"
        }
        Some("53300" | "1040") => {
            "the server has no connection left (migrate needs two): close some, or use a larger \
             plan"
        }
        Some("08P01") if says("startup parameter") => {
            "the pooler refuses a parameter of the URL: remove `options` from it, or use the \
             database's direct port"
        }
        Some("28000") if says("pg_hba.conf") => {
            "the server does not let this address, user or unencrypted connection in: add \
             sslmode=require to the URL, or add this process to the trusted sources"
        }
        Some("28P01" | "1045") => "check user and password of the URL",
        Some("3D000" | "1049") => "create the database, or correct its name in the URL",
        Some("3750" | "1173") => {
            "this server wants a primary key in every table: give the table one in its CREATE \
             TABLE"
        }
        Some("55P03" | "1205") => {
            "something else holds a lock on the table: run again at a quieter time, or wait longer \
             with --lock-timeout"
        }
        _ if says("RSA auth backend") => {
            "MySQL's caching_sha2_password needs an encrypted connection: add \
             ssl-mode=REQUIRED to the URL, or let the user log in by mysql_native_password"
        }
        _ if says("NotValidForName") || says("not valid for name") => {
            "the certificate is for another host: use the host name that it names, or encrypt \
             without checking it (sslmode=require)"
        }
        _ if says("certificate") => {
            "the server's certificate is not from a public authority: give that authority in \
             DATABASE_CA_CERT, or encrypt without checking it (sslmode=require, for MySQL \
             ssl-mode=REQUIRED)"
        }
        _ => return None,
    };
    Some(step)
}
