"""Bad input over a raw socket: each piece gets its documented error, and the server goes on.

After every test the server must be at rest: no connection, no open call, no fault of ours in its log.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from faults import Upstream
from gateways import CHAT, PATIENCE, Gateway, Line, ask, chat, line, request, serving, until

from parley.store.database import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

LARGEST = 65536
CONFIG = """
[server]
max_body = {largest}
receive_seconds = 1
idle_seconds = 1.5
shutdown_seconds = 2
[upstreams.faulty]
base_url = "{url}"
retries = 0
price = "free"
[models."*"]
targets = ["faulty/*"]
[models.embedded]
targets = ["local/none"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend the server in front of it."""
    folder = tmp_path_factory.mktemp("faults")
    async with serving(folder, CONFIG.format(url=faulty.url, largest=LARGEST)) as it:
        yield it


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def goes_on(gateway: Gateway) -> AsyncIterator[None]:
    """Check after each test that the server is at rest and answers."""
    yield

    async def at_rest() -> bool:
        return (await gateway.counted())["parley_open_calls"] == 0 and gateway.connections() == 0

    await until(at_rest, "the end of every call and connection")
    assert (await ask(gateway, "/healthz", method="GET")).json == {"status": "ok"}
    assert "a fault of ours" not in log(gateway)


def log(gateway: Gateway) -> str:
    """Return the server's log."""
    return (gateway.data / "log").read_text("utf-8")


def padded(size: int) -> bytes:
    """Return a good body of exactly *size* bytes."""
    body = chat("ok", user="")
    return chat("ok", user="x" * (size - len(body)))


# --- sizes


async def test_a_body_of_the_largest_size_is_taken(gateway: Gateway) -> None:
    """The limit itself is allowed."""
    assert (await ask(gateway, CHAT, padded(LARGEST))).status == 200


async def test_a_body_announced_too_large_is_refused_unread(gateway: Gateway) -> None:
    """The answer is 413 before any of the body was sent; it is recorded, and the connection closed."""
    known = {row["id"] for row in gateway.rows()}
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, padded(LARGEST + 1))[:-LARGEST])
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert await it.closed()
    [row] = [row for row in gateway.rows() if row["id"] not in known]
    assert (row["status"], row["outcome"], row["id"]) == (413, "refused", answer.headers["x-request-id"])


async def test_a_chunked_body_that_grows_too_large_is_refused(gateway: Gateway) -> None:
    """413 as soon as the limit is passed, though no length was told; one record."""
    known = {row["id"] for row in gateway.rows()}
    async with line(gateway) as it:
        await it.send(request(gateway).replace(b"content-length: 0", b"transfer-encoding: chunked"))
        for _ in range(LARGEST // 8192 + 1):
            await it.send(b"2000\r\n" + b"x" * 8192 + b"\r\n")
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
        assert answer.status == 413
    [row] = [row for row in gateway.rows() if row["id"] not in known]
    assert (row["status"], row["outcome"], row["id"]) == (413, "refused", answer.headers["x-request-id"])


async def test_a_chunked_body_is_read(gateway: Gateway) -> None:
    """Chunks of any size make one body."""
    body = chat("ok")
    async with line(gateway) as it:
        await it.send(request(gateway).replace(b"content-length: 0", b"transfer-encoding: chunked"))
        for byte in body:
            await it.send(b"1\r\n%c\r\n" % byte)
        await it.send(b"0\r\n\r\n")
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).text == "Hello there, friend."


@pytest.mark.parametrize("oversized", [b"x-much: " + b"a" * 70_000, b"\r\n".join([b"x-more: aaaaaaaa"] * 9_000)])
async def test_a_head_that_is_too_large_is_refused(gateway: Gateway, oversized: bytes) -> None:
    """One huge header or thousands of small ones: 431, and the connection is closed."""
    async with line(gateway) as it:
        await it.send(b"GET /v1/models HTTP/1.1\r\nhost: test\r\n" + oversized + b"\r\n\r\n")
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
        assert (answer.status, answer.error["type"]) == (431, "invalid_request_error")
        assert await it.closed()


async def test_a_url_that_is_too_long_is_refused(gateway: Gateway) -> None:
    """The URL is part of the head: 431."""
    async with line(gateway) as it:
        await it.send(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: test\r\n\r\n")
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).status == 431


