"""A raw HTTP/1.1 server that answers by path, well or badly: what the transport's contract tests talk to.

Each behaviour is a coroutine in `BEHAVIOURS`; it writes whatever it likes and returns whether the connection stays.
"""

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

TEXT = b'{"answer": "' + b"forty-two " * 60 + b'"}'
FRAMES = [b'data: {"n": %d}\n\n' % n for n in range(20)]


@dataclass
class Asked:
    """A request as it came, and where the answer goes."""

    line: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter
    turn: int  # which request of its connection this is, from 1

    @property
    def query(self) -> dict[str, str]:
        """The query, one value a name."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.line.split(" ")[1]).query).items()}

    async def send(self, *parts: bytes, pause: float = 0.0) -> None:
        """Write *parts*, each on its own when there is a pause."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            if pause:
                await asyncio.sleep(pause)


Behaviour = Callable[[Asked], Awaitable[bool]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(path: str) -> Callable[[Behaviour], Behaviour]:
    """Answer *path* with the decorated coroutine."""

    def add(answer: Behaviour) -> Behaviour:
        BEHAVIOURS[path] = answer
        return answer

    return add


def head(length: int | None = None, *lines: str, status: str = "200 OK") -> bytes:
    """Return a head with a content-length, or chunked without one."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return "\r\n".join([f"HTTP/1.1 {status}", size, *lines, "", ""]).encode()


def piece(data: bytes) -> bytes:
    """Return *data* as a chunk of the chunked coding; b"" is the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Server:
    """A running server: its port, and what it saw."""

    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        turn = 0
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                turn += 1
                line, *rest = text.rstrip("\r\n").split("\r\n")
                headers = {name.lower(): value for name, value in (item.split(": ", 1) for item in rest)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append(line)
                path = urlsplit(line.split(" ")[1]).path
                if not await BEHAVIOURS[path](Asked(line, headers, body, writer, turn)):
                    break
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        self.writers.discard(writer)


@asynccontextmanager
async def running(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """Run a server on a free port; all its connections are closed on the way out."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.writers.add(writer)
        task = asyncio.get_running_loop().create_task(server.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(meet, host, 0, ssl=context, backlog=512)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await asyncio.sleep(0.01)  # connections that were accepted just now come in
        for writer in list(server.writers):
            writer.transport.abort()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        await listening.wait_closed()


@behaviour("/whole")
async def _whole(asked: Asked) -> bool:
    await asked.send(head(len(TEXT), "Content-Type: application/json") + TEXT)
    return True


@behaviour("/seen")
async def _seen(asked: Asked) -> bool:
    seen = {"line": asked.line, "headers": asked.headers, "body": len(asked.body), "turn": asked.turn}
    body = json.dumps(seen).encode()
    await asked.send(head(len(body)) + body)
    return True


@behaviour("/chunked")
async def _chunked(asked: Asked) -> bool:
    await asked.send(head(), *(piece(TEXT[at : at + 100]) for at in range(0, len(TEXT), 100)), piece(b""))
    return True


@behaviour("/slow-bytes")
async def _slow_bytes(asked: Asked) -> bool:
    for byte in head() + piece(b"hello") + piece(b""):
        await asked.send(bytes([byte]))
        await asyncio.sleep(0)
    return True


@behaviour("/stream")
async def _stream(asked: Asked) -> bool:
    await asked.send(head(None, "Content-Type: text/event-stream"))
    await asked.send(*map(piece, FRAMES), pause=0.005)
    await asked.send(piece(b""))
    return True


@behaviour("/until-close")
async def _until_close(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + TEXT[:100], TEXT[100:], pause=0.01)
    return False


@behaviour("/close-after")
async def _close_after(asked: Asked) -> bool:
    await asked.send(head(len(TEXT), "connection: close") + TEXT)
    return False


@behaviour("/vanish-after")
async def _vanish_after(asked: Asked) -> bool:
    await asked.send(head(len(TEXT)) + TEXT)
    await asyncio.sleep(0.02)
    return False


@behaviour("/vanish-on-second")
async def _vanish_on_second(asked: Asked) -> bool:
    if asked.turn > 1:
        asked.writer.transport.abort()
        return False
    return await _whole(asked)


@behaviour("/vanish")
async def _vanish(asked: Asked) -> bool:
    asked.writer.transport.abort()
    return False


@behaviour("/cut-head")
async def _cut_head(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 200 OK\r\ncontent-le")
    return False


@behaviour("/cut-length")
async def _cut_length(asked: Asked) -> bool:
    await asked.send(head(len(TEXT)) + TEXT[:-1])
    return False


@behaviour("/cut-chunked")
async def _cut_chunked(asked: Asked) -> bool:
    await asked.send(head() + piece(TEXT))
    return False


@behaviour("/reset")
async def _reset(asked: Asked) -> bool:
    await asked.send(head() + piece(TEXT), pause=0.02)
    asked.writer.transport.abort()
    return False


@behaviour("/bad-chunk")
async def _bad_chunk(asked: Asked) -> bool:
    await asked.send(head() + piece(b"good") + b"zzz\r\nbad")
    return True


@behaviour("/rubbish")
async def _rubbish(asked: Asked) -> bool:
    await asked.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    return True


@behaviour("/stall")
async def _stall(asked: Asked) -> bool:
    await asyncio.sleep(60)
    return asked.turn < 0


@behaviour("/stall-in-body")
async def _stall_in_body(asked: Asked) -> bool:
    await asked.send(head() + piece(b"data: 1\n\n"))
    await asyncio.sleep(60)
    return False


@behaviour("/endless")
async def _endless(asked: Asked) -> bool:
    await asked.send(head())
    while True:
        await asked.send(piece(b"data: 1\n\n"), pause=0.02)


@behaviour("/gigantic-head")
async def _gigantic_head(asked: Asked) -> bool:
    await asked.send(head(2, "x-much: " + "a" * int(asked.query["size"])) + b"{}")
    return True


@behaviour("/endless-head")
async def _endless_head(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await asked.send(b"x-more: " + b"a" * 1000 + b"\r\n")


@behaviour("/endless-trailer")
async def _endless_trailer(asked: Asked) -> bool:
    await asked.send(head() + piece(b"hi") + b"0\r\n")
    while True:
        await asked.send(b"x-more: " + b"a" * 1000 + b"\r\n")


@behaviour("/interim")
async def _interim(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01)
    await asked.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + head(len(TEXT)) + TEXT)
    return True


@behaviour("/switch")
async def _switch(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\nxyz")
    return True


@behaviour("/extra")
async def _extra(asked: Asked) -> bool:
    await asked.send(head(len(TEXT)) + TEXT + head(5) + b"stray")
    return True


@behaviour("/extra-later")
async def _extra_later(asked: Asked) -> bool:
    await asked.send(head(len(TEXT)) + TEXT, head(5) + b"stray", pause=0.03)
    return True


@behaviour("/no-content")
async def _no_content(asked: Asked) -> bool:
    await asked.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    return True


@behaviour("/not-modified")
async def _not_modified(asked: Asked) -> bool:
    await asked.send(head(500, status="304 Not Modified"))
    return True


@behaviour("/redirect")
async def _redirect(asked: Asked) -> bool:
    await asked.send(head(0, "location: /whole", status="307 Temporary Redirect"))
    return True


@behaviour("/coded")
async def _coded(asked: Asked) -> bool:
    coding, cut = asked.query["as"], int(asked.query.get("cut", "0"))
    size = int(asked.query.get("size", "0"))
    plain = b"\0" * size or TEXT
    raw = zlib.compressobj(wbits=-15)
    data = {
        "gzip": gzip.compress(plain),
        "deflate": zlib.compress(plain),
        "raw": raw.compress(plain) + raw.flush(),
        "br": b"\x0b\x02\x80{}\x03",
    }[coding]
    data = data[: len(data) - cut]
    coding = "deflate" if coding == "raw" else coding
    await asked.send(head(None, f"content-encoding: {coding}"))
    await asked.send(*(piece(data[at : at + 999]) for at in range(0, len(data), 999)), piece(b""))
    return True


@behaviour("/flood")
async def _flood(asked: Asked) -> bool:
    size = int(asked.query["size"])
    await asked.send(head(size))
    for _ in range(size // 65536):
        await asked.send(bytes(65536))
    return True


@behaviour("/echo")
async def _echo(asked: Asked) -> bool:
    """Repeat the id, framed and timed as asked; the answer names its id in every 20 bytes."""
    query = asked.query
    text = f"<{query['id']:0>18}>".encode() * int(query["times"])
    await asyncio.sleep(float(query["wait"]))
    how = query["how"]
    if how == "chunked":
        await asked.send(head() + piece(text[:7]), *([piece(text[7:])] if text[7:] else []), piece(b""), pause=0.001)
    elif how == "length":
        await asked.send(head(len(text)) + text)
    elif how == "slow":
        await asked.send(head(len(text)), text[:13], text[13:], pause=0.001)
    elif how == "cut":
        await asked.send(head(len(text) + 1) + text)
    elif how == "vanish":
        await asked.send(head(len(text)) + text)
    return how not in {"cut", "vanish"}
