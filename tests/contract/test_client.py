"""What the upstream transport gives its callers, against a server that answers well and badly."""

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parley.core.catalog import Timeouts
from parley.errors import ShuttingDown, UpstreamBroken, UpstreamTimeout
from parley.upstreams.client import Client, Exchange, Origin
from tests.contract.misbehaving import FRAMES, TEXT, Server, running

PATIENT = Timeouts(connect=5, first_token=5, between_tokens=5, total=20)
HASTY = Timeouts(connect=0.2, first_token=0.2, between_tokens=0.2, total=0.5)
LIMIT = 1 << 20


async def get(client: Client, origin: Origin, path: str, timeouts: Timeouts = PATIENT) -> Exchange:
    """Send a GET."""
    return await client.send(origin, b"GET", path.encode(), b"accept-encoding: identity\r\n", b"", timeouts)


async def body(client: Client, origin: Origin, path: str, timeouts: Timeouts = PATIENT) -> bytes:
    """Send a GET and read the whole answer."""
    return await (await get(client, origin, path, timeouts)).read(LIMIT)


async def chunks(exchange: Exchange) -> list[bytes]:
    """Read an answer as it comes."""
    found = []
    while piece := await exchange.chunk():
        found.append(piece)
    return found


@contextmanager
def silence() -> Iterator[int]:
    """Give the port of a socket that listens and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def test_request_arrives_whole(client: Client, origin: Origin) -> None:
    """Path, host, length, the caller's headers and the body arrive as they were given."""
    sent = await client.send(origin, b"POST", b"/seen?a=1", b"x-mine: yes\r\n", b"hello", PATIENT)
    seen = json.loads(await sent.read(LIMIT))
    assert (seen["line"], seen["body"]) == ("POST /seen?a=1 HTTP/1.1", 5)
    assert seen["headers"] == {
        "host": origin.address,
        "connection": "keep-alive",
        "x-mine": "yes",
        "content-length": "5",
    }


async def test_large_body_arrives_whole(client: Client, origin: Origin) -> None:
    """A body of several megabytes goes out whole, and the connection serves again."""
    for turn in (1, 2):
        sent = await client.send(origin, b"POST", b"/seen", b"", bytes(3_000_000), PATIENT)
        seen = json.loads(await sent.read(LIMIT))
        assert (seen["body"], seen["turn"]) == (3_000_000, turn)


async def test_header_names_are_lower_case(client: Client, origin: Origin) -> None:
    """The head is there when `send` returns, names in lower case."""
    exchange = await get(client, origin, "/whole")
    assert (exchange.status, exchange.headers[b"content-type"]) == (200, b"application/json")
    assert await exchange.read(LIMIT) == TEXT


async def test_stream_comes_event_by_event(client: Client, origin: Origin) -> None:
    """Each event sent on its own is handed out on its own, at once."""
    assert await chunks(await get(client, origin, "/stream")) == FRAMES


async def test_bytes_one_by_one(client: Client, origin: Origin) -> None:
    """An answer that comes byte by byte is put together."""
    assert await body(client, origin, "/slow-bytes") == b"hello"


@pytest.mark.parametrize(("path", "status"), [("/no-content", 204), ("/not-modified", 304), ("/redirect", 307)])
async def test_bodiless_answers(client: Client, origin: Origin, path: str, status: int) -> None:
    """204 and 304 have no body, whatever their length says; a redirect is returned, not followed."""
    exchange = await get(client, origin, path)
    assert (exchange.status, await exchange.read(LIMIT)) == (status, b"")
    assert json.loads(await body(client, origin, "/seen"))["turn"] == 2


async def test_head_has_no_body(client: Client, origin: Origin) -> None:
    """The answer to HEAD ends with its head, though it tells a length."""
    exchange = await client.send(origin, b"HEAD", b"/not-modified", b"", b"", PATIENT)
    assert (exchange.status, await exchange.chunk()) == (304, b"")


async def test_interim_answers_are_skipped(client: Client, origin: Origin) -> None:
    """100 and 103 announce the real answer; nothing of them is left in it."""
    exchange = await get(client, origin, "/interim")
    assert (exchange.status, b"link" in exchange.headers) == (200, False)
    assert await exchange.read(LIMIT) == TEXT


async def test_length_limit(client: Client, origin: Origin) -> None:
    """A body longer than the limit is refused, one that just fits is not."""
    with pytest.raises(UpstreamBroken, match="longer than"):
        await (await get(client, origin, "/chunked")).read(len(TEXT) - 1)
    assert await (await get(client, origin, "/chunked")).read(len(TEXT)) == TEXT


@pytest.mark.parametrize("path", ["/cut-length", "/cut-chunked", "/reset", "/bad-chunk"])
async def test_broken_body_is_not_a_clean_end(client: Client, origin: Origin, path: str) -> None:
    """What came before the break is handed out, then the break is told, every time one asks."""
    exchange = await get(client, origin, path)
    assert TEXT.startswith(await exchange.chunk()) or path == "/bad-chunk"
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await exchange.chunk()


