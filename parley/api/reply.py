"""The way out over HTTP: one face for whole answers, one for streams; the first event decides which.

What a stream sends is written into the stream log first (`parley.store.streams`), the very bytes.

A whole answer is held until `end`, a stream's `[DONE]` too: the last byte goes out only when the call's record is
durable. An error before the first byte is a status; after it, an event of the stream that is not followed by `[DONE]`.
"""

from collections.abc import Callable
from typing import Protocol

from parley.api.render import JSON, error_body, error_headers, limit_headers
from parley.core.clock import Clock
from parley.core.events import WHOLE, Event
from parley.errors import ParleyError
from parley.store.counters import Standing
from parley.store.segments import DONE as ENDED
from parley.store.segments import EVENT, FAILED
from parley.store.streams import Stream

EVENT_STREAM = b"text/event-stream; charset=utf-8"
HEADERS = b"content-type: %b\r\nx-request-id: %b\r\n"
OURS = HEADERS + b"openai-processing-ms: %d\r\nopenai-version: 2020-10-01\r\nopenai-organization: parley\r\n"
REPLAYED = b"idempotent-replayed: true\r\n"
DONE = b"[DONE]"
FRAME = len(b"data: \n\n")


class Line(Protocol):
    """The connection to the client (`parley.api.door`).

    left: whether the client hung up. outlives: whether its request goes on then.
    """

    writable: bool
    chunks: bool
    bodiless: bool
    left: bool
    outlives: bool

    def head(self, status: int, headers: bytes, length: int | None) -> bytes:
        """Return the response's head; length None: a stream."""
        ...

    def write(self, data: bytes) -> None:
        """Send *data*; never waits."""
        ...

    async def drain(self) -> None:
        """Wait until the client has taken what was sent."""
        ...


class HttpReply:
    """The answer to one HTTP request; `adapt` changes each chunk for a client that needs it.

    numbered: whether the client wants to be told the id of each event of a stream.
    """

    __slots__ = (
        "_body",
        "_chunks",
        "_clock",
        "_drains",
        "_held",
        "_line",
        "_log",
        "_media",
        "adapt",
        "arrived",
        "authenticated",
        "id",
        "numbered",
        "replayed",
        "sent",
        "standings",
        "streaming",
    )

    def __init__(self, line: Line, clock: Clock, id: str, arrived: float) -> None:  # noqa: A002 - the request's id
        self._line = line
        self._chunks = line.chunks
        self._clock = clock
        self._body: bytes | None = None
        self._media = JSON
        self._held = b""
        self._log: Stream | None = None
        self._drains = False
        self.id = id
        self.arrived = arrived
        self.adapt: Callable[[bytes], bytes] | None = None
        self.authenticated = False
        self.standings: list[Standing] = []
        self.numbered = False
        self.replayed = False
        self.streaming = False
        self.sent = False

    @property
    def left(self) -> bool:
        """Whether the client hung up."""
        return self._line.left

    def keep(self, log: Stream | None, *, drain: bool) -> None:
        """Write a stream into *log* as it is sent; *drain*: once begun it goes on there when the client hangs up."""
        self._log = log
        self._drains = drain
        if log is not None and self.numbered:
            log.tell(self.id)

    def send(self, event: Event) -> None:
        """Hold a piece of an answer for the next `flush`: pieces that came together go out together."""
        if event.kind is WHOLE:
            self._body = event.raw
            return
        if not self.streaming:
            self._begin()
        if event.raw:
            self._frame(event.raw if self.adapt is None else self.adapt(event.raw))

    def flush(self) -> bool:
        """Send what is held, and tell whether the client keeps up with its answer."""
        if self._held:
            self._line.write(self._held)
            self._held = b""
        return self._line.writable

    async def drain(self) -> None:
        """Wait until the client has taken what was sent."""
        await self._line.drain()

    def body(self, body: bytes, media: bytes = JSON) -> None:
        """Set the whole answer."""
        self._body = body
        self._media = media

    async def end(self) -> None:
        """Send the last byte."""
        self.sent = True
        if self.streaming:
            self._frame(DONE, ENDED)
            self.close()
            return
        body = self._body or b""
        self._write(self._line.head(200, self._headers(self._media), len(body)), body)

    def fail(self, error: ParleyError, extra: bytes = b"") -> None:
        """Tell the client of *error*, in the way that is left."""
        self.sent = True
        body = error_body(error)
        if self.streaming:
            self._frame(body, FAILED)
            self.close()
            return
        headers = self._headers(JSON) + error_headers(error) + extra
        self._write(self._line.head(error.status, headers, len(body)), body)

    def _write(self, head: bytes, body: bytes) -> None:
        """Send a whole answer; to HEAD only its head."""
        self._line.write(head if self._line.bodiless else head + body)

    def _begin(self) -> None:
        self.streaming = True
        self._line.outlives = self._drains
        headers = self._headers(EVENT_STREAM) + b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
        self._held = self._line.head(200, headers, None)

    def _frame(self, payload: bytes, kind: int = EVENT) -> None:
        """Hold *payload*, as one event of the stream, for the next write."""
        if self._log is not None:
            payload = self._log.write(payload, kind)
        if self._chunks:
            self._held += b"%x\r\ndata: %b\n\n\r\n" % (len(payload) + FRAME, payload)
        else:
            self._held += b"data: %b\n\n" % payload

    def close(self) -> None:
        """End the stream here; its last event says how it ended."""
        if self._chunks:
            self._held += b"0\r\n\r\n"
        self.flush()

    def _headers(self, media: bytes) -> bytes:
        if not self.authenticated:
            return HEADERS % (media, self.id.encode())
        ours = OURS % (media, self.id.encode(), (self._clock.monotonic() - self.arrived) * 1000)
        if self.replayed:
            ours += REPLAYED
        return ours + limit_headers(self.standings) if self.standings else ours
