"""Rows that could not be written: kept, told as what they became, written once the database is back."""

import asyncio

import pytest
from msgspec.structs import astuple

from parley.errors import NotRecorded
from parley.store import backlog
from parley.store.backlog import Backlog, failed
from parley.store.ledger import Entry, Record, failure
from tests.contract.store.rows import a_record


class Writer:
    """A ledger's way in: it does with each entry what it is told to."""

    def __init__(self) -> None:
        self.backlog = Backlog(self.enter)
        self.fails: NotRecorded | None = None
        self.rows: list[Record] = []

    def enter(self, entry: Entry) -> "asyncio.Future[None]":
        """Write *entry*, or fail."""
        if self.fails is None:
            self.rows.append(Record(*entry.row or ()))
            entry.future.set_result(None)
            return entry.future
        if not self.fails.final:
            self.backlog.add(entry)
        entry.future.set_exception(self.fails)
        return entry.future


def an_entry() -> Entry:
    """Return the entry of a call that was answered, as far as its row knows."""
    return Entry(asyncio.get_running_loop().create_future(), astuple(a_record(cost=7)))


async def test_a_row_is_written_late_as_what_its_client_heard() -> None:
    """503 not_recorded, failed; its cost is owed."""
    writer = Writer()
    writer.backlog.add(an_entry())
    assert await writer.backlog.work() == 1
    [row] = writer.rows
    assert (row.status, row.code, row.outcome, row.cost) == (503, "not_recorded", "failed", 7)
    assert len(writer.backlog) == 0


async def test_who_had_left_has_left() -> None:
    """Its client heard nothing: the row stays as it was, however often it is tried."""
    writer = Writer()
    entry = an_entry()
    entry.future.cancel()
    writer.backlog.add(entry)
    writer.fails = failure(OSError())
    assert (await writer.backlog.work(), len(writer.backlog)) == (0, 1)
    writer.fails = None
    assert await writer.backlog.work() == 1
    assert writer.rows[0].status == 200


async def test_a_row_that_is_there_already_is_let_go() -> None:
    """The first attempt was committed after all: nothing is written twice, nothing tried for ever."""
    writer = Writer()
    writer.backlog.add(an_entry())
    writer.fails = failure(ValueError("it is there"), final=True)
    assert (await writer.backlog.work(), len(writer.backlog)) == (0, 0)


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is lost, as the log told."""
    monkeypatch.setattr(backlog, "ROOM", 2)
    writer = Writer()
    for _ in range(3):
        writer.backlog.add(an_entry())
    assert await writer.backlog.work() == 2


async def test_what_has_no_row_is_not_kept() -> None:
    """An admission that failed is its call's business."""
    writer = Writer()
    writer.backlog.add(Entry(asyncio.get_running_loop().create_future()))
    assert len(writer.backlog) == 0


def test_a_failed_row_keeps_the_rest() -> None:
    """Only status, code and outcome change."""
    row = a_record()
    assert Record(*failed(astuple(row))).id == row.id
