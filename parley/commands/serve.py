"""`parley serve`: one process, or several that share the port (`parley.commands.workers`).

How it fails: wrong settings, a database that cannot be opened and a port that is taken are SettingsErrors, before a
key is made or a call is taken.
"""

import asyncio
import os
import socket
import sys

import structlog
import uvloop

from parley import __version__, assembly
from parley.commands import logs
from parley.commands.lines import Line
from parley.commands.options import Options, shown
from parley.commands.welcome import first_key, greet
from parley.commands.workers import Crew
from parley.errors import SettingsError

log = structlog.get_logger()


def run(options: Options, descriptor: int | None, line: int | None) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status.

    descriptor: of the bound socket, when we are a worker. line: of the line to who started us.
    """
    logs.configure()
    assembly.examine(options.settings, options.data)
    if options.note and descriptor is None:  # of several processes only the first says so
        log.warning(options.note)
    to_starter = None if line is None else Line(line)
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        listen(options) if descriptor is None else inherited(descriptor) as listener,
    ):
        return runner.run(_work(options, listener, to_starter, worker=descriptor is not None))


def listen(options: Options) -> socket.socket:
    """Return the bound socket. Raises SettingsError when the address cannot be had."""
    try:
        return assembly.listen(options.settings)
    except OSError as error:
        where = options.settings.server.listen
        why = (error.strerror or str(error)).lower()
        raise SettingsError(f"cannot listen on {where}: {why}. Choose another with --listen HOST:PORT") from error


def inherited(descriptor: int) -> socket.socket:
    """Return the socket that our parent has bound."""
    listener = socket.socket(fileno=descriptor)
    listener.set_inheritable(False)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL under which *listener* can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    return shown(host, port)


def particulars(options: Options, address: str) -> dict[str, object]:
    """Return what the log tells of a start: whoever reads it at night should not have to guess which server it was."""
    settings = options.settings
    return {
        "version": __version__,
        "pid": os.getpid(),
        "address": address,
        "settings": str(options.config.absolute()) if options.config else None,
        "data": str(options.data),
        "store": assembly.shown_url(assembly.store_url(settings, options.data)),
        "upstreams": sorted(settings.upstreams),
        "engine": settings.engine.enabled,
        "workers": settings.server.workers,
    }


async def _work(options: Options, listener: socket.socket, line: Line | None, *, worker: bool) -> int:
    """Serve on *listener* here, or in as many workers as the settings want. Returns the exit status."""
    address = address_of(listener)
    seen = line is None and sys.stdout.isatty()  # a log would keep the key; who started us by a line makes its own
    key = await first_key(options) if seen else None

    def ready() -> None:
        if not worker:
            greet(options, address, key)
            log.info("started", **particulars(options, address))
        if line:
            line.announce(address)

    if line:
        line.hold()
    if options.settings.server.workers > 1:
        return await Crew(options, listener, ready).work()
    await assembly.serve(options.settings, options.data, listener, ready)
    return 0
