"""One child process: started, watched, ended.

Its standard input is its life line (closing it ends the child, and so does the parent's death), its standard
output tells once where it listens, and of its standard error only the last lines are kept, in memory, for the
message of a failed start. Fails with UpstreamBroken.
"""

import asyncio
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from parley.engine.order import Order, Ready
from parley.errors import UpstreamBroken

TAIL = 8192  # bytes of llama.cpp's words that are kept
MESSAGE = 200  # characters of them in an error
END_SECONDS = 5.0
LONGEST_LINE = 16 << 20  # the answer names the model's control tokens: some have thousands

_ready = msgspec.json.Decoder(Ready)
_stamp = re.compile(r"^[\d.]+ E ")
_root = str(Path(__file__).parents[2])  # where this very package is found, installed or not


class Process:
    """A child with its model loaded. `ready` says where it listens; `ended` is set when it is gone."""

    def __init__(self, child: asyncio.subprocess.Process, order: Order) -> None:
        self.ready: Ready
        self._child = child
        self._order = order
        self._said = b""
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, order: Order, seconds: float) -> "Process":
        """Return a child that has loaded the model. Raises UpstreamBroken if it cannot in *seconds*."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never a module that happens to lie in the working directory
            "-m",
            "parley.engine.child",
            env=_environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,  # Ctrl+C in the terminal is for the parent, which ends its calls first
        )
        process = cls(child, order)
        started = False
        try:
            await asyncio.wait_for(process._introduce(), seconds)
            started = True
        except TimeoutError as error:
            raise UpstreamBroken(f"The model `{order.name}` did not load in {seconds:g} seconds.") from error
        finally:
            if not started:
                process.kill()
                await process.wait()
        return process

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    async def wait(self) -> int:
        """Wait until the child is gone; return its exit status (negative: the signal that ended it)."""
        await self._listening
        return await self._child.wait()

    async def end(self) -> None:
        """End the child and wait until it is gone. Running answers break off."""
        assert self._child.stdin is not None  # noqa: S101 - for mypy: it was asked for
        self._child.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(self._listening), END_SECONDS)
        except TimeoutError:
            self.kill()
        await self.wait()

    def kill(self) -> None:
        """Kill the child, if it still lives."""
        with suppress(ProcessLookupError):
            self._child.kill()

    async def _introduce(self) -> None:
        """Give the order, and read the answer."""
        child, order = self._child, self._order
        assert child.stdin is not None  # noqa: S101 - for mypy: they were asked for
        assert child.stdout is not None  # noqa: S101
        child.stdin.write(msgspec.json.encode(order) + b"\n")
        line = await child.stdout.readline()
        if not line:
            await self.wait()
            raise UpstreamBroken(f"The model `{order.name}` could not be loaded: {self._last_words()}")
        self.ready = _ready.decode(line)

    async def _listen(self) -> None:
        """Keep the end of what the child says, until it says no more."""
        assert self._child.stderr is not None  # noqa: S101 - for mypy: it was asked for
        while said := await self._child.stderr.read(TAIL):
            self._said = (self._said + said)[-TAIL:]

    def _last_words(self) -> str:
        """Return the line that says best why the child ended: llama.cpp names the cause first."""
        lines = self._said.decode("utf-8", "replace").strip().splitlines()
        causes = [line for line in lines if _stamp.match(line)] or lines[-1:] or ["it said nothing"]
        return _stamp.sub("", causes[0]).replace(self._order.path, self._order.name)[:MESSAGE]


def _environment() -> dict[str, str]:
    """Return our environment, in which the child finds the same package as we."""
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([_root, known] if known else [_root])}
