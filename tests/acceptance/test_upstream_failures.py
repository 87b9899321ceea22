"""What an operator learns when an upstream fails: a line in the log, a column in the record, a count in /metrics."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from faults import Upstream, upstream
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
async def faulty() -> AsyncIterator[Upstream]:
    """Lend the upstream."""
    async with upstream() as it:
        yield it


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
    ("500", False, "broken", 500, "Told by the provider: 500 Status"),
    ("401", False, "denied", 401, "Told by the provider: 401 Status"),
    ("no-quota", True, "no_quota", 429, "You exceeded your current quota."),
    ("404", False, "lacks_model", 404, "Told by the provider: 404 Status"),
    ("429", True, "busy", 429, "Told by the provider: 429 Busy"),
    ("stall-before-head", True, "timeout", None, "did not answer in time"),
    ("reset-midstream", True, "broken", None, "closed the connection before its answer was complete"),
    ("html", False, "broken", None, "`faulty` sent an answer"),
    ("gone", False, "broken", None, "Could not connect"),
]


@pytest.mark.parametrize(("model", "stream", "outcome", "status", "message"), FAILURES, ids=lambda it: str(it)[:20])
async def test_a_failed_attempt_is_one_line(
    gateway: Gateway, model: str, stream: bool, outcome: str, status: int | None, message: str
) -> None:
    """It names the call, the upstream and where it is, and says what it answered; the record names the upstream too."""
    answer = await ask(gateway, CHAT, chat(model, stream=stream))
    [line] = lines(gateway, answer)
    name, target = ("gone", "m") if model == "gone" else ("faulty", model)
    assert (line["event"], line["level"], line["upstream"], line["model"]) == (
        "an upstream failed", "warning", name, target,
    )  # fmt: skip
    assert (line["outcome"], line["status"]) == (outcome, status)
    assert message in line["message"]
    assert line["address"].startswith("http://127.0.0.1:")
    assert 0 <= line["seconds"] < 5
    assert upstream_of(gateway, answer) == name


async def test_a_call_that_failed_over_leaves_a_line(gateway: Gateway) -> None:
    """Its client got a good answer; the operator hears all the same that the first upstream is down."""
    answer = await ask(gateway, CHAT, chat("fails-over"))
    assert answer.status == 200
    assert [(line["upstream"], line["outcome"]) for line in lines(gateway, answer)] == [("gone", "broken")]
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
        'parley_upstream_attempts_total{outcome="broken",upstream="faulty"}': 1,
        'parley_upstream_attempts_total{outcome="broken",upstream="gone"}': 1,
        'parley_upstream_attempts_total{outcome="refused",upstream="faulty"}': 1,
    }


@pytest.mark.parametrize("model", ["tells-key", "refuses-key"])
async def test_nobody_is_told_our_key(gateway: Gateway, model: str) -> None:
    """Also where the upstream repeats it, and whatever it looks like: neither the log nor the client."""
    answer = await ask(gateway, CHAT, chat(model))
    assert KEY not in answer.body.decode()
    assert lines(gateway, answer)
    assert KEY not in (gateway.data / "log").read_text("utf-8")
