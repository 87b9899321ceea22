"""Where an answer is poured into: the record first, then what is kept, then the client."""

from parley.core.events import Event
from parley.core.reply import Reply
from parley.flows.keeping import Keeper
from parley.policies.audit import Entry


class Relay:
    """The way of each event of one answer."""

    __slots__ = ("_count", "_keep", "_remember", "_send", "drain", "flush")

    def __init__(self, entry: Entry, reply: Reply, keeper: Keeper | None) -> None:
        self._count = entry.count
        self._keep = keeper.take if keeper else None
        self._remember = entry.turn.take if entry.turn else None
        self._send = reply.send
        self.flush = reply.flush
        self.drain = reply.drain

    def send(self, event: Event) -> None:
        """Let *event* be counted, kept and sent."""
        self._count(event)
        if self._keep is not None:
            self._keep(event)
        if self._remember is not None:
            self._remember(event)
        self._send(event)
