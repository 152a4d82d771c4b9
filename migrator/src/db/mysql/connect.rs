//! How a connection to MySQL or MariaDB is made.

use super::Mysql;
use super::fault::fault;
use super::fresh::Known;
use crate::db::fault::Fault;
use crate::db::url::{DatabaseUrl, without_brackets};
use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use std::str::FromStr;
use std::time::Duration;

impl Mysql {
    /// Connects with sqlx's own session settings (SQL mode, time zone): files in
    /// its format were written for them.
    pub(in crate::db) async fn connect(url: &DatabaseUrl) -> Result<Self, Fault> {
        let mut user = String::new();
        let connection = async {
            let mut options = MySqlConnectOptions::from_str(url.for_driver())?;
            // An IPv6 address has its brackets in a URL alone.
            if let Some(address) = without_brackets(options.get_host()) {
                options = options.host(&address);
            }
            if let Some(authority) = url.authority() {
                options = options.ssl_ca_from_pem(authority.into());
            }
            options.get_username().clone_into(&mut user);
            options.connect().await
        };
        let connection = connection.await;
        let mut session = Self {
            connection: connection.map_err(|error| fault(&error, true).of(&user))?,
            number: 0,
            is_mariadb: false,
            bounds: false,
            largest: usize::MAX,
            user,
            url: Box::new(url.clone()),
            database: String::new(),
            known: Known::default(),
            is_changed: false,
            held: None,
        };
        let facts = session
            .rows(
                "SELECT CAST(CONNECTION_ID() AS CHAR), CAST(@@max_allowed_packet AS CHAR), \
                 CAST(VERSION() AS CHAR), CAST(@@default_storage_engine AS CHAR), \
                 CAST(DATABASE() AS CHAR)",
            )
            .await?
            .rows;
        let fact = |at: usize| facts.first()?.get(at)?.as_deref();
        session.number = fact(0).and_then(|id| id.parse().ok()).unwrap_or_default();
        session.largest = fact(1)
            .and_then(|bytes| bytes.parse().ok())
            .unwrap_or(usize::MAX);
        session.is_mariadb = fact(2).is_some_and(|version| version.contains("MariaDB"));
        session.database = fact(4).unwrap_or_default().to_owned();
        session.known.has_safe_default = fact(3) == Some("InnoDB");
        // What the server or the user has by default may be too short for a question.
        let bound = session.bound(Duration::ZERO);
        session.bounds = session.rows(&format!("SET SESSION {bound}")).await.is_ok();
        Ok(session)
    }
}
