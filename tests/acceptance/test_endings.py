"""The endings table: each way a call can end, against a real server process and an upstream that misbehaves.

For every one: what the client saw, exactly one record that tells the truth, and nothing left open or running.
"""

import asyncio
import itertools
import json
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from faults import REAL, Upstream
from gateways import CHAT, Answer, Gateway, ask, chat, line, request, serving, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = """
[server]
shutdown_seconds = {grace}
[limits]
lease_seconds = 6
[upstreams.faulty]
base_url = "{url}"
retries = 1
price = {{ input = "1.00", output = "2.00" }}
timeouts = {{ connect = 1, first_token = 0.4, between_tokens = 0.4, total = 30 }}
[upstreams.steady]
base_url = "{url}"
retries = 0
price = {{ input = "1.00", output = "2.00" }}
[upstreams.hasty]
base_url = "{url}"
price = "free"
timeouts = {{ first_token = 0.3, total = 0.5 }}
[upstreams.gone]
base_url = "http://127.0.0.1:9/v1"
retries = 0
price = "free"
[upstreams.nobody]
base_url = "{url}"
[models."*"]
targets = ["faulty/*"]
[models.fails-over]
targets = ["faulty/500#fails-over", "steady/ok#fails-over"]
[models.fails-over-silence]
targets = ["faulty/stall-after-head#over", "steady/ok#over"]
[models.pays-elsewhere]
targets = ["faulty/no-quota#elsewhere", "steady/ok#elsewhere"]
[models.fails-differently]
targets = ["steady/500#differently", "steady/401#differently"]
[models.fails-the-same]
targets = ["steady/500#same", "steady/html#same"]
[models.times-out]
targets = ["hasty/stall-before-head#hasty"]
[models.nobody-there]
targets = ["gone/ok"]
[models.unpriced]
targets = ["nobody/ok"]
"""
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder."""
    return tmp_path_factory.mktemp("endings")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(folder: Path, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend the server in front of it; at the end it has to stop well."""
    async with serving(folder, CONFIG.format(url=faulty.url, grace=5)) as it:
        yield it
        it.process.terminate()
        assert await asyncio.wait_for(it.process.wait(), 10) == 0


async def settled(gateway: Gateway, faulty: Upstream) -> None:
    """Wait until no call is open and no connection is in use: neither the clients' nor the upstream's."""

    async def idle() -> bool:
        if faulty.busy or (await gateway.counted())["parley_open_calls"]:
            return False
        return gateway.connections() == 0 and gateway.connections(faulty.port) == len(faulty.writers)

    await until(idle, "the end of every call and connection")


