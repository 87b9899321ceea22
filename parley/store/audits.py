"""The audit log: what a person did in administration, and the chain over it and all calls (`parley.store.chain`).

`note` writes a row in the transaction of the change that it tells of, as that transaction's last step: it locks the
head of the chain, and whoever holds that must wait for nothing else. How it fails: with NotRecorded, and the change is
not made either.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from sqlalchemy import Select, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.core.actor import actor
from parley.store.chain import CALLS, CHECKPOINT, HEAD, PRUNED, START, Link, Pruned, add, follow, link_of, listed
from parley.store.connections import Connections
from parley.store.storable import storable
from parley.store.tables import audit, audit_ends, calls, projects

Tell = Callable[[int, int], None]
"""Is told how many rows are done, of how many."""

PAGE = 1000
"""How many rows are read, or deleted, at a time."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Wanted(msgspec.Struct, frozen=True):
    """Which rows are wanted; times in nanoseconds since 1970. An empty set is no filter.

    after: only older ones than the row with this seq. before: only newer ones, the nearest to it.
    """

    limit: int = 20
    since: int | None = None
    until: int | None = None
    kinds: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    after: int | None = None
    before: int | None = None


class Deed(msgspec.Struct, frozen=True):
    """A row of the audit log about administration, and the name of its project."""

    link: Link
    project: str | None


Deeds = list[Deed]


class Audits:
    """The audit log."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    async def note(self, kind: str, subject: str, project: str = "", **details: Any) -> None:
        """Write that something was done that changed no other table. Raises NotRecorded."""
        async with self.connections.writing() as connection:
            await note(connection, kind, subject, project, **details)

    async def list(self, wanted: Wanted) -> tuple[Deeds, bool]:
        """Return the rows of administration that are *wanted*, the newest first, and whether there are more."""
        query = _filtered(wanted).limit(wanted.limit + 1)
        async with self.connections.reading() as connection:
            rows = (await connection.execute(query)).all()
        found = [Deed(link_of(row[:-1]), row[-1]) for row in rows[: wanted.limit]]
        if wanted.before is not None:
            found.reverse()
        return found, len(rows) > wanted.limit

    async def walk(self, since: int | None = None, until: int | None = None) -> AsyncIterator[Link]:
        """Yield every row from *since* until before *until* (nanoseconds since 1970), the oldest first."""
        last = 0
        while True:
            query = select(audit).where(audit.c.seq > last).order_by(audit.c.seq).limit(PAGE)
            if since is not None:
                query = query.where(audit.c.at >= since)
            if until is not None:
                query = query.where(audit.c.at < until)
            async with self.connections.reading() as connection:
                rows = (await connection.execute(query)).all()
            for row in rows:
                yield link_of(row)
            if not rows:
                return
            last = rows[-1].seq

    async def prune(self, before: int, *, with_calls: bool, tell: Tell) -> int:
        """Delete the rows older than *before* and, *with_calls*, the calls they list; return how many rows.

        It goes step by step, so that no call waits for long; after every step the chain is whole. Raises NotRecorded.
        """
        async with self.connections.reading() as connection:
            first = await checkpoint(connection)
            newer = select(audit.c.seq).where(audit.c.at >= before).order_by(audit.c.seq).limit(1)
            found = (await connection.execute(newer)).scalar()
            head = (await connection.execute(select(audit_ends.c.seq).where(audit_ends.c.name == HEAD))).scalar_one()
        last = head if found is None else found - 1
        done = 0
        while step := await self._prune(last, with_calls=with_calls):
            done += step
            tell(done, max(last - first.seq, done))
        return done

    async def _prune(self, last: int, *, with_calls: bool) -> int:
        """Delete up to a page of rows, none newer than *last*; return how many."""
        async with self.connections.writing() as connection:
            lock = update(audit_ends).where(audit_ends.c.name == CHECKPOINT).values(seq=audit_ends.c.seq)
            await connection.execute(lock)  # two that prune at once would count the kept calls twice
            query = select(audit).where(audit.c.seq <= last).order_by(audit.c.seq).limit(PAGE)
            links = [link_of(row) for row in await connection.execute(query)]
            if not links:
                return 0
            there = [one for link in links if link.kind == CALLS for one in listed(link.payload)]
            if with_calls:
                await _forget(connection, [one.id for one in there])
                there = []
            point = await checkpoint(connection)
            total = add(point.total, (one.digest for one in there))
            point = Pruned(links[-1].seq, links[-1].at, links[-1].hash, point.calls + len(there), total)
            await connection.execute(delete(audit).where(audit.c.seq <= point.seq))
            await connection.execute(
                update(audit_ends).where(audit_ends.c.name == CHECKPOINT).values(msgspec.structs.asdict(point))
            )
            await _append(connection, PRUNED, _encode(point))
            return len(links)


async def note(connection: AsyncConnection, kind: str, subject: str, project: str = "", **details: Any) -> None:
    """Write, as the last step of the transaction of *connection*, that who acts did *kind* to *subject*.

    project: the id of the project that it belongs to. details: what the API shows of it besides the subject's id.
    """
    await _append(connection, kind, _encode({"id": subject, **details}), subject, project)


async def _append(connection: AsyncConnection, kind: str, payload: bytes, subject: str = "", project: str = "") -> None:
    """Append a row to the chain."""
    grow = update(audit_ends).where(audit_ends.c.name == HEAD).values(seq=audit_ends.c.seq + 1)
    seq, before = (await connection.execute(grow.returning(audit_ends.c.seq, audit_ends.c.hash))).one()
    link = follow(before, Link(seq, time.time_ns(), kind, actor(), subject, project, payload, START))
    await connection.execute(insert(audit).values(msgspec.structs.asdict(link)))
    await connection.execute(update(audit_ends).where(audit_ends.c.name == HEAD).values(hash=link.hash))


async def checkpoint(connection: AsyncConnection) -> Pruned:
    """Return the checkpoint."""
    columns = [audit_ends.c[name] for name in Pruned.__struct_fields__]
    found = await connection.execute(select(*columns).where(audit_ends.c.name == CHECKPOINT))
    return Pruned(*found.one())


async def _forget(connection: AsyncConnection, ids: "list[str]") -> None:
    """Delete the calls with these *ids*."""
    for start in range(0, len(ids), PAGE):
        await connection.execute(delete(calls).where(calls.c.id.in_(ids[start : start + PAGE])))


def _filtered(wanted: Wanted) -> Select[Any]:
    """Return the query for the rows that are *wanted*, without its limit."""
    query = select(audit, projects.c.name).outerjoin_from(audit, projects, projects.c.id == audit.c.project)
    query = query.where(text("audit.kind <> 'calls'"))  # written out, as the index has it
    chosen = {"kind": wanted.kinds, "actor": wanted.actors, "subject": wanted.subjects, "project": wanted.projects}
    for name, values in chosen.items():
        if values:
            query = query.where(audit.c[name].in_([storable(value) for value in values]))
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if wanted.after is not None:
        query = query.where(audit.c.seq < wanted.after)
    if wanted.before is not None:
        return query.where(audit.c.seq > wanted.before).order_by(audit.c.seq)
    return query.order_by(audit.c.seq.desc())
