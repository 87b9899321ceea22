"""Work that is seen to its end."""

import asyncio

import pytest

from parley.core.tasks import finish


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
