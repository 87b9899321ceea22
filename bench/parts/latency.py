"""What a gateway adds to the latency of one lone caller; the same call straight to the upstream is the zero.

Parley answers only when the call's row is on the disk, so one commit of SQLite on this disk is part of the figure; it
is measured here as well.
"""

import asyncio
import sqlite3
import time

from bench.callers import Load
from bench.figures import Figure, quantile
from bench.gateways import Gateway, Plan, arena, workplace

COMMITS = 200
P50, P99 = 0.5, 0.99


async def measure(gateway: Gateway, seconds: float) -> tuple[float, float]:
    """Return p50 and p99 of a call's latency in microseconds."""
    async with Load(gateway, 1, 600) as tally:
        await asyncio.sleep(0.2)
        tally.seconds.clear()
        await asyncio.sleep(seconds)
        taken = tuple(tally.seconds)
    return quantile(taken, P50) * 1e6, quantile(taken, P99) * 1e6


def commits() -> list[float]:
    """Return the microseconds of single commits to SQLite (WAL, full durability) on this disk."""
    taken = []
    with workplace() as folder:
        database = sqlite3.connect(folder / "commits.db", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE row (text)")
        for _ in range(COMMITS):
            since = time.perf_counter()
            database.execute("INSERT INTO row VALUES (?)", ("x" * 300,))
            taken.append((time.perf_counter() - since) * 1e6)
        database.close()
    return taken


async def run(plan: Plan) -> list[Figure]:
    """Measure all three in turns."""
    with arena(plan) as gateways:
        rounds = [[await measure(gateway, plan.seconds) for gateway in gateways] for _ in range(plan.rounds)]
    figures = []
    for number, name in enumerate(("p50", "p99")):
        ours, proxy, direct = ([one[who][number] for one in rounds] for who in range(3))
        added = [a - d for a, d in zip(ours, direct, strict=True)], [b - d for b, d in zip(proxy, direct, strict=True)]
        figures += [
            Figure(f"latency of one caller, {name}", "us", ours, proxy, more={"direct": direct}),
            Figure(f"added latency of one caller, {name}", "us", *added, 1.5 if name == "p50" else None),
        ]
    disk = commits()
    figures.append(Figure("one SQLite commit on this disk, p50", "us", [quantile(disk, P50)]))
    figures.append(Figure("one SQLite commit on this disk, p99", "us", [quantile(disk, P99)]))
    return figures
