"""Where Parley's CPU time goes: py-spy watches it under load (`pip install py-spy`).

Only time on the CPU is counted, of all threads. Writes `profile-LOAD.svg` (a flame graph) and `profile-LOAD.txt` (the
functions by their own time). A function's own time includes what it does in C: msgspec, the parser, uvloop. Samples
lean towards the ends of system calls, where a process can be stopped. Fails with RuntimeError when py-spy does.
"""

import asyncio
import shutil
import sys
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from bench.callers import Load
from bench.gateways import OUT, Gateway, Plan, arena
from bench.processes import LOAD_CORE, cpu_seconds, pin
from bench.readers import Crowd

RATE = 400  # samples a second
SHOWN = 45  # functions
SHORTEST = 8.0  # seconds
WAITING = ("PyThread_acquire_lock_timed", "take_gil", "_queue_SimpleQueue_get_impl")
SYSTEM = {"read", "write", "writev", "epoll_pwait", "epoll_wait", "fdatasync", "fsync", "sem_post"}


def spy() -> str:
    """Return where py-spy is. Raises RuntimeError."""
    found = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if found is None:
        raise RuntimeError("--profile needs py-spy: pip install py-spy")
    return found


async def record(pid: int, seconds: float, form: str, file: Path) -> None:
    """Let py-spy watch *pid*; *form* is `raw` or `flamegraph`."""
    watched = f"-p {pid} -d {int(seconds)} -r {RATE} -f {form} -o {file}".split()
    process = await asyncio.create_subprocess_exec(
        *pin(LOAD_CORE), spy(), "record", "-n", "-F", *watched,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"py-spy: {output.decode()[-1000:]}")


def own_time(raw: str) -> Counter[str]:
    """Return the samples of each function of a recording: of the last frame of Python's on each stack.

    Threads that wait (for work, or for the interpreter) are left out; system calls are told apart.
    """
    found: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        if any(word in stack for word in WAITING):
            continue
        frames = stack.split(";")
        last = max((number for number, frame in enumerate(frames) if ".py:" in frame), default=0)
        ends = [frame.split(" ")[0] for frame in frames[last + 1 :]]
        system = next((f" > {name}" for name in reversed(ends) if name in SYSTEM), "")
        found[frames[last].replace("Runner.run (asyncio/runners.py", "the loop (uvloop") + system] += int(samples)
    return found


def listing(found: Counter[str], unit: str, total: float) -> str:
    """Return functions by own time; *total* is what one *unit* costs in all, in microseconds."""
    samples = sum(found.values()) or 1
    lines = [f"{total:.1f} us a {unit} (while watched); own time of each function:"]
    for name, number in found.most_common(SHOWN):
        share = number / samples
        lines.append(f"{share:6.1%} {share * total:7.2f} us  {name}")
    return "\n".join(lines)


async def watch(name: str, unit: str, gateway: Gateway, load: AbstractAsyncContextManager[Any], seconds: float) -> str:
    """Record *gateway* under *load*; returns the list of its functions."""
    raw = OUT / f"profile-{name}.raw"
    async with load as seen:
        await asyncio.sleep(1)
        before, spent = done(seen), cpu_seconds(gateway.pid)
        await record(gateway.pid, seconds, "raw", raw)
        cost = (cpu_seconds(gateway.pid) - spent) * 1e6 / max(1, done(seen) - before)
        await record(gateway.pid, seconds, "flamegraph", OUT / f"profile-{name}.svg")
    text = listing(own_time(raw.read_text()), unit, cost)
    (OUT / f"profile-{name}.txt").write_text(text + "\n")
    return text


def done(seen: Any) -> int:
    """Return how many calls or events a load has seen."""
    return int(seen.sight.events if isinstance(seen, Crowd) else seen.calls)


async def run(plan: Plan) -> None:
    """Profile whole calls and streamed events."""
    seconds = max(plan.seconds, SHORTEST)
    with arena(plan) as (ours, _, __):
        print(await watch("calls", "call", ours, Load(ours, 32, 600), seconds))
        print(await watch("events", "event", ours, Crowd(ours, 100, 20), seconds))
        print(f"written: {OUT}/profile-*.svg, .txt, .raw")
