"""Telling those who wait for a group what became of it."""

import asyncio

import pytest

from parley.errors import NotRecorded
from parley.store.ledger import Entry, clean, failure, settle


async def test_each_writer_hears_of_its_own_row() -> None:
    """A failure reaches only the one whose row failed."""
    group = [Entry(asyncio.get_running_loop().create_future()) for _ in range(2)]
    settle(group, [None, failure(ValueError("bad"))])
    assert group[0].future.result() is None
    with pytest.raises(NotRecorded):
        group[1].future.result()


async def test_a_cancelled_writer_is_left_alone() -> None:
    """Its future is done already."""
    group = [Entry(asyncio.get_running_loop().create_future()) for _ in range(2)]
    group[0].future.cancel()
    settle(group, None)
    assert group[1].future.done()


def test_a_row_is_cleaned_of_what_cannot_be_stored() -> None:
    """Texts only; numbers and None stay."""
    assert clean(("a\0", 1, None)) == ("a\ufffd", 1, None)