# --- slowness


async def test_a_head_that_takes_too_long_is_refused(gateway: Gateway) -> None:
    """A slow-loris client gets 408 after receive_seconds, however busily it dribbles."""
    async with line(gateway) as it:
        await it.send(b"GET /v1/models HTTP/1.1\r\n")
        reading = asyncio.ensure_future(it.answer())
        while not reading.done():
            await it.send(b"x-slow: 1\r\n")
            await asyncio.wait((reading,), timeout=0.1)
        assert reading.result().status == 408
        assert await it.closed()


async def test_a_body_that_takes_too_long_is_refused_and_recorded(gateway: Gateway) -> None:
    """Its head named a caller, so there is a record: 408."""
    known = {row["id"] for row in gateway.rows()}
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat("ok"))[:-5])
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
        assert answer.status == 408
        assert await it.closed()
    [row] = [row for row in gateway.rows() if row["id"] not in known]
    assert (row["status"], row["outcome"]) == (408, "refused")


async def test_an_idle_connection_is_closed(gateway: Gateway) -> None:
    """After idle_seconds without a request, and not before; without a word."""
    async with line(gateway) as it:
        await it.send(request(gateway, "/healthz", method="GET"))
        await it.answer()
        begun = asyncio.get_running_loop().time()
        assert await it.closed()
        assert 1.4 < asyncio.get_running_loop().time() - begun < 4


# --- what is not HTTP, or not quite

NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),  # a TLS client
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"hello\r\n\r\n",
    b"\0" * 500,
    b"POST /v1/chat/completions HTTP/9.9\r\nhost: test\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nno colon here\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: te\0st\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
    b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n",
]


@pytest.mark.parametrize("rubbish", NOT_HTTP)
async def test_rubbish_is_refused(gateway: Gateway, rubbish: bytes) -> None:
    """What is not HTTP/1.1 gets one error in OpenAI's form, a 4xx, and the connection is closed."""
    async with line(gateway) as it:
        await it.send(rubbish)
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
        assert 400 <= answer.status < 500
        assert set(answer.error) == {"message", "type", "param", "code"}
        assert await it.closed()


TARGETS = [b"*", b"http://elsewhere/v1/models", b"//", b"/%00", b"/%ff%fe", b"/v1/../etc/passwd", b"/v1/models/%2e%2e"]


@pytest.mark.parametrize("target", TARGETS)
async def test_odd_targets_are_refused(gateway: Gateway, target: bytes) -> None:
    """A request line that leads nowhere is a 4xx."""
    async with line(gateway) as it:
        await it.send(request(gateway, method="GET").replace(CHAT.encode(), target))
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).status in {200, 400, 404, 405}


# --- how clients speak HTTP


async def test_pipelined_requests_are_answered_in_order(gateway: Gateway) -> None:
    """Fifty requests in one write, a slow one first: fifty answers, each in its turn."""
    requests = [request(gateway, CHAT, chat("slow"))]
    requests += [request(gateway, f"/v1/models/none-{n}", method="GET") for n in range(49)]
    async with line(gateway) as it:
        await it.send(b"".join(requests))
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).text == "Hello there, friend."
        for number in range(49):
            answer = await asyncio.wait_for(it.answer(), PATIENCE)
            assert f"none-{number}'" in answer.error["message"]


async def test_a_pipelined_fault_does_not_spoil_the_answer_before_it(gateway: Gateway) -> None:
    """The good request is answered, then the connection is closed."""
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat("slow")) + b"\0rubbish\r\n\r\n")
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).status == 200
        await it.closed()


async def test_http_1_0_is_streamed_without_chunks(gateway: Gateway) -> None:
    """Its client knows no chunks: the stream ends where the connection does."""
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat("ok", stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        answer = await it.head()
        frames = (await asyncio.wait_for(it.reader.read(), PATIENCE)).split(b"\n\n")
    assert "transfer-encoding" not in answer.headers
    assert frames[-2:] == [b"data: [DONE]", b""]
    assert all(json.loads(frame.removeprefix(b"data: "))["id"] for frame in frames[:-2])


async def test_expect_100_continue_is_granted(gateway: Gateway) -> None:
    """A client that asks first is told to go on."""
    whole = request(gateway, CHAT, chat("ok"), "expect: 100-continue")
    head, body = whole.split(b"\r\n\r\n", 1)
    async with line(gateway) as it:
        await it.send(head + b"\r\n\r\n")
        assert (await asyncio.wait_for(it.head(), PATIENCE)).status == 100
        await it.send(body)
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).status == 200


