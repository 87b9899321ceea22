"""The ledger: one row a call, who asked what, what it cost, how it ended. It is the audit record as well.

A call is answered to its last byte only when its row is durable, so the writers
(`parley.store.sqlite_ledger`, `parley.store.postgres_ledger`) gather the rows of calls that end at the same
time into one transaction. When a row cannot be written within a few seconds its call gets NotRecorded, and
the next row tries again from the beginning. It is not forgotten: see `parley.store.backlog`.

What a call needs of limits and budgets is taken in such a transaction too (`admit`), and given back in the one
that writes its row (`write` with `settled`). A process lives by a lease (`parley.store.leases`): when
that is over, whoever comes by settles the calls it held at what they may have cost at most, each with a row of the
outcome `lost`. Should it live after all, its late rows are refused: their ids are taken.

A call that must not happen twice claims its key here too (`claim`), and what becomes of the claim is written with its
row (`write` with `kept`): see `parley.store.replays`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec.structs import astuple
from sqlalchemy import select

from parley.errors import NotRecorded
from parley.store.completions import StoredCompletion
from parley.store.connections import Connections
from parley.store.counters import Change, Counter, Kind, Need, Verdict
from parley.store.replays import Claim, Found, Kept
from parley.store.storable import storable
from parley.store.tables import calls

Row = tuple[Any, ...]
Results = Sequence[NotRecorded | Verdict | Found | None] | None
"""What became of each entry: its failure, a verdict, or None: it is durable. None for all when all are."""

Outcome = Literal["answered", "refused", "failed", "left", "lost"]

ATTEMPT_SECONDS = 2.5
"""How long one attempt may wait for the database. A row may have to wait for one more: 5 seconds in all."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One call, ended.

    id: the request id. at: its arrival, nanoseconds since 1970. exact: whether the upstream counted the
    tokens. cost: nano-dollars. price: who set the price. code: the error's code. outcome: how it ended;
    `left` means that the client hung up. first_token_us, total_us: microseconds since its arrival.
    """

    id: str
    at: int
    project: str
    key_id: str
    operation: str
    model_asked: str | None
    model_answered: str | None
    upstream: str | None
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    exact: bool
    cost: int
    price: str
    status: int
    code: str | None
    outcome: Outcome
    streamed: bool
    attempts: int
    first_token_us: int | None
    total_us: int


class Admission(msgspec.Struct, frozen=True, gc=False):
    """What a call needs before it may go on. about: the JSON of a Record, should the call never be settled."""

    id: str
    needs: tuple[Need, ...]
    about: bytes


class Settled(msgspec.Struct, frozen=True, gc=False):
    """What ends the hold of a call; owed: what changes where there is none, for the call went on without it."""

    id: str
    changes: tuple[Change, ...]
    owed: tuple[Change, ...] = ()


class Entry:
    """One piece of work for the writer, and who waits for it; with nothing but that, only to show that it can write."""

    __slots__ = ("admission", "future", "kept", "late", "open", "row", "settled", "stored")

    def __init__(
        self,
        future: "asyncio.Future[Any]",
        row: Row | None = None,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        *,
        kept: Kept | None = None,
        admission: Admission | None = None,
    ) -> None:
        self.future = future
        self.row = row
        self.stored = stored
        self.settled = settled
        self.kept = kept
        self.admission = admission
        self.late = False  # whether it comes from the backlog
        self.open = False  # whether its call is answered though it can't be written yet

    @property
    def given_up(self) -> bool:
        """Tell whether it wants to take something for a call that is gone already."""
        return self.admission is not None and self.future.done()

    @property
    def plain(self) -> bool:
        """Tell whether it is a row and nothing else."""
        return self.row is not None and self.stored is None and self.settled is None and self.kept is None

    @property
    def lasting(self) -> bool:
        """Tell whether it must outlive a power failure: what only a running call needs ends with the call."""
        return self.admission is None

    @property
    def names(self) -> Iterator[str]:
        """Yield the names of the counters it reads or changes."""
        if self.settled:
            yield from (change.counter for change in self.settled.changes)
        if self.admission:
            yield from (need.counter for need in self.admission.needs)


class Keep(Entry):
    """The work of `Ledger.keep`; *left* are claims whose end could not be written when it came."""

    __slots__ = ("left",)

    def __init__(self, future: "asyncio.Future[Any]", left: Sequence[Kept]) -> None:
        super().__init__(future)
        self.left = left


class Claiming(Entry):
    """The work of `Ledger.claim`."""

    __slots__ = ("claim",)

    lasting = False

    def __init__(self, future: "asyncio.Future[Any]", claim: Claim) -> None:
        super().__init__(future)
        self.claim = claim


class Ledger(Protocol):
    """Where the rows go."""

    async def write(
        self,
        record: Record,
        stored: StoredCompletion | None = None,
        settled: Settled | None = None,
        kept: Kept | None = None,
        *,
        open: bool = False,  # noqa: A002 - as callers have it
    ) -> None:
        """Return when *record*, and what comes with it, is durable. Raises NotRecorded: nothing of it is there.

        open: whether its client is answered in that case too.
        """
        ...

    async def claim(self, claim: Claim) -> Found:
        """Claim a key; return who has it: this call, or the one before. Raises NotRecorded."""
        ...

    async def admit(self, admission: Admission) -> Verdict:
        """Take what *admission* needs, all or nothing, and return the verdict. Raises NotRecorded."""
        ...

    async def keep(self) -> int:
        """Renew this process's lease; settle what the dead have held, and return how many calls. Raises NotRecorded."""
        ...

    async def catch_up(self) -> int:
        """Write the rows that could not be written when their calls ended; return how many."""
        ...

    async def ready(self) -> None:
        """Return when a small transaction has been committed. Raises NotRecorded."""
        ...

    async def close(self) -> None:
        """Write what is pending, then let go of the database."""
        ...


