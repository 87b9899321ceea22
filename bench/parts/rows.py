"""Rows of the ledger: how many a second last, and how long one takes until it is durable.

Written as calls write them, each in the audit log's chain, by one process: on SQLite on this checkout's disk, and on
the PostgreSQL of `--postgres URL` (an empty database), if it is given.
"""

import asyncio
import time
from secrets import token_hex

from bench.figures import Figure, quantile
from bench.gateways import Plan, workplace
from parley.core.call import request_id
from parley.store.database import Store, open_store
from parley.store.ledger import Record

WRITERS = 64


def record(at: int = 0, key: str = "") -> Record:
    """Return the row of a usual call: of now, unless *at* (nanoseconds since 1970) says when."""
    now = at or time.time_ns()
    return Record(
        id=request_id(now),
        at=now,
        project="default",
        key_id=key or "key_" + token_hex(12),
        operation="chat.completions",
        model_asked="gpt-4o",
        model_answered="gpt-4o",
        upstream="main",
        input_tokens=120,
        cached_tokens=0,
        output_tokens=80,
        exact=True,
        cost=1_100_000,
        price="parley.toml",
        status=200,
        code=None,
        outcome="answered",
        streamed=False,
        attempts=1,
        first_token_us=400,
        total_us=900,
    )


async def rate(store: Store, seconds: float) -> float:
    """Return the rows a second that many calls at once get written."""
    end, written = time.monotonic() + seconds, 0

    async def writer() -> None:
        nonlocal written
        while time.monotonic() < end:
            await store.ledger.write(record())
            written += 1

    since = time.monotonic()
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    return written / (time.monotonic() - since)


async def latency(store: Store, seconds: float) -> float:
    """Return the microseconds that a lone row takes, the median."""
    end, taken = time.monotonic() + seconds, []
    while time.monotonic() < end:
        since = time.perf_counter()
        await store.ledger.write(record())
        taken.append((time.perf_counter() - since) * 1e6)
    return quantile(taken, 0.5)


async def run(plan: Plan) -> list[Figure]:
    """Measure the databases in turns."""
    rates: dict[str, list[float]] = {}
    lone: dict[str, list[float]] = {}
    with workplace() as folder:
        urls = {"SQLite": f"sqlite:///{folder}/rows.db"} | ({"PostgreSQL": plan.postgres} if plan.postgres else {})
        stores = {name: await open_store(url) for name, url in urls.items()}
        for _ in range(plan.rounds):
            for name, store in stores.items():
                rates.setdefault(name, []).append(await rate(store, plan.seconds))
                lone.setdefault(name, []).append(await latency(store, plan.seconds / 3))
        for store in stores.values():
            await store.close()
    return [
        *(Figure(f"rows a second on {name}, {WRITERS} at once", "1/s", found) for name, found in rates.items()),
        *(Figure(f"a lone row until it is durable on {name}, p50", "us", found) for name, found in lone.items()),
    ]
