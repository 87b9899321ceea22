"""CPU per whole call: 32 callers with keep-alive, a 600-byte answer, requests of 600 bytes and of 20 KB."""

import asyncio

from bench.callers import Load
from bench.figures import Figure
from bench.gateways import Gateway, Plan, arena
from bench.processes import cpu_seconds

CALLERS = 32
WARM = 0.5  # seconds of load before each measurement
SIZES = ((600, "600-byte request", 5.0), (20_000, "20 KB request", 4.0))


async def measure(gateway: Gateway, size: int, seconds: float) -> tuple[float, float]:
    """Return the CPU microseconds that a call costs *gateway*, and the calls a second."""
    async with Load(gateway, CALLERS, size) as tally:
        await asyncio.sleep(WARM)
        calls, spent, loop = tally.calls, cpu_seconds(gateway.pid), asyncio.get_running_loop()
        since = loop.time()
        await asyncio.sleep(seconds)
        calls, spent = tally.calls - calls, cpu_seconds(gateway.pid) - spent
        rate = calls / (loop.time() - since)
    return spent * 1e6 / calls, rate


async def run(plan: Plan) -> list[Figure]:
    """Measure the gateway and nginx in turns."""
    figures = []
    with arena(plan) as (ours, proxy, _):
        await measure(ours, 600, 1.0)  # nothing is loaded or made for the first time later on
        for size, name, aim in SIZES:
            rounds = [
                (await measure(ours, size, plan.seconds), await measure(proxy, size, plan.seconds))
                for _ in range(plan.rounds)
            ]
            rates = {"ours": [one[0][1] for one in rounds], "nginx": [one[1][1] for one in rounds]}
            cpu = [one[0][0] for one in rounds], [one[1][0] for one in rounds]
            figures.append(Figure(f"CPU per whole call, {name}", "us", *cpu, aim, more={"calls_a_second": rates}))
    return figures
