"""Hedging: a second target is asked when the first is slow to begin, and the first that answers is taken.

After Dean and Barroso, "The Tail at Scale" (2013). Whoever comes too late is cancelled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from parley.core.catalog import Target
from parley.upstreams.answer import Answer

Ask = Callable[[Target], Coroutine[Any, Any, Answer]]
Failed = list[tuple[Target, BaseException]]


async def race(
    ask: Ask, target: Target, other: Callable[[], Target | None], after: float, lost: Callable[[Target], None]
) -> tuple[Answer | None, Failed]:
    """Return the answer of *target*, or of the *other* that is asked after so many seconds, and what failed.

    *lost* is told of each that was asked in vain. No answer is returned when both fail.
    """
    tasks = {asyncio.create_task(ask(target)): target}
    failed: Failed = []
    answer = None
    try:
        await asyncio.wait(tasks, timeout=after)
        second = None if any(task.done() for task in tasks) else other()
        if second is not None:
            tasks[asyncio.create_task(ask(second))] = second
        while answer is None and tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            answer = _taken(tasks, failed)
    finally:
        await _let_go(tasks)
        for one in list(tasks.values())[: None if answer else -1]:  # who was asked last is paid for by the call itself
            lost(one)
    return answer, failed


def _taken(tasks: dict[asyncio.Task[Answer], Target], failed: Failed) -> Answer | None:
    """Take those out of *tasks* that have failed, up to the first that has answered; return its answer."""
    for task in [task for task in tasks if task.done()]:
        one = tasks.pop(task)
        error = task.exception()
        if error is None:
            return task.result()
        failed.append((one, error))
    return None


async def _let_go(tasks: dict[asyncio.Task[Answer], Target]) -> None:
    """Cancel *tasks*, and close the answers of those that were as fast."""
    for task in tasks:
        task.cancel()
    ended: Awaitable[list[Answer | BaseException]] = asyncio.gather(*tasks, return_exceptions=True)
    for late in await ended:
        if not isinstance(late, BaseException):
            late.close()
