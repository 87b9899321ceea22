"""The connections to one origin, and what all requests to it have in common.

A connection rests here between two exchanges. Only one that has nothing left to send, and was not closed
meanwhile, is kept; the one used last is used next, so that those not needed grow old and are closed.
"""

import asyncio
import ssl

from parley.errors import UpstreamBroken, UpstreamTimeout
from parley.upstreams.connection import Connection
from parley.upstreams.origin import Origin


class Pool:
    """The connections to one origin.

    context: for https, else None. rests: how many connections may rest here. max_head: bytes of a response's
    head. open: all connections, busy and at rest. idle: those at rest.
    """

    __slots__ = (
        "_context",
        "_emptied",
        "_origin",
        "_rests",
        "head",
        "idle",
        "loop",
        "max_head",
        "name",
        "open",
    )

    def __init__(self, origin: Origin, context: ssl.SSLContext | None, *, rests: int, max_head: int) -> None:
        self._origin = origin
        self._context = context
        self._rests = rests
        self.name = origin.name
        self.max_head = max_head
        self.head = b" HTTP/1.1\r\nhost: " + origin.host_header + b"\r\nconnection: keep-alive\r\n"
        self.open: set[Connection] = set()
        self.idle: list[Connection] = []
        self._emptied = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    async def connect(self, seconds: float) -> Connection:
        """Return a new connection; UpstreamTimeout after *seconds*, UpstreamBroken if it is refused."""
        host, port = self._origin.host, self._origin.port
        try:
            async with asyncio.timeout(seconds):
                _, connection = await self.loop.create_connection(self._meet, host, port, ssl=self._context)
        except TimeoutError as error:
            failed = UpstreamTimeout(f"{self.name} could not be reached in time.")
            raise failed.because(f"could not connect to {self._origin.address} within {seconds:g} s") from error
        except OSError as error:
            why = f"could not connect to {self._origin.address}: {error.strerror or error}"
            raise UpstreamBroken(f"{self.name} could not be reached.").because(why) from error
        if connection.transport.is_closing():
            raise UpstreamBroken(f"{self.name} closed the connection at once.")
        self.open.add(connection)  # not before: uvloop tells nobody when it drops one that was cancelled
        return connection

    def rest(self, connection: Connection) -> None:
        """Keep a connection for the next exchange, if it is fit for one and there is room."""
        transport = connection.transport
        if len(self.idle) >= self._rests or transport.is_closing() or transport.get_write_buffer_size():
            transport.abort()
            return
        connection.rested = self.loop.time()
        self.idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if not self.open:
            self._emptied.set()

    def sweep(self, now: float, oldest: float) -> None:
        """End exchanges that are overdue, and connections that have rested since before *oldest*."""
        for connection in list(self.open):
            exchange = connection.exchange
            if exchange is None:
                if connection.rested < oldest:
                    connection.transport.abort()
            elif exchange.deadline < now or exchange.end < now:
                exchange.expire(now)

    async def close(self) -> None:
        """Close all connections and wait until they are closed; keep none from now on."""
        self._rests = 0
        for connection in list(self.open):
            connection.quit()
        if self.open:
            self._emptied.clear()
            await self._emptied.wait()

    def _meet(self) -> Connection:
        return Connection(self)
