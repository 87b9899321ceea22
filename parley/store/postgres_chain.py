"""The link of a group of calls in the audit log's chain, on PostgreSQL, in the group's own transaction.

The head of the chain is a row that every writer locks last: whoever holds it waits for no other lock, so that nobody
waits in a ring. It is held from there to the commit; groups of several replicas follow each other. The database makes
the hash itself, as `parley.store.chain` says, which spares a round trip with the head locked.

How it fails: as PostgreSQL does, and the group's transaction is rolled back.
"""

import time
from collections.abc import Sequence

import asyncpg

from parley.store.chain import CALLS, listing, tail
from parley.store.ledger import Row
from parley.store.tables import calls


def _link(first: int) -> str:
    """Return the statement that appends a row to the chain; its parameters are those from *first* on."""
    at, end, payload = (f"${first + number}" for number in range(3))
    return (
        "head AS (UPDATE audit_ends SET seq = seq + 1,"  # noqa: S608 - numbers of parameters
        f" hash = sha256(hash || convert_to('[' || (seq + 1) || ',', 'UTF8') || {end}::bytea)"
        " WHERE name = 'head' RETURNING seq, hash)"
        " INSERT INTO audit (seq, at, kind, actor, subject, project, payload, hash)"
        f" SELECT seq, {at}, '{CALLS}', '', '', '', {payload}, hash FROM head"
    )


_COLUMNS = calls.columns.keys()
_PLACES = ", ".join(f"${number}" for number in range(1, len(_COLUMNS) + 1))
_LINK = f"WITH {_link(1)}"
_LONE = (
    f"WITH lone AS (INSERT INTO calls ({', '.join(_COLUMNS)}) VALUES ({_PLACES})),"  # noqa: S608 - our own columns
    f" {_link(len(_COLUMNS) + 1)}"
)


async def link(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Append the row that commits to the calls *rows* to the chain."""
    if rows:
        await connection.execute(_LINK, *_row(rows))


async def write_lone(connection: asyncpg.Connection, row: Row) -> None:
    """Insert the *row* of a call and append its link: one statement, a transaction of its own."""
    await connection.execute(_LONE, *row, *_row([row]))


def _row(rows: Sequence[Row]) -> tuple[int, bytes, bytes]:
    """Return what the link of *rows* is made of: its time, what is hashed after its seq, its payload."""
    now, payload = time.time_ns(), listing(rows)
    return now, tail(now, CALLS, payload), payload
