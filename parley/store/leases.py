"""A lease: by it others know that this process lives, and that what its calls hold is held.

It is renewed along with what it is for, so that a busy process needs no timer for it, and by the keeper's timer
(`parley.store.keeper`) otherwise. Who could not renew for a whole lease was away from the database, and so perhaps
were all the others: it leaves them another lease's time before it takes them for dead.
"""

import secrets
import time

LEASE_SECONDS = 30.0
RENEWALS = 6  # in the time of a lease


class Lease:
    """This process's lease of so many *seconds*."""

    def __init__(self, seconds: float = LEASE_SECONDS) -> None:
        self.id = secrets.token_hex(12)
        self.seconds = seconds
        self._until: float | None = None  # of our own clock
        self._doubted = True
        self._judges_from = 0.0

    @property
    def nanoseconds(self) -> int:
        """Return how long it is."""
        return int(self.seconds * 1e9)

    @property
    def due(self) -> bool:
        """Tell whether it is time to renew it."""
        return (
            self._doubted or self._until is None or time.monotonic() >= self._until - self.seconds * (1 - 1 / RENEWALS)
        )

    @property
    def judges(self) -> bool:
        """Tell whether others whose leases are over may be taken for dead."""
        return time.monotonic() >= self._judges_from

    def renewed(self) -> None:
        """Note that it was renewed; a transaction that is undone after all must `doubt`."""
        now = time.monotonic()
        if self._until is not None and now > self._until:
            self._judges_from = now + self.seconds
        self._until = now + self.seconds
        self._doubted = False

    def doubt(self) -> None:
        """Note that the last renewal may have been undone."""
        self._doubted = True
