"""The thread's side of the ledger on SQLite: a connection, and how a group of rows is written through it.

One INSERT with many rows is one step of SQLite, so the interpreter's lock changes hands once a group and not
once a row: measured a third cheaper than `executemany`, and no BEGIN and COMMIT are needed around it.

How it fails: a database that is locked, full or broken fails the group; the next group tries anew, on a new
connection where the old one may be to blame. A row that SQLite refuses (an id that is there already) fails
alone.
"""

import sqlite3
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from sqlalchemy import Table

from parley.errors import NotRecorded
from parley.store.completions import StoredCompletion
from parley.store.ledger import ATTEMPT_SECONDS, Entry, Failures, Row, clean, failure
from parley.store.tables import calls, completions, labels

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


def _insert(table: Table, rows: int = 1) -> str:
    columns = table.columns.keys()
    values = f"({','.join('?' * len(columns))})"
    return f"INSERT INTO {table.name} ({','.join(columns)}) VALUES {','.join([values] * rows)}"  # noqa: S608


_CALLS = [_insert(calls, rows) for rows in range(_ROWS + 1)]
_COMPLETION = f"{_insert(completions)} ON CONFLICT DO NOTHING"
_LABEL = _insert(labels)
_PULSE = "INSERT OR REPLACE INTO pulse VALUES (1, ?)"


class Book:
    """The thread's side: a connection, opened when needed and again after it broke."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def write(self, group: list[Entry]) -> Failures:
        """Write *group*. Return None when all is durable, else each entry's failure (None: it is durable)."""
        try:
            return self._write(self._open(), group)
        except sqlite3.Error as error:
            self._recover(error)
            return [failure(error) for _ in group]

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

    def _write(self, connection: sqlite3.Connection, group: list[Entry]) -> Failures:
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
        if not connection.execute(_COMPLETION, stored.row()).rowcount:
            stored = stored.renamed(str(row[0]))
            connection.execute(_COMPLETION, stored.row())
        connection.executemany(_LABEL, stored.label_rows())


def _one_by_one(connection: sqlite3.Connection, group: list[Entry]) -> list[NotRecorded | None]:
    """Write each entry of *group* for itself, in one transaction; return each one's failure."""
    failures: list[NotRecorded | None] = []
    with _Transaction(connection):
        for row, stored, _ in group:
            connection.execute("SAVEPOINT entry")
            try:
                _insert_one(connection, clean(row), stored and stored.clean())
            except _REFUSED as error:
                connection.execute("ROLLBACK TO entry")
                failures.append(failure(error))
            else:
                failures.append(None)
            connection.execute("RELEASE entry")
    return failures
