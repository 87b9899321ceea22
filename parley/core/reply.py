"""The way out, as a flow sees it: events are poured into it, and it is told when all is done.

Whether they go out one by one as a stream or as one body is the reply's business (`parley.api.reply`).
"""

from typing import Any, Protocol

from parley.core.events import Event


class Sink(Protocol):
    """What an answer is poured into: events are taken in the moment they come, and nothing is waited for meanwhile."""

    def send(self, event: Event) -> None:
        """Take *event*; it may be held back until `flush`."""
        ...

    def flush(self) -> bool:
        """Let what is held go out: the next event is not there yet. Tell whether more may be sent before a `drain`."""
        ...

    async def drain(self) -> None:
        """Wait until more may be sent: the client may be slower than its answer."""
        ...


class Reply(Sink, Protocol):
    """Where an answer goes.

    authenticated: whether the caller is known; standings: how its limits stand; replayed: whether it is the answer to
    an earlier call. The flow sets them. left: whether the client hung up.
    """

    authenticated: bool
    standings: list[Any]
    replayed: bool

    @property
    def left(self) -> bool:
        """Whether the client hung up."""
        ...

    def keep(self, log: Any, *, drain: bool) -> None:
        """Write a stream into *log* (`parley.store.streams`) too; *drain*: it goes on when the client hangs up."""
        ...

    def close(self) -> None:
        """End a stream whose last event was sent already."""
        ...

    async def end(self) -> None:
        """Send the last byte. Only now may the client believe that it has the whole answer."""
        ...