async def newest(connections: Connections, project: str | None, limit: int) -> list[Record]:
    """Return the last *limit* calls, of *project* or of all, the newest first. Raises NotRecorded."""
    query = select(calls).order_by(calls.c.at.desc(), calls.c.id.desc()).limit(limit)
    if project is not None:
        query = query.where(calls.c.project == project)
    async with connections.reading() as connection:
        return [Record(*row) for row in await connection.execute(query)]


def settle(group: Sequence[Entry], results: Results, later: Callable[[Entry], None]) -> None:
    """Tell those who wait for *group* that it is durable, or what became of their entry; what may be tried *later*."""
    for number, entry in enumerate(group):
        result = results[number] if results else None
        if isinstance(result, NotRecorded) and not result.final:
            later(entry)
        if entry.future.done():
            continue  # its call was cancelled; the row stands all the same
        if isinstance(result, NotRecorded):
            entry.future.set_exception(result)
        else:
            entry.future.set_result(result)


def left_behind(group: Sequence[Entry], results: Results) -> list[Kept]:
    """Return the claims of *group* whose end could not be written: they are to be given up later."""
    told = zip(group, results or (), strict=False)
    return [Kept(entry.kept.claim) for entry, result in told if entry.kept and isinstance(result, NotRecorded)]


def lost(about: bytes, needs: Sequence[Need], now: int) -> Row:
    """Return the row of a call that nobody settled: it cost what was held for it."""
    record = msgspec.json.decode(about, type=Record)
    cost = max((need.amount for need in needs if need.kind is Kind.MONEY), default=0)
    return astuple(msgspec.structs.replace(record, cost=cost, total_us=(now - record.at) // 1000))


def forfeit(needs: Sequence[Need]) -> tuple[Change, ...]:
    """Return what settles a call of a process that died: all that was held counts as spent."""
    return tuple(
        Change(need.counter, need.amount if need.kind is Kind.MONEY else 0, -need.amount)
        for need in needs
        if need.kind is not Kind.RATE
    )


def apply(change: Change, counters: Mapping[str, Counter]) -> None:
    """Add *change* to its counter."""
    counter = counters[change.counter]
    counter.value += change.value
    counter.held += change.held


def failure(cause: BaseException, *, final: bool = False) -> NotRecorded:
    """Return the NotRecorded that *cause* leads to; each who waits needs one of their own."""
    failed = NotRecorded()
    failed.final = final
    failed.__cause__ = cause
    return failed


def clean(row: Row | None) -> Row | None:
    """Return *row* with only such characters as every database keeps; used once a row was refused."""
    if row is None:
        return None
    return tuple(storable(value) if isinstance(value, str) else value for value in row)
