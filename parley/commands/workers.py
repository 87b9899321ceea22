"""Several worker processes that share one listening socket.

The parent binds it, starts the workers, passes SIGTERM and SIGINT on to them, and starts again those that crash, each
time after a longer pause. It takes no calls itself. A worker that cannot even start at first ends them all: what is
wrong is then wrong for every one. A worker whose parent is gone stops by itself (`parley.commands.lines`).
"""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import Callable

import structlog

from parley.commands.child import command
from parley.commands.lines import LONGEST
from parley.commands.options import Options

log = structlog.get_logger()

LONGEST_PAUSE = 30.0  # seconds
STEADY = 60.0  # seconds after which a crash counts as the first
GRACE = 10.0  # seconds a worker may take beyond its own limit to settle


def pause(crashes: int) -> float:
    """Return the seconds to wait before the next start after so many *crashes* in a row: 0.5, 1, 2 ... 30."""
    return min(0.5 * 2.0 ** min(crashes - 1, 10), LONGEST_PAUSE)


class Crew:
    """The workers on *listener*; *ready* is called once, when all of them take calls."""

    def __init__(self, options: Options, listener: socket.socket, ready: Callable[[], None]) -> None:
        self._options = options
        self._listener = listener
        self._ready = ready
        self._wanted = options.settings.server.workers
        self._missing = self._wanted
        self._processes: set[Process] = set()
        self._stopping = asyncio.Event()

    async def work(self) -> int:
        """Run the workers until a signal ends them, and return the exit status: 0 when all ended well."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        status = max(await asyncio.gather(*(self._keep() for _ in range(self._wanted))))
        log.info("stopped", pid=os.getpid(), status=status)
        return status

    async def _keep(self) -> int:
        """Keep one worker running; returns its status once we stop."""
        crashes = 0
        while True:
            begun = asyncio.get_running_loop().time()
            status = await self._run()
            if self._stopping.is_set():
                return 0 if status in {0, -signal.SIGTERM} else 1
            if self._missing:
                self._stop(signal.SIGTERM, "a worker could not start")
                return status or 1
            crashes = 1 if asyncio.get_running_loop().time() - begun > STEADY else crashes + 1
            log.warning("a worker ended and is started again", status=status, pause_seconds=pause(crashes))
            try:
                await asyncio.wait_for(self._stopping.wait(), pause(crashes))
            except TimeoutError:
                continue
            return 0

    async def _run(self) -> int:
        """Run one worker to its end and return its status."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(0)
            with theirs:
                process = await self._start(theirs.fileno())
            self._processes.add(process)
            if self._stopping.is_set():
                process.terminate()
            if await asyncio.get_running_loop().sock_recv(ours, LONGEST):
                self._count()
            status = await process.wait()
            self._processes.discard(process)
            return status

    async def _start(self, line: int) -> Process:
        where = self._options.settings.server.listen
        return await create_subprocess_exec(
            *command(),
            *("serve", "--workers", "1", "--listen", where, *self._options.arguments),
            *("--socket", str(self._listener.fileno()), "--line", str(line)),
            pass_fds=(self._listener.fileno(), line),
            start_new_session=True,  # a Ctrl+C in the terminal is for us; we pass it on, once
        )

    def _count(self) -> None:
        """Note that one more worker takes calls."""
        if self._missing:
            self._missing -= 1
            if not self._missing:
                self._ready()

    def _stop(self, number: int, why: str | None = None) -> None:
        """Pass the signal on; nobody is started again, no connection taken any more. *why*: if not for the signal."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._listener.close()
            log.info("stopping", pid=os.getpid(), why=why or signal.Signals(number).name, workers=len(self._processes))
            limit = self._options.settings.server.shutdown_seconds + GRACE
            asyncio.get_running_loop().call_later(limit, self._kill)
        for process in self._processes:
            process.send_signal(number)

    def _kill(self) -> None:
        for process in self._processes:
            process.kill()
