"""The load of streams: readers that count events, and a sample of them that tells how long events were under way.

Upstream and load are on one machine, so the time that the upstream wrote into an event can be compared with ours. One
stream in ten is read at once; of the others the kernel keeps what came until we look, every tenth of a second: the
gateway sees no difference, and the load's core has time for a thousand streams. A stream that is refused or breaks off
raises ConnectionError when somebody asks (`Crowd.check`).
"""

import asyncio
import re
import time
from typing import Self, cast

from bench.callers import request
from bench.gateways import Gateway

STAMP = re.compile(rb'"fp_(\d{19})"')
EVENT = b'"delta"'  # stands once in each event that is counted
SAMPLED = 10  # every so manieth stream is looked into
LOOK = 0.1  # seconds between two looks at another stream
LOOKS = 20  # parts that the other streams are looked at in
AT_ONCE = 50  # connections that are opened together
OPENING_SECONDS = 60


class Sight:
    """What all readers have seen so far."""

    def __init__(self) -> None:
        self.events = 0
        self.begun = 0
        self.lost = 0
        self.delays: list[int] = []  # nanoseconds
        self.refusal = b""
        self.stopping = False


class Reader(asyncio.Protocol):
    """One stream, read to its end or until it is aborted."""

    def __init__(self, ask: bytes, sight: Sight, *, sampled: bool) -> None:
        self._ask = ask
        self._sight = sight
        self._sampled = sampled
        self._begun = False

    def look(self) -> None:
        """Read what came since the last look."""
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._ask)

    def data_received(self, data: bytes) -> None:
        """Count what came; an event that comes in two pieces is counted when its `delta` does not lie on the cut."""
        sight = self._sight
        if not self._begun:
            self._begun = True
            sight.begun += 1
            if not data.startswith(b"HTTP/1.1 200"):
                sight.refusal = data[:500]
        sight.events += data.count(EVENT)
        if self._sampled:
            now = time.monotonic_ns()
            sight.delays += [now - int(stamp) for stamp in STAMP.findall(data)]
        elif not self.transport.is_closing():
            self.transport.pause_reading()

    def connection_lost(self, _: Exception | None) -> None:
        """End."""
        self._sight.lost += not self._sight.stopping


class Crowd:
    """So many open streams of *gateway*, one event each *milliseconds*, from entering to leaving the block.

    held: after its first event each waits until the upstream is asked for `/go`.
    """

    def __init__(self, gateway: Gateway, streams: int, milliseconds: int, *, held: bool = False) -> None:
        self._name = gateway.name
        self._port = gateway.port
        self._ask = request(gateway, 600, stream=f"1000000@{milliseconds}{'!' if held else ''}")
        self._number = streams
        self._readers: list[Reader] = []
        self._looker: asyncio.TimerHandle | None = None
        self.sight = Sight()

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                await self._begin()
        except TimeoutError as error:
            self.abort()
            opened = f"{self._name}: only {self.sight.begun} of {self._number} streams began"
            raise ConnectionError(f"{opened} in {OPENING_SECONDS} seconds: is the machine busy?") from error
        self.check()
        return self

    async def _begin(self) -> None:
        """Open all, and wait until each has got something."""
        for start in range(0, self._number, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, self._number))
            self._readers += await asyncio.gather(*(self._open(number) for number in numbers))
        self._look(asyncio.get_running_loop(), 0)
        while self.sight.begun < self._number and not self.sight.refusal:  # noqa: ASYNC110 - a count, not an event
            await asyncio.sleep(0.01)

    def _look(self, loop: asyncio.AbstractEventLoop, part: int) -> None:
        """Look at a part of the streams that are not read at once."""
        for reader in self._readers[part::LOOKS]:
            reader.look()
        self._looker = loop.call_later(LOOK / LOOKS, self._look, loop, (part + 1) % LOOKS)

    async def _open(self, number: int) -> Reader:
        loop = asyncio.get_running_loop()
        sampled = number % SAMPLED == 0
        _, reader = await loop.create_connection(
            lambda: Reader(self._ask, self.sight, sampled=sampled), "127.0.0.1", self._port
        )
        return reader

    async def __aexit__(self, *_: object) -> None:
        self.abort()
        await asyncio.sleep(0.2)

    def abort(self) -> None:
        """Hang up on all streams at once."""
        self.sight.stopping = True
        if self._looker is not None:
            self._looker.cancel()
        for reader in self._readers:
            reader.transport.abort()

    def check(self) -> None:
        """Raise ConnectionError if a stream was refused or has broken off."""
        if self.sight.refusal or self.sight.lost:
            raise ConnectionError(f"{self.sight.lost} streams broke off; refused: {self.sight.refusal!r}")
