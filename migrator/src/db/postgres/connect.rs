//! How a connection to PostgreSQL is made.

use super::Postgres;
use super::fault::fault;
use crate::db::fault::{Fault, FaultKind};
use crate::db::url::{DatabaseUrl, without_brackets};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::str::FromStr;

impl Postgres {
    pub(in crate::db) async fn connect(url: &DatabaseUrl) -> Result<Self, Fault> {
        let mut user = String::new();
        let connection = async {
            let mut options = PgConnectOptions::from_str(url.for_driver())?
                // Poolers refuse the connection for this setting (08P01).
                .extra_float_digits(None);
            // An IPv6 address has its brackets in a URL alone.
            if let Some(address) = without_brackets(options.get_host()) {
                options = options.host(&address);
            }
            // A startup option, since it is what RESET ALL goes back to.
            if let Some(path) = url.search_path() {
                options = options.options([("search_path", path)]);
            }
            if let Some(authority) = url.authority() {
                options = options.ssl_root_cert_from_pem(authority.into());
            }
            // The environment's PGSSLMODE is none of the URL's, and read all the same.
            if matches!(options.get_ssl_mode(), PgSslMode::VerifyCa) {
                let refused =
                    "verify-ca is refused: the certificate of any website would be accepted";
                return Err(sqlx::Error::Configuration(refused.into()));
            }
            options.get_username().clone_into(&mut user);
            options.connect().await
        };
        let connection = connection.await;
        let mut session = Self {
            connection: connection.map_err(|error| {
                let fault = fault(&error, true).of(&user);
                match url.search_path() {
                    // What PgBouncer says of an option that it does not hand on.
                    Some(path) if fault.message.contains("startup parameter") => {
                        unheeded(path, &fault.message)
                    }
                    _ => fault,
                }
            })?,
            user,
            version: 0,
            held: None,
            url: Box::new(url.clone()),
            is_worn: false,
            has_setters: None,
        };
        if let Some(path) = url.search_path() {
            session.goes_to(path).await?;
        }
        Ok(session)
    }

    /// Sees that the server itself has the `search_path`: a pooler may drop it,
    /// or keep it for as long as nobody resets it.
    async fn goes_to(&mut self, path: &str) -> Result<(), Fault> {
        let asked = "SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'";
        let rows = self.rows(asked).await?.rows;
        let has = rows.first().and_then(|row| row.first()?.as_deref());
        if has == Some(path) {
            return Ok(());
        }
        Err(unheeded(path, "the server did not receive it"))
    }
}

fn unheeded(path: &str, why: &str) -> Fault {
    let message = format!(
        "the URL asks for the search_path {path}, which a connection pooler does not pass on \
         ({why}). Use the URL of the server itself; or remove the parameter, and set it in the \
         database: ALTER ROLE ... IN DATABASE ... SET search_path = {path}"
    );
    Fault::new(FaultKind::Setting, message)
}
