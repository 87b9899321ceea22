"""Claims and kept answers on SQLite, inside the transaction of a group (`parley.store.sqlite_book`).

SQLite has one writer at a time, so what a claim finds cannot change before it is made. How it fails: as SQLite does,
and the group's transaction is rolled back.
"""

import sqlite3
import time
from collections.abc import Iterable

from parley.store.leases import Lease
from parley.store.replays import KEPT_SECONDS, PRUNED, Claim, Found, Kept
from parley.store.sqlite_counters import renew

_LOOK = (
    "SELECT call, digest, answer FROM idempotency WHERE project = ? AND key = ? AND created_at > ?"
    " AND (answer IS NOT NULL OR lease IN (SELECT id FROM leases WHERE until > ?))"
)
_CLAIM = (
    "INSERT OR REPLACE INTO idempotency (project, key, digest, call, lease, created_at, answer)"
    " VALUES (?, ?, ?, ?, ?, ?, NULL)"
)
_MINE = "project = ? AND key = ? AND call = ?"
_KEEP = f"UPDATE idempotency SET answer = ? WHERE {_MINE}"  # noqa: S608 - our own text
_GIVE_UP = f"DELETE FROM idempotency WHERE {_MINE} AND answer IS NULL"  # noqa: S608 - our own text
_PRUNE = (
    "DELETE FROM idempotency WHERE (project, key) IN"
    " (SELECT project, key FROM idempotency WHERE created_at <= ? ORDER BY created_at LIMIT ?)"
)


def claim(connection: sqlite3.Connection, wanted: Claim, lease: Lease) -> Found:
    """Make the claim *wanted*, or leave the one that stands; return the one that does."""
    now = time.time_ns()
    found = connection.execute(_LOOK, (wanted.project, wanted.key, oldest(now), now)).fetchone()
    if found is not None:
        return Found(*found)
    if lease.due:
        renew(connection, lease, now)
    connection.execute(_CLAIM, (wanted.project, wanted.key, wanted.digest, wanted.call, lease.id, now))
    return Found(wanted.call, wanted.digest, None)


def end(connection: sqlite3.Connection, kept: Kept) -> None:
    """Keep the answer of a claim, or give its key free; a claim that was lost to another call stays as it is."""
    mine = (kept.claim.project, kept.claim.key, kept.claim.call)
    if kept.answer is None:
        connection.execute(_GIVE_UP, mine)
    else:
        connection.execute(_KEEP, (kept.answer, *mine))


def prune(connection: sqlite3.Connection, left: Iterable[Kept]) -> None:
    """End the claims that were *left*, and forget answers that are old enough."""
    for kept in left:
        end(connection, kept)
    connection.execute(_PRUNE, (oldest(time.time_ns()), PRUNED))


def oldest(now: int) -> int:
    """Return the time after which what is still kept was claimed."""
    return now - KEPT_SECONDS * 1_000_000_000
