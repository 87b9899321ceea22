"""The pieces of an answer.

An answer is a row of events: one `WHOLE`, or `CHUNK`s and what ends them. An event carries the bytes as they go to the
client (`raw`) and, when somebody looked inside, the values that were read. When nothing looks inside and nothing is
changed, the upstream's own bytes are relayed.
"""

from enum import IntEnum

import msgspec


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one call; `exact` is False when we had to count them ourselves."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    exact: bool = True


class Kind(IntEnum):
    """What an event is."""

    WHOLE = 0  # a whole answer: the JSON body
    CHUNK = 1  # a piece of a stream: the JSON of one `data:` line
    USAGE = 2  # the chunk that only tells the usage; not for the client unless it asked


WHOLE, CHUNK, USAGE = Kind.WHOLE, Kind.CHUNK, Kind.USAGE  # looked up once: the enumeration's own way is slow


class Event:
    """A piece of an answer.

    raw: the JSON bytes (of the body, or of one `data:` line without its frame), never split across events.
    """

    __slots__ = ("kind", "model", "raw", "text", "usage")

    def __init__(
        self,
        kind: Kind,
        raw: bytes,
        model: str | None = None,
        usage: Usage | None = None,
        text: str = "",
    ) -> None:
        self.kind = kind
        self.raw = raw
        self.model = model
        self.usage = usage
        self.text = text
