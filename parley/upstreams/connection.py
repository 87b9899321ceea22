"""One connection to an upstream: its transport, its parser, and the exchange it serves now.

A connection serves the next exchange only after the response before was parsed to its end and nothing followed it, so
answers cannot mix: bytes that nobody asked for end the connection. What belongs to a response lives in its `Exchange`.
Fails through it, with UpstreamBroken.
"""

import asyncio
from typing import Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from parley.errors import UpstreamBroken
from parley.upstreams.exchange import HIGH_WATER, Exchange

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

    def rest(self) -> None:
        """Go where connections wait for their next exchange."""
        self.home.rest(self)

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
