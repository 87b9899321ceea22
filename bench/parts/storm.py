"""A thousand callers at once while the first target of their route is down, beside a route whose only target is well.

The second column is the latter: the same server, the same upstream that answers in the end. What reached the target
that is down is told as well; its breaker should see to it that this is next to nothing.
"""

import asyncio
import http.client
from dataclasses import replace

from bench.callers import Load
from bench.figures import Figure, quantile
from bench.gateways import Gateway, Plan, parley, upstream, workplace

CALLERS = 1000
ASKED = b'parley_upstream_attempts_total{outcome="upstream_broken",upstream="down"}'


async def measure(gateway: Gateway, seconds: float) -> tuple[float, float]:
    """Return p50 and p99 of the milliseconds a call takes."""
    async with Load(gateway, CALLERS, 600) as tally:
        await asyncio.sleep(0.5)
        tally.seconds.clear()
        await asyncio.sleep(seconds)
        taken = tuple(tally.seconds)
    return quantile(taken, 0.5) * 1e3, quantile(taken, 0.99) * 1e3


def asked_in_vain(gateway: Gateway) -> float:
    """Return how many attempts the target that is down has seen."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().splitlines()
    connection.close()
    return next((float(line.rpartition(b" ")[2]) for line in lines if line.startswith(ASKED)), 0.0)


async def run(plan: Plan) -> list[Figure]:
    """Measure both routes in turns, once the breaker has learnt what there is to learn."""
    with workplace() as folder, upstream(folder) as direct, parley(folder, direct.port) as well:
        stormy = replace(well, model="stormy")
        for gateway in (stormy, well):
            await measure(gateway, 0.5)
        found, attempts = [], []
        for _ in range(plan.rounds):
            before = asked_in_vain(well)
            storm = await measure(stormy, plan.seconds)
            attempts.append(asked_in_vain(well) - before)
            found.append((storm, await measure(well, plan.seconds)))
    return [
        *(
            Figure(
                f"{name} of {CALLERS} callers, first target down",
                "ms",
                [storm[number] for storm, _ in found],
                [calm[number] for _, calm in found],
                2.0 if name == "p99" else None,
                note="the second column is the same server, asked for a model whose only target is well",
            )
            for number, name in enumerate(("p50", "p99"))
        ),
        Figure("attempts at the target that is down, a round", "", attempts, aim=50, aim_of="value"),
    ]
