"""The first minute: from `parley serve` to the first answered call, and what an idle server keeps in memory.

With defaults: no settings file, SQLite, the built-in model. Not pinned to a core: nobody starts it so.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from bench.figures import Figure
from bench.gateways import Plan, create_key, workplace
from bench.processes import free_port, memory, running, wait_for_port

MODEL = "parley-mini"
REST = 1.0  # seconds before memory is read
MIB = 1024 * 1024


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run `parley serve` with its data in *folder*."""
    port, log = free_port(), folder / "parley.log"
    command = [sys.executable, "-m", "parley", "serve", "--data", str(folder), "--listen", f"127.0.0.1:{port}"]
    with running(command, log) as process:
        yield port, process


def chat(port: int, key: str) -> None:
    """Ask the built-in model. Raises RuntimeError when it does not answer."""
    client = HTTPConnection("127.0.0.1", port, timeout=60)
    ask = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request("POST", "/v1/chat/completions", json.dumps(ask), headers)
    answer = client.getresponse()
    body = answer.read()
    client.close()
    if answer.status != 200:
        raise RuntimeError(f"{MODEL} answered {answer.status}: {body[:300]!r}")


def start(folder: Path) -> tuple[float, float, float, float]:
    """Return the seconds to listening, the seconds to the first answer, and the idle RSS and PSS in MiB before it."""
    key = create_key(["--data", str(folder)])
    since = time.monotonic()
    with served(folder) as (port, process):
        wait_for_port(port, process, folder / "parley.log")
        listening = time.monotonic() - since
        chat(port, key)
        answered = time.monotonic() - since
    with served(folder) as (port, process):
        wait_for_port(port, process, folder / "parley.log")
        time.sleep(REST)
        return listening, answered, memory(process.pid) / MIB, memory(process.pid, "Pss") / MIB


async def run(plan: Plan) -> list[Figure]:
    """Measure; each round with a new data folder."""
    rounds = []
    for _ in range(min(plan.rounds, 3)):
        with workplace() as folder:
            rounds.append(start(folder))
    listening, answered, rss, pss = (list(values) for values in zip(*rounds, strict=True))
    return [
        Figure("from start to listening", "s", listening),
        Figure("from start to the first answer of the built-in model", "s", answered, (), 2, "value"),
        Figure("memory of an idle server, RSS", "MiB", rss, (), 120, "value"),
        Figure("memory of an idle server, PSS", "MiB", pss),
    ]
