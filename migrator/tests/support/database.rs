//! A database of a test's own, dropped at its end when it passed: a failed
//! test's database stays to be looked at.

use super::Session;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Mariadb,
    Mysql,
    Postgres,
    Sqlite,
}

pub(crate) struct Database {
    pub(crate) server: Server,
    name: String,
    url: String,
    session: Option<Session>,
    folder: TempDir,
}

/// The server's URL, of whose databases none is a test's.
pub(crate) fn server_url(server: Server) -> String {
    let variable = match server {
        Server::Mariadb => "MIGRATE_TEST_MARIADB_URL",
        Server::Mysql => "MIGRATE_TEST_MYSQL_URL",
        Server::Postgres => "MIGRATE_TEST_POSTGRES_URL",
        Server::Sqlite => panic!("SQLite has no server"),
    };
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: scripts/servers start, then eval \"$(scripts/servers env)\"")
    })
}

impl Database {
    /// An empty database; of SQLite, a file that does not exist yet.
    pub(crate) fn new(server: Server) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("live_{}_{}_{number}", now.as_secs(), std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let url = if server == Server::Sqlite {
            format!("sqlite:{}", folder.path().join("app.db").display())
        } else {
            let url = server_url(server);
            // Debian's MariaDB has utf8mb4 in its settings, the bare server has not.
            let charset = match server {
                Server::Mariadb | Server::Mysql => " CHARACTER SET utf8mb4",
                Server::Postgres | Server::Sqlite => "",
            };
            Session::open(server, &url).run(&format!("CREATE DATABASE {name}{charset}"));
            let (base, _) = url.rsplit_once('/').unwrap();
            format!("{base}/{name}")
        };
        Self {
            session: (server != Server::Sqlite).then(|| Session::open(server, &url)),
            server,
            name,
            url,
            folder,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where SQLite's database is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("app.db")
    }

    /// The same database through a pooler, whose URL the variable has.
    pub(crate) fn url_through(&self, pooler: &str) -> String {
        let url = std::env::var(pooler)
            .unwrap_or_else(|_| panic!("{pooler} is not set: scripts/servers start pgbouncer"));
        let (base, _) = url.rsplit_once('/').unwrap();
        format!("{base}/{}", self.name)
    }

    /// One more connection.
    pub(crate) fn open(&self) -> Session {
        Session::open(self.server, &self.url)
    }

    /// Whether a migration's DDL can be rolled back.
    pub(crate) fn rolls_back(&self) -> bool {
        matches!(self.server, Server::Postgres | Server::Sqlite)
    }

    #[track_caller]
    pub(crate) fn run(&self, sql: &str) {
        self.rows(sql);
    }

    #[track_caller]
    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        match &self.session {
            Some(session) => session.rows(sql),
            None => self.open().rows(sql),
        }
    }

    #[track_caller]
    pub(crate) fn column(&self, sql: &str) -> Vec<String> {
        self.rows(sql)
            .into_iter()
            .map(|mut row| row.remove(0))
            .collect()
    }

    #[track_caller]
    pub(crate) fn value(&self, sql: &str) -> String {
        match &self.column(sql)[..] {
            [value] => value.clone(),
            other => panic!("not one value but {other:?}: {sql}"),
        }
    }

    /// The versions that the history has, in order.
    #[track_caller]
    pub(crate) fn versions(&self) -> Vec<String> {
        self.column("SELECT version FROM _sqlx_migrations ORDER BY version")
    }

    /// Every table, but for the history and what is written beside it.
    pub(crate) fn tables(&self) -> Vec<String> {
        let mut tables = self.all_tables();
        tables.retain(|table| table != "_sqlx_migrations" && !table.starts_with("_migrate_"));
        tables
    }

    /// Every table with its columns and rows: two of these are equal where
    /// nothing was changed.
    pub(crate) fn snapshot(&self) -> String {
        let mut lines = self.column(match self.server {
            Server::Mariadb | Server::Mysql => {
                "SELECT CONCAT(table_name, '.', column_name, ' ', column_type) AS c \
                 FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1"
            }
            Server::Postgres => {
                "SELECT table_schema || '.' || table_name || '.' || column_name || ' ' || data_type \
                 FROM information_schema.columns \
                 WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY 1"
            }
            Server::Sqlite => "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1",
        });
        for table in self.all_tables() {
            lines.push(format!(
                "{table}: {:?}",
                self.rows(&format!("SELECT * FROM {table}"))
            ));
        }
        lines.join("\n")
    }

    fn all_tables(&self) -> Vec<String> {
        if self.server == Server::Sqlite && !self.path().exists() {
            return Vec::new();
        }
        self.column(match self.server {
            Server::Mariadb | Server::Mysql => {
                "SELECT table_name AS t FROM information_schema.tables \
                 WHERE table_schema = DATABASE() ORDER BY 1"
            }
            Server::Postgres => {
                "SELECT table_name FROM information_schema.tables \
                 WHERE table_schema = current_schema() ORDER BY 1"
            }
            Server::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            return;
        }
        // Its own connection first, or PostgreSQL would have to be forced.
        self.session = None;
        let drop = match self.server {
            Server::Mariadb | Server::Mysql => format!("DROP DATABASE {}", self.name),
            Server::Postgres => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Server::Sqlite => return,
        };
        Session::open(self.server, &server_url(self.server)).run(&drop);
    }
}
