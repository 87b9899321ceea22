"""The proof of the audit log: walks the chain and the calls, and names what was changed, removed, moved or invented.

It reads page by page, beside a running server. What it cannot find: a chain that was written anew from some row to its
end, with the head; for that it is told a seq and hash that somebody kept. How it fails: with NotRecorded, and with
Conflict when rows are pruned meanwhile.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from parley.errors import Conflict
from parley.store.audits import Tell, checkpoint
from parley.store.chain import (
    CALLS,
    CHECKPOINT,
    HEAD,
    PRUNED,
    START,
    Link,
    Listed,
    Pruned,
    add,
    digest,
    hashed,
    link_of,
    listed,
    pruned,
)
from parley.store.connections import Connections
from parley.store.tables import audit, audit_ends, calls

_LINKS, _CALLS = 200, 1000  # rows of a page
_SHUFFLED = 30  # so many rows that do not follow are looked at for how they were moved

Kept = tuple[int, bytes]
"""A seq and hash that somebody kept."""


class Report(msgspec.Struct):
    """What was found. seq, hash: the head, to be kept elsewhere; rows, calls: how many were there to be looked at."""

    seq: int
    hash: bytes
    rows: int = 0
    calls: int = 0
    faults: list[str] = []


class Proof:
    """One walk over the audit log."""

    def __init__(self, connections: Connections, tell: Tell, kept: Kept | None = None) -> None:
        self._connections = connections
        self._tell = tell
        self._kept = kept
        self._broken: list[tuple[bytes, Link]] = []
        self._said: Pruned | None = None

    async def verify(self) -> Report:
        """Walk, and return what was found. Raises Conflict, NotRecorded."""
        async with self._connections.reading() as connection:
            ends = set((await connection.execute(select(audit_ends.c.name))).scalars())
            total = (await connection.execute(select(func.count()).select_from(calls))).scalar_one()
            if lost := sorted({HEAD, CHECKPOINT} - ends):
                return Report(
                    0, START, faults=[f"the {name} of the chain (table audit_ends) is missing" for name in lost]
                )
            point = await checkpoint(connection)
            query = select(audit_ends.c.seq, audit_ends.c.hash).where(audit_ends.c.name == HEAD)
            seq, hash_ = (await connection.execute(query)).one()
        self.report = Report(seq, hash_)
        await self._walk(point)
        self._sort_out()
        await self._borders(point)
        if self.report.calls != total or point.calls:
            await self._strangers(point)
        async with self._connections.reading() as connection:
            if await checkpoint(connection) != point:
                raise Conflict("The audit log was pruned meanwhile. Verify it again.")
        return self.report

    def _fault(self, what: str) -> None:
        self.report.faults.append(what)

    async def _walk(self, point: Pruned) -> None:
        """Walk from the checkpoint *point* to the head."""
        seq, before, end = point.seq, point.hash, self.report.seq
        self._compare(seq, before)
        while seq < end:
            links = await self._page(seq, end)
            for link in links:
                if link.seq != seq + 1:
                    self._missing(seq + 1, link.seq - 1)
                elif hashed(before, link) != link.hash:
                    self._broken.append((before, link))
                seq, before = link.seq, link.hash
                self._compare(seq, before)
                if link.kind == PRUNED:
                    self._said = pruned(link.payload)
            if not links:
                self._missing(seq + 1, end)
                break
            self.report.rows += len(links)
            for start in range(0, len(found := _all_listed(links)), _CALLS):
                await self._look_up(found[start : start + _CALLS])
            self._tell(seq - point.seq, end - point.seq)
        if seq == end and before != self.report.hash:
            self._fault(f"the head does not have the hash of audit row {seq}: one of them was changed")

    async def _page(self, seq: int, end: int) -> list[Link]:
        """Return the rows that follow on row *seq*, none after *end*."""
        query = select(audit).where(audit.c.seq > seq, audit.c.seq <= end).order_by(audit.c.seq).limit(_LINKS)
        async with self._connections.reading() as connection:
            return [link_of(row) for row in await connection.execute(query)]

    def _missing(self, first: int, last: int) -> None:
        self._fault(f"audit row {first} is missing" if first == last else f"audit rows {first} to {last} are missing")
        if self._kept and first <= self._kept[0] <= last:
            self._kept = None  # told already

    def _compare(self, seq: int, found: bytes) -> None:
        """Compare the hash of row *seq* with the one that somebody kept."""
        if self._kept and self._kept[0] == seq:
            if self._kept[1] != found:
                self._fault(f"audit row {seq} does not have the hash that was kept: the chain was written anew")
            self._kept = None

    async def _look_up(self, found: Sequence[tuple[int, Listed]]) -> None:
        """Compare the calls that were *found* in rows of the chain with what is in the table."""
        query = select(calls).where(calls.c.id.in_([one.id for _, one in found]))
        async with self._connections.reading() as connection:
            there = {row[0]: digest(tuple(row)) for row in await connection.execute(query)}
        self.report.calls += len(there)
        for seq, one in found:
            if one.id not in there:
                self._fault(f"call {one.id} is missing: audit row {seq} lists it")
            elif there[one.id] != one.digest:
                self._fault(f"call {one.id} was changed: it is not what audit row {seq} lists")

    def _sort_out(self) -> None:
        """Tell rows that were moved from those that were changed."""
        places = [link.seq for _, link in self._broken]
        hashes = {found for before, link in self._broken for found in (before, link.hash)}
        for _, link in self._broken:
            name = " ".join(filter(None, (link.kind, link.subject)))
            place = _place(link, places, hashes) if len(places) <= _SHUFFLED else None
            if place is None:
                self._fault(f"audit row {link.seq} ({name}) was changed, or the row before it together with its hash")
            elif place != link.seq:
                self._fault(f"audit row {link.seq} ({name}) is not in its order: it was written as row {place}")

    async def _borders(self, point: Pruned) -> None:
        """Look for rows outside of the chain's ends, and at the checkpoint *point* itself."""
        head = select(audit_ends.c.seq).where(audit_ends.c.name == HEAD).scalar_subquery()
        query = select(audit.c.seq).where((audit.c.seq > head) | (audit.c.seq <= point.seq)).order_by(audit.c.seq)
        async with self._connections.reading() as connection:
            for row in await connection.execute(query.limit(_CALLS)):
                self._fault(f"audit row {row[0]} is invented: it stands outside of the chain")
        if point != (self._said or Pruned()):
            self._fault(
                f"the checkpoint was changed: no row of the chain says that it was pruned up to row {point.seq}"
            )
        if self._kept:
            end = "the checkpoint" if self._kept[0] < point.seq else f"the head, row {self.report.seq}"
            side = "before" if self._kept[0] < point.seq else "after"
            self._fault(f"audit row {self._kept[0]}, whose hash was kept, is not there: it would come {side} {end}")

    async def _strangers(self, point: Pruned) -> None:
        """Name the calls that no row lists, but for those that *point* says were kept."""
        async with self._connections.reading() as connection:
            known: set[str] = set()
            await self._learn(connection, known, point.seq)
            found: list[tuple[str, int, bytes]] = []
            last = ""
            query = select(calls).order_by(calls.c.id).limit(_CALLS)
            while rows := (await connection.execute(query.where(calls.c.id > last))).all():
                found += [(row.id, row.at, digest(tuple(row))) for row in rows if row.id not in known]
                last = rows[-1].id
            known.clear()
            await self._learn(connection, known, self.report.seq)  # what was settled since we began
        found = [one for one in found if one[0] not in known]
        self.report.calls += min(len(found), point.calls)
        if len(found) == point.calls and add(Pruned().total, (one[2] for one in found)) == point.total:
            return
        for id_, at, _ in found:
            if not point.calls or at > point.at:
                self._fault(f"call {id_} is invented: no audit row lists it")
        old = [one[2] for one in found if one[1] <= point.at] if point.calls else []
        if len(old) != point.calls or add(Pruned().total, old) != point.total:
            self._fault(
                f"the calls from before the checkpoint are not those that were kept: {len(old)} are there of"
                f" {point.calls}, and which were changed cannot be told any more"
            )

    @staticmethod
    async def _learn(connection: AsyncConnection, known: set[str], seq: int) -> None:
        """Add to *known* the ids of the calls that rows after *seq* list."""
        query = select(audit.c.seq, audit.c.payload).where(audit.c.kind == CALLS).order_by(audit.c.seq).limit(_LINKS)
        while rows := (await connection.execute(query.where(audit.c.seq > seq))).all():
            known.update(one.id for row in rows for one in listed(row.payload))
            seq = rows[-1].seq


def _all_listed(links: Sequence[Link]) -> list[tuple[int, Listed]]:
    """Return the calls that *links* list, each with the seq of its row."""
    return [(link.seq, one) for link in links if link.kind == CALLS for one in listed(link.payload)]


def _place(link: Link, places: Sequence[int], hashes: set[bytes]) -> int | None:
    """Return at which of *places*, after which of *hashes*, *link* was written; None: nowhere, it was changed."""
    for place in (link.seq, *places):
        moved = msgspec.structs.replace(link, seq=place)
        if any(hashed(before, moved) == link.hash for before in hashes):
            return place
    return None
