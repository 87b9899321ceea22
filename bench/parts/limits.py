"""CPU per whole call with everything on: rate limits, seats and budgets of organization, project and key.

Beside it the same server in the same minute, asked with a key that has no limits: its calls are checked, priced and
recorded too, for that is never off. The second column is that, not nginx.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bench.figures import Figure
from bench.gateways import Gateway, Plan, create_key, parley, upstream, workplace
from bench.parts.whole import measure

PLENTY = "1000000000"
DOLLARS = "1000000"


def limited(options: list[str]) -> str:
    """Return the key of a project that has every kind of limit, and plenty of each."""
    key = create_key([*options, "--project", "limited"])
    rates = ("--requests-per-minute", "--requests-per-day", "--tokens-per-minute", "--tokens-per-day", "--at-once")
    for whose in (["--project", "limited"], ["--key", key]):
        _run("limit", "set", *options, *whose, *(word for rate in rates for word in (rate, PLENTY)))
        _run("budget", "set", *options, *whose, "--day", DOLLARS, "--month", DOLLARS, "--ever", DOLLARS)
    return key


def _run(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "parley", *words], check=True, capture_output=True)


async def turns(plan: Plan, on: Gateway, off: Gateway) -> list[tuple[float, float]]:
    """Return the CPU microseconds of a call with and without limits, round by round."""
    return [
        ((await measure(on, 600, plan.seconds))[0], (await measure(off, 600, plan.seconds))[0])
        for _ in range(plan.rounds)
    ]


async def run(plan: Plan) -> list[Figure]:
    """Measure both keys in turns."""
    with workplace() as folder, upstream(folder) as direct, parley(folder, direct.port) as off:
        on = replace(off, key=limited(options_of(folder)))
        for gateway in (on, off):
            await measure(gateway, 600, 1.0)
        found = await turns(plan, on, off)
    note = "the second column is the same server, asked with a key that has no limits"
    return [Figure("CPU per whole call, ten limits and six budgets", "us", *zip(*found, strict=True), note=note)]


def options_of(folder: Path) -> list[str]:
    """Return the options by which commands find the server of *folder*."""
    return ["--config", str(folder / "parley.toml"), "--data", str(folder / "data")]
