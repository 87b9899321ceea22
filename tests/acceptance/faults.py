"""An upstream that speaks the OpenAI API over a raw socket, and misbehaves: the model's name says how.

What follows a `#` in the name tells calls apart: `stall-before-head#7`. It sees when its client (the gateway) closes.
"""

import asyncio
import json
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

    @property
    def model(self) -> str:
        """The model as it was asked for."""
        return str(self.body["model"])

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


def completion(text: str = "".join(WORDS), usage: dict[str, int] | None = USAGE) -> bytes:
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
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _turns: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """The base URL for parley.toml."""
        return f"http://127.0.0.1:{self.port}/v1"

    def turns(self, model: str) -> int:
        """Return how often *model* was asked."""
        return self._turns[model]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        self.connections += 1
        number = self.connections
        self.writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(await read_request(reader, writer, number), reader):
                pass
        self.writers.discard(writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader) -> bool:
        """Answer one request; gives up when the client closes."""
        self._turns[asked.model] += 1
        asked.turn = self._turns[asked.model]
        self.asked.append(asked)
        self.busy += 1
        answer = asyncio.ensure_future(BEHAVIOURS[asked.model.partition("#")[0]](asked))
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
async def upstream() -> AsyncIterator[Upstream]:
    """Run the upstream on a free port; all its connections are closed on the way out."""
    it = Upstream()
    tasks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(it.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
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


@behaviour("ok")
async def _ok(asked: Asked) -> bool:
    if not asked.streamed:
        return await asked.whole("200 OK", completion())
    await asked.begin()
    await asked.words(*WORDS)
    return await asked.finish()


@behaviour("slow")
async def _slow(asked: Asked) -> bool:
    """Take a second in all."""
    if not asked.streamed:
        await asyncio.sleep(1)
        return await asked.whole("200 OK", completion())
    await asked.begin()
    await asked.words(*WORDS, pause=0.2)
    return await asked.finish()


@behaviour("endless")
async def _endless(asked: Asked) -> bool:
    await asked.begin()
    while True:
        await asked.words(*WORDS, pause=0.02)


@behaviour("stall-before-head")
async def _stall_before_head(_: Asked) -> bool:
    await asyncio.sleep(FOREVER)
    return False


@behaviour("stall-after-head")
async def _stall_after_head(asked: Asked) -> bool:
    await asked.begin()
    await asyncio.sleep(FOREVER)
    return False


@behaviour("stall-midstream")
async def _stall_midstream(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2])
    await asyncio.sleep(FOREVER)
    return False


@behaviour("reset-before-head")
async def _reset_before_head(asked: Asked) -> bool:
    asked.writer.transport.abort()
    return False


@behaviour("reset-midstream")
async def _reset_midstream(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    asked.writer.transport.abort()
    return False


@behaviour("cut-midstream")
async def _cut_midstream(asked: Asked) -> bool:
    """End the HTTP answer well, but not the chat's."""
    await asked.begin()
    await asked.words(*WORDS[:2])
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("cut-finished")
async def _cut_finished(asked: Asked) -> bool:
    """Leave out [DONE] after the finish reason: the answer is there."""
    await asked.begin()
    await asked.words(*WORDS)
    await asked.event(chunk({}, "stop"))
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("cut-whole")
async def _cut_whole(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + completion())
    return False


@behaviour("rubbish")
async def _rubbish(asked: Asked) -> bool:
    return await asked.whole("200 OK", b'{"id": "chatcmpl-1", oops')


@behaviour("rubbish-event")
async def _rubbish_event(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    await asked.event(b"{oops")
    return await asked.finish()


@behaviour("not-http")
async def _not_http(asked: Asked) -> bool:
    await asked.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


@behaviour("html")
async def _html(asked: Asked) -> bool:
    return await asked.whole("200 OK", b"<html>Please log in</html>", media="text/html")


@behaviour("never-streams")
async def _never_streams(asked: Asked) -> bool:
    return await asked.whole("200 OK", completion())


@behaviour("empty")
async def _empty(asked: Asked) -> bool:
    return await asked.whole("200 OK", b"{}")


@behaviour("error-event")
async def _error_event(asked: Asked) -> bool:
    await asked.begin()
    await asked.words(*WORDS[:2], pause=0.02)
    await asked.event(b'{"error": {"message": "The model fell over.", "type": "server_error"}}')
    await asked.send(b"0\r\n\r\n")
    return True


@behaviour("no-usage")
async def _no_usage(asked: Asked) -> bool:
    if not asked.streamed:
        return await asked.whole("200 OK", completion(usage=None))
    await asked.begin()
    await asked.words(*WORDS)
    return await asked.finish(usage=False)


@behaviour("huge")
async def _huge(asked: Asked) -> bool:
    await asked.begin()
    for _ in range(HUGE_EVENTS):
        await asked.event(chunk({"content": "x" * HUGE_EVENT}))
    return await asked.finish()


@behaviour("500", "401", "403", "404", "503-after-60")
async def _status(asked: Asked) -> bool:
    status, _, _ = asked.model.partition("#")[0].partition("-")
    lines = ["retry-after: 60"] if asked.model.startswith("503-after-60") else []
    return await asked.refuse(f"{status} Status", *lines)


@behaviour("429", "503")
async def _busy(asked: Asked) -> bool:
    return await asked.refuse(f"{asked.model[:3]} Busy", "retry-after-ms: 20")


@behaviour("no-quota")
async def _no_quota(asked: Asked) -> bool:
    """Refuse as OpenAI does when its customer has not paid."""
    told = {"type": "insufficient_quota", "code": "insufficient_quota"}
    return await asked.refuse("429 Too Many Requests", message="You exceeded your current quota.", **told)


@behaviour("odd-429")
async def _odd_429(asked: Asked) -> bool:
    return await asked.refuse("429 Too Many Requests", code={"no": "text"}, type=["neither"])


@behaviour("400")
async def _bad_request(asked: Asked) -> bool:
    return await asked.refuse("400 Bad Request", param="messages", code="context_length_exceeded")


@behaviour("once-503", "once-html", "once-cut-early")
async def _once(asked: Asked) -> bool:
    """Fail the first time, answer the second."""
    if asked.turn > 1:
        return await _ok(asked)
    if asked.model.startswith("once-503"):
        return await _busy(Asked({"model": "503"}, asked.headers, asked.writer))
    if asked.model.startswith("once-html"):
        return await _html(asked)
    await asked.begin()
    asked.writer.transport.abort()
    return False


@behaviour("once-stall")
async def _once_stall(asked: Asked) -> bool:
    """Say nothing the first time, answer the second."""
    return await _ok(asked) if asked.turn > 1 else await _stall_before_head(asked)


@behaviour("tells-key", "refuses-key")
async def _tells_key(asked: Asked) -> bool:
    status = "500 Oops" if asked.model.startswith("tells") else "400 Bad Request"
    return await asked.refuse(status, message=f"What is {asked.headers['authorization'].split()[1]}?")