async def test_expect_100_continue_of_too_much_is_refused(gateway: Gateway) -> None:
    """A client that asks first is told 413 at once, and no 100 before it."""
    whole = request(gateway, CHAT, padded(LARGEST + 1), "expect: 100-continue")
    async with line(gateway) as it:
        await it.send(whole.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n")
        assert (await asyncio.wait_for(it.answer(), PATIENCE)).status == 413


async def test_a_connection_serves_many_requests(gateway: Gateway) -> None:
    """Good, refused and streamed calls share one connection."""
    async with line(gateway) as it:
        for model, status in [("ok", 200), ("400", 400), ("ok", 200), ("rubbish", 502), ("ok", 200)]:
            await it.send(request(gateway, CHAT, chat(model, stream=status == 200)))
            answer = await asyncio.wait_for(it.answer(), PATIENCE)
            assert answer.status == status


async def test_head_has_no_body(gateway: Gateway) -> None:
    """HEAD is answered as GET is, without the body: the next answer on the connection is not spoilt."""
    async with line(gateway) as it:
        for path, status in [("/healthz", 200), ("/v1/models", 200), ("/nowhere", 404), (CHAT, 200)]:
            await it.send(request(gateway, path, method="HEAD"))
            answer = await asyncio.wait_for(it.head(), PATIENCE)
            assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
        await it.send(request(gateway, "/healthz", method="GET"))
        assert (await it.answer()).json == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/completions", {"POST"}),
        ("DELETE", CHAT, {"GET", "POST"}),
        ("OPTIONS", "/v1/models", {"GET"}),
        ("PUT", "/v1/models/x", {"GET"}),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    gateway: Gateway, method: str, path: str, allowed: set[str]
) -> None:
    """405 with Allow."""
    answer = await ask(gateway, path, method=method)
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == allowed


async def test_an_unknown_url_is_told_the_near_one(gateway: Gateway) -> None:
    """A client with a base URL that lacks /v1 learns it."""
    answer = await ask(gateway, "/chat/completions", chat("ok"))
    assert answer.status == 404
    assert "Did you mean /v1/chat/completions?" in answer.error["message"]


