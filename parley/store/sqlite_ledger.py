"""The ledger on SQLite: one thread owns a connection and writes group after group.

While a group is being committed the next one gathers in the event loop, so nothing waits on purpose and no
lock is held: the loop hands a whole list to the thread, the thread wakes the loop once a group. Measured,
this is the cheapest way there is through Python: one INSERT with many rows is one step of SQLite, and so the
interpreter's lock changes hands once a group instead of once a row.

How it fails: a database that is locked, full or broken fails the group, and the next group tries anew. A row
that SQLite refuses (an id that is there already) fails alone.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from msgspec.structs import astuple

from parley.errors import NotRecorded
from parley.store.completions import StoredCompletion
from parley.store.ledger import ATTEMPT_SECONDS, Record
from parley.store.tables import calls, completions, labels, pulse

Row = tuple[Any, ...]
Entry = tuple[Row | None, StoredCompletion | None, "asyncio.Future[None]"]
"""A row (None: only show that a write would succeed), what is stored with it, and who waits for it."""

_ROWS = 32  # at most so many in one statement: each number of rows is a statement to keep
_REFUSED = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    OverflowError,
    UnicodeEncodeError,
)
"""What SQLite or its driver raises when the row itself is wrong."""
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL}


def _insert(table: str, columns: int, rows: int = 1) -> str:
    values = f"({','.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {','.join([values] * rows)}"  # noqa: S608 - our own table names


_CALLS = [_insert(calls.name, len(calls.columns), rows) for rows in range(_ROWS + 1)]
_COMPLETION = _insert(completions.name, len(completions.columns))
_LABEL = _insert(labels.name, len(labels.columns))
_PULSE = f"INSERT OR REPLACE INTO {pulse.name} VALUES (1, ?)"  # noqa: S608


class SqliteLedger:
    """The ledger on SQLite. Made inside the event loop that will write to it."""

    def __init__(self, path: Path) -> None:
        self._loop = asyncio.get_running_loop()
        self._groups: SimpleQueue[list[Entry] | None] = SimpleQueue()
        self._pending: list[Entry] = []
        self._writing = False
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None
        self._book = Book(path)
        self._thread = threading.Thread(target=self._work, name="parley-ledger", daemon=True)
        self._thread.start()

    async def write(self, record: Record, stored: StoredCompletion | None = None) -> None:
        """Return when *record*, and *stored* with it, is durable. Raises NotRecorded: neither is there."""
        await self._enter(astuple(record), stored)

    async def ready(self) -> None:
        """Return when a small transaction has been committed. Raises NotRecorded."""
        await self._enter(None, None)

    async def close(self) -> None:
        """Write what is pending, then close the file."""
        self._closed = True
        if self._writing:
            self._emptied = self._loop.create_future()
            await self._emptied
        self._groups.put(None)
        await asyncio.to_thread(self._thread.join)

    def _enter(self, row: Row | None, stored: StoredCompletion | None) -> "asyncio.Future[None]":
        if self._closed:
            raise NotRecorded
        future = self._loop.create_future()
        self._pending.append((row, stored, future))
        if not self._writing:
            self._writing = True
            self._loop.call_soon(self._hand_over)  # soon: calls that end in this turn of the loop come along
        return future

    def _hand_over(self) -> None:
        group, self._pending = self._pending, []
        self._groups.put(group)

    def _settle(self, group: list[Entry], failures: list[NotRecorded | None] | None) -> None:
        """Wake who waits for *group*, in the loop, and start the next one."""
        if self._pending:
            self._hand_over()
        else:
            self._writing = False
            if self._emptied is not None:
                self._emptied.set_result(None)
        for number, (_, _, future) in enumerate(group):
            if future.done():
                continue  # its call was cancelled; the row stands all the same
            failure = failures[number] if failures else None
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)

    def _work(self) -> None:
        """Write groups until None comes. Runs in the thread."""
        while (group := self._groups.get()) is not None:
            failures = self._book.write(group)
            self._loop.call_soon_threadsafe(self._settle, group, failures)
        self._book.close()


class Book:
    """The thread's side: a connection, opened when needed and again after it broke."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def write(self, group: list[Entry]) -> list[NotRecorded | None] | None:
        """Write *group*. Return None when all is durable, else each entry's failure (None: it is durable)."""
        try:
            return self._write(self._open(), group)
        except sqlite3.Error as error:
            self._recover(error)
            return [_failure(error)] * len(group)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path,
                timeout=ATTEMPT_SECONDS,
                isolation_level=None,
                check_same_thread=False,  # made in the thread that writes, perhaps closed by another
                cached_statements=2 * _ROWS,
            )
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._connection = connection
        return self._connection

    def _write(self, connection: sqlite3.Connection, group: list[Entry]) -> list[NotRecorded | None] | None:
        try:
            rows = [entry[0] for entry in group if entry[0] is not None and entry[1] is None]
            if len(rows) == len(group) <= _ROWS:
                _insert_calls(connection, rows)  # one statement is a transaction of its own
            else:
                with _Transaction(connection):
                    _insert_all(connection, group, rows)
        except _REFUSED:
            return _one_by_one(connection, group)
        return None

    def _recover(self, error: sqlite3.Error) -> None:
        """After a failure that may be the connection's, open a new one next time."""
        if getattr(error, "sqlite_errorcode", None) not in _PASSING:
            self.close()


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK on an error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._undo()
                raise
        else:
            self._undo()

    def _undo(self) -> None:
        if self._connection.in_transaction:  # a full disk has rolled back already
            self._connection.execute("ROLLBACK")


def _insert_calls(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute(_CALLS[len(rows)], list(chain.from_iterable(rows)))


def _insert_all(connection: sqlite3.Connection, group: list[Entry], rows: list[Row]) -> None:
    """Insert *rows*, the plain ones of *group*, and then the others."""
    for start in range(0, len(rows), _ROWS):
        _insert_calls(connection, rows[start : start + _ROWS])
    for row, stored, _ in group:
        if row is None or stored is not None:
            _insert_one(connection, row, stored)


def _insert_one(connection: sqlite3.Connection, row: Row | None, stored: StoredCompletion | None) -> None:
    if row is None:
        connection.execute(_PULSE, (time.time_ns(),))
        return
    connection.execute(_CALLS[1], row)
    if stored is not None:
        connection.execute(_COMPLETION, stored.row())
        connection.executemany(_LABEL, stored.label_rows())


def _one_by_one(connection: sqlite3.Connection, group: list[Entry]) -> list[NotRecorded | None]:
    """Write each entry of *group* for itself, in one transaction; return each one's failure."""
    failures: list[NotRecorded | None] = []
    with _Transaction(connection):
        for row, stored, _ in group:
            connection.execute("SAVEPOINT entry")
            try:
                _insert_one(connection, row, stored)
            except _REFUSED as error:
                connection.execute("ROLLBACK TO entry")
                failures.append(_failure(error))
            else:
                failures.append(None)
            connection.execute("RELEASE entry")
    return failures


def _failure(error: Exception) -> NotRecorded:
    failure = NotRecorded()
    failure.__cause__ = error
    return failure
