"""A constant load of good calls and faults: nothing grows, and the ledger's sums are those of its rows.

Some seconds by default; `PARLEY_TEST_SOAK_SECONDS=1200` is the proof, which judges memory too and prints what it saw.
"""

import asyncio
import json
import os
import random
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import psutil  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from faults import Upstream
from gateways import CHAT, Gateway, ask, chat, line, request, serving, until

from parley.core.rules import Rule
from parley.store.database import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = float(os.environ.get("PARLEY_TEST_SOAK_SECONDS", "6"))
LONG = SECONDS >= 300
CALLERS = 12
PAUSE = 0.05  # seconds of a caller between two calls: the load is the same throughout
WARM = 0.25  # of the time, in which pools fill and everything is loaded
SLOPE = 0.5  # MiB a minute that memory may grow by, in a long run
CONFIG = """
[engine]
enabled = false
[upstreams.faulty]
base_url = "{url}"
retries = 1
timeouts = {{ connect = 1, first_token = 0.4, between_tokens = 0.3, total = 3 }}
breaker = {{ failures = 20, cooldown = 0.5 }}
[upstreams.second]
base_url = "{url}"
prefill = "plain"
[models.fails-over]
targets = ["faulty/reset-before-head#soak", "second/ok"]
price = {{ input = "1", output = "2" }}
[models.goes-on]
targets = ["faulty/cut-midstream#soak", "second/ok"]
on_break = "continue"
price = {{ input = "1", output = "2" }}
[models.begins-anew]
targets = ["faulty/reset-midstream#soak", "second/ok"]
on_break = "restart"
price = {{ input = "1", output = "2" }}
[models.hedged]
targets = ["faulty/slow", "second/ok"]
hedge = {{ after = 0.1 }}
price = {{ input = "1", output = "2" }}
[models."*"]
targets = ["faulty/*"]
price = {{ input = "1", output = "2" }}
"""
GOOD = ("ok",) * 6
ODD = (
    "fails-over", "goes-on", "begins-anew", "hedged", "500", "429", "400", "404", "401", "html", "rubbish", "empty",
    "not-http", "reset-before-head", "reset-midstream", "cut-midstream", "cut-whole", "cut-finished", "error-event",
    "stall-before-head", "stall-after-head", "stall-midstream", "no-usage", "once-503",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory, faulty: Upstream) -> AsyncIterator[Gateway]:
    """Lend the server; its project has a budget that is never used up."""
    folder = tmp_path_factory.mktemp("soak")
    async with serving(folder, CONFIG.format(url=faulty.url)) as it:
        store = await open_store(f"sqlite:///{folder / 'parley.db'}")
        owner = await store.rules.project("default")
        await store.rules.set(Rule("project", owner, "*", "money", "ever", 10**15))
        await store.close()
        yield it


async def caller(gateway: Gateway, seed: int, end: float, made: list[int]) -> None:
    """Call, well and badly; now and then leave in the middle of the answer."""
    dice, loop = random.Random(seed), asyncio.get_running_loop()  # noqa: S311 - not a secret
    while loop.time() < end:
        model = dice.choice(GOOD + ODD)
        body = chat(model, stream=dice.random() < 0.6)
        made[0] += 1
        if dice.random() < 0.08:
            async with line(gateway) as it:
                await it.send(request(gateway, CHAT, body))
                with suppress(TimeoutError, ConnectionError):
                    await asyncio.wait_for(it.reader.read(200), 0.1 * dice.random())
        else:
            answer = await ask(gateway, CHAT, body)
            assert answer.status != 500
            cut = bool(answer.events) and answer.events[-1] != "[DONE]"
            assert not cut or "error" in answer.events[-1]
        await asyncio.sleep(PAUSE)


async def watch(gateway: Gateway, seen: list[tuple[float, float, int]]) -> None:
    """Note time, memory in MiB and open files, once a second or so."""
    process, loop = psutil.Process(gateway.process.pid), asyncio.get_running_loop()
    began = loop.time()
    while True:
        seen.append((loop.time() - began, process.memory_info().rss / 2**20, process.num_fds()))
        await asyncio.sleep(min(1.0, SECONDS / 20))


async def test_nothing_grows(gateway: Gateway, faulty: Upstream) -> None:
    """Neither memory nor files; every call has its row, and what was spent is what the rows cost."""
    made, seen = [0], []
    end = asyncio.get_running_loop().time() + SECONDS
    watching = asyncio.ensure_future(watch(gateway, seen))
    await asyncio.gather(*(caller(gateway, seed, end, made) for seed in range(CALLERS)))
    watching.cancel()

    async def at_rest() -> bool:
        return not faulty.busy and not (await gateway.counted())["parley_open_calls"] and not gateway.connections()

    await until(at_rest, "the end of every call")
    rows = gateway.rows()
    late = [it for it in seen if it[0] > SECONDS * WARM]
    slope = statistics.linear_regression([it[0] / 60 for it in late], [it[1] for it in late]).slope
    files = [it[2] for it in late]
    report = {
        "seconds": SECONDS, "calls": made[0], "rows": len(rows), "MiB": [round(late[0][1], 1), round(late[-1][1], 1)],
        "MiB a minute": round(slope, 3), "files": [min(files), max(files), gateway.files()],
    }  # fmt: skip
    sys.stdout.write(json.dumps(report) + "\n")
    assert made[0] - 0.1 * made[0] < len(rows) <= made[0]  # who left before its request was read has none
    assert len({row["id"] for row in rows}) == len(rows)
    assert gateway.files() <= seen[0][2] + 70  # the pool of resting connections to the upstream
    if LONG:
        assert slope < SLOPE
    store = await open_store(f"sqlite:///{gateway.data / 'parley.db'}")
    [state] = [it for it in await store.rules.states(0) if it.rule.measure == "money"]
    await store.close()
    assert (state.spent, state.held) == (sum(row["cost"] for row in rows), 0)
    assert "a fault of ours" not in (gateway.data / "log").read_text("utf-8")
