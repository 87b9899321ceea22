"""Bells: how every process learns at once that the keys have changed, without asking the database.

A bell has a number, its version; whoever holds keys read at another number must read them again. For SQLite
the number is eight bytes of a file beside the database, mapped into memory: a look costs a tenth of a
microsecond. It is random and not counted up, so that two processes that ring at once cannot bring an old
number back. While a change is being committed it is 0, which means "unknown": should that process be killed
between its commit and its ring, the others go on asking the database until somebody rings again.

For PostgreSQL see `parley.store.postgres_bell`.
"""

import mmap
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from parley.store.connections import Connections

UNKNOWN = 0
_BYTES = 8


class Bell(Protocol):
    """Tells that the keys have changed."""

    def version(self) -> int:
        """Return a number that differs after every change; a new one each time while nothing is known."""
        ...

    def change(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection in a transaction; ring once it is committed. Raises NotRecorded."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


class FileBell:
    """A bell in a file, for processes of one machine."""

    def __init__(self, path: Path, connections: Connections) -> None:
        self._connections = connections
        with path.open("a+b") as file:
            if file.seek(0, 2) < _BYTES:
                file.truncate(_BYTES)
            self._map = mmap.mmap(file.fileno(), _BYTES)
        self._cell = memoryview(self._map).cast("Q")
        self._unknown = count(-1, -1)  # negative: never a number of the file's

    def version(self) -> int:
        """Return the number in the file, or one never seen before while it is unknown."""
        return self._cell[0] or next(self._unknown)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection in a transaction; ring when it has ended. Raises NotRecorded."""
        self._cell[0] = UNKNOWN
        try:
            async with self._connections.writing() as connection:
                yield connection
        finally:
            self.ring()

    def ring(self) -> None:
        """Change the number."""
        self._cell[0] = secrets.randbits(63) or 1

    async def close(self) -> None:
        """Let go of the file."""
        self._cell.release()
        self._map.close()
