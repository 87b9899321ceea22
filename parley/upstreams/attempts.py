"""What became of each attempt at an upstream: all are counted, failed ones are logged.

The client is told little of an upstream's troubles, and nothing of its address; what its operator needs to mend them
stands in the log: who was asked for what, under which request's id, what it said, and how long it took.
"""

import re
from collections import Counter

import structlog

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.clock import Clock
from parley.errors import UpstreamError, UpstreamRefused

SHOWN = 200  # signs of what an upstream said
SECRET = re.compile(r"[\w*-]{20,}")  # so long a word may be a key
ANSWERED, REFUSED = "answered", "refused"

log = structlog.get_logger()


def said(error: UpstreamError) -> str:
    """Return what the log tells of *error*: never a key, never more than a line."""
    words = " ".join((error.detail or error.message).split())
    return SECRET.sub(lambda found: found[0][:4] + "***", words)[:SHOWN]


class Attempts:
    """Keeps count.

    counts: by upstream and what became of the attempt: `answered`, `refused` (the request itself was wrong), or the
    code of the error.
    """

    def __init__(self, clock: Clock, counts: Counter[tuple[str, str]]) -> None:
        self.clock = clock
        self._counts = counts

    def answered(self, target: Target) -> None:
        """Note that *target* has begun to answer."""
        self._counts[target.upstream, ANSWERED] += 1

    def failed(self, call: Call, target: Target, error: UpstreamError, since: float) -> None:
        """Note that *target*, asked at *since*, failed with *error*, before its first event or in its answer."""
        if isinstance(error, UpstreamRefused):
            self._counts[target.upstream, REFUSED] += 1
            return
        self._counts[target.upstream, error.error_code or ""] += 1
        log.warning(
            "an upstream failed",
            request=call.id,
            upstream=target.upstream,
            model=target.model,
            code=error.error_code,
            said=said(error),
            seconds=round(self.clock.monotonic() - since, 3),
        )