async def the_row(gateway: Gateway, before: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the one record that was added since *before*; there must be one, and no second comes."""
    await until(lambda: len(gateway.rows()) > len(before), "a record")
    await asyncio.sleep(0.02)
    known = {row["id"] for row in before}
    [row] = [row for row in gateway.rows() if row["id"] not in known]
    return row


class Ending(NamedTuple):
    """One row of the table: what is asked, what the client sees, what is recorded."""

    model: str  # of the upstream's behaviours, or of the file's models
    stream: bool = False
    status: int = 200  # what the client sees first
    code: str | None = None  # the error it is told: in the body, or in the last event
    outcome: str = "answered"
    recorded: int = 200
    tokens: tuple[int, int] = (10, 5)
    attempts: int = 1
    exact: bool = True


WHOLE, STREAM = False, True
NOTHING = (0, 0)
COUNTED, CUT = (8, 5), (8, 2)  # by us: the prompt has 8 tokens, the answer 5, what came before a cut 2

ENDINGS = [
    Ending("ok"),
    Ending("ok", STREAM),
    Ending("cut-finished", STREAM, tokens=COUNTED, exact=False),
    Ending("no-usage", tokens=COUNTED, exact=False),
    Ending("no-usage", STREAM, tokens=COUNTED, exact=False),
    # another try
    Ending("fails-over", attempts=2),
    Ending("fails-over", STREAM, attempts=2),
    Ending("fails-over-silence", STREAM, attempts=2),
    Ending("once-503", attempts=2),
    Ending("once-503", STREAM, attempts=2),
    Ending("once-html", attempts=2),
    Ending("once-cut-early", STREAM, attempts=2),
    # refused
    Ending("unpriced", WHOLE, 400, "model_not_priced", "refused", 400, NOTHING, 0),
    Ending("400", WHOLE, 400, "context_length_exceeded", "refused", 400, NOTHING),
    Ending("400", STREAM, 400, "context_length_exceeded", "refused", 400, NOTHING),
    # all targets fail
    Ending("500", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("500", STREAM, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("html", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("empty", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("rubbish", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("not-http", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("cut-whole", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("reset-before-head", STREAM, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("401", WHOLE, 502, "upstream_denied", "failed", 502, NOTHING),
    Ending("403", WHOLE, 502, "upstream_denied", "failed", 502, NOTHING),
    Ending("no-quota", WHOLE, 502, "upstream_insufficient_quota", "failed", 502, NOTHING),
    Ending("no-quota", STREAM, 502, "upstream_insufficient_quota", "failed", 502, NOTHING),
    Ending("pays-elsewhere", attempts=2),
    Ending("odd-429", WHOLE, 503, "server_is_overloaded", "failed", 503, NOTHING, 2),
    Ending("404", WHOLE, 404, "model_not_found", "refused", 404, NOTHING),
    Ending("429", WHOLE, 503, "server_is_overloaded", "failed", 503, NOTHING, 2),
    Ending("503-after-60", WHOLE, 503, "server_is_overloaded", "failed", 503, NOTHING),
    Ending("nobody-there", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING),
    Ending("fails-the-same", WHOLE, 502, "upstream_broken", "failed", 502, NOTHING, 2),
    Ending("fails-differently", WHOLE, 502, "upstreams_exhausted", "failed", 502, NOTHING, 2),
    Ending("times-out", WHOLE, 504, "upstream_timeout", "failed", 504, NOTHING),
    Ending("stall-before-head", STREAM, 504, "upstream_timeout", "failed", 504, NOTHING),
    Ending("stall-after-head", STREAM, 504, "upstream_timeout", "failed", 504, NOTHING),
    # after the first event
    Ending("stall-midstream", STREAM, 200, "upstream_timeout", "failed", 504, CUT, exact=False),
    Ending("reset-midstream", STREAM, 200, "upstream_broken", "failed", 502, CUT, exact=False),
    Ending("cut-midstream", STREAM, 200, "upstream_broken", "failed", 502, CUT, exact=False),
    Ending("rubbish-cut", STREAM, 200, "upstream_broken", "failed", 502, CUT, exact=False),
    Ending("error-event", STREAM, 200, "upstream_broken", "failed", 502, CUT, exact=False),
]


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda it: f"{it.model}-{'streamed' if it.stream else 'whole'}")
async def test_a_call_ends_as_the_table_says(gateway: Gateway, faulty: Upstream, ending: Ending) -> None:
    """The client is told the truth, one record tells it too, and nothing stays open."""
    before = gateway.rows()
    model = ending.model if f"[models.{ending.model}]" in CONFIG else f"{ending.model}#{next(numbers)}"
    answer = await ask(gateway, CHAT, chat(model, stream=ending.stream))
    row = await the_row(gateway, before)
    assert answer.status == ending.status
    assert told(answer) == ending.code
    assert row["id"] == answer.headers["x-request-id"]
    assert row["model_asked"] == model
    seen = {name: row[name] for name in ("status", "outcome", "code", "attempts", "streamed")}
    assert seen == {
        "status": ending.recorded,
        "outcome": ending.outcome,
        "code": ending.code,
        "attempts": ending.attempts,
        "streamed": int(ending.stream),
    }
    check_money(row, ending)
    await settled(gateway, faulty)


def told(answer: Answer) -> str | None:
    """Return the error code that *answer* tells, None after a good end."""
    if answer.status == 200 and not answer.events:
        assert answer.text == "Hello there, friend."
        return None
    if answer.events and answer.events[-1] == "[DONE]":
        assert answer.text == "Hello there, friend."
        assert not any("error" in event for event in answer.events[:-1])
        return None
    assert set(answer.error) == {"message", "type", "param", "code"}
    return str(answer.error["code"])


def check_money(row: dict[str, Any], ending: Ending) -> None:
    """Tokens and cost of *row* are those of *ending*; a dollar a million tokens in, two dollars out."""
    assert (row["input_tokens"], row["output_tokens"]) == ending.tokens
    assert row["cost"] == 1000 * ending.tokens[0] + 2000 * ending.tokens[1]
    if ending.tokens != NOTHING:
        assert row["model_answered"] == REAL
        assert row["price"] == "parley.toml 1/2"
        assert bool(row["exact"]) is ending.exact
        assert 0 < row["first_token_us"] <= row["total_us"]


async def test_usage_is_shown_to_who_asked_for_it(gateway: Gateway, faulty: Upstream) -> None:
    """With include_usage the client gets the usage chunk; without it the gateway keeps it for itself."""
    asked = await ask(gateway, CHAT, chat("ok#usage", stream=True, stream_options={"include_usage": True}))
    unasked = await ask(gateway, CHAT, chat("ok#usage", stream=True))
    assert [event["usage"]["completion_tokens"] for event in asked.events[:-1] if not event["choices"]] == [5]
    assert all(event["choices"] for event in unasked.events[:-1])
    await settled(gateway, faulty)


REFUSED = [
    (b'{"model": "ok", "messages"', None, 400),
    (b'{"model": "ok", "messages": "hello"}', "invalid_type", 400),
    (b'{"model": "ok"}', "missing_required_parameter", 400),
    (b'{"model": "ok", "messages": [{"role": "user", "content": "x"}], "n": 1000}', "integer_above_max_value", 400),
    (b"", None, 400),
]


@pytest.mark.parametrize(("body", "code", "status"), REFUSED)
async def test_a_refusal_is_recorded(
    gateway: Gateway, faulty: Upstream, body: bytes, code: str | None, status: int
) -> None:
    """A request that can't be read costs nothing, asks nobody, and has its record."""
    before, asked = gateway.rows(), len(faulty.asked)
    answer = await ask(gateway, CHAT, body)
    row = await the_row(gateway, before)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert (row["status"], row["code"], row["outcome"], row["cost"]) == (status, code, "refused", 0)
    assert (row["attempts"], len(faulty.asked)) == (0, asked)
    await settled(gateway, faulty)


async def test_an_admin_key_makes_no_calls(gateway: Gateway, faulty: Upstream) -> None:
    """It is refused with 403, and that is recorded."""
    before = gateway.rows()
    answer = await ask(gateway, CHAT, chat("ok"), key=gateway.admin)
    row = await the_row(gateway, before)
    assert (answer.status, row["status"], row["outcome"]) == (403, 403, "refused")
    await settled(gateway, faulty)


async def test_a_call_without_a_valid_key_is_counted_not_recorded(gateway: Gateway) -> None:
    """It gets 401 and no record; /metrics counts it."""
    before, counted = gateway.rows(), await gateway.counted()
    answer = await ask(gateway, CHAT, chat("ok"), key="sk-wrong-wrong-wrong-wrong")
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert gateway.rows() == before
    after = await gateway.counted()
    assert after["parley_unauthenticated_total"] == counted["parley_unauthenticated_total"] + 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_may_leave_before_the_head(gateway: Gateway, faulty: Upstream, stream: bool) -> None:
    """The upstream is let go, and the prompt it was sent is paid for."""
    before, model = gateway.rows(), f"stall-before-head#{next(numbers)}"
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat(model, stream=stream)))
        await until(lambda: faulty.turns(model) == 1, "the call upstream")
        it.leave()
    row = await the_row(gateway, before)
    assert (row["status"], row["outcome"], row["code"], row["attempts"]) == (499, "left", None, 1)
    assert (row["input_tokens"], row["output_tokens"], row["cost"]) == (8, 0, 8000)
    await until(lambda: model in faulty.left, "the upstream's connection to be closed")
    await settled(gateway, faulty)


