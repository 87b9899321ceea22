"""Real Parley servers for the acceptance tests: started by the command a user types, spoken to over HTTP only.

A server lives in a process of its own with a data folder of its own. Fails with AssertionError, which carries the end
of the server's log, when it does not start in time or does not end with status 0.
"""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

START_SECONDS = 60
STOP_SECONDS = 60
ROW_SECONDS = 20
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
TAIL = 4000  # characters of a log that a failure shows


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without what would change a server's settings, and with *extra*."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PARLEY_", "OPENAI_"))}
    return {**ours, **extra}


class Server:
    """A running server. folder: where its parley.toml, data and logs lie. url: its address, without `/v1`."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = ""
        self._environ = environment(environ)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """What a client is told."""
        return f"{self.url}/v1"

    def run(self, *arguments: str) -> str:
        """Run a command of ours on the same settings and data, and return what it printed."""
        done = subprocess.run(
            [*self._command(*arguments)], capture_output=True, text=True, env=self._environ, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def key(self, *options: str) -> str:
        """Make a key as an operator does."""
        return self.run("key", "create", *options)

    def rows(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the ledger's rows whose columns have the values *wanted*, the oldest first."""
        with closing(sqlite3.connect(f"file:{self.data / 'parley.db'}?mode=ro", uri=True)) as book:
            book.row_factory = sqlite3.Row
            where = " AND ".join(f"{name} = ?" for name in wanted) or "1"
            found = book.execute(f"SELECT * FROM calls WHERE {where} ORDER BY at", [*wanted.values()])  # noqa: S608
            return [dict(row) for row in found]

    def row(self, request_id: str) -> dict[str, Any]:
        """Return the ledger's one row of a call; it may come a moment after a client has left."""
        deadline = time.monotonic() + ROW_SECONDS
        while not (found := self.rows(id=request_id)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(found) == 1, f"{len(found)} rows of {request_id}"
        return found[0]

    def start(self) -> None:
        """Start it, and wait until it has told its address."""
        out, log = self.folder / "out.txt", self.folder / "log.txt"
        with out.open("wb") as output, log.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command("serve", "--listen", "127.0.0.1:0"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=self._environ,
            )
        deadline = time.monotonic() + START_SECONDS
        while not (told := ADDRESS.search(out.read_text("utf-8"))):
            assert self._process.poll() is None, f"the server did not start:\n{self.log()}"
            assert time.monotonic() < deadline, f"the server was not ready in time:\n{self.log()}"
            time.sleep(0.02)
        self.url = told[0]

    def stop(self) -> int:
        """Stop it as an operator does, and return its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    def kill(self, *, worker: bool = False) -> None:
        """End it as a power cut would, or only one *worker* of it."""
        assert self._process is not None
        workers = psutil.Process(self._process.pid).children(recursive=True)
        if worker:
            workers[0].kill()
            return
        self._process.kill()
        for one in workers:
            one.kill()
        psutil.wait_procs(workers)
        self._process.wait()
        self._process = None

    def log(self) -> str:
        """Return the end of its log."""
        return (self.folder / "log.txt").read_text("utf-8", "replace")[-TAIL:]

    def _command(self, *arguments: str) -> list[str]:
        config, data = str(self.folder / "parley.toml"), str(self.data)
        return [sys.executable, "-m", "parley", *arguments, "--config", config, "--data", data]


@contextmanager
def serving(folder: Path, settings: str, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server in *folder* with *settings* (the text of its parley.toml); it must end with status 0."""
    (folder / "parley.toml").write_text(settings, "utf-8")
    server = Server(folder, environ or {})
    try:
        server.start()
        yield server
    finally:
        status = server.stop()
    assert status == 0, f"the server ended with status {status}:\n{server.log()}"
