"""What becomes of connections: kept, replaced, closed, and never shared by two answers."""

import asyncio
import gc
import random
from urllib.parse import urlencode

import psutil
import pytest

from parley.core.catalog import Timeouts
from parley.errors import UpstreamBroken
from parley.upstreams.client import Client, Exchange, Origin
from tests.contract.misbehaving import TEXT, Server

PATIENT = Timeouts(connect=5, first_token=5, between_tokens=5, total=20)
LIMIT = 1 << 20


async def get(client: Client, origin: Origin, path: str) -> Exchange:
    """Send a GET."""
    return await client.send(origin, b"GET", path.encode(), b"", b"", PATIENT)


async def body(client: Client, origin: Origin, path: str) -> bytes:
    """Send a GET and read the whole answer."""
    return await (await get(client, origin, path)).read(LIMIT)


async def settled(client: Client, connections: int) -> None:
    """Wait until so many connections are open."""
    async with asyncio.timeout(2):
        while client.open_connections() != connections:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)


async def test_one_connection_serves_again(client: Client, origin: Origin, server: Server) -> None:
    """Whole, chunked and streamed answers one after another need one connection."""
    for path in ("/whole", "/chunked", "/stream", "/no-content", "/whole"):
        await body(client, origin, path)
    assert (server.connections, client.open_connections()) == (1, 1)


async def test_close_after_the_end_gives_back(client: Client, origin: Origin, server: Server) -> None:
    """An answer that is complete but was not read may be closed without losing the connection."""
    (await get(client, origin, "/whole")).close()
    assert await body(client, origin, "/whole") == TEXT
    assert server.connections == 1


@pytest.mark.parametrize("path", ["/stall-in-body", "/stream", "/endless"])
async def test_close_before_the_end_closes(client: Client, origin: Origin, path: str) -> None:
    """An answer given up early takes its connection with it, at once; `close` may be called again."""
    exchange = await get(client, origin, path)
    await exchange.chunk()
    exchange.close()
    exchange.close()
    await settled(client, 0)
    with pytest.raises(UpstreamBroken):
        await exchange.chunk()


@pytest.mark.parametrize("path", ["/close-after", "/until-close", "/extra"])
async def test_spent_connections_are_closed(client: Client, origin: Origin, server: Server, path: str) -> None:
    """The answer is whole, but a connection that is announced as closing, or said too much, serves no more."""
    assert await body(client, origin, path) == TEXT
    assert await body(client, origin, "/whole") == TEXT
    assert server.connections == 2


async def test_unasked_bytes_close(client: Client, origin: Origin) -> None:
    """A resting connection that speaks up is closed, and what it said is in no answer."""
    assert await body(client, origin, "/extra-later") == TEXT
    await settled(client, 0)
    assert await body(client, origin, "/whole") == TEXT


async def test_extra_bytes_before_the_reader_ran(client: Client, origin: Origin) -> None:
    """Bytes that follow while the answer waits to be read do not get into it."""
    exchange = await get(client, origin, "/extra-later")
    await asyncio.sleep(0.08)
    assert (await exchange.read(LIMIT), client.open_connections()) == (TEXT, 0)


@pytest.mark.parametrize("path", ["/vanish-on-second", "/vanish-after"])
async def test_stale_connection_is_replaced(client: Client, origin: Origin, server: Server, path: str) -> None:
    """A kept connection that was closed meanwhile is replaced unseen, before or after the request went out."""
    for _ in range(4):
        assert await body(client, origin, path) == TEXT
        await asyncio.sleep(0.03 if path == "/vanish-after" else 0)
    assert server.connections == 4


async def test_only_one_retry(client: Client, origin: Origin, server: Server) -> None:
    """If the new connection is closed too, that is told: two requests, not more."""
    await body(client, origin, "/whole")
    with pytest.raises(UpstreamBroken):
        await get(client, origin, "/vanish")
    assert server.requests[1:] == ["GET /vanish HTTP/1.1"] * 2


async def test_no_retry_after_the_first_byte(client: Client, origin: Origin, server: Server) -> None:
    """A kept connection that breaks in the head is not retried: the upstream had begun to answer."""
    await body(client, origin, "/whole")
    with pytest.raises(UpstreamBroken):
        await get(client, origin, "/cut-head")
    assert server.requests[1:] == ["GET /cut-head HTTP/1.1"]


