"""Who may ask again, and when: one owner of retries, with a budget, so that a storm is not made worse.

Each first attempt at an upstream earns a tenth of a second one (Finagle's retry budget does the same), and a little
comes by itself, so that a quiet server may retry too. Another target is no retry: it was not asked before.
"""

import random

from parley.errors import UpstreamError

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0  # seconds
SHARE = 0.1  # of a retry, that each call earns
EACH_SECOND = 1.0  # of a retry, that comes by itself
MOST = 10.0  # retries that may be saved up


class Budget:
    """The retries that one upstream may have yet; each process has its own."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = MOST
        self._at = 0.0

    def earn(self) -> None:
        """Note a first attempt."""
        self._left = min(MOST, self._left + SHARE)

    def spend(self, now: float) -> bool:
        """Take one retry at *now* (seconds), if there is one."""
        self._left = min(MOST, self._left + max(0.0, now - self._at) * EACH_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def pause(attempt: int, error: UpstreamError) -> float:
    """Return the seconds to wait before round *attempt* (from 1): what the provider asked for, else full jitter."""
    if error.retry_after is not None:
        return error.retry_after
    return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt))  # noqa: S311 - not a secret
