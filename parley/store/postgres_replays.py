"""Claims and kept answers on PostgreSQL, inside the transaction of a group (`parley.store.postgres_ledger`).

Replicas that claim one key at once wait for each other at its row, and each step looks anew: what is stale goes, a
claim is made where none stands, and what stands then is the answer. The time is the database's. How it fails: as
PostgreSQL does, and the group's transaction is rolled back; coming again, a call finds its own claim.
"""

from collections.abc import Iterable

import asyncpg

from parley.store.leases import Lease
from parley.store.postgres_counters import renew
from parley.store.replays import KEPT_SECONDS, PRUNED, Claim, Found, Kept

_NOW = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
_OLDEST = f"{_NOW} - {KEPT_SECONDS * 1_000_000_000}"
_STALE = f"(created_at <= {_OLDEST} OR (answer IS NULL AND lease NOT IN (SELECT id FROM leases WHERE until > {_NOW})))"  # noqa: S608 - our own text
_LOOK = f"SELECT call, digest, answer FROM idempotency WHERE project = $1 AND key = $2 AND NOT {_STALE}"  # noqa: S608
_CLEAR = f"DELETE FROM idempotency WHERE project = $1 AND key = $2 AND {_STALE}"  # noqa: S608
_CLAIM = (
    "INSERT INTO idempotency (project, key, digest, call, lease, created_at)"  # noqa: S608
    f" VALUES ($1, $2, $3, $4, $5, {_NOW}) ON CONFLICT DO NOTHING"
)
_MINE = "project = $1 AND key = $2 AND call = $3"
_KEEP = f"UPDATE idempotency SET answer = $4 WHERE {_MINE}"  # noqa: S608
_GIVE_UP = f"DELETE FROM idempotency WHERE {_MINE} AND answer IS NULL"  # noqa: S608
_PRUNE = (
    "DELETE FROM idempotency WHERE (project, key) IN"  # noqa: S608
    f" (SELECT project, key FROM idempotency WHERE created_at <= {_OLDEST} ORDER BY created_at LIMIT {PRUNED})"
)


async def claim(connection: asyncpg.Connection, wanted: Claim, lease: Lease) -> Found:
    """Make the claim *wanted*, or leave the one that stands; return the one that does."""
    found = await connection.fetchrow(_LOOK, wanted.project, wanted.key)
    if found is None:
        if lease.due:
            await renew(connection, lease)
        await connection.execute(_CLEAR, wanted.project, wanted.key)
        await connection.execute(_CLAIM, wanted.project, wanted.key, wanted.digest, wanted.call, lease.id)
        found = await connection.fetchrow(_LOOK, wanted.project, wanted.key)
    if found is None:  # another's claim came and went meanwhile: whoever asks again finds the key free
        return Found("", wanted.digest, None)
    return Found(*found)


async def end(connection: asyncpg.Connection, kept: Kept) -> None:
    """Keep the answer of a claim, or give its key free; a claim that was lost to another call stays as it is."""
    mine = (kept.claim.project, kept.claim.key, kept.claim.call)
    if kept.answer is None:
        await connection.execute(_GIVE_UP, *mine)
    else:
        await connection.execute(_KEEP, *mine, kept.answer)


async def prune(connection: asyncpg.Connection, left: Iterable[Kept]) -> None:
    """End the claims that were *left*, and forget answers that are old enough."""
    for kept in left:
        await end(connection, kept)
    await connection.execute(_PRUNE)
