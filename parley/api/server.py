"""Uvicorn's server around our door: it listens, ticks, and shuts down in order.

On SIGTERM or SIGINT it stops accepting, lets running answers end for `server.shutdown_seconds`, cancels what is left
(their clients are told, their flows settle), and returns. A second SIGINT does not wait.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import structlog
import uvicorn

from parley.api.app import ROUTES
from parley.api.cors import doors
from parley.api.door import Door
from parley.api.serve import Table
from parley.errors import ShuttingDown
from parley.house import House

log = structlog.get_logger()

SWEEP = 10  # ticks of a tenth of a second
SETTLING = 6  # seconds for what is cancelled to be recorded; the ledger gives up after five


async def nothing_else(scope: object, receive: object, send: object) -> None:
    """Stand in for the ASGI application that uvicorn wants; the door never calls it."""


class Server(uvicorn.Server):
    """Uvicorn's server, which ends with a plain return instead of raising the signal again."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], grace: float) -> None:
        super().__init__(config)
        self._ready = ready
        self._grace = grace
        self._given_up = 0
        self._why: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections; return when the running answers have ended, or were ended and settled."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        running = len(self.server_state.tasks)
        log.info("stopping", pid=os.getpid(), why=self._why, open_calls=running, seconds_at_most=self._grace)
        giving_up = loop.call_later(self._grace, self._give_up)
        await super().shutdown(sockets)
        giving_up.cancel()
        left = set(self.server_state.tasks)
        if left:  # a second signal: they are not waited for, but recorded
            self._give_up()
            await asyncio.wait(left, timeout=SETTLING)
        log.info("stopped", pid=os.getpid(), given_up=self._given_up, seconds=round(loop.time() - began, 3))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second SIGINT waits for nobody."""
        self._why = signal.Signals(sig).name
        super().handle_exit(sig, frame)

    def _give_up(self) -> None:
        """End the answers that took too long; the reason reaches their records."""
        for task in tuple(self.server_state.tasks):
            task.cancel(ShuttingDown())
            self._given_up += 1

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT; the process then ends with status 0."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def on_tick(self, counter: int) -> bool:
        """Close what has been idle too long, once a second."""
        if counter % SWEEP == 0:
            now = asyncio.get_running_loop().time()
            for door in tuple(self.server_state.connections):
                if isinstance(door, Door):
                    door.sweep(now)
        return await super().on_tick(counter)


async def run(house: House, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve *house* on *listener* until a signal ends it; *ready* is called when connections are taken."""
    settings = house.settings.server
    config = uvicorn.Config(
        nothing_else,
        http=doors(house, Table(ROUTES)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds + SETTLING,
    )
    await Server(config, ready, settings.shutdown_seconds).serve(sockets=[listener])
