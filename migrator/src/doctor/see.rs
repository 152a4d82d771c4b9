//! Where the documentation says so.

pub(super) const ALEMBIC: &str = "https://alembic.sqlalchemy.org/en/latest/tutorial.html";
pub(super) const ALTER_DATABASE: &str =
    "https://www.postgresql.org/docs/current/sql-alterdatabase.html";
pub(super) const ALTER_ROLE: &str = "https://www.postgresql.org/docs/current/sql-alterrole.html";
pub(super) const APP_SPEC: &str =
    "https://docs.digitalocean.com/products/app-platform/reference/app-spec/";
pub(super) const BUILDPACKS: &str =
    "https://docs.digitalocean.com/products/app-platform/reference/buildpacks/";
pub(super) const CARGO_LOCK: &str =
    "https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html";
pub(super) const COMMANDS: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/build-run-commands/";
pub(super) const CONCURRENTLY: &str =
    "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY";
pub(super) const CURRENT_TIME: &str =
    "https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT";
pub(super) const DATABASES: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/manage-databases/";
pub(super) const ENVIRONMENT: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/use-environment-variables/";
pub(super) const GITIGNORE: &str = "https://git-scm.com/docs/gitignore";
pub(super) const GIT_STATUS: &str = "https://git-scm.com/docs/git-status";
pub(super) const JOBS: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/manage-jobs/";
pub(super) const LIBPQ_TLS: &str = "https://www.postgresql.org/docs/current/libpq-ssl.html";
pub(super) const LOCKS: &str = "https://www.postgresql.org/docs/current/explicit-locking.html";
pub(super) const LOCK_TIMEOUT: &str =
    "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT";
pub(super) const MARIADB_KEYS: &str =
    "https://mariadb.com/kb/en/innodb-system-variables/#innodb_force_primary_key";
pub(super) const MARIADB_VERSIONS: &str = "https://mariadb.org/about/#maintenance-policy";
pub(super) const MAX_CONNECTIONS: &str =
    "https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS";
pub(super) const MYSQL_CONNECTIONS: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/too-many-connections.html";
pub(super) const MYSQL_KEYS: &str = "https://dev.mysql.com/doc/refman/8.0/en/server-system-variables.html#sysvar_sql_require_primary_key";
pub(super) const MYSQL_LOCKS: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/metadata-locking.html";
pub(super) const MYSQL_PRIVILEGES: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/privileges-provided.html";
pub(super) const MYSQL_READ_ONLY: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/server-system-variables.html#sysvar_read_only";
pub(super) const MYSQL_TIME: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/date-and-time-functions.html";
pub(super) const MYSQL_TLS: &str =
    "https://dev.mysql.com/doc/refman/8.4/en/using-encrypted-connections.html";
pub(super) const MYSQL_USER_LIMITS: &str =
    "https://dev.mysql.com/doc/refman/8.0/en/user-resources.html";
pub(super) const MYSQL_VERSIONS: &str = "https://www.mysql.com/support/eol-notice.html";
pub(super) const PARAMETERS: &str =
    "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS";
pub(super) const PGBOUNCER: &str = "https://www.pgbouncer.org/features.html";
pub(super) const POETRY_LOCK: &str = "https://python-poetry.org/docs/cli/#lock";
pub(super) const POOLS: &str =
    "https://docs.digitalocean.com/products/databases/postgresql/how-to/manage-connection-pools/";
pub(super) const POSTGRES_VERSIONS: &str = "https://www.postgresql.org/support/versioning/";
pub(super) const PREPARED: &str =
    "https://www.postgresql.org/docs/current/sql-prepare-transaction.html";
pub(super) const PRIVILEGES: &str = "https://www.postgresql.org/docs/current/ddl-priv.html";
pub(super) const PYTHON: &str = "https://devcenter.heroku.com/articles/python-support";
pub(super) const READ_ONLY: &str = "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY";
pub(super) const SCHEMA_RIGHTS: &str =
    "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATTERNS";
pub(super) const SEARCH_PATH: &str =
    "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH";
pub(super) const SQLALCHEMY_URLS: &str =
    "https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls";
pub(super) const SQLITE_JOURNAL: &str = "https://www.sqlite.org/tempfiles.html";
pub(super) const SQLITE_READ_ONLY: &str = "https://www.sqlite.org/rescode.html#readonly";
pub(super) const SQLITE_URI: &str = "https://www.sqlite.org/uri.html";
pub(super) const SQLX_LOCK: &str = "https://docs.rs/sqlx/latest/sqlx/migrate/struct.Migrator.html";
pub(super) const STANDBY: &str = "https://www.postgresql.org/docs/current/hot-standby.html";
pub(super) const TERMINATION: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/configure-termination/";
pub(super) const TLS: &str =
    "https://docs.digitalocean.com/products/databases/postgresql/how-to/connect/";
pub(super) const TOML: &str = "https://toml.io/en/v1.0.0";
pub(super) const TRANSACTION_TIMEOUT: &str =
    "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-TRANSACTION-TIMEOUT";
pub(super) const UV_LOCK: &str = "https://docs.astral.sh/uv/concepts/projects/sync/";
pub(super) const YAML: &str = "https://yaml.org/spec/1.2.2/";
