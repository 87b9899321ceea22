"""A fast stand-in for a provider: speaks just enough OpenAI chat over HTTP/1.1 to never be what is measured.

A request without `"stream": true` gets a whole answer of 600 bytes at once. A stream has as many events of 250 bytes,
as many milliseconds apart, as the text `#EVENTS@MILLISECONDS` in the request says. One timer serves all streams, each
in the turn that it joined; every event carries the time it was sent (`time.monotonic_ns`) in its `system_fingerprint`.
With a `!` behind the order a stream stops after its first event until somebody asks `GET /go`. `GET /open` tells how
many connections and streams are open. It runs until SIGTERM; bad requests get no answer.

`python -m bench.upstream PORT`
"""

import asyncio
import json
import re
import signal
import sys
import time
from collections import defaultdict
from itertools import cycle
from typing import cast

import uvloop

WHOLE_BYTES = 600
EVENT_BYTES = 250
TURNS = 20  # a period is cut into so many turns, so that streams do not all speak at the same moment
STAMP = b"0000000000000000000"
HEAD = "chatcmpl-0123456789abcdefghijklmnopqrs"
MODEL = "gpt-4o-2024-08-06"
ORDER = re.compile(rb"#(\d+)@(\d+)(!?)")
STREAMED = re.compile(rb'"stream":\s*true')
USAGE = {
    "prompt_tokens": 119,
    "completion_tokens": 50,
    "total_tokens": 169,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
}


def padded(make: str, size: int) -> bytes:
    """Return *make* with its `PAD` replaced by so many signs that it is *size* bytes long."""
    return make.replace("PAD", "x" * (size - len(make) + len("PAD"))).encode()


def whole() -> bytes:
    """Return the response that a whole call gets: head, and a body of 600 bytes."""
    message: dict[str, object] = {"role": "assistant", "content": "PAD", "refusal": None, "annotations": []}
    answer = {
        "id": HEAD,
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
    }
    body = padded(json.dumps(answer, separators=(",", ":")), WHOLE_BYTES)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def event(choices: list[dict[str, object]], **more: object) -> str:
    """Return one event of a stream, without the end of its frame."""
    chunk = {
        "id": HEAD,
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": "fp_" + STAMP.decode(),
        "choices": choices,
        **more,
    }
    return "data: " + json.dumps(chunk, separators=(",", ":"))


def framed(text: bytes) -> bytes:
    """Return *text* as a chunk of a chunked response."""
    return b"%x\r\n%b\r\n" % (len(text), text)


PIECE = [{"index": 0, "delta": {"content": " hello"}, "logprobs": None, "finish_reason": None}]
LAST = [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
ANSWER = whole()
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
BEFORE, AFTER = framed(padded(event(PIECE, obfuscation="PAD"), EVENT_BYTES - 2) + b"\n\n").split(STAMP)
FINISH = framed(event(LAST).encode() + b"\n\n")
TOTAL = framed(event([], usage=USAGE).encode() + b"\n\n")
DONE = framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Clock:
    """The one timer: in each turn the streams of that turn send an event."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turns: defaultdict[int, list[set[Provider]]] = defaultdict(lambda: [set() for _ in range(TURNS)])
        self._next: dict[int, cycle[int]] = {}
        self.streams = 0
        self.held: list[tuple[Provider, int]] = []

    def go(self) -> None:
        """Let those go on that wait."""
        for stream, milliseconds in self.held:
            stream.begin(milliseconds)
        self.held.clear()

    def join(self, stream: "Provider", milliseconds: int) -> set["Provider"]:
        """Let *stream* speak every so many *milliseconds*; returns the turn to leave."""
        if milliseconds not in self._next:
            self._next[milliseconds] = cycle(range(TURNS))
            self._loop.call_soon(self._tick, milliseconds / 1000 / TURNS, milliseconds, 0, self._loop.time())
        turn = self._turns[milliseconds][next(self._next[milliseconds])]
        turn.add(stream)
        self.streams += 1
        return turn

    def _tick(self, seconds: float, milliseconds: int, number: int, due: float) -> None:
        for stream in tuple(self._turns[milliseconds][number]):
            stream.speak()
        due = max(due + seconds, self._loop.time() - 1)  # late turns are made up for, but not those of ages ago
        self._loop.call_at(due, self._tick, seconds, milliseconds, (number + 1) % TURNS, due)


class Provider(asyncio.Protocol):
    """One connection of a gateway."""

    clock: Clock
    connections = 0

    def __init__(self) -> None:
        self._got = b""
        self._left = 0
        self._turn: set[Provider] | None = None
        self._usage = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        Provider.connections += 1

    def connection_lost(self, _: Exception | None) -> None:
        """End."""
        Provider.connections -= 1
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Answer each request as soon as it is whole."""
        got = self._got + data if self._got else data
        while True:
            end = got.find(b"\r\n\r\n")
            if end < 0:
                break
            head = got[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(got) < end + 4 + size:
                break
            self._answer(head, got[end + 4 : end + 4 + size])
            got = got[end + 4 + size :]
        self._got = got

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /"):
            if head.startswith(b"get /go"):
                Provider.clock.go()
            # this connection is not counted
            told = b'{"connections":%d,"streams":%d}' % (Provider.connections - 1, Provider.clock.streams)
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told))
        elif STREAMED.search(body):
            order = ORDER.search(body)
            self._left, milliseconds = (int(order[1]), int(order[2])) if order else (10, 20)
            self._usage = b"include_usage" in body
            self._transport.write(STREAM)
            if order and order[3]:
                self.speak()
                Provider.clock.held.append((self, milliseconds))
            else:
                self.begin(milliseconds)
        else:
            self._transport.write(ANSWER)

    def begin(self, milliseconds: int) -> None:
        """Speak every so many *milliseconds* from now on."""
        if not self._transport.is_closing():
            self._turn = Provider.clock.join(self, milliseconds)

    def speak(self) -> None:
        """Send the next event."""
        self._left -= 1
        if self._left:
            self._transport.write(b"%b%019d%b" % (BEFORE, time.monotonic_ns(), AFTER))
            return
        self._leave()
        self._transport.write(FINISH + (TOTAL if self._usage else b"") + DONE)

    def _leave(self) -> None:
        if self._turn is not None:
            self._turn.discard(self)
            self._turn = None
            Provider.clock.streams -= 1


async def serve(port: int) -> None:
    """Serve on loopback *port* until SIGTERM."""
    loop = asyncio.get_running_loop()
    Provider.clock = Clock()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Provider, "127.0.0.1", port, backlog=4096)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
