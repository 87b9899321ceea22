"""Connections for ordinary queries: SQLAlchemy's pool, with the database's failures told in our words.

Whatever the driver raises becomes NotRecorded, so a call whose key cannot be looked up is refused with 503
and not with a guess.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from parley.errors import NotRecorded

UNREACHED = "The database could not be read or written. Please try again later."


class Connections:
    """A pool of connections to one database.

    failures: what the driver raises besides SQLAlchemy's own errors. patience: statements that a long sum begins with.
    """

    def __init__(
        self, engine: AsyncEngine, failures: tuple[type[Exception], ...] = (), patience: tuple[str, ...] = ()
    ) -> None:
        self.engine = engine
        self._patience = patience
        self._failures: tuple[type[Exception], ...] = (SQLAlchemyError, OSError, *failures)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection. Raises NotRecorded when the database fails."""
        with self._told():
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def summing(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection for a query over a great many rows. Raises NotRecorded when the database fails."""
        async with self.reading() as connection:
            for statement in self._patience:
                await connection.execute(text(statement))
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a transaction, committed when the block ends well. Raises NotRecorded."""
        with self._told():
            async with self.engine.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise NotRecorded(UNREACHED) from error
