"""What an operator learns when an upstream fails: a line in the log, a column in the record, a count in /metrics."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
import pytest_asyncio
from faults import Upstream
from gateways import CHAT, Answer, Gateway, ask, chat, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "0aK-secret"
CONFIG = """
[engine]
enabled = false
[upstreams.faulty]
base_url = "{url}"
key = {{ file = "{key}" }}
retries = 0
price = "free"
timeouts = {{ first_token = 0.4 }}
[upstreams.gone]
base_url = "http://127.0.0.1:9/v1"
retries = 0
price = "free"
[models."*"]
targets = ["faulty/*"]
[models.fails-over]
targets = ["gone/m", "faulty/ok"]
[models.gone]
targets = ["gone/m"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend the server in front of it."""
    folder = tmp_path_factory.mktemp("failures")
    (folder / "key").write_text(KEY + "\n", "utf-8")
    async with serving(folder, CONFIG.format(url=faulty.url, key=folder / "key")) as it:
        yield it


def lines(gateway: Gateway, answer: Answer) -> list[dict[str, Any]]:
    """Return what the log says of the call that got *answer*."""
    found = [json.loads(line) for line in (gateway.data / "log").read_text("utf-8").splitlines() if line[:1] == "{"]
    return [line for line in found if line.get("request") == answer.headers["x-request-id"]]


def upstream_of(gateway: Gateway, answer: Answer) -> str | None:
    """Return which upstream the record of the call that got *answer* names."""
    [row] = [row for row in gateway.rows() if row["id"] == answer.headers["x-request-id"]]
    return None if row["upstream"] is None else str(row["upstream"])


FAILURES = [
    ("500", False, "upstream_broken", 500, "Told by the provider: 500 Status"),
    ("401", False, "upstream_denied", 401, "Told by the provider: 401 Status"),
    ("404", False, "model_not_found", 404, "Told by the provider: 404 Status"),
    ("429", True, "server_is_overloaded", 429, "Told by the provider: 429 Busy"),
    ("no-quota", True, "upstream_insufficient_quota", 429, "You exceeded your current quota."),
    ("stall-before-head", True, "upstream_timeout", None, "`faulty` did not answer in time"),
    ("reset-midstream", True, "upstream_broken", None, "`faulty` closed the connection before its answer was complete"),
    ("html", True, "upstream_broken", None, "`faulty` answered with a page of HTML instead of events"),
    ("never-streams", True, "upstream_broken", None, "`faulty` answered with JSON instead of events"),
    ("gone", False, "upstream_broken", None, "could not connect to 127.0.0.1:9"),
]


@pytest.mark.parametrize(("model", "stream", "code", "status", "said"), FAILURES, ids=lambda it: str(it)[:20])
async def test_a_failed_attempt_is_one_line(
    gateway: Gateway, model: str, stream: bool, code: str, status: int | None, said: str
) -> None:
    """It names call and upstream, and says what was answered; the record names it too, the client hears no address."""
    answer = await ask(gateway, CHAT, chat(model, stream=stream))
    [line] = lines(gateway, answer)
    name, target = ("gone", "m") if model == "gone" else ("faulty", model)
    told = {key: line[key] for key in ("event", "level", "upstream", "model", "code", "status")}
    assert told == {
        "event": "an upstream failed",
        "level": "error" if code in {"upstream_denied", "upstream_insufficient_quota"} else "warning",
        "upstream": name,
        "model": target,
        "code": code,
        "status": status,
    }
    assert said in line["said"]
    assert 0 <= line["seconds"] < 5
    assert upstream_of(gateway, answer) == name
    assert answer.error["code"] == code
    assert "127.0.0.1" not in answer.error["message"]


async def test_a_call_that_failed_over_leaves_a_line(gateway: Gateway) -> None:
    """Its client got a good answer; the operator hears all the same that the first upstream is down."""
    answer = await ask(gateway, CHAT, chat("fails-over"))
    assert answer.status == 200
    assert [(line["upstream"], line["code"]) for line in lines(gateway, answer)] == [("gone", "upstream_broken")]
    assert upstream_of(gateway, answer) == "faulty"


async def test_a_good_call_leaves_no_line(gateway: Gateway) -> None:
    """Neither whole nor streamed."""
    for stream in (False, True):
        assert lines(gateway, await ask(gateway, CHAT, chat("ok", stream=stream))) == []


async def test_attempts_are_counted_by_upstream(gateway: Gateway) -> None:
    """One for each time that somebody was asked."""
    before = await gateway.counted()
    await asyncio.gather(*(ask(gateway, CHAT, chat(model)) for model in ("ok", "fails-over", "500", "400")))
    after = await gateway.counted()
    grown = {name: value - before.get(name, 0) for name, value in after.items() if "attempts_total" in name}
    assert {name: value for name, value in grown.items() if value} == {
        'parley_upstream_attempts_total{outcome="answered",upstream="faulty"}': 2,
        'parley_upstream_attempts_total{outcome="upstream_broken",upstream="faulty"}': 1,
        'parley_upstream_attempts_total{outcome="upstream_broken",upstream="gone"}': 1,
        'parley_upstream_attempts_total{outcome="refused",upstream="faulty"}': 1,
    }


@pytest.mark.parametrize("model", ["tells-key", "refuses-key"])
async def test_nobody_is_told_our_key(gateway: Gateway, model: str) -> None:
    """Also where the upstream repeats it, and whatever it looks like: neither the log nor the client."""
    answer = await ask(gateway, CHAT, chat(model))
    assert KEY not in answer.body.decode()
    assert [line["said"] for line in lines(gateway, answer)] == ["What is ***?"]
    assert KEY not in (gateway.data / "log").read_text("utf-8")


@pytest.mark.parametrize(("model", "times"), [("401", 1), ("no-quota", 1), ("500", 2)])
async def test_official_clients_do_not_retry_what_the_operator_has_to_mend(
    gateway: Gateway, faulty: Upstream, model: str, times: int
) -> None:
    """They would try any 502 again; a broken answer they still do."""
    url, name = f"http://127.0.0.1:{gateway.port}/v1", f"{model}#official"
    async with openai.AsyncOpenAI(base_url=url, api_key=gateway.key, max_retries=1) as client:
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello"}])
    assert faulty.turns(name) == times
