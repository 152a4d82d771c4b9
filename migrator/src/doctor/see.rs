//! Where the documentation says so.

pub(super) const ALEMBIC: &str = "https://alembic.sqlalchemy.org/en/latest/tutorial.html";
pub(super) const APP_SPEC: &str =
    "https://docs.digitalocean.com/products/app-platform/reference/app-spec/";
pub(super) const BUILDPACKS: &str =
    "https://docs.digitalocean.com/products/app-platform/reference/buildpacks/";
pub(super) const CARGO_LOCK: &str =
    "https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html";
pub(super) const COMMANDS: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/build-run-commands/";
pub(super) const DATABASES: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/manage-databases/";
pub(super) const ENVIRONMENT: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/use-environment-variables/";
pub(super) const GITIGNORE: &str = "https://git-scm.com/docs/gitignore";
pub(super) const GIT_STATUS: &str = "https://git-scm.com/docs/git-status";
pub(super) const JOBS: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/manage-jobs/";
pub(super) const LIBPQ_TLS: &str = "https://www.postgresql.org/docs/current/libpq-ssl.html";
pub(super) const MYSQL_TLS: &str =
    "https://dev.mysql.com/doc/refman/8.4/en/using-encrypted-connections.html";
pub(super) const POETRY_LOCK: &str = "https://python-poetry.org/docs/cli/#lock";
pub(super) const POOLS: &str =
    "https://docs.digitalocean.com/products/databases/postgresql/how-to/manage-connection-pools/";
pub(super) const PYTHON: &str = "https://devcenter.heroku.com/articles/python-support";
pub(super) const RUST: &str =
    "https://docs.digitalocean.com/products/app-platform/reference/buildpacks/rust/";
pub(super) const SQLALCHEMY_URLS: &str =
    "https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls";
pub(super) const TERMINATION: &str =
    "https://docs.digitalocean.com/products/app-platform/how-to/configure-termination/";
pub(super) const TLS: &str =
    "https://docs.digitalocean.com/products/databases/postgresql/how-to/connect/";
pub(super) const TOML: &str = "https://toml.io/en/v1.0.0";
pub(super) const UV_LOCK: &str = "https://docs.astral.sh/uv/concepts/projects/sync/";
pub(super) const YAML: &str = "https://yaml.org/spec/1.2.2/";
