"""The ledger on PostgreSQL: one task owns a connection and writes group after group.

While a group is being written the next one gathers. Its rows are one `executemany`: one round trip. Measured at 32
rows a group that costs this process 4 microseconds a row; COPY costs the same, arrays twice that. Then it is linked
into the audit log's chain, in the same transaction.

How it fails: a connection that is lost is made again, and the group is written once more, as long as its time
allows; rows that the first attempt has committed already are left as they are. A statement that waits too
long is given up by the server (`statement_timeout`), so its fate is known. A row that PostgreSQL refuses
fails alone.
"""

import asyncio
import time
from typing import Any

import asyncpg
from msgspec.structs import astuple
from sqlalchemy import Table

from parley.errors import NotRecorded
from parley.store.backlog import Backlog
from parley.store.completions import StoredCompletion
from parley.store.counters import Verdict
from parley.store.leases import LEASE_SECONDS, Lease
from parley.store.ledger import (
    ATTEMPT_SECONDS,
    Admission,
    Claiming,
    Entry,
    Keep,
    Record,
    Results,
    Row,
    Settled,
    clean,
    failure,
    left_behind,
    settle,
)
from parley.store.postgres_chain import link, write_lone
from parley.store.postgres_connection import connect, hang_up
from parley.store.postgres_counters import count, keep, refused
from parley.store.postgres_replays import claim, end, prune
from parley.store.replays import Claim, Found, Kept
from parley.store.tables import calls, completions, labels

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection raises that breaks between two steps of its protocol
    asyncpg.exceptions.OperatorInterventionError,  # the server is stopping, or starting
    OSError,
    TimeoutError,
)
_KNOWN = (asyncpg.QueryCanceledError,)
"""What the server itself gave up: nothing is written, and the connection is good."""
_REFUSED = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    UnicodeEncodeError,  # from the digest of the row, which is made before PostgreSQL sees it
    OverflowError,
)
"""What is raised when the row itself is wrong."""
_PAUSE_SECONDS = 0.1


def _insert(table: Table, *, again: bool = False) -> str:
    """Return the statement that inserts a row; *again* leaves a row that is there already as it is."""
    columns = table.columns.keys()
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    conflict = " ON CONFLICT DO NOTHING" if again else ""
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places}){conflict}"  # noqa: S608


_CALL = {again: _insert(calls, again=again) for again in (False, True)}
_COMPLETION = _insert(completions, again=True)
_LABEL = _insert(labels)
_THERE = "INSERT 0 0"  # what the server answers where a row was there already
_PULSE = "INSERT INTO pulse (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at"


def _place(entry: Entry) -> tuple[str, str]:
    """Return where *entry* stands in its group: claims come last, ordered, so that groups never wait in a ring."""
    return (entry.claim.project, entry.claim.key) if isinstance(entry, Claiming) else ("", "")


