"""Telling those who wait for a group what became of it."""

import asyncio

import pytest

from parley.errors import NotRecorded
from parley.store.ledger import Entry, clean, failure, settle


async def test_each_writer_hears_of_its_own_row() -> None:
    """A failure reaches only the one whose row failed, and is for later."""
    group = [Entry(asyncio.get_running_loop().create_future()) for _ in range(2)]
    again: list[Entry] = []
    settle(group, [None, failure(ValueError("bad"))], again.append)
    assert again == [group[1]]
    assert group[0].future.result() is None
    with pytest.raises(NotRecorded):
        group[1].future.result()


async def test_a_cancelled_writer_is_left_alone() -> None:
    """Its future is done already."""
    group = [Entry(asyncio.get_running_loop().create_future()) for _ in range(2)]
    group[0].future.cancel()
    settle(group, None, print)
    assert group[1].future.done()


async def test_what_is_refused_for_good_is_not_tried_again() -> None:
    """A row that is there already will be there later as well."""
    group = [Entry(asyncio.get_running_loop().create_future())]
    again: list[Entry] = []
    settle(group, [failure(ValueError("bad"), final=True)], again.append)
    assert isinstance(group[0].future.exception(), NotRecorded)
    assert again == []


def test_a_row_is_cleaned_of_what_cannot_be_stored() -> None:
    """Texts only; numbers and None stay."""
    assert clean(("a\0", 1, None)) == ("a\ufffd", 1, None)
