"""Our HTTP/1.1 client: asks upstreams over pooled connections, at the least cost per call and per chunk.

`Client.send` writes the request in one piece and returns when the response's head is in; its `Exchange` gives
the body, whole or as it comes. Redirects are returned as they are. One timer sweeps over all connections 20
times a second while there are any: it ends what is overdue (at most 50 ms late) and closes what has rested
too long. Fails with UpstreamTimeout and UpstreamBroken (each names the upstream; where it lives is only in their
`detail`), and ShuttingDown after `close`.
"""

import asyncio
import ssl

from parley.core.catalog import Timeouts
from parley.errors import ShuttingDown, UpstreamBroken, UpstreamTimeout
from parley.upstreams.connection import Connection
from parley.upstreams.exchange import Exchange
from parley.upstreams.origin import Origin
from parley.upstreams.pool import Pool

__all__ = ["Client", "Exchange", "Origin"]

_TICK = 0.05  # seconds between two sweeps
_BARE = (b"GET", b"HEAD", b"DELETE")  # methods whose requests need no length when they have no body
_ONE_PIECE = 64 * 1024  # bytes of a body that are copied behind the head, to be written together


class Client:
    """Asks upstreams. For one event loop.

    max_idle: connections at rest kept per origin. idle_seconds: how long. max_head: bytes of a response's
    head. ssl_context: for https; without it the system's trusted certificates.
    """

    def __init__(
        self,
        *,
        max_idle: int = 64,
        idle_seconds: float = 60,
        max_head: int = 64 * 1024,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._max_idle = max_idle
        self._idle_seconds = idle_seconds
        self._max_head = max_head
        self._ssl_context = ssl_context
        self._pools: dict[str, Pool] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def send(
        self, origin: Origin, method: bytes, path: bytes, headers: bytes, body: bytes, timeouts: Timeouts
    ) -> Exchange:
        """Send a request and return its exchange as soon as the head of the response is in.

        path: the whole path with its query. headers: complete lines, each ending with CRLF, without host,
        content-length and connection. A connection from the pool that turns out to be closed before the first
        byte of a response is replaced once by a new one. Raises UpstreamTimeout (connecting:
        `timeouts.connect`; the head: `timeouts.first_token`), UpstreamBroken, ShuttingDown. ValueError for a
        path that would break the request line.
        """
        if b" " in path or b"\n" in path or b"\r" in path:
            raise ValueError("A path has no spaces and no line ends.")
        pool = self._pools.get(origin.key) or self._add_pool(origin)
        end = b"\r\n" if not body and method in _BARE else b"content-length: %d\r\n\r\n" % len(body)
        large = len(body) > _ONE_PIECE
        request = b"".join((method, b" ", path, pool.head, headers, end, b"" if large else body))
        fresh = not pool.idle
        while True:
            connection = await self._connect(pool, timeouts.connect) if fresh else pool.idle.pop()
            exchange = Exchange(connection, timeouts, bodiless=method == b"HEAD")
            connection.transport.write(request)
            if large:
                connection.transport.write(body)
            await exchange.head()
            if exchange.status:
                return exchange
            error = exchange.error or UpstreamBroken()
            if fresh or exchange.held or isinstance(error, UpstreamTimeout):
                raise error
            fresh = True

    async def close(self) -> None:
        """Close all connections, also busy ones; their readers get UpstreamBroken. Idempotent."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for pool in self._pools.values():
            await pool.close()

    def open_connections(self) -> int:
        """Return how many connections are open, busy and at rest."""
        return sum(len(pool.open) for pool in self._pools.values())

    def _add_pool(self, origin: Origin) -> Pool:
        if self._closed:
            raise ShuttingDown
        if origin.scheme == "https" and self._ssl_context is None:
            self._ssl_context = _trusting_the_system()
        context = self._ssl_context if origin.scheme == "https" else None
        pool = Pool(origin, context, rests=self._max_idle, max_head=self._max_head)
        self._pools[origin.key] = pool
        return pool

    async def _connect(self, pool: Pool, seconds: float) -> Connection:
        if self._closed:
            raise ShuttingDown
        connection = await pool.connect(seconds)
        if self._closed:  # meanwhile
            connection.transport.abort()
            raise ShuttingDown
        if self._timer is None:
            self._timer = pool.loop.call_later(_TICK, self._sweep, pool.loop)
        return connection

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is overdue."""
        now = loop.time()
        for pool in self._pools.values():
            pool.sweep(now, now - self._idle_seconds)
        self._timer = loop.call_later(_TICK, self._sweep, loop) if self.open_connections() else None


def _trusting_the_system() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
