"""An answer handed over in the moment it comes: same bytes, same errors, and pauses when asked for."""

import asyncio
import time

import pytest

from parley.core.catalog import Timeouts
from parley.errors import UpstreamBroken, UpstreamTimeout
from parley.upstreams.client import Client, Exchange, Origin
from tests.contract.misbehaving import FRAMES, TEXT

PATIENT = Timeouts(connect=5, first_token=5, between_tokens=5, total=20)
HASTY = Timeouts(connect=0.2, first_token=0.2, between_tokens=0.2, total=0.5)


async def get(client: Client, origin: Origin, path: str, timeouts: Timeouts = PATIENT) -> Exchange:
    """Send a GET."""
    return await client.send(origin, b"GET", path.encode(), b"accept-encoding: identity\r\n", b"", timeouts)


class Basin:
    """Takes what is poured; full after every so manieth piece (0: never)."""

    def __init__(self, every: int = 0) -> None:
        self.pieces: list[bytes] = []
        self.pauses = 0
        self._every = every

    def take(self, data: bytes) -> bool:
        """Take a piece, and tell whether there is room for more."""
        self.pieces.append(data)
        return not self._every or len(self.pieces) % self._every > 0

    async def fill(self, exchange: Exchange) -> bytes:
        """Let the whole answer be poured; returns it."""
        while not await exchange.pour(self.take):
            self.pauses += 1
            await asyncio.sleep(0.001)
        return b"".join(self.pieces)


@pytest.mark.parametrize("path", ["/whole", "/chunked", "/until-close", "/close-after", "/coded?as=gzip"])
@pytest.mark.parametrize("every", [0, 1, 3])
async def test_every_byte_is_handed_over_once(client: Client, origin: Origin, path: str, every: int) -> None:
    """However the answer's end is told, compressed or not, with pauses and without."""
    basin = Basin(every)
    assert await basin.fill(await get(client, origin, path)) == await (await get(client, origin, path)).read(1 << 20)
    assert every != 1 or basin.pauses == len(basin.pieces)


async def test_an_event_is_handed_over_when_it_comes(client: Client, origin: Origin) -> None:
    """One by one, as the upstream sent them; the connection serves again."""
    for _ in range(2):
        basin = Basin()
        await basin.fill(await get(client, origin, "/stream"))
        assert basin.pieces == FRAMES


@pytest.mark.parametrize("path", ["/cut-length", "/cut-chunked", "/reset", "/bad-chunk"])
async def test_a_broken_body_is_told_after_what_came(client: Client, origin: Origin, path: str) -> None:
    """As to any reader: the bytes first, then the error."""
    basin = Basin()
    with pytest.raises(UpstreamBroken):
        await basin.fill(await get(client, origin, path))
    assert (TEXT + b"good").find(b"".join(basin.pieces)) >= 0
    assert basin.pieces


@pytest.mark.parametrize(("path", "timeouts"), [("/stall-in-body", HASTY), ("/endless", HASTY)])
async def test_time_outs_hold(client: Client, origin: Origin, path: str, timeouts: Timeouts) -> None:
    """A silence, and a trickle that never ends."""
    basin = Basin()
    with pytest.raises(UpstreamTimeout):
        await basin.fill(await get(client, origin, path, timeouts))
    assert basin.pieces


@pytest.mark.parametrize("path", ["/stream", "/whole", "/chunked"])
async def test_a_reader_that_fails_hears_of_it(client: Client, origin: Origin, path: str) -> None:
    """Its own error, where it waits; the connection is not used again."""

    def fail(_: bytes) -> bool:
        raise ZeroDivisionError

    exchange = await get(client, origin, path)
    with pytest.raises(ZeroDivisionError):
        await exchange.pour(fail)
    exchange.close()
    assert await (await get(client, origin, "/whole")).read(1 << 20) == TEXT


async def test_a_reader_that_leaves_closes_the_connection(client: Client, origin: Origin) -> None:
    """Nothing is handed over after it."""
    basin = Basin()
    exchange = await get(client, origin, "/endless")
    task = asyncio.ensure_future(basin.fill(exchange))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    number = len(basin.pieces)
    assert number
    await asyncio.sleep(0.1)
    assert len(basin.pieces) == number
    assert exchange.connection is None


@pytest.mark.parametrize("path", ["/endless", "/flood?size=6553600000"])
@pytest.mark.parametrize("poured", [True, False])
async def test_what_is_no_part_of_the_answer_does_not_count(
    client: Client, origin: Origin, path: str, poured: bool
) -> None:
    """A reader that says so is not kept waiting by it, slow or in floods, longer than by a silence."""
    began = time.monotonic()
    exchange = await get(client, origin, path, Timeouts(connect=1, first_token=0.3, between_tokens=0.3, total=20))

    def take(_: bytes) -> bool:
        exchange.still()
        return True

    async def read() -> None:
        while True:
            if poured:
                await exchange.pour(take)
            else:
                take(await exchange.chunk())

    with pytest.raises(UpstreamTimeout):
        await read()
    assert time.monotonic() - began < 1.5


async def test_an_error_has_no_more_time_than_between_two_pieces(client: Client, origin: Origin) -> None:
    """However slowly its body comes."""
    exchange = await get(client, origin, "/endless", Timeouts(connect=1, first_token=9, between_tokens=0.3, total=20))
    exchange.hurry()
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        await exchange.read(1 << 30)
    assert time.monotonic() - began < 1.5
