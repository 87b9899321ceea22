"""Work that is seen to its end."""

import asyncio

import pytest
from structlog.testing import capture_logs

from parley.core.tasks import Recurring, finish


async def test_a_result_is_returned() -> None:
    """Without a cancellation it is a plain await."""

    async def work() -> int:
        return 7

    assert await finish(work()) == 7


async def test_two_cancellations_wait_until_the_work_is_done() -> None:
    """The work ends, its result is seen, and only then the caller is cancelled, at its next wait."""
    seen: list[int] = []
    going = asyncio.Event()

    async def work() -> int:
        await going.wait()
        return 7

    async def caller() -> None:
        seen.append(await finish(work()))
        await asyncio.sleep(0)
        seen.append(8)

    task = asyncio.create_task(caller())
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    going.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [7]


async def test_a_failure_is_raised() -> None:
    """What the work raises reaches the caller."""

    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await finish(work())


async def test_what_recurs_goes_on_after_a_fault_and_stops_in_mid_turn() -> None:
    """The fault is told with its name; the last turn is left where it stands."""
    turns, hang = 0, asyncio.Event()

    async def turn() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise KeyError("a fault of ours")
        if turns == 3:
            hang.set()
            await asyncio.Event().wait()

    with capture_logs() as lines:
        recurring = Recurring(turn, 0.001, "the test")
        async with asyncio.timeout(5):
            await hang.wait()
        await recurring.stop()
    assert (turns, [line["what"] for line in lines]) == (3, ["the test"])
