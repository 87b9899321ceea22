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
from parley.errors import UpstreamDenied, UpstreamError, UpstreamMisplaced, UpstreamRefused

SHOWN = 200  # signs of what an upstream said
SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf)[-_][^\s\"'`,;]{6,}"  # as the known providers begin their keys
    r"|\bbearer\s+[^\s\"'`,;]{6,}"
    r"|\b(?:key|token|secret)\s*[:=]\s*[^\s\"'`,;]{6,}"
    r"|(?=\w*\d)\w{20,}|[\w-]{32,}",  # and so long a word may be one; most models' names are not
    re.ASCII | re.IGNORECASE,
)
ANSWERED, REFUSED, CANCELLED = "answered", "refused", "cancelled"

log = structlog.get_logger()


def said(error: UpstreamError) -> str:
    """Return what the log tells of *error*: never a key, never more than a line."""
    words = "".join(sign if sign.isprintable() else " " for sign in error.detail or error.message)
    return SECRET.sub("***", " ".join(words.split()))[:SHOWN]


class Attempts:
    """Keeps count.

    counts: by upstream and what became of the attempt: `answered`, `refused` (the request itself was wrong),
    `cancelled` (the client left, or the server stopped, before there was an answer), or the code of the error; and what
    was not asked (`count`).
    """

    def __init__(self, clock: Clock, counts: Counter[tuple[str, str]]) -> None:
        self.clock = clock
        self._counts = counts

    def count(self, target: Target, what: str) -> None:
        """Count that *target* was not asked: it was `passed_over`, or there was `no_retry_left` for it."""
        self._counts[target.upstream, what] += 1

    def answered(self, target: Target) -> None:
        """Note that *target* has begun to answer."""
        self._counts[target.upstream, ANSWERED] += 1

    def cancelled(self, target: Target) -> None:
        """Note that nobody waits for *target* any more, which had not begun to answer."""
        self._counts[target.upstream, CANCELLED] += 1

    def failed(self, call: Call, target: Target, error: UpstreamError, since: float) -> None:
        """Note that *target*, asked at *since*, failed with *error*, before its first event or in its answer."""
        if isinstance(error, UpstreamRefused):
            self._counts[target.upstream, REFUSED] += 1
            tell, event = log.info, "an upstream refused a request"
        else:
            self._counts[target.upstream, error.error_code or ""] += 1
            alarm = isinstance(error, UpstreamDenied | UpstreamMisplaced)  # only its operator can mend it
            tell, event = log.error if alarm else log.warning, "an upstream failed"
        tell(
            event,
            request=call.id,
            upstream=target.upstream,
            model=target.model,
            status=error.answered,
            provider_code=error.provider_code,
            code=error.error_code,
            said=said(error),
            seconds=round(self.clock.monotonic() - since, 3),
        )
