"""Rate limits hold over replicas, are told as OpenAI tells them, and one caller's limit is nobody else's burden."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator

import openai
import pytest
from crowds import Fleet, Shape, call, fleet
from faults import Upstream

from tests.contract.store.postgres_server import PostgresServer

PER_MINUTE = 600
HAMMER_SECONDS = 16.0
HAMMERS = 6
AT_ONCE = 3
ROUNDS, CALLS = 4, 12  # of measuring
SLOWED = 4.0  # times: what two cores that do other things as well may add
MESSAGE = [{"role": "user", "content": "Hello"}]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream, postgres: PostgresServer) -> Iterator[Fleet]:
    """Lend two replicas on PostgreSQL."""
    folder = tmp_path_factory.mktemp("replicas")
    shape = Shape(replicas=2, postgres=True)
    with fleet(folder, shape, upstream=faulty.url, store=postgres.new_database()) as it:
        yield it


async def limited(servers: Fleet, name: str, *options: str) -> str:
    """Make a project limited by *options*, as an operator does; return its key."""
    key = await servers.project(name)
    await asyncio.to_thread(servers.servers[0].run, "limit", "set", "--project", name, *options)
    return key


async def hammer(servers: Fleet, key: str, seconds: float, pause: float = 0.02) -> list[tuple[float, int]]:
    """Call both replicas for *seconds*; return when each answer came, and its status."""
    came: list[tuple[float, int]] = []
    end = time.monotonic() + seconds

    async def one(number: int) -> None:
        while time.monotonic() < end:
            number += 1
            answer = await call(servers.servers[number % 2], key)
            came.append((time.monotonic(), answer.status))
            await asyncio.sleep(pause)

    await asyncio.gather(*(one(number) for number in range(HAMMERS)))
    return came


async def test_two_replicas_admit_one_rate(servers: Fleet) -> None:
    """A burst of the limit itself, and then the limit's pace, within two in a hundred."""
    key = await limited(servers, "paced", "--requests-per-minute", str(PER_MINUTE))
    began = time.monotonic()
    burst = 0
    while burst < PER_MINUTE - 20:
        answers = await asyncio.gather(*(call(servers.servers[number % 2], key) for number in range(100)))
        burst += sum(answer.status == 200 for answer in answers)
    assert burst <= PER_MINUTE + (time.monotonic() - began) * PER_MINUTE / 60 + 1
    await hammer(servers, key, 2)  # until the bucket is empty
    admitted = sorted(at for at, status in await hammer(servers, key, HAMMER_SECONDS) if status == 200)
    pace = (len(admitted) - 1) / (admitted[-1] - admitted[0]) * 60
    assert pace == pytest.approx(PER_MINUTE, rel=0.02)


@pytest.mark.parametrize("stream", [False, True])
async def test_every_answer_tells_how_limits_stand(servers: Fleet, stream: bool) -> None:
    """Whole and streamed: the limit, what is left, and when it is whole again, of requests and tokens."""
    options = ("--requests-per-minute", "60", "--tokens-per-minute", "6000")
    key = await limited(servers, f"told-{stream}", *options)
    headers = (await call(servers.servers[0], key, stream=stream)).headers
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-limit-tokens"]) == ("60", "6000")
    assert headers["x-ratelimit-remaining-requests"] == "59"
    assert 5900 < int(headers["x-ratelimit-remaining-tokens"]) < 6000
    assert headers["x-ratelimit-reset-requests"] == "1s"
    assert headers["x-ratelimit-reset-tokens"].endswith("ms")
    again = (await call(servers.servers[1], key, stream=stream)).headers
    assert again["x-ratelimit-remaining-requests"] == "58"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_says_when_to_come_back(servers: Fleet, stream: bool) -> None:
    """429 with seconds and milliseconds, and how the limits stand."""
    key = await limited(servers, f"refused-{stream}", "--requests-per-minute", "1", "--tokens-per-minute", "6000")
    assert (await call(servers.servers[0], key, stream=stream)).status == 200
    answer = await call(servers.servers[1], key, stream=stream)
    assert (answer.status, answer.error["code"], answer.error["type"]) == (429, "rate_limit_exceeded", "requests")
    assert 50 < int(answer.headers["retry-after"]) <= 60
    assert 50_000 < int(answer.headers["retry-after-ms"]) <= 60_000
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    assert {"x-ratelimit-limit-tokens", "x-ratelimit-reset-tokens"} <= set(answer.headers)
    assert "x-should-retry" not in answer.headers


async def test_the_official_client_comes_back_in_time(servers: Fleet) -> None:
    """It reads when there is room again, waits, and is answered."""
    key = await limited(servers, "patient", "--requests-per-minute", "60")
    while (await call(servers.servers[0], key)).status == 200:
        pass
    async with openai.AsyncOpenAI(base_url=servers.servers[1].base_url, api_key=key, max_retries=3) as client:
        answer = await client.chat.completions.create(model="ok", messages=MESSAGE)  # type: ignore[arg-type]
    assert answer.choices[0].message.content
    outcomes = Counter(row.outcome for row in await servers.rows("patient"))
    assert outcomes["refused"] >= 2  # the one that drained it, and the client's first


async def test_no_more_are_in_flight_than_may_be(servers: Fleet, faulty: Upstream) -> None:
    """However many ask both replicas at once; and each seat is free again after its call."""
    key = await limited(servers, "seats", "--at-once", str(AT_ONCE))
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, faulty.busy)
            await asyncio.sleep(0.001)

    watching = asyncio.ensure_future(watch())
    for _ in range(2):
        calls = (call(servers.servers[number % 2], key, "brisk", stream=number % 4 == 0) for number in range(30))
        statuses = Counter(answer.status for answer in await asyncio.gather(*calls))
        assert set(statuses) == {200, 429}
        assert statuses[200] >= AT_ONCE
    watching.cancel()
    assert most == AT_ONCE


async def test_who_is_at_its_limit_slows_nobody(servers: Fleet) -> None:
    """The median of another project's calls is about the same beside callers that are refused all the time."""
    stopped = await limited(servers, "stopped", "--requests-per-minute", "1")
    other = await limited(servers, "other", "--requests-per-minute", "100000")
    alone: list[float] = []
    beside: list[float] = []

    async def measure(times: list[float]) -> None:
        for number in range(CALLS):
            began = time.perf_counter()
            assert (await call(servers.servers[number % 2], other)).status == 200
            times.append(time.perf_counter() - began)

    await call(servers.servers[0], stopped)
    for _ in range(ROUNDS):
        await measure(alone)
        noise = asyncio.ensure_future(hammer(servers, stopped, 0.6))
        await asyncio.sleep(0.1)
        await measure(beside)
        assert {status for _, status in await noise} == {429}
    assert statistics.median(beside) < SLOWED * statistics.median(alone)
