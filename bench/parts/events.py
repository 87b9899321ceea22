"""CPU per streamed event at a human pace: 100 open streams, one event each 20 milliseconds."""

import asyncio

from bench.figures import Figure, quantile
from bench.gateways import Gateway, Plan, arena
from bench.processes import cpu_seconds
from bench.readers import Crowd

STREAMS, MILLISECONDS = 100, 20
WARM = 0.5


async def measure(gateway: Gateway, seconds: float) -> tuple[float, float]:
    """Return the CPU microseconds of an event, and the 99th percentile of its way in milliseconds."""
    async with Crowd(gateway, STREAMS, MILLISECONDS) as crowd:
        await asyncio.sleep(WARM)
        crowd.sight.delays.clear()
        events, spent = crowd.sight.events, cpu_seconds(gateway.pid)
        await asyncio.sleep(seconds)
        events, spent = crowd.sight.events - events, cpu_seconds(gateway.pid) - spent
        crowd.check()
        return spent * 1e6 / events, quantile(crowd.sight.delays, 0.99) / 1e6


async def run(plan: Plan) -> list[Figure]:
    """Measure the gateway and nginx in turns."""
    with arena(plan) as (ours, proxy, _):
        await measure(ours, 0.5)
        rounds = [(await measure(ours, plan.seconds), await measure(proxy, plan.seconds)) for _ in range(plan.rounds)]
    return [
        Figure("CPU per streamed event, 100 streams", "us", [a[0] for a, _ in rounds], [b[0] for _, b in rounds], 2.0),
        Figure("p99 relay delay, 100 streams", "ms", [a[1] for a, _ in rounds], [b[1] for _, b in rounds]),
    ]
