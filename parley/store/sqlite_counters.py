"""Counters, holds and leases on SQLite, inside the transaction of a group (`parley.store.sqlite_book`).

How it fails: as SQLite does, and the group's transaction is rolled back. What an admission takes is committed without
an fsync of its own: it survives the process, and a power failure may undo the last few, whose calls it ended as well.
"""

import sqlite3
import time
from collections.abc import Sequence
from itertools import chain

import msgspec
from sqlalchemy import Table

from parley.store.counters import Counter, Need, Verdict, decide
from parley.store.leases import Lease
from parley.store.ledger import Entry, Row, apply, forfeit, lost
from parley.store.tables import calls

_LOAD = "SELECT name, value, held FROM counters WHERE name IN (SELECT value FROM json_each(?))"
_SAVE = (
    "INSERT INTO counters (name, value, held) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value, held = excluded.held"
)
_RELEASE = "DELETE FROM holds WHERE id = ?"
_HOLD = "INSERT INTO holds (id, lease, needs, about) VALUES (?, ?, ?, ?)"
_RENEW = "INSERT INTO leases (id, until) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET until = excluded.until"
_DEAD = "SELECT id, needs, about FROM holds WHERE lease NOT IN (SELECT id FROM leases WHERE until > ?) LIMIT 500"
_needs = msgspec.json.Decoder(tuple[Need, ...])


def insert(table: Table, rows: int = 1) -> str:
    """Return the statement that inserts *rows* rows into *table*."""
    columns = table.columns.keys()
    values = f"({','.join('?' * len(columns))})"
    return f"INSERT INTO {table.name} ({','.join(columns)}) VALUES {','.join([values] * rows)}"  # noqa: S608


_LOST = insert(calls)


def renew(connection: sqlite3.Connection, lease: Lease, now: int) -> None:
    """Renew *lease*."""
    connection.execute(_RENEW, (lease.id, now + lease.nanoseconds))
    lease.renewed()


def load(connection: sqlite3.Connection, names: Sequence[str]) -> dict[str, Counter]:
    """Return the counters called *names*; one that is not there yet stands at nought."""
    found = {name: Counter() for name in names}
    for name, value, held in connection.execute(_LOAD, (msgspec.json.encode(list(found)).decode(),)):
        found[name] = Counter(value, held)
    return found


def save(connection: sqlite3.Connection, counters: dict[str, Counter]) -> None:
    """Write *counters* back."""
    connection.executemany(_SAVE, [(name, one.value, one.held) for name, one in counters.items()])


def count(connection: sqlite3.Connection, entries: Sequence[Entry], lease: Lease) -> list[Verdict | None]:
    """Settle and admit *entries*, the settlements first: what they give back is there for the others."""
    now = time.time_ns()
    counters = load(connection, list(chain.from_iterable(entry.names for entry in entries)))
    settled = [entry.settled for entry in entries if entry.settled]
    for one in settled:
        held = connection.execute(_RELEASE, (one.id,)).rowcount
        for change in one.changes if held else one.owed:
            apply(change, counters)
    verdicts: list[Verdict | None] = []
    holds: list[Row] = []
    for entry in entries:
        verdict = None
        if entry.admission:
            needs = entry.admission.needs
            verdict = decide(needs, counters, now)
            if verdict.short is None:
                holds.append((entry.admission.id, lease.id, msgspec.json.encode(needs), entry.admission.about))
        verdicts.append(verdict)
    save(connection, counters)
    if holds:
        if lease.due:
            renew(connection, lease, now)
        connection.executemany(_HOLD, holds)
    return verdicts


def keep(connection: sqlite3.Connection, lease: Lease) -> list[Row]:
    """Renew *lease*, and settle the calls of processes whose lease is over; return the rows that were written."""
    now = time.time_ns()
    renew(connection, lease, now)
    if not lease.judges:
        return []
    dead = [(id_, _needs.decode(needs), about) for id_, needs, about in connection.execute(_DEAD, (now,))]
    changes = list(chain.from_iterable(forfeit(needs) for _, needs, _ in dead))
    counters = load(connection, [change.counter for change in changes])
    for change in changes:
        apply(change, counters)
    save(connection, counters)
    rows = [lost(about, needs, now) for _, needs, about in dead]
    connection.executemany(_LOST, rows)
    connection.executemany(_RELEASE, [(id_,) for id_, _, _ in dead])
    connection.execute("DELETE FROM leases WHERE until <= ?", (now,))
    return rows
