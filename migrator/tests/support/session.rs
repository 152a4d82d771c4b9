//! A connection of the test's own: it looks at what the migrator did, and stands
//! for the application that is at work beside it.

use super::Server;
use migrate::history::table::{LockKey, Table as _};
use migrate::sql::Dialect;
use sqlx::migrate::{Migrate as _, MigrateError, Migrator};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{
    AssertSqlSafe, ColumnIndex, ConnectOptions, Connection, Database, Decode, Executor, Row,
};
use std::cell::RefCell;
use std::path::Path;
use std::str::FromStr;
use tokio::runtime::{Builder, Runtime};

pub(crate) struct Session {
    runtime: Runtime,
    driver: RefCell<Driver>,
}

enum Driver {
    Mysql(MySqlConnection),
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Session {
    pub(crate) fn open(server: Server, url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let driver = runtime.block_on(async {
            match server {
                Server::Mariadb | Server::Mysql => {
                    MySqlConnection::connect(url).await.map(Driver::Mysql)
                }
                Server::Postgres => PgConnection::connect(url).await.map(Driver::Postgres),
                Server::Sqlite => SqliteConnectOptions::from_str(url)
                    .unwrap()
                    .create_if_missing(true)
                    .connect()
                    .await
                    .map(Driver::Sqlite),
            }
        });
        Self {
            runtime,
            driver: RefCell::new(driver.unwrap()),
        }
    }

    /// Runs any statements.
    #[track_caller]
    pub(crate) fn run(&self, sql: &str) {
        self.rows(sql);
    }

    /// Every row, each column as text.
    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        self.try_rows(sql)
            .unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    pub(crate) fn try_rows(&self, sql: &str) -> Result<Vec<Vec<String>>, sqlx::Error> {
        match &mut *self.driver.borrow_mut() {
            Driver::Mysql(connection) => self.runtime.block_on(texts(connection, sql)),
            Driver::Postgres(connection) => self.runtime.block_on(texts(connection, sql)),
            Driver::Sqlite(connection) => self.runtime.block_on(texts(connection, sql)),
        }
    }

    /// The other side: sqlx's own library applies the migrations of a folder.
    pub(crate) fn sqlx(&self, folder: &Path) -> Result<(), MigrateError> {
        self.sqlx_with(folder, |_| ())
    }

    /// The other side takes back everything after a version, by its library's
    /// `undo`.
    pub(crate) fn sqlx_undo(&self, folder: &Path, target: i64) -> Result<(), MigrateError> {
        let migrator = self.runtime.block_on(Migrator::new(folder))?;
        match &mut *self.driver.borrow_mut() {
            Driver::Mysql(connection) => self.runtime.block_on(migrator.undo(connection, target)),
            Driver::Postgres(connection) => {
                self.runtime.block_on(migrator.undo(connection, target))
            }
            Driver::Sqlite(connection) => self.runtime.block_on(migrator.undo(connection, target)),
        }
    }

    /// Takes the lock that sqlx's own library takes for a run, and keeps it. On
    /// MariaDB, where sqlx asks for it with a timeout that MariaDB does not know,
    /// and does not look at the answer, it is asked for by hand.
    pub(crate) fn lock_as_sqlx_does(&self, db: &super::Database) {
        let locked = match &mut *self.driver.borrow_mut() {
            Driver::Mysql(connection) => self.runtime.block_on(connection.lock()),
            Driver::Postgres(connection) => self.runtime.block_on(connection.lock()),
            Driver::Sqlite(connection) => self.runtime.block_on(connection.lock()),
        };
        locked.unwrap();
        if db.server == Server::Mariadb {
            let sqlx = migrate::history::sqlx::SQLX.lock(Dialect::Mysql, db.name());
            let Some(LockKey::Name(name)) = sqlx else {
                panic!("{sqlx:?}");
            };
            let lock = format!("'{name}'");
            let rows = self.rows(&format!("SELECT IS_USED_LOCK({lock}), GET_LOCK({lock}, 0)"));
            assert_eq!(rows, [["NULL", "1"]]);
        }
    }

    pub(crate) fn sqlx_with(
        &self,
        folder: &Path,
        settings: impl FnOnce(&mut Migrator),
    ) -> Result<(), MigrateError> {
        let mut migrator = self.runtime.block_on(Migrator::new(folder))?;
        settings(&mut migrator);
        match &mut *self.driver.borrow_mut() {
            Driver::Mysql(connection) => self.runtime.block_on(migrator.run(connection)),
            Driver::Postgres(connection) => self.runtime.block_on(migrator.run(connection)),
            Driver::Sqlite(connection) => self.runtime.block_on(migrator.run(connection)),
        }
    }
}

/// In the simple protocol every value of a server comes as text, and SQLite
/// turns into text whatever is asked for as such. What is none is shown as bytes.
async fn texts<C>(connection: &mut C, sql: &str) -> sqlx::Result<Vec<Vec<String>>>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
    for<'r> String: Decode<'r, C::Database>,
    for<'r> Vec<u8>: Decode<'r, C::Database>,
    usize: ColumnIndex<<C::Database as Database>::Row>,
{
    let rows = sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    let text = |row: &<C::Database as Database>::Row, at| match row
        .try_get_unchecked::<Option<String>, _>(at)
    {
        Ok(value) => Ok(value.unwrap_or_else(|| "NULL".to_owned())),
        Err(_) => row
            .try_get_unchecked::<Vec<u8>, _>(at)
            .map(|bytes| format!("{bytes:02x?}")),
    };
    rows.iter()
        .map(|row| (0..row.len()).map(|at| text(row, at)).collect())
        .collect()
}
