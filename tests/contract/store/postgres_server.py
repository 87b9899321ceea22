"""A real PostgreSQL for the tests: Debian's programs, a data folder in /tmp, a Unix socket, no port."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

_SECONDS = 30


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, None when there is none."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda program: int(program.parts[-3]), default=None)
    return newest.parent if newest else None


def _unprivileged() -> int | None:
    """Return the user PostgreSQL runs as: it refuses root. None: the one we are."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user.pw_uid for user in pwd.getpwall()}
    return known.get("postgres", known["nobody"])


class PostgresServer:
    """A server of our own; whoever made it stops it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="parley-pg-"))
        if self._user is not None:
            os.chown(self._folder, self._user, -1)
        self._names = count(1)
        options = ["--auth=trust", "--username=parley", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run("initdb", "--pgdata", str(self._data), *options)
        self.start()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the URL of *database*."""
        return f"postgresql://parley:secret-word@/{database}?host={self._folder}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"parley_{next(self._names)}"
        self._run("createdb", "--host", str(self._folder), "--username=parley", name)
        return self.url(name)

    def start(self) -> None:
        """Start, and return when connections are taken."""
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder)]
        command += ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, cwd=self._folder, stdout=log, stderr=log)
        for _ in range(_SECONDS * 20):
            if self._run("pg_isready", "--host", str(self._folder), check=False) == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop, breaking every connection."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_SECONDS)

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *options: str, check: bool = True) -> int:
        command = [str(self._programs / program), *options]
        done = subprocess.run(command, user=self._user, cwd=self._folder, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")
        return done.returncode


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Lend a PostgreSQL server to all tests."""
    if os.environ.get("PARLEY_TEST_NO_POSTGRES") == "1":
        pytest.skip("PARLEY_TEST_NO_POSTGRES=1")
    found = programs()
    if found is None:
        pytest.fail(
            "PostgreSQL's programs are not installed: run `apt-get install postgresql`,"
            " or set PARLEY_TEST_NO_POSTGRES=1 to leave these tests out."
        )
    server = PostgresServer(found)
    yield server
    server.remove()
