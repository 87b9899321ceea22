"""How long the usage of a ledger with a million rows takes to sum up, on SQLite and on `--postgres URL`.

The rows are those of ninety days, of forty keys, written as calls write them; that takes half a minute and more.
"""

import asyncio
import time

from bench.figures import Figure
from bench.gateways import Plan, workplace
from bench.parts.rows import WRITERS, record
from parley.store.audits import Wanted
from parley.store.database import Store, open_store
from parley.store.usage import Question

ROWS = 1_000_000
KEYS = 40
DAYS = 90
DAY = 86_400_000_000_000


async def fill(store: Store, now: int) -> None:
    """Write the rows: those of a key go round, and time passes evenly."""
    step, left = DAYS * DAY // ROWS, iter(range(ROWS))

    async def writer() -> None:
        for number in left:
            await store.ledger.write(record(now - (ROWS - number) * step, f"key_{number % KEYS:024x}"))

    await asyncio.gather(*(writer() for _ in range(WRITERS)))


def questions(now: int) -> dict[str, Question]:
    """Return what is asked, by name."""
    key = (f"key_{7:024x}",)
    return {
        "of the last day, by hour and model": Question(now - DAY, now, DAY // 24, ("model",)),
        "of a week, by day and key": Question(now - 7 * DAY, now, DAY, ("key",)),
        "of a week of one key, by day": Question(now - 7 * DAY, now, DAY, keys=key),
        "of 31 days, by day and project": Question(now - 31 * DAY, now, DAY, ("project",)),
        "of all 90 days, by day, project, key and model": Question(0, now, DAY, ("project", "key", "model")),
    }


async def ask(store: Store, question: Question) -> float:
    """Return the milliseconds that *question* takes."""
    since = time.perf_counter()
    if not await store.usage.sums(question):
        raise RuntimeError("the sums are empty")
    return (time.perf_counter() - since) * 1e3


async def page(store: Store) -> float:
    """Return the milliseconds that the newest page of calls and of the audit log take."""
    since = time.perf_counter()
    await store.calls(limit=100)
    await store.audits.list(Wanted())
    return (time.perf_counter() - since) * 1e3


async def run(plan: Plan) -> list[Figure]:
    """Fill a database of each kind, then ask it."""
    figures = []
    with workplace() as folder:
        urls = {"SQLite": f"sqlite:///{folder}/million.db"} | ({"PostgreSQL": plan.postgres} if plan.postgres else {})
        for kind, url in urls.items():
            store, now = await open_store(url), time.time_ns()
            await fill(store, now)
            for name, question in questions(now).items():
                times = [await ask(store, question) for _ in range(plan.rounds)]
                figures.append(Figure(f"usage of a million rows {name}, {kind}", "ms", times))
            times = [await page(store) for _ in range(plan.rounds)]
            figures.append(Figure(f"the newest hundred of a million calls, {kind}", "ms", times))
            await store.close()
    return figures