@pytest.mark.parametrize("rudely", [False, True])
async def test_a_client_may_leave_in_the_stream(gateway: Gateway, faulty: Upstream, rudely: bool) -> None:
    """The upstream is let go at once; what was sent is paid for."""
    before, model = gateway.rows(), f"endless#{next(numbers)}"
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat(model, stream=True)))
        await it.head()
        for _ in range(3):
            await it.event()
        it.leave(rudely=rudely)
    row = await the_row(gateway, before)
    assert (row["status"], row["outcome"], row["streamed"]) == (499, "left", 1)
    assert row["output_tokens"] >= 3
    assert row["cost"] == 8000 + 2000 * row["output_tokens"]
    await until(lambda: model in faulty.left, "the upstream's connection to be closed")
    await settled(gateway, faulty)


async def test_a_client_may_leave_under_back_pressure(gateway: Gateway, faulty: Upstream) -> None:
    """While the client does not read, nothing piles up; when it leaves, the upstream is let go."""
    before, model = gateway.rows(), f"huge#{next(numbers)}"
    async with line(gateway, limit=1024) as it:
        await it.send(request(gateway, CHAT, chat(model, stream=True)))
        await it.head()
        await until(lambda: bool(faulty.asked) and faulty.asked[-1].model == model, "the call upstream")
        await asyncio.sleep(0.6)  # longer than between_tokens: a slow client is not the upstream's fault
        assert faulty.busy == 1
        it.leave()
    row = await the_row(gateway, before)
    assert (row["status"], row["outcome"]) == (499, "left")
    await until(lambda: model in faulty.left, "the upstream's connection to be closed")
    await settled(gateway, faulty)


