"""A budget is never exceeded, never blocks falsely, and loses nothing: with crowds, dying processes, a lost database.

`PARLEY_TEST_CROWDS` and `PARLEY_TEST_KILLS` say how often; by default once, and five times.
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from crowds import COST, Fleet, Load, Shape, call, fleet
from faults import Upstream

from tests.contract.store.postgres_server import PostgresServer

CROWDS = int(os.environ.get("PARLEY_TEST_CROWDS", "1"))
KILLS = int(os.environ.get("PARLEY_TEST_KILLS", "5"))
LONG = 120 + CROWDS * 30 + KILLS * 20  # seconds
CROWD, PAID = 400, 40
CALLERS = 10
PLENTY = 10**15
AWAY_SECONDS = 6.5  # longer than any row waits
SHAPES = {
    "one": Shape(),
    "four": Shape(workers=4),
    "replicas": Shape(replicas=2, postgres=True),
    "killed": Shape(workers=2, lease=2),
    "killed-replica": Shape(replicas=2, postgres=True, lease=2),
    "away": Shape(postgres=True, lease=12),
}
pytestmark = [pytest.mark.timeout(LONG), pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, faulty: Upstream
) -> Iterator[Fleet]:
    """Lend running servers of the shape that the test names."""
    shape, folder = SHAPES[request.param], tmp_path_factory.mktemp(request.param)
    store = f"sqlite:///{folder / 'parley.db'}"
    if shape.postgres:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        store = postgres.new_database()
    with fleet(folder, shape, upstream=faulty.url, store=store) as it:
        yield it


@pytest.mark.parametrize("servers", ["one", "four", "replicas"], indirect=True)
async def test_of_four_hundred_at_once_forty_are_paid_for(servers: Fleet) -> None:
    """Exactly so many are answered, the others told that the money is spent, which no client should try again."""
    for run in range(CROWDS):
        name = f"crowd-{run}"
        key = await servers.project(name, COST * PAID)
        turns = [servers.servers[number % len(servers.servers)] for number in range(CROWD)]
        answers = await asyncio.gather(
            *(call(server, key, stream=number % 3 == 0) for number, server in enumerate(turns))
        )
        assert Counter(answer.status for answer in answers) == {200: PAID, 429: CROWD - PAID}
        refused = [answer for answer in answers if answer.status == 429]
        assert {answer.error["code"] for answer in refused} == {"insufficient_quota"}
        assert {answer.headers["x-should-retry"] for answer in refused} == {"false"}
        assert not any("retry-after" in answer.headers for answer in refused)
        assert await asyncio.to_thread(servers.budget, name) == (COST * PAID, 0)
        rows = await servers.rows(name)
        assert Counter(row.outcome for row in rows) == {"answered": PAID, "refused": CROWD - PAID}


@pytest.mark.parametrize("servers", ["killed", "killed-replica"], indirect=True)
async def test_what_was_read_is_recorded_whoever_is_killed(servers: Fleet) -> None:
    """Killed at random moments: who read the last byte has a row, who was cut off is told as lost, sums are right."""
    key = await servers.project("shop", PLENTY)
    load = Load(servers, key)
    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(load.caller(number)) for number in range(CALLERS)]
        for kill in range(KILLS):
            await asyncio.sleep(random.uniform(0.3, 1.2))  # noqa: S311 - no secret
            victim = servers.servers[kill % len(servers.servers)]
            if servers.shape.workers > 1 and kill % 2:
                victim.kill(worker=True)  # it is started again by itself
                continue
            await asyncio.to_thread(victim.kill)
            await asyncio.to_thread(victim.start)
        await asyncio.sleep(0.5)
        for caller in callers:
            caller.cancel()
    await servers.at_rest(20)
    rows = {row.id: row for row in await servers.rows("shop")}
    assert len(load.read) > KILLS
    assert [id_ for id_ in load.read if id_ not in rows or rows[id_].outcome != "answered"] == []
    lost = [row for row in rows.values() if row.outcome == "lost"]
    assert len(lost) > 0
    assert {(row.status, row.code, row.cost) for row in lost} == {(500, "lost", COST)}
    assert await asyncio.to_thread(servers.budget, "shop") == (sum(row.cost for row in rows.values()), 0)


@pytest.mark.parametrize("servers", ["away"], indirect=True)
async def test_nothing_is_answered_unmetered_while_the_database_is_away(
    servers: Fleet, postgres: PostgresServer
) -> None:
    """503 while it is away; then all goes on without a restart, and calls that it cut are booked and hold nothing."""
    key = await servers.project("shop", PLENTY)
    load = Load(servers, key)
    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(load.caller(number)) for number in range(CALLERS)]
        cut = group.create_task(call(servers.servers[0], key, "patient"))
        await asyncio.sleep(0.7)
        await asyncio.to_thread(postgres.stop)
        gone = time.time_ns()
        await asyncio.sleep(AWAY_SECONDS)
        back = time.time_ns()
        await asyncio.to_thread(postgres.start)
        seen = len(load.read)
        await asyncio.sleep(1.5)
        for caller in callers:
            caller.cancel()
    assert len(load.read) > seen  # without a restart
    assert {answer.status for answer in load.refused} == {503}
    await servers.at_rest(20)
    rows = {row.id: row for row in await servers.rows("shop")}
    assert [id_ for id_ in load.read if id_ not in rows or rows[id_].outcome != "answered"] == []
    late = [row for row in rows.values() if row.code == "not_recorded"]
    assert {row.cost for row in late} <= {COST, 0}
    assert (cut.result().status, rows[cut.result().headers["x-request-id"]] in late) == (503, True)
    assert rows[cut.result().headers["x-request-id"]].cost == COST  # what its upstream had answered is owed
    assert not [row for row in rows.values() if gone + 10**9 < row.at < back and row.outcome == "answered"]
    assert await asyncio.to_thread(servers.budget, "shop") == (sum(row.cost for row in rows.values()), 0)
    assert (await call(servers.servers[0], key)).status == 200


@pytest.mark.parametrize("servers", ["away"], indirect=True)
async def test_an_open_project_is_answered_and_booked_later(servers: Fleet, postgres: PostgresServer) -> None:
    """It chose so; its calls have their rows and their price when the database is back, and the audit log tells."""
    key, closed = await servers.project("open", PLENTY), await servers.project("closed", PLENTY)
    server = servers.servers[0]
    await asyncio.to_thread(server.run, "budget", "set", "--project", "open", "--open")
    assert [(await call(server, each)).status for each in (key, closed)] == [200, 200]
    await asyncio.to_thread(postgres.stop)
    answers = await asyncio.gather(call(server, key), call(server, key, stream=True), call(server, closed))
    await asyncio.to_thread(postgres.start)
    assert [answer.status for answer in answers] == [200, 200, 503]
    end = time.monotonic() + 30
    while len(rows := await servers.rows("open")) < 3:
        assert time.monotonic() < end, "the rows did not come"
        await asyncio.sleep(0.5)
    assert Counter((row.outcome, row.cost) for row in rows) == {("answered", COST): 3}
    assert await asyncio.to_thread(servers.budget, "open") == (3 * COST, 0)
    while not (told := await servers.deeds("project.unmetered")):
        assert time.monotonic() < end, "the audit log was not told"
        await asyncio.sleep(0.5)
    assert [deed["data"]["calls"] for deed in told] == [2]


@pytest.mark.parametrize("servers", ["one"], indirect=True)
async def test_a_client_that_leaves_while_it_is_let_in_holds_nothing(servers: Fleet) -> None:
    """Cut off at every moment of the asking: what was taken is given back."""
    key = await servers.project("leaving", PLENTY)
    for moment in range(60):
        leaving = asyncio.ensure_future(call(servers.servers[0], key, "brisk"))
        await asyncio.sleep(moment % 12 * 0.001)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
    await servers.at_rest(5)
    rows = await servers.rows("leaving")
    assert await asyncio.to_thread(servers.budget, "leaving") == (sum(row.cost for row in rows), 0)


@pytest.mark.parametrize("servers", ["one"], indirect=True)
async def test_an_answer_is_made_to_fit(servers: Fleet, faulty: Upstream) -> None:
    """The upstream is told what the budget pays for, and the stream ends with the reason `length`; nothing is left."""
    key = await servers.project("fitting")
    given = ("--project", "fitting", "--ever", "0.007", "--fit")
    await asyncio.to_thread(servers.servers[0].run, "budget", "set", *given)
    answer = await call(servers.servers[0], key, "obedient", max_tokens=None, stream=True)
    assert (answer.status, answer.text) == (200, "word " * 7)
    reasons = [choice["finish_reason"] for event in answer.events[:-1] for choice in event["choices"]]
    assert reasons[-1] == "length"
    assert faulty.asked[-1].body["max_tokens"] == 7
    assert await asyncio.to_thread(servers.budget, "fitting") == (7_000_000, 0)
    again = await call(servers.servers[0], key, "obedient", max_tokens=None, stream=True)
    assert (again.status, again.error["code"]) == (429, "insufficient_quota")
