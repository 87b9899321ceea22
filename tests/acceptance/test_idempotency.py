"""A call that comes again under its `Idempotency-Key`, from the official client: asked once, whatever happens."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import openai
import pytest
import pytest_asyncio
from faults import WORDS, Upstream
from gateways import CHAT, HELLO, PATIENCE, Gateway, ask, chat, line, request, serving, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = """
[engine]
enabled = false
[server]
workers = {workers}
[upstreams.faulty]
base_url = "{url}"
retries = 0
price = {{ input = "1", output = "2" }}
[models."*"]
targets = ["faulty/*"]
"""
SAID = "".join(WORDS)
AT_ONCE = 20


def config(faulty: Upstream, workers: int = 1) -> str:
    """Return a parley.toml."""
    return CONFIG.format(url=faulty.url, workers=workers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend a server in front of the upstream."""
    async with serving(tmp_path_factory.mktemp("idempotency"), config(faulty)) as it:
        yield it


@asynccontextmanager
async def client(gateway: Gateway) -> AsyncIterator[openai.AsyncOpenAI]:
    """Open the official client, as it is by default but for its patience."""
    url = f"http://127.0.0.1:{gateway.port}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=gateway.key, timeout=30) as it:
        yield it


async def say(it: openai.AsyncOpenAI, model: str, key: str, *, stream: bool, **more: Any) -> tuple[str, bool]:
    """Ask *model* under *key*; return its answer, as JSON, and whether the server told it as a replay."""
    how: Any = {"model": model, "messages": HELLO, "stream": stream, "extra_headers": {"Idempotency-Key": key}, **more}
    raw = await it.chat.completions.with_raw_response.create(**how)
    replayed = raw.headers.get("idempotent-replayed") == "true"
    answer = raw.parse()
    if not stream:
        return answer.model_dump_json(), replayed
    return "\n".join([chunk.model_dump_json() async for chunk in answer]), replayed


def spent(gateway: Gateway, model: str) -> list[tuple[str, int]]:
    """Return the upstream and the cost of each row of *model*, those that cost something first."""
    rows = [(row["upstream"], row["cost"]) for row in gateway.rows() if row["model_asked"] == model]
    return sorted(rows, key=lambda row: -row[1])


def end_leases(gateway: Gateway) -> None:
    """Let the time of every lease be over."""
    with closing(sqlite3.connect(gateway.data / "parley.db", timeout=10)) as connection:
        connection.execute("UPDATE leases SET until = 1")
        connection.commit()