async def test_a_client_may_leave_after_the_stream(gateway: Gateway, faulty: Upstream) -> None:
    """Who has read [DONE] has an answered call."""
    before = gateway.rows()
    async with line(gateway) as it:
        await it.send(request(gateway, CHAT, chat("ok#after", stream=True)))
        await it.head()
        while await it.event() != "[DONE]":
            pass
        assert len(gateway.rows()) == len(before) + 1  # durable before the last byte
        it.leave(rudely=True)
    row = await the_row(gateway, before)
    assert (row["status"], row["outcome"]) == (200, "answered")
    await settled(gateway, faulty)


async def test_a_locked_ledger_refuses_calls(gateway: Gateway, faulty: Upstream) -> None:
    """Nothing is told as a success: a whole answer becomes 503, a stream ends with an error; their rows follow."""
    before = gateway.rows()
    with closing(sqlite3.connect(gateway.data / "parley.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        whole, streamed, ready = await asyncio.gather(
            ask(gateway, CHAT, chat("ok#locked")),
            ask(gateway, CHAT, chat("ok#locked", stream=True)),
            ask(gateway, "/readyz", method="GET"),
        )
        lock.execute("ROLLBACK")
    assert (whole.status, whole.error["code"]) == (503, "not_recorded")
    assert (streamed.status, streamed.error["code"]) == (200, "not_recorded")
    assert ready.status == 503
    known = {row["id"] for row in before}
    await until(lambda: len(gateway.rows()) == len(before) + 2, "the rows that could not be written at once")
    late = [row for row in gateway.rows() if row["id"] not in known]
    assert [(row["status"], row["code"], row["outcome"]) for row in late] == [(503, "not_recorded", "failed")] * 2
    before = gateway.rows()
    assert (await ask(gateway, CHAT, chat("ok#unlocked"))).status == 200
    assert (await the_row(gateway, before))["outcome"] == "answered"
    await settled(gateway, faulty)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stored_answer_is_kept_with_its_record(gateway: Gateway, faulty: Upstream, stream: bool) -> None:
    """`store: true` keeps the answer, readable as soon as it was told; the upstream is not told to store."""
    before = gateway.rows()
    answer = await ask(gateway, CHAT, chat("ok#stored", stream=stream, store=True, metadata={"case": str(stream)}))
    name = (answer.events[0] if stream else answer.json)["id"]
    kept = await ask(gateway, f"{CHAT}/{name}", method="GET")
    assert kept.json["choices"][0]["message"]["content"] == "Hello there, friend."
    assert kept.json["usage"]["completion_tokens"] == 5
    assert kept.json["metadata"] == {"case": str(stream)}
    assert "store" not in faulty.asked[-1].body
    assert (await the_row(gateway, before))["outcome"] == "answered"
    assert (await ask(gateway, f"{CHAT}/{name}", method="DELETE")).json["deleted"] is True
    await settled(gateway, faulty)


async def test_a_crowd_of_endings_has_one_record_each(gateway: Gateway, faulty: Upstream) -> None:
    """Forty calls at once that end in ten ways: forty records, each with its own end."""
    before = {row["id"] for row in gateway.rows()}
    kinds = ["ok", "400", "500", "html", "error-event", "cut-midstream", "stall-midstream", "401", "slow", "rubbish"]
    answers = await asyncio.gather(
        *(ask(gateway, CHAT, chat(f"{kind}#crowd{number}", stream=True)) for number in range(4) for kind in kinds)
    )
    rows = {row["id"]: row for row in gateway.rows() if row["id"] not in before}
    assert len(rows) == 40
    for answer in answers:
        row = rows[answer.headers["x-request-id"]]
        assert (row["outcome"] == "answered") == (bool(answer.events) and answer.events[-1] == "[DONE]")
    await settled(gateway, faulty)


async def test_a_stream_outlives_sigterm(tmp_path: Path, faulty: Upstream) -> None:
    """The server takes no more calls, lets the running stream end well, and exits with 0."""
    async with serving(tmp_path, CONFIG.format(url=faulty.url, grace=5)) as it, line(it) as running:
        await running.send(request(it, CHAT, chat("slow#sigterm", stream=True)))
        await running.head()
        await running.event()
        it.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        with pytest.raises(ConnectionError):
            await ask(it, "/healthz", method="GET")
        events = [event async for event in rest(running)]
        assert events[-1] == "[DONE]"
        assert await asyncio.wait_for(it.process.wait(), 5) == 0
        assert [row["outcome"] for row in it.rows()] == ["answered"]
        assert await running.closed()


async def rest(running: Any) -> AsyncIterator[Any]:
    """Yield what is left of a stream."""
    while (event := await running.event()) is not None:
        yield event


@pytest.mark.parametrize("model", ["endless#grace", "stall-before-head#grace"])
async def test_a_grace_that_is_over_ends_calls_with_an_error(tmp_path: Path, faulty: Upstream, model: str) -> None:
    """What does not end in time is cut: the client is told, the record is there, the exit status is 0."""
    config = CONFIG.format(url=faulty.url, grace=1).replace("first_token = 0.4", "first_token = 20")
    async with serving(tmp_path, config) as it, line(it) as running:
        await running.send(request(it, CHAT, chat(model, stream=True)))
        await until(lambda: faulty.turns(model) == 1, "the call upstream")
        it.process.send_signal(signal.SIGTERM)
        answer = await asyncio.wait_for(running.answer(), 5)
        assert answer.status == (200 if answer.events else 503)
        assert answer.error["code"] == "server_is_overloaded"
        assert await asyncio.wait_for(it.process.wait(), 5) == 0
        [row] = it.rows()
        assert (row["status"], row["outcome"], row["code"]) == (503, "failed", "server_is_overloaded")
        await until(lambda: model in faulty.left, "the upstream's connection to be closed")


async def test_an_answer_that_was_read_survives_kill_9(tmp_path: Path, faulty: Upstream) -> None:
    """The moment the last byte is there, so is the record, whatever happens to the process."""
    config = CONFIG.format(url=faulty.url, grace=5)
    async with serving(tmp_path, config) as it:
        answers = await asyncio.gather(*(ask(it, CHAT, chat("ok#kill", stream=bool(n % 2))) for n in range(8)))
        it.process.kill()
        await it.process.wait()
    async with serving(tmp_path, config) as again:
        assert {row["id"] for row in again.rows()} == {answer.headers["x-request-id"] for answer in answers}
        assert json.loads((await ask(again, CHAT, chat("ok#again"))).body)["model"] == REAL