async def test_idle_connections_are_closed(origin: Origin) -> None:
    """A connection that rested longer than `idle_seconds` is closed without being asked for."""
    client = Client(idle_seconds=0.1)
    await body(client, origin, "/whole")
    await asyncio.sleep(0.05)
    assert client.open_connections() == 1
    await asyncio.sleep(0.15)
    assert client.open_connections() == 0
    await client.close()


async def test_idle_connections_are_counted(origin: Origin) -> None:
    """No more than `max_idle` connections rest."""
    client = Client(max_idle=3)
    await asyncio.gather(*(body(client, origin, "/stream") for _ in range(10)))
    await settled(client, 3)
    await client.close()


async def test_slow_reader_holds_the_sender(client: Client, origin: Origin) -> None:
    """Without a reader little is taken in; a reader then gets every byte."""
    size = 64 * 1024 * 1024
    exchange = await get(client, origin, f"/flood?size={size}")
    await asyncio.sleep(0.2)
    held = exchange.held
    got = 0
    while piece := await exchange.chunk():
        got += len(piece)
    assert (held < 1024 * 1024, got) == (True, size)
    assert await body(client, origin, "/whole") == TEXT


@pytest.mark.parametrize("path", ["/stall", "/stall-in-body", "/flood?size=65536000"])
async def test_cancelled_calls_leave_nothing(client: Client, origin: Origin, path: str) -> None:
    """Calls cancelled while they wait for the head, for a chunk, or hold unread bytes close their connections."""

    async def ask() -> None:
        exchange = await get(client, origin, path)
        await exchange.chunk()
        await exchange.chunk()
        await asyncio.sleep(60)

    tasks = [asyncio.create_task(ask()) for _ in range(50)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in done} == {asyncio.CancelledError}
    assert path.startswith("/flood") or await settled(client, 0) is None


async def test_cancelled_connects_leave_nothing(client: Client, server: Server) -> None:
    """Calls cancelled at any point of connecting leave no socket open."""
    for delay in range(30):
        origin = Origin.parse(f"{'https' if delay % 3 == 0 else 'http'}://localhost:{server.port}")
        task = asyncio.create_task(get(client, origin, "/stall"))
        for _ in range(delay % 10):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await settled(client, 0)
    await asyncio.sleep(0.05)
    sockets = psutil.Process().net_connections("tcp")
    assert [socket for socket in sockets if socket.raddr and socket.raddr.port == server.port] == []


async def test_answers_never_mix(client: Client, origin: Origin) -> None:
    """Thousands of calls at once, cut, cancelled, closed early or read: each sees its own answer only."""
    dice = random.Random(7)  # noqa: S311 - a fair die, not a secret
    seen = 0

    async def ask(number: int) -> None:
        nonlocal seen
        how = dice.choice(["chunked", "length", "length", "slow", "cut", "vanish"])
        query = {"id": number, "times": dice.randint(1, 300), "wait": dice.random() * 0.003, "how": how}
        exchange = await get(client, origin, f"/echo?{urlencode(query)}")
        text = f"<{number:0>18}>".encode() * query["times"]
        if dice.random() < 0.2:
            assert text.startswith(await exchange.chunk())
            exchange.close()
        elif how == "cut":
            with pytest.raises(UpstreamBroken):
                await exchange.read(LIMIT)
        else:
            assert await exchange.read(LIMIT) == text
            seen += 1

    async def worker(numbers: range) -> None:
        for number in numbers:
            task = asyncio.create_task(ask(number))
            if dice.random() < 0.15:
                await asyncio.sleep(dice.random() * 0.004)
                task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or task.exception() is None

    await asyncio.gather(*(worker(range(start, 5000, 50)) for start in range(50)))
    assert seen > 2000
    await settled(client, len(client._pools[origin.key].idle))


async def test_nothing_is_left_for_the_collector(client: Client, origin: Origin) -> None:
    """After calls of all kinds no exchange and no connection stays in memory, but those at rest."""
    for path in ("/whole", "/stream", "/close-after", "/extra", "/until-close", "/whole"):
        await body(client, origin, path)
    for path in ("/vanish", "/rubbish"):
        with pytest.raises(UpstreamBroken):
            await get(client, origin, path)
    await settled(client, len(client._pools[origin.key].idle))
    gc.collect()
    assert [thing for thing in gc.get_objects() if isinstance(thing, Exchange)] == []
