"""A server of our own for an evaluation: `parley serve` on a free loopback port, with a data folder that goes too."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

START_SECONDS = 60
STOP_SECONDS = 30
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
CANDIDATE = "candidate"


class Place(NamedTuple):
    """Where to ask: what a client is told, and the model's name."""

    base_url: str
    key: str
    model: str


def _parley(folder: Path, *arguments: str) -> list[str]:
    """Return the command line of ours on the settings and data of *folder*."""
    return [sys.executable, "-m", "parley", *arguments, "--config", str(folder / "parley.toml"), "--data", str(folder)]


def _environment() -> dict[str, str]:
    """Return the environment without what would change a server's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OPENAI_"))}


def _told(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the address that the server has told. Raises RuntimeError with its log if it tells none."""
    deadline = time.monotonic() + START_SECONDS
    while not (found := ADDRESS.search((folder / "out.txt").read_text("utf-8"))):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server did not start:\n" + (folder / "log.txt").read_text("utf-8", "replace"))
        time.sleep(0.05)
    return found[0]


@contextmanager
def serving(gguf: Path | None = None) -> Iterator[Place]:
    """Run a server with the built-in model, or with the one in the file *gguf*."""
    with tempfile.TemporaryDirectory() as made:
        folder, ours = Path(made), _environment()
        (folder / "parley.toml").touch()
        if gguf:
            add = _parley(folder, "model", "add", str(gguf), "--name", CANDIDATE)
            subprocess.run(add, check=True, env=ours, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
        key = subprocess.run(  # noqa: S603 - our own command
            _parley(folder, "key", "create"), check=True, env=ours, capture_output=True, text=True
        ).stdout.strip()
        with (folder / "out.txt").open("wb") as out, (folder / "log.txt").open("wb") as log:
            command = _parley(folder, "serve", "--listen", "127.0.0.1:0")
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=ours)  # noqa: S603
        try:
            yield Place(f"{_told(folder, process)}/v1", key, CANDIDATE if gguf else "parley-mini")
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
