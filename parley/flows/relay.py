"""Where an answer is poured into: the record first, then what is kept, then the client."""

from typing import Protocol

from parley.core.events import Event
from parley.core.reply import Reply
from parley.policies.audit import Entry


class Taker(Protocol):
    """Who keeps an answer."""

    def take(self, event: Event) -> None:
        """Note a piece of it."""
        ...


class Relay:
    """The way of each event of one answer."""

    __slots__ = ("_count", "_keep", "_send", "drain", "flush")

    def __init__(self, entry: Entry, reply: Reply, *keepers: Taker | None) -> None:
        self._count = entry.count
        self._keep = tuple(keeper.take for keeper in keepers if keeper)
        self._send = reply.send
        self.flush = reply.flush
        self.drain = reply.drain

    def send(self, event: Event) -> None:
        """Let *event* be counted, kept and sent."""
        self._count(event)
        for keep in self._keep:
            keep(event)
        self._send(event)
