"""PostgreSQL: opens the database and brings it to the newest revision.

Each process has a pool for ordinary queries, one connection that writes the ledger
(`parley.store.postgres_ledger`) and one that listens for changed keys (`parley.store.postgres_bell`). asyncpg
reads the URL as libpq does, so `?sslmode=require` and `?host=/run/postgresql` work. Whoever starts first
migrates, the others wait for it.
"""

from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from parley.core.later import later
from parley.errors import SettingsError
from parley.store.connections import Connections
from parley.store.leases import LEASE_SECONDS
from parley.store.parts import Parts
from parley.store.postgres_bell import PostgresBell
from parley.store.postgres_connection import FAILURES, connect
from parley.store.postgres_ledger import PostgresLedger
from parley.store.tables import HEAD

if TYPE_CHECKING:
    from parley.store import migrate
else:
    migrate = later("parley.store.migrate")

_PATIENCE = ("SET LOCAL statement_timeout = '60s'", "SET LOCAL enable_sort = off", "SET LOCAL jit = off")
"""For sums: PostgreSQL takes every pair of values for a group of its own, and would sort a million rows on disk where
hashing them takes a quarter of the time; what is switched off counts as dear, and what is dear would be compiled."""
_LOCK = 0x7061726C6579  # "parley": whoever migrates holds this advisory lock


async def open_parts(address: URL, lease_seconds: float = LEASE_SECONDS) -> Parts:
    """Open the database at *address*, migrated if need be. Raises SettingsError."""
    url = address.set(drivername="postgresql").render_as_string(hide_password=False)
    engine = _engine(url)
    try:
        return await _open(url, engine, lease_seconds)
    except SettingsError:
        await engine.dispose()
        raise
    except (SQLAlchemyError, *FAILURES) as error:
        await engine.dispose()
        raise SettingsError(
            f"store.url: the database {address.render_as_string()} cannot be opened ({_words(error)})."
            " Is PostgreSQL running there, and do user, password and database name fit?"
        ) from error


async def _open(url: str, engine: AsyncEngine, lease_seconds: float) -> Parts:
    async with engine.begin() as connection:
        await _migrate(connection)
    connections = Connections(engine, FAILURES, _PATIENCE)
    bell = PostgresBell(url, connections)
    await bell.listen()
    return Parts(connections, bell, PostgresLedger(url, lease_seconds))


def _words(error: Exception) -> str:
    """Return what went wrong, without the statement that SQLAlchemy would show."""
    return str(getattr(error, "orig", None) or error) or type(error).__name__


def _engine(url: str) -> AsyncEngine:
    async def connected() -> asyncpg.Connection:
        return await connect(url)

    return create_async_engine("postgresql+asyncpg://", async_creator=connected, pool_pre_ping=True)


async def _migrate(connection: AsyncConnection) -> None:
    if await _revision(connection) == HEAD:
        return
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    revision = await _revision(connection)  # another process may have come first
    if revision > HEAD:
        raise SettingsError(
            f"store.url: the database belongs to a newer Parley (it has revision {revision}, this one"
            f" knows {HEAD}). Upgrade Parley, or open another database."
        )
    if revision < HEAD:
        await connection.run_sync(migrate.to_head)


async def _revision(connection: AsyncConnection) -> str:
    """Return the revision the database has, "" for an empty one."""
    if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return ""
    return str(await connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
