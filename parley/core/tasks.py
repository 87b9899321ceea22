"""Work that is seen to its end, however often its caller is cancelled meanwhile; and work that never ends."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end and return its result. Raises what *work* raises.

    A cancellation that comes meanwhile is held back: the caller meets it at its next wait.
    """
    task = asyncio.get_running_loop().create_task(work)
    held: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            held = error
    caller = asyncio.current_task()
    if held is not None and caller is not None:
        caller.cancel(*held.args)
    return task.result()


class Recurring:
    """Takes *turn* after *turn*, *every* so many seconds; made inside the event loop.

    A turn that raises is told in the log, as a fault of ours in *what* it is, and the next one comes all the same.
    """

    def __init__(self, turn: Callable[[], Coroutine[Any, Any, None]], every: float, what: str) -> None:
        self._turn = turn
        self._every = every
        self._what = what
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while True:
            fault: BaseException | None
            (fault,) = await asyncio.gather(self._turn(), return_exceptions=True)
            if isinstance(fault, Exception):
                log.error("a fault of ours: it goes on", what=self._what, exc_info=fault)
            await asyncio.sleep(self._every)

    async def stop(self) -> None:
        """Stop, in mid-turn too."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
