"""The keeper: renews this process's lease on what its calls hold, settles the calls of processes that died, and has
the rows written that could not be written when their calls ended; then what *after* has to write.

How it fails: a database that is away is told once in the log, and asked again at the next turn; calls are refused
meanwhile by whoever writes.
"""  # noqa: D205 - one sentence

from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from parley.core.tasks import Recurring
from parley.errors import NotRecorded
from parley.store.leases import LEASE_SECONDS, RENEWALS
from parley.store.ledger import Ledger

log = structlog.get_logger()


class Keeper:
    """Keeps one process's lease; made inside the event loop."""

    def __init__(
        self,
        ledger: Ledger,
        every: float = LEASE_SECONDS / RENEWALS,
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._after = after
        self._away = False
        self._turns = Recurring(self._turn, every, "the lease's keeper")

    async def _turn(self) -> None:
        try:
            await self._keep()
        except NotRecorded as failure:
            if not self._away:
                log.warning("the lease could not be renewed", why=str(failure.__cause__ or failure))
            self._away = True
        else:
            self._away = False

    async def _keep(self) -> None:
        lost = await self._ledger.keep()
        if lost:
            log.warning("calls of a process that died are settled at the most they may have cost", calls=lost)
        late = await self._ledger.catch_up()
        if late:
            log.warning("calls that could not be recorded when they ended are recorded now", calls=late)
        if self._after is not None:
            await self._after()

    async def close(self) -> None:
        """Stop, after a last attempt to write what could not be written."""
        await self._turns.stop()
        with suppress(NotRecorded):
            await self._ledger.catch_up()
            if self._after is not None:
                await self._after()
