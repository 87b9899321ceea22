"""A real `parley serve` process with a parley.toml of its own, a look into its records, and a raw client to talk to it.

Everything is written byte by byte on purpose: what is tested is what clients do that no good client library would.
"""

import asyncio
import json
import os
import socket
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from parley.store.database import open_store

CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]
PATIENCE = 10.0  # seconds until a test gives up waiting for something


@dataclass
class Gateway:
    """A running server: where it listens, its keys, and a look into its records."""

    process: asyncio.subprocess.Process
    port: int
    data: Path
    key: str
    admin: str

    def rows(self) -> list[dict[str, Any]]:
        """Return the records of all calls."""
        with closing(sqlite3.connect(f"file:{self.data / 'parley.db'}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM calls")]

    async def counted(self) -> dict[str, float]:
        """Return what /metrics tells, by name and labels."""
        answer = await ask(self, "/metrics", method="GET")
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def connections(self, port: int | None = None) -> int:
        """Return how many connections it holds: to its own port, or to the upstream at *port*."""
        found = [item for item in psutil.Process(self.process.pid).net_connections("tcp") if item.raddr]
        return sum((item.laddr.port == self.port) if port is None else (item.raddr.port == port) for item in found)

    def files(self) -> int:
        """Return how many file descriptors it holds."""
        return int(psutil.Process(self.process.pid).num_fds())


@asynccontextmanager
async def serving(data: Path, config: str) -> AsyncIterator[Gateway]:
    """Run a server with *config* (the text of parley.toml) on a free port; it is stopped on the way out."""
    file = data / "parley.toml"
    file.write_text(config, "utf-8")
    store = await open_store(f"sqlite:///{data / 'parley.db'}")
    key, admin = await store.keys.create(), await store.keys.create(admin=True)
    await store.close()
    async with started("--config", str(file), "--data", str(data), log=data / "log") as (process, address):
        yield Gateway(process, int(address.rpartition(":")[2]), data, key.secret, admin.secret)


@asynccontextmanager
async def started(*arguments: str, log: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Start `parley serve`, and lend the process and the address that it announces; stopped on the way out."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with ours, log.open("ab") as output:  # the server stops when our end of the line closes
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "parley", "serve", "--listen", "127.0.0.1:0", *arguments),
                *("--line", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OPENAI_"))},
            )
        address = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 300), 60)
        assert address, f"the server did not start: see {log}"
        try:
            yield process, address.decode()
        finally:
            await stop(process)


async def stop(process: asyncio.subprocess.Process) -> int:
    """Stop *process* with SIGTERM, and return its status."""
    if process.returncode is None:
        process.terminate()
    try:
        return await asyncio.wait_for(process.wait(), PATIENCE)
    except TimeoutError:
        process.kill()
        raise


@dataclass
class Answer:
    """What came back over a `Line`."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    events: list[Any] = field(default_factory=list)  # of a stream: the JSON of each, "[DONE]" last

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error that the body or the last event tells."""
        told = self.events[-1] if self.events else self.json
        return dict(told["error"])

    @property
    def text(self) -> str:
        """What the answer says."""
        if not self.events:
            return str(self.json["choices"][0]["message"]["content"])
        choices = [choice for event in self.events if event != "[DONE]" for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


class Line:
    """One connection to a server: bytes out, answers in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> Answer:
        """Read an answer's head."""
        first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(first.split(" ")[1]), headers)

    async def chunk(self) -> bytes:
        """Read one chunk of a chunked body; b"" is the last."""
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def event(self) -> Any:
        """Read one event of a stream; None at the end."""
        frame = await self.chunk()
        payload = frame.removeprefix(b"data: ").removesuffix(b"\n\n")
        assert b"\n" not in payload, "an event is one line"
        return "[DONE]" if payload == b"[DONE]" else json.loads(payload) if payload else None

    async def answer(self) -> Answer:
        """Read one answer to its end."""
        answer = await self.head()
        if "chunked" in answer.headers.get("transfer-encoding", ""):
            while (event := await self.event()) is not None:
                answer.events.append(event)
        else:
            answer.body = await self.reader.readexactly(int(answer.headers.get("content-length", "0")))
        return answer

    async def closed(self) -> bool:
        """Wait until the server closes the connection; whether nothing came before."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""
        except ConnectionError:
            return True

    def leave(self, *, rudely: bool = False) -> None:
        """Close the connection; *rudely* with a reset."""
        if rudely:
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@asynccontextmanager
async def line(gateway: Gateway, *, limit: int = 1 << 20) -> AsyncIterator[Line]:
    """Open a connection to *gateway*; closed on the way out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=limit)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def request(
    gateway: Gateway, path: str = CHAT, body: bytes = b"", *lines: str, method: str = "POST", key: str | None = None
) -> bytes:
    """Return a request as bytes; *lines* are further headers."""
    head = [f"{method} {path} HTTP/1.1", "host: test", f"authorization: Bearer {key or gateway.key}"]
    head += ["content-type: application/json", f"content-length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def chat(model: str, **parameters: Any) -> bytes:
    """Return the body of a chat request."""
    return json.dumps({"model": model, "messages": HELLO, **parameters}).encode()


async def ask(
    gateway: Gateway, path: str = CHAT, body: bytes = b"", *lines: str, method: str = "POST", **how: Any
) -> Answer:
    """Send one request over a connection of its own and return the answer; *lines* are further headers."""
    async with line(gateway) as it:
        await it.send(request(gateway, path, body, *lines, method=method, **how))
        return await asyncio.wait_for(it.answer(), PATIENCE)


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until *true* says so; fails with *what* it was that did not come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE
    while True:
        found = true()
        if found if isinstance(found, bool) else await found:
            return
        assert loop.time() < end, f"in vain waited for {what}"
        await asyncio.sleep(0.02)
