"""The time, as a collaborator: what reads it can be tested without waiting."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Return the wall time in nanoseconds since 1970, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards; only differences mean something."""
        ...


class SystemClock:
    """The machine's own clock."""

    now = staticmethod(time.time_ns)
    monotonic = staticmethod(time.perf_counter)
