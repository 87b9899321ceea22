"""The board: numbers about targets that all workers of a machine write and read, in a file they have mapped.

A slot has eight numbers of eight bytes. The first tells whose it is; the others are `parley.upstreams.health`'s.
Numbers are read and written without a lock: each is whole, and a count that two workers raise at once may miss one.
Times are of the machine's monotonic clock, which its processes share. How it fails: a file that cannot be made or
mapped is told in the log, and each process keeps a board of its own.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

import structlog

log = structlog.get_logger()

SLOTS, WORDS = 1024, 8
NEAR = 16  # slots that are looked through for one's own
_BYTES = SLOTS * WORDS * 8


class Board:
    """The numbers. path: the file; None: memory of this process alone."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: int | None = None
        self._map = self._mapped(path) if path else mmap.mmap(-1, _BYTES)
        self.words = memoryview(self._map).cast("q")

    def _mapped(self, path: Path) -> mmap.mmap:
        """Return the file's memory, or some of our own where there is none to be had."""
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, _BYTES)
            return mmap.mmap(self._file, _BYTES)
        except OSError as error:
            log.warning("workers cannot share what they know of upstreams", file=str(path), why=str(error))
            return mmap.mmap(-1, _BYTES)

    def slot(self, name: str) -> int:
        """Return where the numbers of *name* begin; a name that finds no room takes another's place."""
        mark = int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "little") + 1
        first = mark % SLOTS
        with self.alone():
            places = [(first + step) % SLOTS * WORDS for step in range(NEAR)]
            found = next((place for place in places if self.words[place] == mark), None)
            if found is None:
                found = next((place for place in places if not self.words[place]), places[0])
                for number in range(WORDS):
                    self.words[found + number] = 0
                self.words[found] = mark
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out meanwhile: for the few steps that must not be taken twice."""
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        self.words.release()
        with suppress(BufferError):
            self._map.close()
        if self._file is not None:
            os.close(self._file)