@pytest.mark.parametrize("path", ["/vanish", "/cut-head", "/rubbish", "/switch", "/endless-head"])
async def test_broken_head(client: Client, origin: Origin, path: str) -> None:
    """No head, half a head, no HTTP, another protocol, no end of it: broken, naming host and port."""
    with pytest.raises(UpstreamBroken, match="The upstream"):
        await get(client, origin, path)


@pytest.mark.parametrize(("size", "fits"), [(60_000, True), (70_000, False), (200_000, False)])
async def test_head_limit(client: Client, origin: Origin, size: int, fits: bool) -> None:
    """A head of more than 64 KiB is refused, also when it comes in one piece."""
    if fits:
        assert await body(client, origin, f"/gigantic-head?size={size}") == b"{}"
    else:
        with pytest.raises(UpstreamBroken, match="too large"):
            await get(client, origin, f"/gigantic-head?size={size}")


async def test_endless_trailer(client: Client, origin: Origin) -> None:
    """A trailer without end is cut off."""
    with pytest.raises(UpstreamBroken):
        await body(client, origin, "/endless-trailer")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
async def test_compressed_answers(client: Client, origin: Origin, coding: str) -> None:
    """What was compressed against our wish is decoded."""
    assert await body(client, origin, f"/coded?as={coding}") == TEXT


@pytest.mark.parametrize("path", ["/coded?as=br", "/coded?as=gzip&cut=3", "/coded?as=gzip&size=100000000"])
async def test_bad_compression(client: Client, origin: Origin, path: str) -> None:
    """Unknown, cut short, or a bomb of 100 MB: broken, without unpacking the whole."""
    with pytest.raises(UpstreamBroken):
        await body(client, origin, path)


@pytest.mark.parametrize(("path", "least"), [("/stall", 0.2), ("/stall-in-body", 0.2), ("/endless", 0.5)])
async def test_time_outs(client: Client, origin: Origin, path: str, least: float) -> None:
    """No head, a silence in the body, or no end in time: told within 100 ms after the limit."""
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout, match="The upstream"):
        await body(client, origin, path, HASTY)
    assert least - 0.01 <= time.monotonic() - began < least + 0.1
    assert client._pools[origin.key].idle == []


async def test_connect_time_out(client: Client) -> None:
    """A host that takes no connections is given up after `timeouts.connect`."""
    with silence() as silent, pytest.raises(UpstreamTimeout, match="could not be reached in time") as told:
        await get(client, Origin.parse(f"https://127.0.0.1:{silent}"), "/", HASTY)
    assert f"127.0.0.1:{silent}" in told.value.detail


async def test_refused(client: Client) -> None:
    """The client is told who, the operator's log where."""
    with silence() as free:
        pass
    with pytest.raises(UpstreamBroken, match="`main` could not be reached") as told:
        await get(client, Origin.parse(f"http://127.0.0.1:{free}", "`main`"), "/")
    assert f"127.0.0.1:{free}" in told.value.detail
    assert "127.0.0.1" not in told.value.message


async def test_unknown_name(client: Client) -> None:
    """A name that nobody knows is broken, not a crash."""
    with pytest.raises(UpstreamBroken) as told:
        await get(client, Origin.parse("http://no-such-host.invalid"), "/")
    assert "no-such-host.invalid" in told.value.detail


async def test_path_cannot_carry_a_request(client: Client, origin: Origin) -> None:
    """A path with spaces or line ends is refused before anything is sent."""
    for path in ("/a b", "/a\r\nx: y", "/a\n"):
        with pytest.raises(ValueError, match="path"):
            await get(client, origin, path)


async def test_tls(certificate: Path) -> None:
    """Https works with a certificate we trust, whole and streamed, and keeps the connection."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    client = Client(ssl_context=ssl.create_default_context(cafile=str(certificate)))
    async with running(serving) as server:
        origin = Origin.parse(f"https://localhost:{server.port}")
        assert await body(client, origin, "/chunked") == TEXT
        assert await chunks(await get(client, origin, "/stream")) == FRAMES
        assert len(await (await get(client, origin, "/flood?size=3276800")).read(1 << 23)) == 3_276_800
        assert server.connections == 1
        await client.close()


async def test_tls_needs_trust(client: Client, certificate: Path) -> None:
    """A certificate that the system does not trust is refused."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    async with running(serving) as server:
        with pytest.raises(UpstreamBroken) as told:
            await get(client, Origin.parse(f"https://localhost:{server.port}"), "/whole")
        assert "certificate" in told.value.detail


async def test_ipv6(client: Client) -> None:
    """An IPv6 address works, in brackets in the `host` header."""
    async with running(host="::1") as server:
        seen = json.loads(await body(client, Origin.parse(f"http://[::1]:{server.port}"), "/seen"))
        assert seen["headers"]["host"] == f"[::1]:{server.port}"


async def test_closed_client(client: Client, origin: Origin, server: Server) -> None:
    """Closing ends what is under way with an error, and nothing new begins."""
    exchange = await get(client, origin, "/stall-in-body")
    await exchange.chunk()
    reader = asyncio.create_task(exchange.chunk())
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(UpstreamBroken):
        await reader
    with pytest.raises(ShuttingDown):
        await get(client, origin, "/whole")
    assert server.requests == ["GET /stall-in-body HTTP/1.1"]
