"""Routes: who is asked when somebody fails, and what becomes of a stream that breaks, before real servers.

`faulty` fails as the model's name says; `spare` is well. Every call has one row, which tells what has to be paid for.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from faults import WORDS, Asked, Upstream, behaviour, chunk, completion, upstream
from gateways import CHAT, Answer, Gateway, ask, chat, serving, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CROWD = 1000
AT_ONCE = 200  # of the crowd: so many connections are open at a time
CONFIG = """
[server]
workers = {workers}
[upstreams.faulty]
base_url = "{faulty}"
retries = 1
timeouts = {{ connect = 1, first_token = 2, between_tokens = 0.3 }}
breaker = {{ cooldown = 0.8 }}
[upstreams.spare]
base_url = "{spare}"
prefill = "plain"
[upstreams.narrow]
base_url = "{spare}"
at_once = 2
[models.crowded]
targets = ["faulty/reset-before-head#crowd", "spare/ok"]
price = "free"
[models.ill]
targets = ["faulty/ill"]
price = "free"
[models.goes-on]
targets = ["faulty/cut-midstream#on", "spare/goes-on"]
on_break = "continue"
price = {{ input = "1", output = "1000" }}
[models.nobody-goes-on]
targets = ["spare/cut-midstream#nobody", "faulty/goes-on#never"]
on_break = "continue"
price = "free"
[models.begins-anew]
targets = ["faulty/stall-midstream#anew", "spare/ok"]
on_break = "restart"
price = {{ input = "1", output = "1000" }}
[models.engine-goes-on]
targets = ["faulty/cut-midstream#engine", "local/parley-mini"]
on_break = "continue"
price = "free"
[models.hedged]
targets = ["faulty/stall-before-head#hedged", "spare/ok"]
hedge = {{ after = 0.1 }}
price = {{ input = "1", output = "1000" }}
[models.narrow]
targets = ["narrow/slow", "spare/ok"]
price = "free"
[models.too-long]
targets = ["faulty/400#long", "spare/ok"]
price = "free"
[models.tiers]
targets = ["spare/ok#heavy", "spare/ok#light", "faulty/ok#last"]
tiers = [2, 1]
pick = "weight"
weights = [3, 1, 1]
price = "free"
[models."*"]
targets = ["faulty/*"]
price = "free"
"""
well = asyncio.Event()


@behaviour("ill")
async def _ill(asked: Asked) -> bool:
    """Fail until it is well."""
    return await (asked.whole("200 OK", completion()) if well.is_set() else asked.refuse("500 Ill"))


@behaviour("goes-on")
async def _goes_on(asked: Asked) -> bool:
    """Go on behind a last message of the assistant, as a server with prefill does."""
    last = asked.body["messages"][-1]
    assert last["role"] == "assistant"
    begun = len(WORDS[:2]) if last["content"] == "".join(WORDS[:2]) else 0
    await asked.begin()
    await asked.event(chunk({"role": "assistant", "content": ""}))
    await asked.words(*WORDS[begun:])
    return await asked.finish()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def spare() -> AsyncIterator[Upstream]:
    """Lend the second upstream."""
    async with upstream() as it:
        yield it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, faulty: Upstream, spare: Upstream
) -> AsyncIterator[Gateway]:
    """Lend the server in front of both."""
    config = CONFIG.format(workers=1, faulty=faulty.url, spare=spare.url)
    async with serving(tmp_path_factory.mktemp("routes"), config) as it:
        yield it


async def row_of(gateway: Gateway, answer: Answer) -> dict[str, Any]:
    """Return the one row of the call that got *answer*, once it is there."""
    id_ = answer.headers["x-request-id"]
    await until(lambda: any(row["id"] == id_ for row in gateway.rows()), "a row")
    [row] = [row for row in gateway.rows() if row["id"] == id_]
    return row


async def breaker(gateway: Gateway, target: str) -> str:
    """Return the state of a target's breaker, which /status and /metrics tell alike."""
    told = (await ask(gateway, "/status", method="GET")).json["targets"]
    [found] = [one["breaker"] for one in told if one["target"] == target]
    number = (await gateway.counted())[f'parley_target_breaker{{target="{target}"}}']
    assert {0: "closed", 1: "half_open", 2: "open"}[int(number)] == found
    return str(found)