@pytest.mark.parametrize("stream", [False, True])
async def test_twenty_at_once_are_asked_once(gateway: Gateway, faulty: Upstream, stream: bool) -> None:
    """All get the same, one of them is paid for, and each has its row."""
    model = f"slow#at-once-{stream}"
    async with client(gateway) as it:
        found = await asyncio.gather(*(say(it, model, model, stream=stream) for _ in range(AT_ONCE)))
    assert len({answer for answer, _ in found}) == 1
    assert sum(replayed for _, replayed in found) == AT_ONCE - 1
    assert faulty.turns(model) == 1
    assert spent(gateway, model) == [("faulty", 20_000)] + [("replay", 0)] * (AT_ONCE - 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_workers_share_their_keys(tmp_path: Path, faulty: Upstream, stream: bool) -> None:
    """Whichever process a call comes to: the first is the first of all."""
    model = f"slow#workers-{stream}"
    async with serving(tmp_path, config(faulty, workers=2)) as gateway:

        async def one() -> Any:
            answer = await ask(gateway, CHAT, chat(model, stream=stream), f"idempotency-key: {model}")
            return answer.body or answer.events, answer.text

        found = await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        assert all(answer == found[0] for answer in found)
        assert found[0][1] == SAID
        assert faulty.turns(model) == 1
        assert spent(gateway, model) == [("faulty", 20_000)] + [("replay", 0)] * (AT_ONCE - 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_outlives_the_server(tmp_path: Path, faulty: Upstream, stream: bool) -> None:
    """It was read to its last byte, then the server was killed: the same is there after the restart."""
    model = f"ok#outlives-{stream}"
    async with serving(tmp_path, config(faulty)) as gateway, client(gateway) as it:
        first, _ = await say(it, model, "k", stream=stream)
        gateway.process.kill()
        await gateway.process.wait()
    async with serving(tmp_path, config(faulty)) as gateway, client(gateway) as it:
        assert await say(it, model, "k", stream=stream) == (first, True)
        assert faulty.turns(model) == 1
        assert len(spent(gateway, model)) == 2


async def test_a_server_killed_meanwhile_gives_the_key_free(tmp_path: Path, faulty: Upstream) -> None:
    """After its lease the next call runs; until then it waits."""
    model = "once-stall#killed"
    async with serving(tmp_path, config(faulty)) as gateway, line(gateway) as it:
        await it.send(request(gateway, CHAT, chat(model), "idempotency-key: k"))
        await until(lambda: faulty.turns(model) == 1, "the upstream to be asked")
        gateway.process.kill()
        await gateway.process.wait()
    async with serving(tmp_path, config(faulty)) as gateway:
        waiting = asyncio.ensure_future(ask(gateway, CHAT, chat(model), "idempotency-key: k"))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        end_leases(gateway)
        answer = await waiting
        assert (answer.status, answer.text) == (200, SAID)
        assert "idempotent-replayed" not in answer.headers
        assert faulty.turns(model) == 2


async def test_another_body_is_a_conflict(gateway: Gateway, faulty: Upstream) -> None:
    """409, which the official client does not try again, though it does so with others."""
    async with client(gateway) as it:
        await say(it, "ok#conflict", "conflict", stream=False)
        before = len(gateway.rows())
        with pytest.raises(openai.ConflictError, match="Idempotency-Key") as caught:
            await say(it, "ok#conflict", "conflict", stream=False, temperature=0.5)
    assert (caught.value.code, caught.value.param) == ("idempotency_key_reused", "Idempotency-Key")
    assert len(gateway.rows()) == before + 1
    assert faulty.turns("ok#conflict") == 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none_is_refused(gateway: Gateway, faulty: Upstream, key: str) -> None:
    """400, and nobody is asked."""
    answer = await ask(gateway, CHAT, chat("ok#none"), f"idempotency-key: {key}")
    assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")
    assert faulty.turns("ok#none") == 0


async def test_two_keys_are_refused(gateway: Gateway, faulty: Upstream) -> None:
    """400 with the header's name, also where they are the same; nobody is asked, and the call has its row."""
    for second in ("a", "b"):
        answer = await ask(gateway, CHAT, chat("ok#two"), "idempotency-key: a", f"Idempotency-Key: {second}")
        assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
        assert answer.error["param"] == "Idempotency-Key"
    assert faulty.turns("ok#two") == 0
    assert spent(gateway, "ok#two") == [(None, 0)] * 2


async def test_a_retry_of_the_client_gets_an_answer(gateway: Gateway, faulty: Upstream) -> None:
    """The first try failed with 503, and was not remembered."""
    async with client(gateway) as it:
        answer, replayed = await say(it, "once-503#retry", "retry", stream=False)
    assert SAID in answer
    assert not replayed
    assert faulty.turns("once-503#retry") == 2


async def test_who_waits_for_one_that_leaves_runs_itself(gateway: Gateway, faulty: Upstream) -> None:
    """The first client hangs up in the middle of its answer."""
    model = "slow#leaves"
    async with line(gateway) as first:
        await first.send(request(gateway, CHAT, chat(model, stream=True), "idempotency-key: leaves"))
        await first.head()
        second = asyncio.ensure_future(ask(gateway, CHAT, chat(model, stream=True), "idempotency-key: leaves"))
        await asyncio.sleep(0.1)
        first.leave()
        answer = await asyncio.wait_for(second, PATIENCE)
    assert (answer.text, answer.events[-1]) == (SAID, "[DONE]")
    assert faulty.turns(model) == 2


async def test_completions_take_a_key(gateway: Gateway, faulty: Upstream) -> None:
    """As every POST that costs money, in the path of older clients too."""
    body = b'{"prompt": "Hello"}'
    path = "/v1/engines/ok/completions"
    before = faulty.turns("ok")
    answers = [await ask(gateway, path, body, "idempotency-key: completions") for _ in range(2)]
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert answers[0].body == answers[1].body
    assert faulty.turns("ok") == before + 1


async def test_the_same_key_may_be_had_by_any_endpoint_once(gateway: Gateway) -> None:
    """The path belongs to what is asked: completions under a key of chat's are a conflict."""
    lines = ("idempotency-key: path",)
    assert (await ask(gateway, CHAT, chat("ok"), *lines)).status == 200
    answer = await ask(gateway, "/v1/engines/ok/chat/completions", chat("ok"), *lines)
    assert (answer.status, answer.headers["x-should-retry"]) == (409, "false")
