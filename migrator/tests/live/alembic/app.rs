//! A project of Alembic, small and whole, as `alembic init -t async` lays one.

use crate::support::{Database, Migrate, Project, Server};

/// Where its Python is: `scripts/python` makes it.
pub(super) fn environment() -> String {
    let name = "MIGRATE_TEST_ALEMBIC";
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: see scripts/python"))
}

pub(super) const INI: &str = "\
[alembic]
script_location = %(here)s/alembic
prepend_sys_path = .

[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
";

pub(super) const ENV: &str = r#"
import asyncio, os
from logging.config import fileConfig
from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.ext.asyncio import create_async_engine

if os.path.exists(context.config.config_file_name or ""):
    fileConfig(context.config.config_file_name)
url = os.environ["DATABASE_URL"]

def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def run_async():
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif "+async" in url or "+aio" in url:
    asyncio.run(run_async())
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        run(connection)
"#;

const MAKO: &str = r#"
"""${message}"""
from alembic import op
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
def upgrade():
    ${upgrades if upgrades else "pass"}
def downgrade():
    ${downgrades if downgrades else "pass"}
"#;

/// The text of a revision that runs SQL.
pub(super) fn revision(id: &str, follows: Option<&str>, up: &str, down: &str) -> String {
    let follows = follows.map_or("None".to_owned(), |id| format!("'{id}'"));
    let message = format!("the {id}");
    format!(
        "\"\"\"{message}\n\nRevision ID: {id}\n\"\"\"\nfrom typing import Union\nfrom alembic import op\n\n\
         revision: str = '{id}'\ndown_revision: Union[str, None] = {follows}\n\
         branch_labels = None\ndepends_on = None\n\n\n\
         def upgrade() -> None:\n    {up}\n\n\n\
         def downgrade() -> None:\n    {down}\n"
    )
}

/// The same as a file of the project.
pub(super) fn with(project: Project, id: &str, follows: Option<&str>, up: &str) -> Project {
    let down = format!("op.execute('DROP TABLE t_{id}')");
    project.file(
        &format!("api/alembic/versions/{id}_the_{id}.py"),
        revision(id, follows, up, &down),
    )
}

/// A revision that makes a table of its name.
pub(super) fn table(project: Project, id: &str, follows: Option<&str>) -> Project {
    let up = format!("op.execute('CREATE TABLE t_{id} (id INT)')");
    with(project, id, follows, &up)
}

/// A project without a revision.
pub(super) fn empty() -> Project {
    Project::new()
        .file("api/alembic.ini", INI)
        .file("api/alembic/env.py", ENV)
        .file("api/alembic/script.py.mako", MAKO)
        .folder("api/alembic/versions")
}

/// Three revisions, each a table.
pub(super) fn three() -> Project {
    let first = table(empty(), "aaaa", None);
    let second = table(first, "bbbb", Some("aaaa"));
    table(second, "cccc", Some("bbbb"))
}

/// The URL as the seed's application has it.
pub(super) fn url(db: &Database) -> String {
    let url = db.url();
    let (scheme, rest) = url.split_once(':').unwrap();
    match db.server {
        Server::Mariadb | Server::Mysql => format!("mysql+pymysql:{rest}"),
        Server::Postgres => format!("postgresql+asyncpg:{rest}"),
        Server::Sqlite => {
            assert_eq!(scheme, "sqlite");
            let path = rest.trim_start_matches("//").split('?').next().unwrap();
            format!("sqlite+aiosqlite:///{path}")
        }
    }
}

/// The program in the project, whose virtual environment is active.
pub(super) fn on(project: &Project, db: &Database) -> Migrate {
    in_environment(project).env("DATABASE_URL", &url(db))
}

pub(super) fn in_environment(project: &Project) -> Migrate {
    let environment = environment();
    let path = format!("{environment}/bin:/usr/bin:/bin");
    Migrate::new(project)
        .env("PATH", &path)
        .env("VIRTUAL_ENV", &environment)
}

/// Alembic itself, as a person runs it.
pub(super) fn by_hand(project: &Project, db: &Database, args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(format!("{}/bin/alembic", environment()));
    command
        .args(args)
        .current_dir(project.path("api"))
        .env("DATABASE_URL", url(db));
    command
}

/// Where the version table is.
pub(super) fn at(db: &Database) -> String {
    db.value("SELECT version_num FROM alembic_version")
}

/// The tables of the revisions.
pub(super) fn tables(db: &Database) -> Vec<String> {
    let mut tables = db.tables();
    tables.retain(|table| table.starts_with("t_"));
    tables
}
