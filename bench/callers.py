"""The load of whole calls: so many callers, each on a connection of its own, one call after the other.

A raw protocol on uvloop, so that the load never is what is measured. An answer other than 200 or without
`content-length` is counted as failed; a lost connection raises ConnectionError when the load ends.
"""

import asyncio
import json
import re
from time import perf_counter
from typing import cast

from bench.gateways import Gateway

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LAST_ANSWER = 30  # seconds that calls under way may take when the load ends
CHAT = "/v1/chat/completions"


def request(gateway: Gateway, size: int, *, stream: str = "") -> bytes:
    """Return a chat request whose body has *size* bytes; *stream*: `EVENTS@MILLISECONDS` of the stream it wants."""
    system = f"You are a helpful assistant. #{stream}" if stream else "You are a helpful assistant."
    ask = {
        "model": gateway.model,
        **({"stream": True} if stream else {}),
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": ""}],
        "temperature": 0.7,
    }
    words = "How do I return the shoes that I bought last week? "
    missing = max(0, size - len(json.dumps(ask)))
    ask["messages"][1]["content"] = (words * (missing // len(words) + 1))[:missing]  # type: ignore[index]
    body = json.dumps(ask).encode()
    head = (
        f"POST {gateway.streams if stream else ''}{CHAT} HTTP/1.1\r\nhost: 127.0.0.1:{gateway.port}\r\n"
        f"authorization: Bearer {gateway.key or 'none'}\r\ncontent-type: application/json\r\naccept: */*\r\n"
        f"user-agent: bench\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Tally:
    """What a load has seen so far: calls, failures, and each call's seconds."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        self.seconds: list[float] = []
        self.stopping = False
        self.last_failure = b""


class Caller(asyncio.Protocol):
    """One caller."""

    def __init__(self, ask: bytes, tally: Tally) -> None:
        self._ask = ask
        self._tally = tally
        self._head = b""
        self._left = 0
        self._good = False
        self._since = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Call for the first time."""
        self._transport = cast("asyncio.Transport", transport)
        self._call()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if not self.ended.done():
            if self._tally.stopping:
                self.ended.set_result(None)
            else:
                self.ended.set_exception(exc or ConnectionError("the gateway closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Read the answer; call again when it is whole."""
        if self._left:
            self._left -= len(data)
        else:
            data = self._head + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            length = LENGTH.search(data, 0, end)
            self._good = length is not None and data.startswith(b"HTTP/1.1 200")
            if not self._good:
                self._tally.last_failure = data[:500]
            self._left = (int(length[1]) if length else 0) - (len(data) - end - 4)
        if self._left <= 0:
            self._left = 0
            self._finish()

    def _call(self) -> None:
        self._since = perf_counter()
        self._transport.write(self._ask)

    def _finish(self) -> None:
        tally = self._tally
        tally.seconds.append(perf_counter() - self._since)
        tally.calls += 1
        tally.failed += not self._good
        if tally.stopping:
            self._transport.close()
        else:
            self._call()


class Load:
    """So many callers of *gateway*, from entering to leaving the block; its `tally` is there to be read."""

    def __init__(self, gateway: Gateway, callers: int, size: int) -> None:
        self._port = gateway.port
        self._ask = request(gateway, size)
        self._number = callers
        self._callers: list[Caller] = []
        self.tally = Tally()

    async def __aenter__(self) -> Tally:
        loop = asyncio.get_running_loop()
        for _ in range(self._number):
            _, caller = await loop.create_connection(lambda: Caller(self._ask, self.tally), "127.0.0.1", self._port)
            self._callers.append(caller)
        return self.tally

    async def __aexit__(self, *_: object) -> None:
        self.tally.stopping = True
        async with asyncio.timeout(LAST_ANSWER):
            await asyncio.gather(*(caller.ended for caller in self._callers))
        if self.tally.failed:
            raise ConnectionError(f"{self.tally.failed} calls failed; the last: {self.tally.last_failure!r}")
