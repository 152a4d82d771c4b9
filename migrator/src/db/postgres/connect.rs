//! How a connection to PostgreSQL is made.

use super::Postgres;
use super::fault::fault;
use crate::db::fault::Fault;
use crate::db::url::DatabaseUrl;
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
            if let Some(authority) = url.authority() {
                options = options.ssl_root_cert_from_pem(authority.into());
            }
            // The environment's PGSSLMODE is none of the URL's, and read all the same.
            if matches!(options.get_ssl_mode(), PgSslMode::VerifyCa) {
                let refused = "verify-ca is refused: any site's certificate would do";
                return Err(sqlx::Error::Configuration(refused.into()));
            }
            options.get_username().clone_into(&mut user);
            options.connect().await
        };
        let connection = connection.await;
        Ok(Self {
            connection: connection.map_err(|error| fault(&error, true).of(&user))?,
            user,
            version: 0,
            held: None,
            url: Box::new(url.clone()),
            is_worn: false,
        })
    }
}
