"""The bell on PostgreSQL: NOTIFY in the transaction that changes the keys, LISTEN on a connection of its own.

How it fails: when that connection is lost the version is unknown, a new number at each look, until it listens
again; so keys are read from the database meanwhile, and a key revoked in the dark is not accepted. A network
that goes silent without a word is noticed by a question every second, which must be answered within another.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.store.connections import Connections
from parley.store.postgres_connection import FAILURES, connect, hang_up

_CHANNEL = "parley_keys"
_BEAT_SECONDS = 1.0
_PAUSE_SECONDS = 0.2


class PostgresBell:
    """A bell in the database, for processes of many machines."""

    def __init__(self, url: str, connections: Connections) -> None:
        self._url = url
        self._connections = connections
        self._numbers = count(1)
        self._number = 0  # 0: unknown
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def version(self) -> int:
        """Return the number of the last ring, or one never seen before while we do not listen."""
        return self._number or next(self._numbers)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a transaction; it rings everywhere when committed. Raises NotRecorded."""
        try:
            async with self._connections.writing() as connection:
                yield connection
                await connection.execute(text(f"NOTIFY {_CHANNEL}"))
        finally:
            self._ring()

    async def listen(self) -> None:
        """Begin to listen. Raises what the driver raises when the database cannot be reached."""
        connection = await self._hear()
        self._task = asyncio.get_running_loop().create_task(self._stay(connection))

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _ring(self, *_: object) -> None:
        if self._number:
            self._number = next(self._numbers)

    def _lose(self, *_: object) -> None:
        self._number = 0
        self._lost.set()

    async def _hear(self) -> asyncpg.Connection:
        connection = await connect(self._url)
        connection.add_termination_listener(self._lose)
        await connection.add_listener(_CHANNEL, self._ring)
        self._lost.clear()
        self._number = next(self._numbers)
        return connection

    async def _stay(self, connection: asyncpg.Connection) -> None:
        """Listen, and again after each loss."""
        while True:
            try:
                await self._beat(connection)
            finally:
                self._number = 0
                connection.remove_termination_listener(self._lose)
                await hang_up(connection)
            while not self._number:
                try:
                    connection = await self._hear()
                except FAILURES:
                    await asyncio.sleep(_PAUSE_SECONDS)

    async def _beat(self, connection: asyncpg.Connection) -> None:
        """Return when *connection* is lost."""
        while not self._lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), _BEAT_SECONDS)
            try:
                await connection.execute("SELECT 1", timeout=_BEAT_SECONDS)
            except FAILURES:
                return
