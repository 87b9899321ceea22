"""1,000 open streams of 50 events a second: relay delay, memory per stream, and how soon it is idle when all hang up.

Load and upstream share a core and have to send and read 50,000 events a second themselves, so the same load straight at
the upstream is measured too: what it shows is the bench's own share. All streams are open before any goes on. Idle
means: a window with less than 5 % CPU, no open call by `/metrics`, no stream left at the upstream.
"""

import asyncio
import json
import re
import time

from bench.figures import Figure, quantile
from bench.gateways import Gateway, Plan, arena
from bench.processes import cpu_seconds, memory
from bench.readers import Crowd

STREAMS, MILLISECONDS = 1000, 20
WARM = 1.0
WINDOW, IDLE = 0.2, 0.05  # seconds, and the share of a core that counts as idle
PATIENCE = 30.0
KIB = 1024


async def fetch(port: int, path: str) -> str:
    """Return what a GET of *path* answers, head and all."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n".encode())
    if path in {"/open", "/go"}:  # the fake upstream keeps its connections
        head = await reader.readuntil(b"\r\n\r\n")
        found = head + await reader.readuntil(b"}")
    else:
        found = await reader.read()
    writer.close()
    return found.decode()


async def settled(gateway: Gateway, upstream: Gateway) -> bool:
    """Tell whether nothing is open any more, at the upstream and by the gateway's own word."""
    told = json.loads((await fetch(upstream.port, "/open")).split("\r\n\r\n")[1])
    if told["streams"]:
        return False
    if not gateway.metrics:
        return True
    found = re.search(r"^parley_open_calls (\S+)", await fetch(gateway.port, "/metrics"), re.MULTILINE)
    return found is not None and float(found[1]) == 0


async def until_idle(gateway: Gateway, upstream: Gateway) -> float:
    """Return the seconds from now until *gateway* is idle."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        since, spent = time.monotonic(), cpu_seconds(gateway.pid)
        await asyncio.sleep(WINDOW)
        share = (cpu_seconds(gateway.pid) - spent) / (time.monotonic() - since)
        if share < IDLE and await settled(gateway, upstream):
            return since - began
    return PATIENCE


async def measure(gateway: Gateway, upstream: Gateway, seconds: float) -> dict[str, float]:
    """Return the figures of one crowd."""
    async with Crowd(gateway, 20, MILLISECONDS):
        await asyncio.sleep(WARM)  # so that what is made once is not counted as a stream's memory ...
    await until_idle(gateway, upstream)  # ... nor a tokenizer, which is loaded for the first stream that was cut off
    before = memory(gateway.pid)
    async with Crowd(gateway, STREAMS, MILLISECONDS, held=True) as crowd:
        sight, early = crowd.sight, memory(gateway.pid)
        await fetch(upstream.port, "/go")
        await asyncio.sleep(WARM)
        sight.delays.clear()
        events, spent, since = sight.events, cpu_seconds(gateway.pid), time.monotonic()
        await asyncio.sleep(seconds)
        events, spent, passed = sight.events - events, cpu_seconds(gateway.pid) - spent, time.monotonic() - since
        late = memory(gateway.pid)
        crowd.check()
        crowd.abort()
        idle = await until_idle(gateway, upstream)
    return {
        "p50 relay delay": quantile(sight.delays, 0.5) / 1e6,
        "p99 relay delay": quantile(sight.delays, 0.99) / 1e6,
        "events": events / passed,
        "cpu": spent / passed * 100,
        "cpu per event": spent * 1e6 / events,
        "memory": (early - before) / STREAMS / KIB,
        "growth": (late - early) / STREAMS / passed / KIB,
        "idle": idle,
    }


async def run(plan: Plan) -> list[Figure]:
    """Measure; each round has servers of its own, so that memory used before does not hide what a stream takes."""
    found: list[tuple[dict[str, float], dict[str, float], dict[str, float]]] = []
    for _ in range(min(plan.rounds, 3)):
        with arena(plan) as (ours, proxy, direct):
            one, two, three = [await measure(gateway, direct, plan.seconds) for gateway in (ours, proxy, direct)]
            found.append((one, two, three))

    def of(name: str, number: int) -> list[float]:
        return [each[number][name] for each in found]

    def figure(name: str, unit: str, aim: float | None = None, shown: str = "") -> Figure:
        straight = f"without any gateway {max(of(name, 2)):.2f} {unit} at most" if name == "p99 relay delay" else ""
        return Figure(f"1,000 streams: {shown or name}", unit, of(name, 0), of(name, 1), aim, "value", straight)

    return [
        figure("p50 relay delay", "ms"),
        figure("p99 relay delay", "ms", 40),
        figure("events", "events/s", shown="events relayed (50,000 were sent)"),
        figure("cpu", "% of a core"),
        figure("cpu per event", "us"),
        figure("memory", "KiB", 20, "memory per stream"),
        figure("growth", "KiB/s", shown="growth per stream"),
        figure("idle", "s", 1, "idle after all hang up"),
    ]
