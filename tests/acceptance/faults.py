"""An upstream that speaks the OpenAI API over a raw socket, and misbehaves: the model's name says how.

What follows a `#` in the name tells calls apart, and what stands before a `/` says which way they took:
`hasty/stall-before-head#7`. It sees when its client (the gateway) closes. What it does is in `misdeeds`, `scripts`,
`streams`.
"""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

REAL = "real-1"  # what every answer names as its model
WORDS = ["Hello", " there", ",", " friend", "."]
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
FOREVER = 600.0
HUGE_EVENTS, HUGE_EVENT = 2048, 32 * 1024  # 64 MiB: more than all buffers between us and the client


@dataclass
class Asked:
    """A request as it came, and where its answer goes."""

    body: dict[str, Any]
    headers: dict[str, str]
    writer: asyncio.StreamWriter
    turn: int = 1  # which request for this model this is, from 1
    connection: int = 0  # which connection it came over
    served: int = 0  # requests that came over it before
    elsewhere: str = ""  # a host that must not be asked

    @property
    def model(self) -> str:
        """The model as it was asked for."""
        return str(self.body["model"])

    @property
    def behaviour(self) -> str:
        """What is to be done."""
        return self.model.partition("#")[0].rpartition("/")[2]

    @property
    def streamed(self) -> bool:
        """Whether a stream is wanted."""
        return bool(self.body.get("stream"))

    async def send(self, data: bytes) -> None:
        """Write *data*, at the pace of the reader."""
        self.writer.write(data)
        await self.writer.drain()

    async def whole(self, status: str, body: bytes, *lines: str, media: str = "application/json") -> bool:
        """Answer in one piece; the connection stays."""
        head = [f"HTTP/1.1 {status}", f"content-type: {media}", f"content-length: {len(body)}", *lines, "", ""]
        await self.send("\r\n".join(head).encode() + body)
        return True

    async def refuse(self, status: str, *lines: str, **told: Any) -> bool:
        """Answer with an error in OpenAI's form."""
        error = {"message": f"Told by the provider: {status}", "type": "t", "param": None, "code": None, **told}
        return await self.whole(status, json.dumps({"error": error}).encode(), *lines)

    async def begin(self) -> None:
        """Send the head of a stream."""
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def event(self, payload: bytes) -> None:
        """Send one event."""
        frame = b"data: %b\n\n" % payload
        await self.send(b"%x\r\n%b\r\n" % (len(frame), frame))

    async def words(self, *words: str, pause: float = 0.0) -> None:
        """Send *words* as chunks."""
        for word in words:
            await self.event(chunk({"content": word}))
            await asyncio.sleep(pause)

    async def finish(self, *, usage: bool = True) -> bool:
        """End a stream well."""
        await self.event(chunk({}, "stop"))
        if usage and (self.body.get("stream_options") or {}).get("include_usage"):
            await self.event(json.dumps({**SHELL, "choices": [], "usage": USAGE}).encode())
        await self.event(b"[DONE]")
        await self.send(b"0\r\n\r\n")
        return True


Behaviour = Callable[[Asked], Awaitable[bool]]  # whether the connection stays
BEHAVIOURS: dict[str, Behaviour] = {}
SHELL = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": REAL}


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """Return a chunk of a chat's stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return json.dumps({**SHELL, "choices": [choice]}).encode()


def completion(text: str = "".join(WORDS), usage: dict[str, Any] | None = USAGE) -> bytes:
    """Return a whole chat answer."""
    message = {"role": "assistant", "content": text, "refusal": None}
    body = {**SHELL, "object": "chat.completion"}
    body["choices"] = [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}]
    return json.dumps(body if usage is None else {**body, "usage": usage}).encode()


def behaviour(*names: str) -> Callable[[Behaviour], Behaviour]:
    """Answer the models *names* with the decorated coroutine."""

    def add(answer: Behaviour) -> Behaviour:
        BEHAVIOURS.update(dict.fromkeys(names, answer))
        return answer

    return add


@dataclass
class Upstream:
    """A running upstream, and what it saw."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # models whose answer was given up by the client before its end
    busy: int = 0
    connections: int = 0  # ever accepted
    elsewhere: str = ""  # where its redirects lead
    scheme: str = "http"
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _turns: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """The base URL for parley.toml."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    def turns(self, model: str) -> int:
        """Return how often *model* was asked."""
        return self._turns[model]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self.connections += 1
        number, served = self.connections, 0
        self.writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                asked = await read_request(reader, writer, number)
                asked.served, asked.elsewhere = served, self.elsewhere
                if not await self._answer(asked, reader):
                    break
                served += 1
        self.writers.discard(writer)
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader) -> bool:
        """Answer one request; gives up when the client closes."""
        self._turns[asked.model] += 1
        asked.turn = self._turns[asked.model]
        self.asked.append(asked)
        self.busy += 1
        answer = asyncio.ensure_future(BEHAVIOURS[asked.behaviour](asked))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done() and answer.exception() is None:
                return answer.result()
            self.left.append(asked.model)
            return False
        finally:
            self.busy -= 1
            answer.cancel()
            gone.cancel()
            await asyncio.gather(answer, gone, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> Asked:
    """Read one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n")[1:])}
    body = await reader.readexactly(int(headers["content-length"]))
    return Asked(json.loads(body), headers, writer, connection=connection)


@asynccontextmanager
async def upstream(context: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    """Run the upstream on a free port, with TLS if there is a *context*; all its connections are closed at the end."""
    it = Upstream(scheme="http" if context is None else "https")
    tasks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(it.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        for writer in tuple(it.writers):
            writer.transport.abort()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        await server.wait_closed()
