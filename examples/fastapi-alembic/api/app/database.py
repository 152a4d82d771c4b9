"""Where the database is."""

import os
from collections.abc import AsyncIterator

from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

DRIVERS = {"postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}


def database_url() -> URL:
    """DATABASE_URL as a platform gives it, made fit for SQLAlchemy's async engine."""
    given = os.environ.get("DATABASE_URL")
    if not given:
        raise RuntimeError("DATABASE_URL is not set")
    if given.startswith("postgres://"):
        # SQLAlchemy no longer knows the short name.
        given = given.replace("postgres://", "postgresql://", 1)
    url = make_url(given)
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    if url.drivername == "postgresql+asyncpg" and "sslmode" in url.query:
        # asyncpg's name for libpq's sslmode.
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    return url


_engine: AsyncEngine | None = None


def engine() -> AsyncEngine:
    global _engine
    if _engine is None:
        _engine = create_async_engine(database_url())
    return _engine


async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine(), expire_on_commit=False) as opened:
        yield opened
