"""Crowds of callers before one server, one with several workers, or two replicas on one PostgreSQL.

The callers speak raw HTTP, each call over a connection of its own. An answer costs `COST` and may cost no more, so a
budget pays for a known number of them. Fails with AssertionError where a server does not start or a call takes long.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults import Asked, behaviour, chunk, completion
from gateways import Answer, Line
from servers import Server
from sqlalchemy import func, select

from parley.core.rules import ANY, Rule
from parley.store.audits import Wanted
from parley.store.database import open_store
from parley.store.ledger import Record
from parley.store.tables import holds

TOKENS = 5  # of every answer
COST = 5_000_000  # nano-dollars: five tokens at a thousand dollars a million
SECONDS = 60.0
PATIENT = 1.5  # seconds
BRISK = 0.03  # seconds the upstream takes, or a pause of its stream
SETTINGS = """
[server]
workers = {workers}
shutdown_seconds = 2
[store]
url = "{store}"
[engine]
enabled = false
[limits]
lease_seconds = {lease}
[upstreams.faulty]
base_url = "{url}"
retries = 0
[models."*"]
targets = ["faulty/*"]
price = {{ input = "0", output = "1000" }}
"""


@dataclass(frozen=True)
class Shape:
    """How many servers, with how many workers each, on PostgreSQL or SQLite, with leases of how many seconds."""

    replicas: int = 1
    workers: int = 1
    postgres: bool = False
    lease: float = 30


class Fleet:
    """Running servers that share a database."""

    def __init__(self, servers: list[Server], shape: Shape, store: str) -> None:
        self.servers = servers
        self.shape = shape
        self.store = store

    async def project(self, name: str, budget: int | None = None) -> str:
        """Make a project, with a *budget* of nano-dollars and seats for many if it is given; return its key."""
        store = await open_store(self.store)
        try:
            made = await store.keys.create(project=name)
            owner = await store.rules.project(name)
            if budget is not None:
                await store.rules.set(Rule("project", owner, ANY, "money", "ever", budget))
                await store.rules.set(Rule("project", owner, ANY, "calls", "now", 10_000))
            return made.secret
        finally:
            await store.close()

    def budget(self, name: str) -> tuple[int, int]:
        """Return what is spent and held of a project's budget, as an operator sees it."""
        told = json.loads(self.servers[0].run("budget", "list", "--json"))
        [found] = [state for state in told if state["name"] == f"project {name}"]
        return int(found["spent"]), int(found["held"])

    async def rows(self, project: str) -> list[Record]:
        """Return the rows of *project*."""
        store = await open_store(self.store)
        try:
            return await store.calls(project, limit=1_000_000)
        finally:
            await store.close()

    async def deeds(self, kind: str) -> list[Any]:
        """Return what the audit log tells of deeds of this *kind*."""
        store = await open_store(self.store)
        try:
            found, _ = await store.audits.list(Wanted(kinds=(kind,)))
            return [json.loads(deed.link.payload) for deed in found]
        finally:
            await store.close()

    async def holds(self) -> int:
        """Return how many calls hold something."""
        store = await open_store(self.store)
        try:
            async with store._connections.reading() as connection:
                return int((await connection.execute(select(func.count()).select_from(holds))).scalar_one())
        finally:
            await store.close()

    async def at_rest(self, seconds: float) -> None:
        """Return when nothing is held any more; it has to come within *seconds*."""
        end = time.monotonic() + seconds
        while await self.holds():
            assert time.monotonic() < end, f"{await self.holds()} holds are left after {seconds} seconds"
            await asyncio.sleep(0.2)


@contextmanager
def fleet(folder: Path, shape: Shape, *, upstream: str, store: str) -> Iterator[Fleet]:
    """Run servers of *shape* in *folder* before *upstream*, on the database *store*."""
    servers = []
    try:
        for number in range(shape.replicas):
            place = folder / str(number)
            place.mkdir()
            text = SETTINGS.format(workers=shape.workers, store=store, lease=shape.lease, url=upstream)
            (place / "parley.toml").write_text(text, "utf-8")
            servers.append(Server(place, {}))
            servers[-1].start()
        yield Fleet(servers, shape, store)
    finally:
        statuses = [server.stop() for server in servers]
    assert not any(statuses), [server.log() for server in servers]


async def call(server: Server, key: str, model: str = "ok", **parameters: Any) -> Answer:
    """Make a call of at most five tokens, and return its whole answer. Raises OSError, EOFError where it is cut."""
    asked = {"messages": [{"role": "user", "content": "Hello"}], "model": model, "max_tokens": TOKENS, **parameters}
    body = json.dumps(asked).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    try:
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        async with asyncio.timeout(SECONDS):  # not `wait_for`: in Python 3.11 it can swallow a cancellation
            return await Line(reader, writer).answer()
    except TimeoutError as error:
        raise AssertionError(f"no answer within {SECONDS} seconds") from error
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@dataclass
class Load:
    """Callers that call on and on, by turns streamed and whole, and note what they have read to the last byte."""

    fleet: Fleet
    key: str
    read: list[str] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    cut: int = 0

    async def caller(self, number: int) -> None:
        """Call until cancelled."""
        turn = number
        while True:
            turn += 1
            server = self.fleet.servers[turn % len(self.fleet.servers)]
            try:
                self._note(await call(server, self.key, "brisk", stream=turn % 2 == 0))
            except (OSError, EOFError):
                self.cut += 1
                await asyncio.sleep(0.1)

    def _note(self, answer: Answer) -> None:
        if answer.status == 200 and (not answer.events or answer.events[-1] == "[DONE]"):
            self.read.append(answer.headers["x-request-id"])
        elif answer.status != 200:
            self.refused.append(answer)
        else:
            self.cut += 1


@behaviour("brisk")
async def _brisk(asked: Asked) -> bool:
    """Take a little time, as a fast model would."""
    if not asked.streamed:
        await asyncio.sleep(BRISK * 3)
        return await asked.whole("200 OK", completion())
    await asked.begin()
    await asked.words("Hello", " there", ",", " friend", ".", pause=BRISK)
    return await asked.finish()


@behaviour("patient")
async def _patient(asked: Asked) -> bool:
    """Take longer than a database needs to go away."""
    await asyncio.sleep(PATIENT)
    return await asked.whole("200 OK", completion())


@behaviour("obedient")
async def _obedient(asked: Asked) -> bool:
    """Say as much as `max_tokens` allows, a token a word, and end there."""
    most = int(asked.body["max_tokens"])
    await asked.begin()
    await asked.words(*["word "] * most)
    await asked.event(chunk({}, "length"))
    usage = {"prompt_tokens": 10, "completion_tokens": most, "total_tokens": 10 + most}
    await asked.event(json.dumps({**json.loads(chunk({})), "choices": [], "usage": usage}).encode())
    await asked.event(b"[DONE]")
    await asked.send(b"0\r\n\r\n")
    return True
