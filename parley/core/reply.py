"""The way out, as a flow sees it: it sends events, and says when it is done.

Whether they go out one by one as a stream or as one body is the reply's business (`parley.api.reply`).
"""

from typing import Protocol

from parley.core.events import Event


class Reply(Protocol):
    """Where an answer goes.

    authenticated: whether the caller is known; the flow sets it.
    """

    authenticated: bool

    async def send(self, event: Event) -> None:
        """Send *event*; waits while the client is slower than the answer."""
        ...

    async def end(self) -> None:
        """Send the last byte. Only now may the client believe that it has the whole answer."""
        ...
