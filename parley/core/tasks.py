"""Work that is seen to its end, however often its caller is cancelled meanwhile."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

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
