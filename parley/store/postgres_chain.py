"""The link of a group of calls in the audit log's chain, on PostgreSQL, at the end of the group's own transaction.

The head of the chain is a row that every writer locks last: whoever holds it waits for no other lock, so that nobody
waits in a ring. It is held for two round trips, the commit among them; groups of several replicas follow each other.

How it fails: as PostgreSQL does, and the group's transaction is rolled back.
"""

import time
from collections.abc import Sequence

import asyncpg

from parley.store.chain import of_calls
from parley.store.ledger import Row

_HEAD = "SELECT seq, hash FROM audit_ends WHERE name = 'head' FOR UPDATE"
_LINK = (
    "WITH linked AS (INSERT INTO audit (seq, at, kind, actor, subject, project, payload, hash)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8))"
    " UPDATE audit_ends SET seq = $1, hash = $8 WHERE name = 'head'"
)


async def link(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Append the row that commits to the calls *rows* to the chain."""
    if rows:
        seq, before = await connection.fetchrow(_HEAD)
        await connection.execute(_LINK, *of_calls(seq, before, rows, time.time_ns()))
