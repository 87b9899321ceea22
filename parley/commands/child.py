"""A server of our own in a child process, for as long as a block runs: the demo's, and a chat's that found none.

Fails with ParleyError, which carries the end of the server's log.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from parley.commands.lines import LONGEST
from parley.errors import ParleyError

START_SECONDS = 60
STOP_SECONDS = 60
TAIL = 30  # lines


def command() -> list[str]:
    """Return how to start ourselves: the current folder is on the child's import path only if it is on ours."""
    here = sys.path[0] in {"", str(Path.cwd())}
    return [sys.executable, *([] if here else ["-P"]), "-m", "parley"]


@contextmanager
def serving(arguments: list[str], log: Path, environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Run `parley serve` on a free loopback port and yield its address, such as `http://127.0.0.1:4711`.

    arguments: further options. log: the file that gets its output. Leaving stops it; a status other than 0 is an
    error. Raises ParleyError.
    """
    ours, theirs = socket.socketpair()
    with ours, log.open("wb") as output:
        with theirs:
            server = subprocess.Popen(  # noqa: S603 - our own program
                [*command(), "serve", "--listen", "127.0.0.1:0", *arguments, "--line", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environ),
                start_new_session=True,  # Ctrl+C is for us; we stop it
            )
        try:
            yield _address(ours, server, log)
        finally:
            _stop(server, log)


def _address(line: socket.socket, server: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address the *server* announces. Raises ParleyError."""
    line.settimeout(START_SECONDS)
    try:
        heard = line.recv(LONGEST)
    except TimeoutError as error:
        raise ParleyError(f"the server was not ready after {START_SECONDS} seconds\n{tail(log)}") from error
    if not heard:
        status = server.wait(STOP_SECONDS)
        raise ParleyError(f"the server did not start (status {status})\n{tail(log)}")
    return heard.decode()


def _stop(server: subprocess.Popen[bytes], log: Path) -> None:
    """Stop *server* and wait for it. Raises ParleyError when it does not end well."""
    in_hand = sys.exc_info()[0]
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        status = server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        status = server.wait()
    if status and in_hand is None:
        raise ParleyError(f"the server ended with status {status}\n{tail(log)}")


def tail(log: Path) -> str:
    """Return the last lines of *log*."""
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-TAIL:])
