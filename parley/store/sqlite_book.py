"""The thread's side of the ledger on SQLite: a connection, and how a group of rows is written through it.

One INSERT with many rows is one step of SQLite, so the interpreter's lock changes hands once a group and not
once a row: measured a third cheaper than `executemany`. The calls of a group are linked into the audit log's chain
(`parley.store.chain`) by one row, in the group's own transaction.

How it fails: a database that is locked, full or broken fails the group; the next group tries anew, on a new
connection where the old one may be to blame. A row that SQLite refuses (an id that is there already) fails
alone.
"""

import sqlite3
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from parley.store.chain import of_calls
from parley.store.leases import Lease
from parley.store.ledger import ATTEMPT_SECONDS, Claiming, Entry, Keep, Results, Row, clean, failure
from parley.store.replays import Found
from parley.store.sqlite_counters import count, insert, keep
from parley.store.sqlite_replays import claim, end, prune
from parley.store.tables import audit, calls, completions, labels

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


_CALLS = [insert(calls, rows) for rows in range(_ROWS + 1)]
_COMPLETION = f"{insert(completions)} ON CONFLICT DO NOTHING"
_LABEL = insert(labels)
_PULSE = "INSERT OR REPLACE INTO pulse VALUES (1, ?)"
_HEAD = "SELECT seq, hash FROM audit_ends WHERE name = 'head'"
_LINK = insert(audit)
_MOVE = "UPDATE audit_ends SET seq = ?, hash = ? WHERE name = 'head'"


class Book:
    """The thread's side: a connection, opened when needed and again after it broke."""

    def __init__(self, path: Path, lease: Lease) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lease = lease

    def write(self, group: list[Entry]) -> Results:
        """Write *group*. Return None when all is durable, else what became of each entry."""
        try:
            return self._write(self._open(), group)
        except sqlite3.Error as error:
            self._recover(error)
            self._lease.doubt()
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

    def _write(self, connection: sqlite3.Connection, group: list[Entry]) -> Results:
        try:
            with _Transaction(connection, durable=any(entry.lasting for entry in group)):
                written: list[Row] = []
                results = self._insert_all(connection, group, written)
                _link(connection, written)
                return results
        except _REFUSED:
            return self._one_by_one(connection, group)

    def _insert_all(self, connection: sqlite3.Connection, group: list[Entry], written: list[Row]) -> Results:
        """Insert the plain rows of *group*, then the others; then count. The rows of calls go to *written*."""
        rows = [entry.row for entry in group if entry.row and entry.plain]
        for start in range(0, len(rows), _ROWS):
            _insert_calls(connection, rows[start : start + _ROWS])
        written += rows
        if len(rows) == len(group):
            return None
        results: list[Any] = [
            None if entry.plain or entry.admission else self._insert_one(connection, entry, written) for entry in group
        ]
        counted = [number for number, entry in enumerate(group) if entry.settled or entry.admission]
        if counted:
            verdicts = count(connection, [group[number] for number in counted], self._lease)
            for number, verdict in zip(counted, verdicts, strict=True):
                results[number] = verdict
        return results

    def _insert_one(self, connection: sqlite3.Connection, entry: Entry, written: list[Row]) -> int | Found | None:
        row, stored = entry.row, entry.stored
        if isinstance(entry, Claiming):
            return claim(connection, entry.claim, self._lease)
        if isinstance(entry, Keep):
            prune(connection, entry.left)
            dead = keep(connection, self._lease)
            written += dead
            return len(dead)
        if row is None:
            connection.execute(_PULSE, (time.time_ns(),))
            return None
        connection.execute(_CALLS[1], row)
        written.append(row)
        if stored is not None:
            if not connection.execute(_COMPLETION, stored.row()).rowcount:
                stored = stored.renamed(str(row[0]))
                connection.execute(_COMPLETION, stored.row())
            connection.executemany(_LABEL, stored.label_rows())
        if entry.kept is not None:
            end(connection, entry.kept)
        return None

    def _one_by_one(self, connection: sqlite3.Connection, group: list[Entry]) -> Results:
        """Write each entry of *group* for itself, in one transaction; return what became of each."""
        results: list[Any] = []
        linked: list[Row] = []
        self._lease.doubt()
        with _Transaction(connection):
            for entry in group:
                written: list[Row] = []
                connection.execute("SAVEPOINT entry")
                try:
                    entry.row, entry.stored = clean(entry.row), entry.stored and entry.stored.clean()
                    results.extend(self._insert_all(connection, [entry], written) or [None])
                    linked += written
                except _REFUSED as error:
                    connection.execute("ROLLBACK TO entry")
                    results.append(failure(error, final=True))
                connection.execute("RELEASE entry")
            _link(connection, linked)
        return results

    def _recover(self, error: sqlite3.Error) -> None:
        """After a failure that may be the connection's, open a new one next time."""
        if getattr(error, "sqlite_errorcode", None) not in _PASSING:
            self.close()


class _Transaction:
    """BEGIN IMMEDIATE ... COMMIT, or ROLLBACK on an error; one that need not be *durable* waits for no disk."""

    def __init__(self, connection: sqlite3.Connection, *, durable: bool = True) -> None:
        self._connection = connection
        self._durable = durable

    def __enter__(self) -> None:
        if not self._durable:
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._commit()
            else:
                self._undo()
        finally:
            if not self._durable:
                self._connection.execute("PRAGMA synchronous = FULL")

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            self._undo()
            raise

    def _undo(self) -> None:
        if self._connection.in_transaction:  # a full disk has rolled back already
            self._connection.execute("ROLLBACK")


def _insert_calls(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute(_CALLS[len(rows)], list(chain.from_iterable(rows)))


def _link(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Append the row that commits to the calls *rows* to the chain."""
    if rows:
        seq, before = connection.execute(_HEAD).fetchone()
        link = of_calls(seq, before, rows, time.time_ns())
        connection.execute(_LINK, link)
        connection.execute(_MOVE, (link[0], link[-1]))
