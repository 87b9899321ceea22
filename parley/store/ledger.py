"""The ledger: one row a call, who asked what, what it cost, how it ended. It is the audit record as well.

A call is answered to its last byte only when its row is durable, so the writers
(`parley.store.sqlite_ledger`, `parley.store.postgres_ledger`) gather the rows of calls that end at the same
time into one transaction. When a row cannot be written within a few seconds its call gets NotRecorded, and
the next row tries again from the beginning.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec
from sqlalchemy import select

from parley.errors import NotRecorded
from parley.store.completions import StoredCompletion
from parley.store.connections import Connections
from parley.store.storable import storable
from parley.store.tables import calls

Row = tuple[Any, ...]
Entry = tuple[Row | None, StoredCompletion | None, "asyncio.Future[None]"]
"""A row (None: only show that a write would succeed), what is stored with it, and who waits for it."""
Failures = Sequence[NotRecorded | None] | None
"""Each entry's failure, None where it is durable; None for all when all are."""

Outcome = Literal["answered", "refused", "failed", "left"]

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


class Ledger(Protocol):
    """Where the rows go."""

    async def write(self, record: Record, stored: StoredCompletion | None = None) -> None:
        """Return when *record*, and *stored* with it, is durable. Raises NotRecorded: neither is there."""
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


def settle(group: Sequence[Entry], failures: Failures) -> None:
    """Tell those who wait for *group* that it is durable, or what became of their entry."""
    for number, (_, _, future) in enumerate(group):
        if future.done():
            continue  # its call was cancelled; the row stands all the same
        failed = failures[number] if failures else None
        if failed is None:
            future.set_result(None)
        else:
            future.set_exception(failed)


def failure(cause: BaseException) -> NotRecorded:
    """Return the NotRecorded that *cause* leads to; each who waits needs one of their own."""
    failed = NotRecorded()
    failed.__cause__ = cause
    return failed


def clean(row: Row | None) -> Row | None:
    """Return *row* with only such characters as every database keeps; used once a row was refused."""
    if row is None:
        return None
    return tuple(storable(value) if isinstance(value, str) else value for value in row)