async def test_a_crowd_before_a_target_that_is_down(gateway: Gateway, faulty: Upstream) -> None:
    """All are answered by the second, and the first is left alone but for a few that look whether it is well."""
    for _ in range(5):
        assert (await ask(gateway, CHAT, chat("crowded"))).status == 200
    warm, gate = faulty.turns("reset-before-head#crowd"), asyncio.Semaphore(AT_ONCE)

    async def one() -> int:
        async with gate:
            return (await ask(gateway, CHAT, chat("crowded"))).status

    statuses = await asyncio.gather(*(one() for _ in range(CROWD)))
    assert statuses == [200] * CROWD
    assert faulty.turns("reset-before-head#crowd") - warm <= 50
    await until(lambda: sum(row["model_asked"] == "crowded" for row in gateway.rows()) == CROWD + 5, "every row")


async def test_a_target_is_left_alone_and_tried_again(gateway: Gateway, faulty: Upstream) -> None:
    """After five failures nobody asks, and the client hears when to come again; one call finds it well."""
    well.clear()
    for _ in range(6):
        await ask(gateway, CHAT, chat("ill"))
    asked = faulty.turns("ill")
    assert asked <= 6
    assert await breaker(gateway, "faulty/ill") == "open"
    refused = await ask(gateway, CHAT, chat("ill"))
    assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (503, "server_is_overloaded", "1")
    assert (faulty.turns("ill"), (await row_of(gateway, refused))["attempts"]) == (asked, 0)
    well.set()
    await asyncio.sleep(0.9)
    assert await breaker(gateway, "faulty/ill") == "half_open"
    assert (await ask(gateway, CHAT, chat("ill"))).status == 200
    assert await breaker(gateway, "faulty/ill") == "closed"


async def test_workers_know_what_one_of_them_has_learnt(
    tmp_path_factory: pytest.TempPathFactory, faulty: Upstream, spare: Upstream
) -> None:
    """Three of them, and no more failures than one may have; each is whoever takes the connection."""
    folder = tmp_path_factory.mktemp("crew")
    config = CONFIG.format(workers=3, faulty=faulty.url, spare=spare.url).replace("cooldown = 0.8", "cooldown = 30")
    async with serving(folder, config) as crew:
        while (await ask(crew, CHAT, chat("500#crew"))).status == 502:
            pass
        asked = faulty.turns("500#crew")
        assert asked <= 6
        answers = [await ask(crew, CHAT, chat("500#crew")) for _ in range(30)]
        assert {answer.status for answer in answers} == {503}
        assert faulty.turns("500#crew") == asked


async def test_a_broken_stream_goes_on_elsewhere(gateway: Gateway, spare: Upstream) -> None:
    """The client sees one stream, of one id, that ends well; both parts are paid for, each as it was."""
    answer = await ask(gateway, CHAT, chat("goes-on", stream=True, max_tokens=100))
    assert (answer.text, answer.events[-1]) == ("".join(WORDS), "[DONE]")
    assert sum("role" in (choice["delta"]) for event in answer.events[:-1] for choice in event["choices"]) == 0
    assert spare.asked[-1].body["max_tokens"] == 98
    row = await row_of(gateway, answer)
    assert (row["status"], row["outcome"], row["attempts"], row["upstream"]) == (200, "answered", 2, "spare")
    # the first half: eight tokens asked, two said, as we count; the rest as the provider told
    assert (row["input_tokens"], row["output_tokens"], bool(row["exact"])) == (8 + 10, 2 + 5, False)
    assert row["cost"] == (8 + 10) * 1_000 + (2 + 5) * 1_000_000


async def test_a_stream_that_nobody_can_go_on_with_is_an_error(gateway: Gateway, faulty: Upstream) -> None:
    """The next target has no prefill: the client is told, and no [DONE]."""
    answer = await ask(gateway, CHAT, chat("nobody-goes-on", stream=True))
    assert (answer.text, answer.error["code"]) == ("Hello there", "upstream_broken")
    assert faulty.turns("goes-on#never") == 0


