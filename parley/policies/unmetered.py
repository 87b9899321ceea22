"""Calls of `open` projects that went on though the database was away: counted, and told to the audit log afterwards.

How it fails: what was counted is lost with the process; telling it fails with NotRecorded, and is tried again.
"""

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from parley.core.call import Caller
from parley.core.clock import Clock
from parley.errors import NotRecorded

log = structlog.get_logger()


class Missed(msgspec.Struct):
    """The calls of one project since then (nanoseconds since 1970)."""

    since: int
    calls: int = 0


class Unmetered:
    """Counts them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._missed: dict[str, Missed] = {}

    def count(self, caller: Caller, failure: NotRecorded) -> None:
        """Note that a call of *caller* goes on without its limits, or its row."""
        found = self._missed.setdefault(caller.project_id, Missed(self._clock.now()))
        if not found.calls:
            why = str(failure.__cause__ or failure)
            log.warning("the database is away: calls go on without limits", project=caller.project, why=why)
        found.calls += 1

    async def tell(self, note: Callable[..., Awaitable[None]]) -> None:
        """Have *note* write how many there were of every project. Raises NotRecorded."""
        for project, one in list(self._missed.items()):
            calls, since = one.calls, one.since // 1_000_000_000
            await note("project.unmetered", project, project, data={"calls": calls, "since": since})
            one.calls -= calls
            if not one.calls:
                self._missed.pop(project, None)
