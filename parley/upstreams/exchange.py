"""One request and its response, on one connection.

What belongs to a response lives in its `Exchange`; a connection (`parley.upstreams.connection`) only knows which
exchange it serves now.

Nothing here makes a timer. An exchange that waits says until when (`deadline`, and `end` in all), and the client's
one sweep ends what is overdue. Fails with UpstreamBroken (reset, cut short, rubbish) and UpstreamTimeout; both
close the connection.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from parley.core.catalog import Timeouts
from parley.errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from parley.upstreams.coding import Inflater, inflater

HIGH_WATER = 256 * 1024  # bytes received and not yet read, above which we stop reading from the network
_LINGER = 1.0  # seconds a complete stream may take to end its response


class Place(Protocol):
    """What an exchange has to know of the place its connection belongs to. max_head: bytes of a response's head."""

    name: str
    loop: asyncio.AbstractEventLoop
    max_head: int


class Wire(Protocol):
    """A connection, as the exchange that it serves sees it."""

    transport: asyncio.Transport
    exchange: "Exchange | None"

    @property
    def home(self) -> Place:
        """Where it belongs to."""
        ...

    def rest(self) -> None:
        """Wait for the next exchange."""
        ...


class Exchange:
    """A response as it comes in. `read`, `chunk` and `pour` are for one reader.

    status: the final response's. headers: names in lower case, values as they came, repeated ones joined by
    a comma.
    """

    __slots__ = (
        "_before",
        "_begun",
        "_gap",
        "_home",
        "_inflater",
        "_paused",
        "_still",
        "bodiless",
        "connection",
        "deadline",
        "end",
        "ended",
        "error",
        "headers",
        "held",
        "keep",
        "lingering",
        "most",
        "pieces",
        "sink",
        "status",
        "until_close",
        "waiter",
    )

    def __init__(self, connection: Wire, timeouts: Timeouts, *, bodiless: bool) -> None:
        home = connection.home
        now = home.loop.time()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.connection: Wire | None = connection
        connection.exchange = self
        self.bodiless = bodiless  # a response to HEAD
        self.pieces: list[bytes] = []  # of the body, not yet read
        self.held = 0  # bytes received since the reader last took what was there
        self.most = home.max_head  # above which `held` is too much
        self.ended = False  # the response was parsed to its end
        self.keep = False  # the connection may serve again
        self.lingering = False  # nobody reads on; only the end is awaited
        self.until_close = False  # the body ends where the connection does
        self.error: Exception | None = None
        self.sink: Callable[[bytes], bool] | None = None  # takes what comes as it comes
        self.end = now + timeouts.total
        self.deadline = now + timeouts.first_token
        self.waiter: asyncio.Future[None] | None = None
        self._gap = timeouts.between_tokens
        self._before = self.deadline  # as it was when bytes were taken last
        self._still = False  # they were no part of the answer: `deadline` stays
        self._begun = False  # some of the body has been read: from now on only the gaps count
        self._home = home
        self._inflater: Inflater | None = None
        self._paused = False

    async def head(self) -> None:
        """Wait for the head. Afterwards either `status` or `error` is set."""
        try:
            self.waiter = waiter = self._home.loop.create_future()
            await waiter
            if self.status and b"content-encoding" in self.headers and not self.bodiless:
                self._inflater = inflater(self.headers[b"content-encoding"])
        except (asyncio.CancelledError, UpstreamBroken):
            self.close()
            raise

    async def read(self, limit: int) -> bytes:
        """Return the whole body and give the connection back.

        Raises UpstreamBroken if it is longer than *limit* bytes or was cut short, UpstreamTimeout after a
        silence.
        """
        if self.ended and self._inflater is None:
            body = self._take()
            self.close()
        else:
            parts, size = [], 0
            while size <= limit and (piece := await self.chunk()):
                parts.append(piece)
                size += len(piece)
            body = b"".join(parts)
        if len(body) > limit:
            self.close()
            raise UpstreamBroken(f"The answer of {self._home.name} is longer than {limit} bytes.")
        return body

    async def chunk(self) -> bytes:
        """Return the bytes of the body that came since the last call, waiting for some; b"" at its clean end.

        Raises UpstreamBroken if it was cut short, UpstreamTimeout after a silence or when the total time is
        over; both only after all bytes before were returned.
        """
        return await (self._next() if self._inflater is None else self._inflated(self._inflater))

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Hand the bytes of the body to *sink* in the moment they come: no task is woken for them.

        Returns True at the body's clean end, False to be called again when *sink* has room. Raises as `chunk`.
        """
        if self._inflater is None and not self.pieces and not self.ended and self.error is None:
            self.sink = sink
            await self._wait()
            if self.sink is None and self.error is None:
                return False
            self.sink = None
        data = await self.chunk()
        if data:
            sink(data)
        return not data

    def push(self, sink: Callable[[bytes], bool]) -> None:
        """Give what has come to *sink*; its reader is woken when it wants no more."""
        data = self._take()
        self.deadline = self._home.loop.time() + self._gap
        self._still = False
        try:
            more = sink(data)
        except Exception as error:
            self.error = error  # even of a response that is complete: not all of it was taken
            self.keep = False
            self.close()
            raise
        if not more:
            self.sink = None
            self.wake()

    def still(self) -> None:
        """Wait on as if nothing had come: what was taken last (a comment, say) was no part of the answer."""
        self.deadline = self._before
        self._still = True
        if not self.ended and self._home.loop.time() > self.deadline:  # a flood leaves nobody waiting, for `expire`
            self._late()

    def hurry(self) -> None:
        """Give the rest of the body no more than the time between two pieces: it only explains an error."""
        self.end = min(self.end, self._home.loop.time() + self._gap)

    def close(self) -> None:
        """Give the connection back if the response is over and it may serve again; else close it at once."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        connection.exchange = None
        if self.ended and self.keep:
            if self._paused:
                connection.transport.resume_reading()
            connection.rest()
            return
        connection.transport.abort()
        if not self.ended and self.error is None:
            self.error = UpstreamBroken(f"The answer of {self._home.name} was given up.")
        self.wake()

    def linger(self) -> None:
        """Let go of a response whose content is complete: its connection serves again if it ends soon."""
        if self.ended or self.connection is None:
            self.close()
        else:
            self.end = self._home.loop.time() + _LINGER
            self.lingering = True

    def fail(self, error: UpstreamError) -> None:
        """End with *error*, unless the response is already complete; the connection is not used again."""
        self.keep = False
        if not self.ended and self.error is None:
            self.error = error
        self.close()

    def expire(self, now: float) -> None:
        """End an overdue exchange: one that nobody waits for only when its total time is over."""
        if not self.ended and (self.waiter is not None or now > self.end):
            self._late()

    def wake(self) -> None:
        """Let the reader go on."""
        waiter = self.waiter
        if waiter is not None:
            self.waiter = None
            if not waiter.done():  # it is when the reader was cancelled and has not run yet
                waiter.set_result(None)

    def hold(self) -> None:
        """More than `most` bytes are held: stop reading until the reader has taken them."""
        if self.ended or self.connection is None:
            return
        if not self.status:
            self.fail(UpstreamBroken(f"{self._home.name} sent a header that is too large."))
        elif not self.pieces:  # only the frames of chunks, without any content
            self.fail(UpstreamBroken(f"{self._home.name} sent rubbish."))
        elif not self._paused:
            self._paused = True
            self.connection.transport.pause_reading()

    def _late(self) -> None:
        self.fail(UpstreamTimeout(f"{self._home.name} did not answer in time."))

    async def _next(self) -> bytes:
        """Return the next bytes of the body; waits for some."""
        if not self.pieces and not self.ended and self.error is None:
            await self._wait()
        if self.pieces:
            return self._take()
        if self.error is not None:
            raise self.error
        self.close()
        return b""

    async def _wait(self) -> None:
        """Wait to be woken: by bytes for a reader without `sink`, by the end, or by an error."""
        loop = self._home.loop
        if self._still:
            self._still = False
        elif self._begun:
            self.deadline = loop.time() + self._gap
        self.waiter = waiter = loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            self.sink = None
            self.close()
            raise

    def _take(self) -> bytes:
        """Return all that is held, in one piece."""
        pieces = self.pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._before = self.deadline
        self.held = 0
        self._begun = True
        if self._paused and self.connection is not None:
            self._paused = False
            self.connection.transport.resume_reading()
        return data

    async def _inflated(self, stream: Inflater) -> bytes:
        """Return the next decoded bytes, b"" at the end of both the body and its coding."""
        try:
            while not (plain := stream.step()):
                data = await self._next()
                if not data:
                    stream.finish()
                    return b""
                stream.feed(data)
        except UpstreamBroken as error:
            self.fail(error)
            self.error = error
            raise
        if stream.full:
            await asyncio.sleep(0)  # there is more to unpack: let others go on meanwhile
        return plain