async def test_a_broken_stream_is_begun_anew_elsewhere(gateway: Gateway) -> None:
    """It was held back: the client sees the second answer only, and both are paid for."""
    answer = await ask(gateway, CHAT, chat("begins-anew", stream=True))
    assert (answer.text, answer.events[-1]) == ("".join(WORDS), "[DONE]")
    row = await row_of(gateway, answer)
    assert (row["input_tokens"], row["output_tokens"], row["attempts"]) == (8 + 10, 2 + 5, 2)
    assert row["cost"] == (8 + 10) * 1_000 + (2 + 5) * 1_000_000


async def test_the_engine_goes_on(gateway: Gateway) -> None:
    """llama.cpp takes a last message of the assistant for the beginning of its answer."""
    answer = await ask(gateway, CHAT, chat("engine-goes-on", stream=True, max_tokens=30))
    assert answer.text.startswith("Hello there")
    assert (answer.events[-1], len({event["id"] for event in answer.events[:-1]})) == ("[DONE]", 1)
    assert (await row_of(gateway, answer))["upstream"] == "local"


async def test_a_slow_target_is_hedged(gateway: Gateway, faulty: Upstream) -> None:
    """Whoever answers first is taken; the other is cancelled there too, and what it was asked is paid for."""
    answer = await ask(gateway, CHAT, chat("hedged"))
    assert answer.status == 200
    row = await row_of(gateway, answer)
    assert (row["attempts"], row["upstream"], row["input_tokens"], row["output_tokens"]) == (2, "spare", 8 + 10, 5)
    await until(lambda: "stall-before-head#hedged" in faulty.left, "the loser's end")


async def test_no_more_are_asked_at_once(gateway: Gateway) -> None:
    """What is too much goes to the next target at once."""
    answers = await asyncio.gather(*(ask(gateway, CHAT, chat("narrow")) for _ in range(5)))
    upstreams = [(await row_of(gateway, answer))["upstream"] for answer in answers]
    assert sorted(upstreams) == ["narrow", "narrow", "spare", "spare", "spare"]


async def test_a_prompt_that_is_too_long_goes_to_another_model(gateway: Gateway) -> None:
    """Its refusal is not told, for another model takes it."""
    answer = await ask(gateway, CHAT, chat("too-long"))
    assert (answer.status, (await row_of(gateway, answer))["upstream"]) == (200, "spare")


async def test_a_client_that_asks_again_by_itself_is_not_multiplied(gateway: Gateway, faulty: Upstream) -> None:
    """The official clients tell how often they have asked: we ask once."""
    await ask(gateway, CHAT, chat("503#patient"))
    await ask(gateway, CHAT, chat("503#again"), "x-stainless-retry-count: 1")
    assert (faulty.turns("503#patient"), faulty.turns("503#again")) == (2, 1)


async def test_a_tier_is_dealt_by_weight(gateway: Gateway, spare: Upstream, faulty: Upstream) -> None:
    """Three to one; the next tier is not asked while one of this answers."""
    for _ in range(40):
        await ask(gateway, CHAT, chat("tiers"))
    heavy, light = spare.turns("ok#heavy"), spare.turns("ok#light")
    assert heavy + light == 40
    assert heavy > light > 0
    assert faulty.turns("ok#last") == 0


async def test_nothing_is_left(gateway: Gateway, faulty: Upstream, spare: Upstream) -> None:
    """After all of it: no open call, no busy upstream, no fault of ours."""

    async def at_rest() -> bool:
        return not (faulty.busy or spare.busy or (await gateway.counted())["parley_open_calls"])

    await until(at_rest, "the end of every call")
    assert "a fault of ours" not in (gateway.data / "log").read_text("utf-8")
    for line in (gateway.data / "log").read_text("utf-8").splitlines():
        assert line[:1] != "{" or json.loads(line).get("level") != "critical"
