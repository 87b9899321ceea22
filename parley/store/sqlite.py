"""SQLite: opens the file and brings it to the newest revision.

WAL, so that readers and the writer do not wait for each other, and `synchronous = FULL`, so that a commit is
on the disk. Beside the database stands `NAME-keys`: the bell for the keys (`parley.store.bells`), and the
lock that makes processes which start at once open the file one after the other.
"""

import asyncio
import fcntl
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, StaticPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from parley.core.later import later
from parley.errors import SettingsError
from parley.store.bells import FileBell
from parley.store.connections import Connections
from parley.store.leases import LEASE_SECONDS
from parley.store.ledger import ATTEMPT_SECONDS
from parley.store.parts import Parts
from parley.store.sqlite_ledger import SqliteLedger
from parley.store.tables import HEAD

if TYPE_CHECKING:
    from parley.store import migrate
else:
    migrate = later("parley.store.migrate")

_OPENING_SECONDS = 30.0


async def open_parts(file: str, lease_seconds: float = LEASE_SECONDS) -> Parts:
    """Open the database *file*, made and migrated if need be. Raises SettingsError."""
    path = Path(file)
    bell = path.with_name(path.name + "-keys")
    try:
        await asyncio.to_thread(_prepare, path, bell)
        connections = Connections(_engine(path))
        return Parts(connections, FileBell(bell, connections), SqliteLedger(path, lease_seconds))
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise SettingsError(
            f"store.url: the database {path} cannot be opened ({error}). Can its folder be written?"
        ) from error


def _prepare(path: Path, bell: Path) -> None:
    """Make the folder and the tables that are missing; wait for other processes that do so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for file in (path, bell):
        file.touch(mode=0o600)  # for its owner only; what SQLite puts beside it follows
    with bell.open("a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed
        connection = sqlite3.connect(path, timeout=_OPENING_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection, path)
        finally:
            connection.close()


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    revision = _revision(connection)
    if revision == HEAD:
        return
    if revision > HEAD:
        raise SettingsError(
            f"store.url: the database {path} belongs to a newer Parley (it has revision {revision}, this one"
            f" knows {HEAD}). Upgrade Parley, or open another database."
        )
    connection.execute("PRAGMA synchronous = FULL")
    engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as wrapped:
        wrapped.exec_driver_sql("BEGIN IMMEDIATE")
        migrate.to_head(wrapped)


def _revision(connection: sqlite3.Connection) -> str:
    """Return the revision the database has, "" for an empty one."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return ""
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else ""


def _engine(path: Path) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(path))
    engine = create_async_engine(url, connect_args={"timeout": ATTEMPT_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_connection)
    return engine


def _prepare_connection(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
