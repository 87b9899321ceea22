"""Fixtures of the store's tests: one suite over SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parley.store.database import Store, open_store
from tests.contract.store.postgres_server import PostgresServer, postgres

__all__ = ["postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database that does not exist yet, or is empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/parley.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """Lend an open store."""
    it = await open_store(url)
    yield it
    await it.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a SQLite database."""
    return tmp_path / "parley.db"


@pytest.fixture
async def sqlite(file: Path) -> AsyncIterator[Store]:
    """Lend an open store on SQLite, for what only SQLite can suffer."""
    it = await open_store(f"sqlite:///{file}")
    yield it
    await it.close()
