"""Our transport and aiohttp, asked the same: where both can be compared they must agree."""

from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from parley.core.catalog import Timeouts
from parley.errors import UpstreamBroken
from parley.upstreams.client import Client, Origin
from tests.contract.misbehaving import FRAMES, TEXT

Fetch = Callable[[Origin, str], Awaitable[tuple[int, bytes]]]


class Broken(Exception):
    """The transport said that the answer is not whole."""


async def ours(origin: Origin, path: str) -> tuple[int, bytes]:
    """Fetch with our client, chunk by chunk."""
    client = Client()
    try:
        exchange = await client.send(origin, b"GET", path.encode(), b"", b"", Timeouts())
        parts = []
        while piece := await exchange.chunk():
            parts.append(piece)
    except UpstreamBroken as error:
        raise Broken from error
    finally:
        await client.close()
    return exchange.status, b"".join(parts)


async def aiohttps(origin: Origin, path: str) -> tuple[int, bytes]:
    """Fetch with aiohttp, chunk by chunk."""
    url = f"http://{origin.address}{path}"
    try:
        async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
            return answer.status, b"".join([piece async for piece in answer.content.iter_any()])
    except aiohttp.ClientError as error:
        raise Broken from error


@pytest.fixture(params=[ours, aiohttps], ids=["ours", "aiohttp"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    """One of the two."""
    return request.param


WHOLE = ["/whole", "/chunked", "/until-close", "/close-after", "/interim", "/coded?as=gzip", "/coded?as=deflate"]


@pytest.mark.parametrize("path", WHOLE)
async def test_whole_answers(fetch: Fetch, origin: Origin, path: str) -> None:
    """However it is framed and coded, the same body comes out."""
    assert await fetch(origin, path) == (200, TEXT)


async def test_streams(fetch: Fetch, origin: Origin) -> None:
    """A stream has all its events."""
    assert await fetch(origin, "/stream") == (200, b"".join(FRAMES))


@pytest.mark.parametrize(("path", "status"), [("/no-content", 204), ("/not-modified", 304), ("/redirect", 307)])
async def test_without_body(fetch: Fetch, origin: Origin, path: str, status: int) -> None:
    """Answers without a body are complete."""
    assert await fetch(origin, path) == (status, b"")


@pytest.mark.parametrize("path", ["/vanish", "/cut-length", "/cut-chunked", "/reset", "/bad-chunk", "/rubbish"])
async def test_broken_answers(fetch: Fetch, origin: Origin, path: str) -> None:
    """A cut or damaged answer is never taken for a whole one."""
    with pytest.raises(Broken):
        await fetch(origin, path)
