"""What comes back from a target: an answer is a row of events to be poured out, with the first one already in hand.

Until that first event everything may be tried again elsewhere; after it, an error is raised to whoever pours the
answer, and never swallowed.
"""

from typing import Protocol

from parley.core.call import Call
from parley.core.catalog import Target
from parley.core.reply import Sink


class Answer(Protocol):
    """The events of one answer, in order.

    rest: for how many seconds its provider takes nothing more, as it says by its limits.
    """

    @property
    def target(self) -> Target:
        """Return who answers."""
        ...

    @property
    def rest(self) -> float:
        """Return it."""
        ...

    async def pour(self, sink: Sink) -> None:
        """Send every event to *sink*, from the first to the last. Raises UpstreamError when the answer breaks."""
        ...

    def close(self) -> None:
        """Let go of the connection; the upstream stops working if it has not ended."""
        ...


class Provider(Protocol):
    """Speaks to one upstream."""

    async def ask(self, call: Call, target: Target) -> Answer:
        """Send *call* to *target*; returns with the first event in hand.

        Raises InvalidRequest for what the target cannot do, UpstreamError for what went wrong there.
        """
        ...