class PostgresLedger:
    """The ledger on PostgreSQL. Made inside the event loop that will write to it."""

    def __init__(self, url: str, lease_seconds: float = LEASE_SECONDS) -> None:
        self._url = url
        self._loop = asyncio.get_running_loop()
        self._pending: list[Entry] = []
        self._left: list[Kept] = []  # claims whose end could not be written
        self._awake = asyncio.Event()
        self._closed = False
        self._connection: asyncpg.Connection | None = None
        self._lease = Lease(lease_seconds)
        self._backlog = Backlog(self._enter)
        self._task = self._loop.create_task(self._work())

    async def write(
        self,
        record: Record,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        kept: Kept | None = None,
        *,
        open: bool = False,  # noqa: A002 - as callers have it
    ) -> None:
        """Return when *record*, and what comes with it, is durable. Raises NotRecorded: nothing of it is there."""
        entry = Entry(self._loop.create_future(), astuple(record), stored, settled, kept=kept)
        entry.open = open
        await self._enter(entry)

    async def admit(self, admission: Admission) -> Verdict:
        """Take what *admission* needs, all or nothing, and return the verdict. Raises NotRecorded."""
        verdict: Verdict = await self._enter(Entry(self._loop.create_future(), admission=admission))
        return verdict

    async def claim(self, claim: Claim) -> Found:
        """Claim a key; return who has it: this call, or the one before. Raises NotRecorded."""
        found: Found = await self._enter(Claiming(self._loop.create_future(), claim))
        return found

    async def keep(self) -> int:
        """Renew this process's lease; settle what the dead have held, and return how many calls. Raises NotRecorded."""
        left = tuple(self._left)
        dead: int = await self._enter(Keep(self._loop.create_future(), left))
        del self._left[: len(left)]
        return dead

    async def catch_up(self) -> int:
        """Write the rows that could not be written when their calls ended; return how many."""
        return await self._backlog.work()

    async def ready(self) -> None:
        """Return when a small transaction has been committed. Raises NotRecorded."""
        await self._enter(Entry(self._loop.create_future()))

    async def close(self) -> None:
        """Write what is pending, then close the connection."""
        self._closed = True
        self._awake.set()
        await self._task

    def _enter(self, entry: Entry) -> "asyncio.Future[Any]":
        if self._closed:
            raise NotRecorded
        self._pending.append(entry)
        self._awake.set()
        return entry.future

    async def _work(self) -> None:
        """Write group after group until closed and empty."""
        while self._pending or not self._closed:
            await self._awake.wait()
            self._awake.clear()
            group, self._pending = [entry for entry in self._pending if not entry.given_up], []
            if group:
                results: Any
                [results] = await asyncio.gather(self._write(group), return_exceptions=True)
                if isinstance(results, BaseException):  # a fault of ours: the groups behind this one go on
                    results = [failure(results) for _ in group]
                    self._lease.doubt()
                    await self._drop()
                self._left += left_behind(group, results)
                settle(group, results, self._backlog.add)
        await self._drop()

    async def _write(self, group: list[Entry]) -> Results:
        """Write *group*, over a new connection if need be, within its time; return what became of each entry."""
        deadline = self._loop.time() + ATTEMPT_SECONDS
        again = False
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    self._connection = connection = self._connection or await connect(self._url)
                    again, was = True, again
                    return await _Group(connection, self._lease, again=was).write(group)
            except asyncpg.DeadlockDetectedError:
                self._lease.doubt()
                continue  # undone by the server, for the sake of another replica's group
            except _LOST as error:
                self._lease.doubt()
                if isinstance(error, _KNOWN):
                    return [failure(error) for _ in group]
                await self._drop()
                if self._loop.time() + _PAUSE_SECONDS >= deadline:
                    return [failure(error) for _ in group]
                await asyncio.sleep(_PAUSE_SECONDS)
            except asyncpg.PostgresError as error:
                self._lease.doubt()
                return [failure(error) for _ in group]

    async def _drop(self) -> None:
        """Let go of the connection, good or not."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await hang_up(connection)


class _Group:
    """The writing of one group over *connection*; *again*: an earlier attempt may have been committed."""

    def __init__(self, connection: asyncpg.Connection, lease: Lease, *, again: bool) -> None:
        self._connection = connection
        self._lease = lease
        self._again = again

    async def write(self, group: list[Entry]) -> Results:
        """Write *group*; return what became of each entry, None for all when all are durable."""
        rows = [entry.row for entry in group if entry.row and entry.plain]
        written: list[Row] = []
        try:
            if len(rows) == len(group) == 1 and not self._again:
                await write_lone(self._connection, rows[0])
                return None
            async with self._connection.transaction():
                if not any(entry.lasting for entry in group):
                    await self._connection.execute("SET LOCAL synchronous_commit = off")
                await self._insert(rows, written)
                results = None if len(rows) == len(group) else await self._others(group, written)
                await link(self._connection, written)
                return results
        except _REFUSED:
            return await self._one_by_one(group)

    async def _insert(self, rows: list[Row], written: list[Row]) -> None:
        """Insert *rows*; those that the first attempt has not committed go to *written*."""
        if not self._again:
            await self._connection.executemany(_CALL[False], rows)
            written += rows
            return
        written += [row for row in rows if await self._connection.execute(_CALL[True], *row) != _THERE]

    async def _others(self, group: list[Entry], written: list[Row]) -> Results:
        """Write what is not plain of *group*; the rows of calls go to *written*."""
        results: list[Any] = [None] * len(group)
        for number in sorted(range(len(group)), key=lambda number: _place(group[number])):
            if not group[number].plain and not group[number].admission:
                results[number] = await self._one(group[number], written)
        counted = [number for number, entry in enumerate(group) if entry.settled or entry.admission]
        if counted:
            entries = [group[number] for number in counted]
            gone = await refused(self._connection, entries) if self._again else []
            verdicts = await count(self._connection, entries, self._lease, again=self._again)
            for number, verdict in zip(counted, verdicts, strict=True):
                results[number] = (
                    failure(ValueError("given up as lost"), final=True) if group[number] in gone else verdict
                )
        return results

    async def _one(self, entry: Entry, written: list[Row]) -> int | Found | None:
        connection, row = self._connection, entry.row
        if isinstance(entry, Claiming):
            return await claim(connection, entry.claim, self._lease)
        if isinstance(entry, Keep):
            await prune(connection, entry.left)
            rows = await keep(connection, self._lease)
            written += [one for one in rows if await connection.execute(_CALL[True], *one) != _THERE]
            return len(rows)
        if row is None:
            await connection.execute(_PULSE, time.time_ns())
            return None
        if await connection.execute(_CALL[self._again], *row) == _THERE:
            return None
        written.append(row)
        if entry.stored is not None:
            await self._store(entry.stored, str(row[0]))
        if entry.kept is not None:
            await end(connection, entry.kept)
        return None

    async def _store(self, stored: StoredCompletion, call: str) -> None:
        connection = self._connection
        if await connection.execute(_COMPLETION, *stored.row()) == _THERE:
            stored = stored.renamed(call)
            await connection.execute(_COMPLETION, *stored.row())
        await connection.executemany(_LABEL, stored.label_rows())

    async def _one_by_one(self, group: list[Entry]) -> Results:
        """Write each entry of *group* for itself, in one transaction; return what became of each."""
        results: list[Any] = []
        linked: list[Row] = []
        self._lease.doubt()
        async with self._connection.transaction():
            for entry in group:
                written: list[Row] = []
                entry.row, entry.stored = clean(entry.row), entry.stored and entry.stored.clean()
                try:
                    async with self._connection.transaction():  # a savepoint
                        if entry.plain:
                            await self._one(entry, written)
                        results.extend(await self._others([entry], written) or [None])
                    linked += written
                except _REFUSED as error:
                    results.append(failure(error, final=True))
            await link(self._connection, linked)
        return results
