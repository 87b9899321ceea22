"""What comes back from a target: an answer is a row of events, with the first one already in hand.

Until that first event everything may be tried again elsewhere; after it, an error is raised to whoever reads the
events, and never swallowed.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.events import Event


class Answer(Protocol):
    """The events of one answer, in order."""

    target: Target

    def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the events; raises UpstreamError when it breaks."""
        ...

    def close(self) -> None:
        """Let go of the connection; the upstream stops working if it has not ended."""
        ...


class Provider(Protocol):
    """Speaks to one upstream. address: where it is, for the log."""

    address: str

    async def ask(self, call: Call, target: Target) -> Answer:
        """Send *call* to *target*; returns with the first event in hand.

        Raises InvalidRequest for what the target cannot do, UpstreamError for what went wrong there.
        """
        ...
