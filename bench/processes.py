"""Processes as the operating system sees them: their CPU time, their memory, the core they run on.

CPU time is the kernel's own count for a process (all its threads, user and system) in nanoseconds, read through its CPU
clock; children are added. Linux only. A process that is gone raises ProcessLookupError or OSError.
"""

import contextlib
import os
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

GATEWAY_CORE, LOAD_CORE = 0, 1
KIB = 1024


def tree(pid: int) -> list[int]:
    """Return *pid* and all its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of *pid* and its descendants since each began, in seconds."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            total += time.clock_gettime_ns((~one << 3) | 2)  # clock_getcpuclockid(3), which Python only has for threads
    return total / 1e9


def memory(pid: int, what: str = "Rss") -> int:
    """Return the memory of *pid* and its descendants in bytes; *what* is `Rss` or `Pss`."""
    total = 0
    for one in tree(pid):
        rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        found = re.search(rf"^{what}:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found[1]) * KIB if found else 0
    return total


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pin(core: int) -> list[str]:
    """Return what to put before a command so that it runs on *core* only."""
    return ["taskset", "-c", str(core)]


def prepare() -> None:
    """Move ourselves to the load's core, and allow as many open files as we may. Raises SystemExit on one core."""
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("bench: two cores are needed: one for the gateway, one for load and upstream")
    os.sched_setaffinity(0, {LOAD_CORE})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextlib.contextmanager
def running(command: list[str], log: Path, seconds: float = 40) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* with its output in *log* for as long as the block; stopped with SIGTERM."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Return when somebody listens on loopback *port*. Raises RuntimeError when *process* ends or takes too long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.005)
    raise RuntimeError(f"{' '.join(process.args)} did not listen:\n{log.read_text()[-2000:]}")  # type: ignore[arg-type]
