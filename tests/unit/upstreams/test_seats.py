"""Who may be asked at once, and who waits."""

import asyncio

import pytest

from parley.upstreams.seats import Seats


async def test_no_more_than_there_are() -> None:
    """A seat that is left may be taken again."""
    seats = Seats(1)
    assert (seats.take(), seats.take()) == (True, False)
    seats.leave()
    assert await seats.wait(0)


async def test_who_waits_is_served_in_order() -> None:
    """And nobody who comes later takes the seat in between."""
    seats, served = Seats(1), []
    seats.take()

    async def wait(name: str) -> None:
        assert await seats.wait(5)
        served.append(name)

    waiting = [asyncio.ensure_future(wait(name)) for name in "ab"]
    await asyncio.sleep(0)
    seats.leave()
    assert not seats.take()
    await asyncio.sleep(0)
    seats.leave()
    await asyncio.gather(*waiting)
    assert served == ["a", "b"]


async def test_waiting_ends() -> None:
    """After the time given, or with the caller; the seat is not lost."""
    seats = Seats(1)
    seats.take()
    assert not await seats.wait(0.01)
    waiting = asyncio.ensure_future(seats.wait(5))
    await asyncio.sleep(0)
    seats.leave()  # it is given, and in the same moment the caller leaves
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seats.take()
