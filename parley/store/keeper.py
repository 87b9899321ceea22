"""The keeper: renews this process's lease on what its calls hold, and settles the calls of processes that died.

How it fails: a database that is away is told once in the log, and asked again at the next turn; calls are refused
meanwhile by whoever writes.
"""

import asyncio
from contextlib import suppress

import structlog

from parley.errors import NotRecorded
from parley.store.ledger import RENEW_SECONDS, Ledger

log = structlog.get_logger()


class Keeper:
    """Keeps one process's lease; made inside the event loop."""

    def __init__(self, ledger: Ledger, every: float = RENEW_SECONDS) -> None:
        self._ledger = ledger
        self._every = every
        self._away = False
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                lost = await self._ledger.keep()
            except NotRecorded as failure:
                if not self._away:
                    log.warning("the lease could not be renewed", why=str(failure.__cause__ or failure))
                self._away = True
            else:
                self._away = False
                if lost:
                    log.warning("calls of a process that died are settled at the most they may have cost", calls=lost)
            await asyncio.sleep(self._every)

    async def close(self) -> None:
        """Stop."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
