"""HTTP/1.1 in and out: a connection, as a protocol of uvicorn's server over httptools.

Uvicorn listens, counts connections and tasks, and shuts down; this class replaces its ASGI layer on the API's routes,
because the layer cost more than the call itself (docs/decisions). It starts a request's task when the request is whole
and cancels it when the client hangs up. Limits: a head of 64 KiB (431), a body of `server.max_body` (413), the time a
request may take to arrive (408), the time an unused connection is kept.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Coroutine
from http import HTTPStatus
from itertools import chain
from typing import Any, NoReturn, Protocol

import httptools
from uvicorn.server import ServerState

from parley.api.request import Request
from parley.core.clock import Clock
from parley.errors import HeaderTooLarge, InvalidRequest, ParleyError, Timeout, TooLarge
from parley.settings import ServerSettings

LARGEST_HEAD = 64 * 1024
PLAIN = re.compile(rb"/[A-Za-z0-9_./-]*").fullmatch  # a URL that is its path and nothing else
LINGER = 2.0  # seconds a refused client may go on sending while it has not read why
PIPELINED = 16  # requests that may wait behind the running one before we stop reading
STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
COMMON = b"x-content-type-options: nosniff\r\naccess-control-expose-headers: X-Request-ID\r\n"


class Desk(Protocol):
    """Who takes requests (`parley.api.serve`)."""

    settings: ServerSettings
    clock: Clock

    def take(self, request: Request, door: "Door") -> Coroutine[Any, Any, None]:
        """Answer *request* through *door*."""
        ...

    def refuse(self, error: ParleyError, door: "Door") -> None:
        """Answer a request that never became whole."""
        ...


class Door(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, desk: Desk, server_state: ServerState, **_: Any) -> None:
        self._desk = desk
        self._state = server_state
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writers: list[asyncio.Future[None]] = []
        self._request: Request | None = None
        self._closing = False
        self._keep_alive = True
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated: frozenset[bytes] = frozenset()
        self._arrived = 0  # bytes since the last whole request
        self._read = 0  # bytes of the last read, which may hold several requests
        self._body: list[bytes] = []
        self._body_size = 0
        self._refused = False
        self.left = False  # the client hung up
        self.outlives = False  # whether the running request goes on all the same
        self._stuck = 0.0  # since when the client takes nothing of its answer; 0: it does
        self.since = self._loop.time()  # when this request, or this rest, began
        self.writable = True
        self.chunks = True  # whether the client understands a chunked response; HTTP/1.0 does not
        self.bodiless = False  # whether the request is a HEAD: its answer is a head

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport  # type: ignore[assignment]
        self._state.connections.add(self)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the transport's signature
        """End: the client hung up, so its request is cancelled, unless it goes on; settling is the flow's business."""
        self._state.connections.discard(self)
        self._closing = True
        self._waiting.clear()
        self.left = True
        if self._task is not None and not self.outlives:
            self._task.cancel()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._refused:
            return
        self._read = len(data)
        self._arrived += self._read
        try:
            self._parser.feed_data(data)
            if self._arrived > LARGEST_HEAD and self._request is None:  # a head that does not end
                self._reject(HeaderTooLarge())
        except httptools.HttpParserUpgrade:
            self._reject(InvalidRequest("This server speaks HTTP/1.1 only."))
        except httptools.HttpParserCallbackError:
            pass  # one of the callbacks below has refused the request
        except httptools.HttpParserError:
            self._reject(InvalidRequest("This is not HTTP/1.1."))

    def pause_writing(self) -> None:
        """Hold: the client is slower than its answer."""
        self.writable = False
        self._stuck = self._loop.time()

    def resume_writing(self) -> None:
        """Go on."""
        self.writable = True
        self._stuck = 0.0
        for waiter in self._writers:
            if not waiter.done():
                waiter.set_result(None)
        self._writers.clear()

    # --- the parser's side

    def on_message_begin(self) -> None:
        """Begin a request; what the one before left behind was cleared at its end."""
        if self._task is None:
            self.since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the URL."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        name = name.lower()
        if name in self._headers:
            self._repeated |= {name}
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Make the request, and look at its size before its body comes."""
        headers, parser = self._headers, self._parser
        if max(self._arrived, self._read) > LARGEST_HEAD and self._head_size() > LARGEST_HEAD:
            self._refuse(HeaderTooLarge())
        path, query = self._split()
        request = Request(parser.get_method().decode("ascii"), path, query, headers)
        request.keep_alive = parser.should_keep_alive()
        request.chunks = parser.get_http_version() != "1.0"
        self._request = request
        length = headers.get(b"content-length")
        if length is not None and length.isdigit() and int(length) > self._desk.settings.max_body:
            self._give_up(request, self._too_large())
        if b"expect" in headers and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _head_size(self) -> int:
        """Return how large the head is, about; only a large read is worth the counting."""
        return len(self._url) + sum(map(len, chain.from_iterable(self._headers.items())))

    def _split(self) -> tuple[str, str]:
        """Return path and query of the URL."""
        try:
            if PLAIN(self._url):
                return self._url.decode("ascii"), ""
            url = httptools.parse_url(self._url)
            return (url.path or b"/").decode("ascii"), (url.query or b"").decode("ascii")
        except (httptools.HttpParserInvalidURLError, UnicodeDecodeError):
            return self._refuse(InvalidRequest("The URL can't be read."))

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body.append(body)
        self._body_size += len(body)
        if self._body_size > self._desk.settings.max_body and self._request is not None:
            self._give_up(self._request, self._too_large())

    def on_message_complete(self) -> None:
        """Start the request, or let it wait behind the running one."""
        request = self._request
        if request is None:
            return
        request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._body_size = 0
        self._url = b""
        self._headers = {}
        request.repeated, self._repeated = self._repeated, frozenset()
        self._arrived = 0
        self._request = None
        if self._task is None:
            self._start(request)
            return
        self._waiting.append(request)
        if len(self._waiting) >= PIPELINED and self._transport is not None:
            self._transport.pause_reading()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request body is larger than {self._desk.settings.max_body} bytes.")

    def _give_up(self, request: Request, error: ParleyError) -> None:
        """Take *request* without its body: its flow learns why, tells the client, and records it."""
        self._refused = True
        request.refusal = error
        request.keep_alive = False
        if self._task is None:
            self._start(request)
        else:
            self._waiting.append(request)
        raise error  # stops the parser

    def _refuse(self, error: ParleyError) -> NoReturn:
        """Refuse from within a callback: the parser stops because we raise."""
        self._reject(error)
        raise error

    def _reject(self, error: ParleyError) -> None:
        """Answer *error* and close: what follows on this connection can't be understood."""
        self._refused = True
        if self._task is None:
            self._keep_alive = False
            self._desk.refuse(error, self)
        self.close_when_idle()

    # --- requests

    def _start(self, request: Request) -> None:
        self.chunks = request.chunks
        self.bodiless = request.method == "HEAD"
        self.outlives = False
        self._keep_alive = request.keep_alive and not self._closing
        task = self._loop.create_task(self._desk.take(request, self))
        self._task = task
        self._state.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._state.tasks.discard(task)
        self._state.total_requests += 1
        self._task = None
        self.since = self._loop.time()
        if self._transport is None or self._transport.is_closing():
            return
        if not self._keep_alive or task.cancelled():
            self._part()
        elif self._waiting:
            self._start(self._waiting.popleft())
            self._transport.resume_reading()
        elif self._closing or self._refused:
            self._part()

    def _part(self) -> None:
        """Close; but let a client that is still sending read why it was refused: closing at once would reset it."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._refused:
            self._transport.write_eof()
            self._loop.call_later(LINGER, self._transport.close)
        else:
            self._transport.close()

    @property
    def client(self) -> str:
        """Return the address at the other end: the client's, or that of a proxy before us."""
        found = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(found[0]) if found else ""

    # --- the reply's side

    def head(self, status: int, headers: bytes, length: int | None) -> bytes:
        """Return the head of a response; *length* None means that it ends when it ends."""
        if length is not None:
            framing = b"content-length: %d\r\n" % length
        else:
            framing = b"transfer-encoding: chunked\r\n" if self.chunks else b""
            self._keep_alive = self._keep_alive and self.chunks
        closing = b"" if self._keep_alive else b"connection: close\r\n"
        date = self._state.default_headers[0][1] if self._state.default_headers else b""
        return b"%bdate: %b\r\n%b%b%b%b\r\n" % (STATUS[status], date, headers, framing, closing, COMMON)

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken what was sent."""
        if not self.writable:
            waiter = self._loop.create_future()
            self._writers.append(waiter)
            await waiter

    # --- the house's side

    def shutdown(self) -> None:
        """Take no further request (uvicorn calls this when it stops)."""
        self._waiting.clear()
        self._keep_alive = False
        self.close_when_idle()

    def close_when_idle(self) -> None:
        """Close now, or when the running request has ended."""
        self._closing = True
        if self._task is None:
            self._part()

    def sweep(self, now: float) -> None:
        """Close what has been idle or stuck too long; refuse what takes too long to arrive."""
        settings = self._desk.settings
        if self._stuck and now - self._stuck > settings.send_seconds and self._transport is not None:
            self._transport.abort()
        if self._task is not None or self._refused:
            return
        arriving = self._request is not None or bool(self._headers) or bool(self._url)
        if arriving and now - self.since > settings.receive_seconds:
            late = Timeout(f"The request did not arrive within {settings.receive_seconds:g} seconds.")
            if self._request is None:
                self._reject(late)
            else:
                with contextlib.suppress(Timeout):
                    self._give_up(self._request, late)
        elif not arriving and now - self.since > settings.idle_seconds:
            self.close_when_idle()
