"""One request and its response, on one connection.

What belongs to a response lives in its `Exchange`; a `Connection` only knows which exchange it serves now. It
serves the next one only after the response before was parsed to its end and nothing followed it, so answers
cannot mix: bytes that nobody asked for end the connection.

Nothing here makes a timer. An exchange that waits says until when (`deadline`, and `end` in all), and the client's
one sweep ends what is overdue. Fails with UpstreamBroken (reset, cut short, rubbish) and UpstreamTimeout; both
close the connection.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from parley.core.catalog import Timeouts
from parley.errors import UpstreamBroken, UpstreamError, UpstreamTimeout
from parley.upstreams.coding import Inflater, inflater

HIGH_WATER = 256 * 1024  # bytes received and not yet read, above which we stop reading from the network
_LINGER = 1.0  # seconds a complete stream may take to end its response
_INTERIM = 200  # statuses below announce another response to the same request
_BODILESS = (204, 304)


class Home(Protocol):
    """Where connections to one origin rest between two exchanges."""

    name: str
    loop: asyncio.AbstractEventLoop
    max_head: int

    def rest(self, connection: "Connection") -> None:
        """Take a connection that may serve again."""
        ...

    def lost(self, connection: "Connection") -> None:
        """Forget a connection that is closed."""
        ...


class Exchange:
    """A response as it comes in. `read`, `chunk` and `pour` are for one reader.

    status: the final response's. headers: names in lower case, values as they came, repeated ones joined by
    a comma.
    """

    __slots__ = (
        "_begun",
        "_gap",
        "_home",
        "_inflater",
        "_paused",
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

    def __init__(self, connection: "Connection", timeouts: Timeouts, *, bodiless: bool) -> None:
        home = connection.home
        now = home.loop.time()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.connection: Connection | None = connection
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
        self.deadline = self._home.loop.time() + self._gap
        try:
            more = sink(self._take())
        except Exception as error:
            self.error = error  # even of a response that is complete: not all of it was taken
            self.keep = False
            self.close()
            raise
        if not more:
            self.sink = None
            self.wake()

    def close(self) -> None:
        """Give the connection back if the response is over and it may serve again; else close it at once."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        connection.exchange = None
        if self.ended and self.keep:
            if self._paused:
                connection.transport.resume_reading()
            self._home.rest(connection)
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
            self.fail(UpstreamTimeout(f"{self._home.name} did not answer in time."))

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
        if self._begun:
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
        return plain


class Connection(asyncio.Protocol):
    """A transport, its parser, and the exchange it serves now (None while at rest)."""

    __slots__ = ("exchange", "home", "parser", "rested", "transport")

    transport: asyncio.Transport
    parser: HttpResponseParser

    def __init__(self, home: Home) -> None:
        self.home = home
        self.exchange: Exchange | None = None
        self.rested = home.loop.time()  # when it came to rest; a new one rests until its first exchange

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.parser = HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; its exchange's reader is woken from the parser's calls below."""
        exchange = self.exchange
        if exchange is None or exchange.ended:
            if exchange is not None:
                exchange.keep = False
            self.transport.abort()
            return
        exchange.held += len(data)
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            exchange.fail(UpstreamBroken(f"{self.home.name} sent an answer that is not HTTP."))
        sink = exchange.sink
        if sink is not None and exchange.pieces:
            exchange.push(sink)
        if exchange.lingering and exchange.ended:
            exchange.close()
        elif exchange.held > exchange.most:
            exchange.hold()

    def connection_lost(self, exc: Exception | None) -> None:
        """End: clean only for a body that says so itself."""
        del self.parser  # it holds us
        self.home.lost(self)
        exchange = self.exchange
        if exchange is None:
            return
        if exchange.until_close and exc is None and not exchange.error:
            exchange.ended = True
        exchange.fail(UpstreamBroken(f"{self.home.name} closed the connection before its answer was complete."))

    def quit(self) -> None:
        """Close at once, whatever goes on."""
        if self.exchange is None:
            self.transport.abort()
        else:
            self.exchange.keep = False
            self.exchange.close()

    # The parser's calls.

    def on_message_begin(self) -> None:
        """Stop where a second response would begin."""
        if self.exchange is None or self.exchange.ended:
            raise _Over

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; those after the body are of no use."""
        exchange = self.exchange
        if exchange is None or exchange.status:
            return
        name = name.lower()
        headers = exchange.headers
        headers[name] = headers[name] + b", " + value if name in headers else value

    def on_headers_complete(self) -> None:
        """Read the head."""
        exchange = self.exchange
        if exchange is None:
            raise _Over
        status = self.parser.get_status_code()
        headers = exchange.headers
        if status < _INTERIM:
            headers.clear()
            return
        if exchange.held > exchange.most and sum(map(len, headers)) + sum(map(len, headers.values())) > exchange.most:
            exchange.fail(UpstreamBroken(f"{self.home.name} sent a header that is too large."))
            raise _Over
        exchange.status = status
        exchange.most = HIGH_WATER
        exchange.keep = self.parser.should_keep_alive()
        if exchange.bodiless:
            exchange.ended = True
            exchange.wake()
            raise _Over  # the parser cannot know that no body follows
        if not exchange.keep:
            exchange.until_close = (
                status not in _BODILESS and b"content-length" not in headers
                and b"chunked" not in headers.get(b"transfer-encoding", b"").lower()
            )  # fmt: skip
        exchange.wake()

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        exchange = self.exchange
        if exchange is None:
            return
        exchange.pieces.append(data)
        waiter = exchange.waiter  # `wake`, without the call: this runs for every event of a stream
        if waiter is not None and exchange.sink is None:
            exchange.waiter = None
            if not waiter.done():
                waiter.set_result(None)

    def on_message_complete(self) -> None:
        """End the response, unless it was only an interim one."""
        exchange = self.exchange
        if exchange is not None and exchange.status:
            exchange.ended = True
            exchange.wake()


class _Over(Exception):
    """There is nothing more to parse for this exchange."""
