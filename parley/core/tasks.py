"""Work that must be seen to its end.

A request's task is cancelled when its client hangs up, perhaps several times. What settles the call runs through
`finish`: it goes on to its end in a task of its own, however often its caller is cancelled, and shutdown waits for
the tasks that are still open (`drain`).
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_open: set[asyncio.Task[Any]] = set()


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end and return its result; a cancellation is delivered only after that.

    Raises whatever *work* raises, and `CancelledError` if the caller was cancelled meanwhile.
    """
    task = asyncio.get_running_loop().create_task(work)
    _open.add(task)
    task.add_done_callback(_open.discard)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - the task holds it; it is raised by result() below
            break
    if cancelled is not None:
        task.exception()  # seen: the cancellation is what the caller asked for
        raise cancelled
    return task.result()


async def drain() -> None:
    """Wait until no task started by `finish` is open."""
    while _open:
        await asyncio.wait(_open)


def open_tasks() -> int:
    """Return how many tasks started by `finish` are still running."""
    return len(_open)
