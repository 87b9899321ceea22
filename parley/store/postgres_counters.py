"""Counters, holds and leases on PostgreSQL, inside the transaction of a group (`parley.store.postgres_ledger`).

Counters are locked in the order of their names, so that groups of several replicas wait for each other and never in
a ring. The time is the database's: replicas need not agree on theirs. What an admission takes is committed without
waiting for the disk: it survives the process, and a crash of the database may undo the last few.

How it fails: as PostgreSQL does, and the group's transaction is rolled back. After a lost connection a group comes
*again*: what its first attempt may have committed is found by its holds, and neither taken nor given back twice.
"""

import time
from collections.abc import Iterable, Sequence
from itertools import chain

import asyncpg
import msgspec

from parley.store.counters import Counter, Need, Verdict, decide, standing
from parley.store.leases import Lease
from parley.store.ledger import Admission, Entry, Row, apply, forfeit, lost

_LOCK = (
    "SELECT name, value, held, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint FROM counters"
    " WHERE name = ANY($1) ORDER BY name FOR UPDATE"
)
_MAKE = (
    "INSERT INTO counters (name, value, held) SELECT name, 0, 0 FROM unnest($1::text[]) AS name ON CONFLICT DO NOTHING"
)
_SAVE = (
    "UPDATE counters SET value = new.value, held = new.held"
    " FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS new (name, value, held) WHERE counters.name = new.name"
)
_HOLD = (
    "INSERT INTO holds (id, lease, needs, about)"
    " SELECT id, $1, needs, about FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS new (id, needs, about)"
)
_RELEASE = "DELETE FROM holds WHERE id = ANY($1) RETURNING id"
_RENEW = (
    "INSERT INTO leases (id, until) VALUES ($1, (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint + $2)"
    " ON CONFLICT (id) DO UPDATE SET until = excluded.until"
)
_OVER = "DELETE FROM leases WHERE until <= (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
_DEAD = (
    "SELECT id, needs, about FROM holds WHERE lease NOT IN (SELECT id FROM leases)"
    " ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED"
)
_needs = msgspec.json.Decoder(tuple[Need, ...])


async def renew(connection: asyncpg.Connection, lease: Lease) -> None:
    """Renew *lease*."""
    await connection.execute(_RENEW, lease.id, lease.nanoseconds)
    lease.renewed()


async def lock(connection: asyncpg.Connection, names: Iterable[str]) -> tuple[dict[str, Counter], int]:
    """Return the counters called *names*, locked, and the database's time."""
    wanted = sorted(set(names))
    rows = await connection.fetch(_LOCK, wanted)
    if len(rows) < len(wanted):
        await connection.execute(_MAKE, wanted)
        rows = await connection.fetch(_LOCK, wanted)
    return {row[0]: Counter(row[1], row[2]) for row in rows}, max((row[3] for row in rows), default=0)


async def save(connection: asyncpg.Connection, counters: dict[str, Counter]) -> None:
    """Write *counters* back."""
    values = [one.value for one in counters.values()]
    await connection.execute(_SAVE, list(counters), values, [one.held for one in counters.values()])


async def count(
    connection: asyncpg.Connection, entries: Sequence[Entry], lease: Lease, *, again: bool
) -> list[Verdict | None]:
    """Settle and admit *entries*, the settlements first: what they give back is there for the others.

    The counters are locked before the holds are looked at: an admission whose end nobody saw is seen here, or undone.
    """
    settled = [entry.settled for entry in entries if entry.settled]
    counters, now = await lock(connection, chain.from_iterable(entry.names for entry in entries))
    released = {row[0] for row in await connection.fetch(_RELEASE, [one.id for one in settled])} if settled else set()
    taken = await _taken(connection, entries) if again else set()
    for change in chain.from_iterable(one.changes if one.id in released else one.owed for one in settled):
        apply(change, counters)
    verdicts: list[Verdict | None] = []
    fresh: list[Admission] = []
    for entry in entries:
        verdict = None
        if entry.admission and entry.admission.id in taken:
            needs = entry.admission.needs
            verdict = Verdict(None, tuple(standing(need, counters[need.counter], now) for need in needs))
        elif entry.admission:
            verdict = decide(entry.admission.needs, counters, now)
            if verdict.short is None:
                fresh.append(entry.admission)
        verdicts.append(verdict)
    await save(connection, counters)
    if fresh:
        if lease.due:
            await renew(connection, lease)
        needs_of = [msgspec.json.encode(one.needs) for one in fresh]
        await connection.execute(_HOLD, lease.id, [one.id for one in fresh], needs_of, [one.about for one in fresh])
    return verdicts


async def _taken(connection: asyncpg.Connection, entries: Sequence[Entry]) -> set[str]:
    """Return which admissions of *entries* the first attempt has committed."""
    ids = [entry.admission.id for entry in entries if entry.admission]
    return {row[0] for row in await connection.fetch("SELECT id FROM holds WHERE id = ANY($1)", ids)} if ids else set()


async def keep(connection: asyncpg.Connection, lease: Lease) -> list[Row]:
    """Renew *lease*, and settle the calls of processes whose lease is over; return the rows to be written for them."""
    await renew(connection, lease)
    if not lease.judges:
        return []
    await connection.execute(_OVER)
    dead = [(row[0], _needs.decode(row[1]), row[2]) for row in await connection.fetch(_DEAD)]
    if not dead:
        return []
    changes = list(chain.from_iterable(forfeit(needs) for _, needs, _ in dead))
    counters, _ = await lock(connection, [change.counter for change in changes])
    for change in changes:
        apply(change, counters)
    await save(connection, counters)
    await connection.execute("DELETE FROM holds WHERE id = ANY($1)", [id_ for id_, _, _ in dead])
    return [lost(about, needs, time.time_ns()) for _, needs, about in dead]


async def refused(connection: asyncpg.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Return those of *entries* whose call was given up as lost: their rows must not seem to be written."""
    ids = [entry.settled.id for entry in entries if entry.settled]
    if not ids:
        return []
    found = await connection.fetch("SELECT id FROM calls WHERE id = ANY($1) AND outcome = 'lost'", ids)
    gone = {row[0] for row in found}
    return [entry for entry in entries if entry.settled and entry.settled.id in gone]