# --- bodies of the wrong kind


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/plain"}, chat("ok")),
        ({"content-type": "application/x-www-form-urlencoded"}, b"model=ok"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, gzip.compress(chat("ok"))),
        ({"content-type": "application/json"}, gzip.compress(chat("ok"))),
        ({"content-type": "application/json"}, b"\xff\xfe{}"),
        ({"content-type": "application/json"}, b"[" * 50_000),
        ({"content-type": "application/json"}, b'{"model": "ok", "messages": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ({"content-type": "application/json"}, b'{"model": "\\ud800", "messages": []}'),
        ({"content-type": "application/json"}, b"null"),
    ],
)
async def test_a_body_of_the_wrong_kind_is_refused(gateway: Gateway, headers: dict[str, str], body: bytes) -> None:
    """400 in words that help, and a record."""
    known = len(gateway.rows())
    head = [f"POST {CHAT} HTTP/1.1", "host: test", f"authorization: Bearer {gateway.key}"]
    head += [f"content-length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    async with line(gateway) as it:
        await it.send("\r\n".join(head).encode() + body)
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert len(gateway.rows()) == known + 1


async def test_what_the_engine_does_not_know_is_refused_by_name(gateway: Gateway) -> None:
    """An unknown parameter goes to an upstream, but never to the embedded engine, which would drop it in silence."""
    refused = await ask(gateway, CHAT, chat("embedded", wibble=1))
    passed = await ask(gateway, CHAT, chat("ok", wibble=1))
    assert (refused.status, refused.error["param"], refused.error["code"]) == (400, "wibble", "unknown_parameter")
    assert passed.status == 200


# --- keys


@pytest.mark.parametrize("header", ["", "authorization: Basic eDp5", "authorization: Bearer ", "authorization: \xff"])
async def test_a_request_without_a_key_is_refused(gateway: Gateway, header: str) -> None:
    """401, with the way to send a key in the message or the header; nothing is recorded."""
    known = len(gateway.rows())
    body = chat("ok")
    head = f"POST {CHAT} HTTP/1.1\r\nhost: test\r\n{header}\r\ncontent-length: {len(body)}\r\n\r\n"
    async with line(gateway) as it:
        await it.send(head.replace("\r\n\r\nc", "\r\nc").encode("latin-1") + body)
        answer = await asyncio.wait_for(it.answer(), PATIENCE)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "openai-processing-ms" not in answer.headers
    assert len(gateway.rows()) == known


async def test_a_revoked_key_is_dead_at_once(gateway: Gateway) -> None:
    """The very next request after the revocation, by another process, gets 401."""
    store = await open_store(f"sqlite:///{gateway.data / 'parley.db'}")
    key = await store.keys.create(name="to be revoked")
    assert (await ask(gateway, CHAT, chat("ok"), key=key.secret)).status == 200
    await store.keys.revoke(key.id)
    assert (await ask(gateway, CHAT, chat("ok"), key=key.secret)).status == 401
    await store.close()


# --- leaks


async def test_abandoned_connections_leave_nothing(gateway: Gateway, faulty: Upstream) -> None:
    """Two hundred connections left in every state: no file descriptor more than before."""
    states = [
        b"",
        b"POST /v1/chat/comp",
        request(gateway, CHAT, chat("ok"))[:-3],
        request(gateway, CHAT, chat("endless", stream=True)),
        request(gateway, CHAT, chat("stall-before-head")),
        request(gateway, "/healthz", method="GET"),
        request(gateway, CHAT, b"x" * 9)[:-1] + b"\0" * 20,
        request(gateway, CHAT, chat("ok", stream=True)) * 5,
    ]
    await leave_all(gateway, states, 40)  # the first calls counted by us: many at once load the tokenizer
    await until(lambda: not faulty.busy and gateway.connections() == 0, "the first connections to go")
    before = gateway.files() - gateway.connections(faulty.port)  # those at rest may be more, up to the pool's limit
    for _ in range(4):
        await leave_all(gateway, states, 50)
    await until(lambda: not faulty.busy and gateway.connections() == 0, "the connections to go")
    await until(lambda: gateway.files() - gateway.connections(faulty.port) <= before, f"{before} descriptors again")


async def leave_all(gateway: Gateway, states: list[bytes], number: int) -> None:
    """Open *number* connections, send what *states* say, and leave, half of them with a reset."""
    opened = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(number)]
    for place, (reader, writer) in enumerate(opened):
        await Line(reader, writer).send(states[place % len(states)])
    await asyncio.sleep(0.2)
    for place, (reader, writer) in enumerate(opened):
        Line(reader, writer).leave(rudely=bool(place % 2))
    await asyncio.sleep(0)


async def test_the_log_has_no_secret(gateway: Gateway) -> None:
    """Neither keys nor what was said stand in the log, wrong keys included."""
    wrong = "sk-" + "w" * 40
    await ask(gateway, CHAT, chat("ok", user="user-secret"), key=wrong)
    await ask(gateway, CHAT, chat("500", user="user-secret"))
    text = log(gateway)
    assert not [secret for secret in (wrong, gateway.key, gateway.admin, "user-secret") if secret in text]


async def test_a_second_sigint_does_not_wait(tmp_path: Path, faulty: Upstream) -> None:
    """Ctrl+C twice ends the server while a stream still runs."""
    config = CONFIG.format(url=faulty.url, largest=LARGEST).replace("shutdown_seconds = 2", "shutdown_seconds = 60")
    async with serving(tmp_path, config) as it, line(it) as running:
        await running.send(request(it, CHAT, chat("endless", stream=True)))
        await running.head()
        it.process.send_signal(2)
        await asyncio.sleep(0.5)
        assert it.process.returncode is None
        it.process.send_signal(2)
        await asyncio.wait_for(it.process.wait(), 5)
        assert [(row["outcome"], row["code"]) for row in it.rows()] == [("failed", "server_is_overloaded")]
