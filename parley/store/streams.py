"""The stream log: what streams sent in the last minutes, so that a client that lost its connection can have the rest.

Every process writes files of its own (`parley.store.segments`) and holds a lock as long as it lives; every process of
the machine reads them all (`parley.store.rests`). They hold answers: only their owner may read them, and they are gone
when their last write is older than `keep_seconds`; those of a process that died are removed by the next that sweeps.

How it fails: not. Where the folder can't be written, or the disk is full, calls go on and their streams can't be
resumed; the log says so once, until it works again.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections import deque
from contextlib import suppress
from pathlib import Path

import structlog

from parley.core.clock import Clock
from parley.core.tasks import Recurring
from parley.store.segments import BROKEN, EVENT, SEALED, Segment

log = structlog.get_logger()

SEGMENT = 8 * 1024 * 1024  # bytes of a file; an event that is larger has one for itself
SWEEPS = 4  # in the time that a stream is kept
SHORTEST_PAUSE = 0.1  # seconds
LONGEST_PAUSE = 30.0  # seconds between two sweeps, and until it is tried again after a failure
SECOND = 1_000_000_000  # nanoseconds
SPARE = 256 * 1024 * 1024  # bytes of the disk that are left to others: the ledger may lie on it
_WRITER = re.compile(r"[0-9a-f]{16}")


def key_of(stream: str, project: str) -> bytes:
    """Return what the records of the stream with this id are told apart by; only its *project* can find them."""
    return hashlib.blake2b(f"{len(project)} {project} {stream}".encode(), digest_size=32).digest()


def lock_of(folder: Path, writer: str) -> Path:
    """Return the file that *writer* holds as long as it lives."""
    return folder / f"{writer}.lock"


def path_of(folder: Path, writer: str, number: int) -> Path:
    """Return the file of a segment."""
    return folder / f"{writer}-{number:08d}.log"


class Life:
    """Whether a writer lives, as the lock tells that it holds."""

    def __init__(self, folder: Path, writer: str) -> None:
        try:
            self._file: int | None = os.open(lock_of(folder, writer), os.O_RDONLY)
        except FileNotFoundError:
            self._file = None  # it died long ago

    def lasts(self) -> bool:
        """Tell whether the writer may still write."""
        if self._file is None:
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        """Let go."""
        if self._file is not None:
            os.close(self._file)


class Stream:
    """One stream as it is written."""

    __slots__ = ("_key", "_name", "_number", "_streams")

    def __init__(self, streams: "Streams", key: bytes) -> None:
        self._streams = streams
        self._key = key
        self._name = b""
        self._number = 0

    def tell(self, name: str) -> None:
        """Let each event end with a line that tells its id: this *name* and its number."""
        self._name = name.encode()

    def write(self, payload: bytes, kind: int = EVENT) -> bytes:
        """Write an event, and return its payload as it is to be sent."""
        self._number = number = self._number + 1
        if self._name:
            payload = b"%b\nid: %b/%d" % (payload, self._name, number)
        segment = self._streams.segment  # looked at here: this runs for every event of every stream
        if segment is None or not segment.append(self._key, number, kind, payload):
            self._streams.append(self._key, number, kind, payload)
        return payload


class Streams:
    """This process's part of the log, in *folder*. segment: the file that is being written; None: there is none."""

    def __init__(self, folder: Path, clock: Clock, keep_seconds: float) -> None:
        self.folder = folder
        self.searching = asyncio.Lock()  # one search at a time, however many are asked for: each reads all there is
        self._clock = clock
        self._keep = int(keep_seconds * SECOND)
        self._name = secrets.token_hex(8)
        self._lock: int | None = None
        self._number = 0
        self.segment: Segment | None = None
        self._begun = 0  # when it was made
        self._seen = 0, 0  # how much was in it at the last sweep that found more, and when that was
        self._sealed: deque[tuple[int, Path]] = deque()  # when each was written last
        self._again = 0  # when it is worth another try after a failure; 0: nothing failed

    def begin(self, stream: str, project: str) -> Stream | None:
        """Return the stream with this id, to be written; None where nothing can be."""
        if not self._keep or (self.segment is None and not self._open(0)):
            return None
        return Stream(self, key_of(stream, project))

    def append(self, key: bytes, number: int, kind: int, payload: bytes) -> None:
        """Write a record into a new segment: the one before has no room for it."""
        if self._open(len(payload)) and self.segment is not None:
            self.segment.append(key, number, kind, payload)

    def _open(self, payload: int) -> bool:
        """Go on in a new segment, which has room for one *payload* of this size; tell whether that was possible."""
        now = self._clock.now()
        if now < self._again:
            return False
        before, self.segment = self.segment, None
        try:
            self._hold()
            self._check_room()
            path = path_of(self.folder, self._name, self._number + 1)
            self.segment = Segment(path, max(SEGMENT, Segment.size(payload)))
        except OSError as error:
            if not self._again:
                log.warning(
                    "streams can't be resumed: they are not written down", folder=str(self.folder), why=str(error)
                )
            self._again = now + int(LONGEST_PAUSE * SECOND)
            self._seal(before, now, BROKEN)
            self._let_go()  # and make all anew the next time: somebody may have removed the folder
            return False
        self._again = 0
        self._number += 1
        self._seal(before, now)
        self._begun, self._seen = now, (0, now)
        return True

    def _hold(self) -> None:
        """Hold the lock. Raises OSError."""
        if self._lock is not None:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = lock_of(self.folder, self._name)
        raw = path.with_suffix(".new")
        file = os.open(raw, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            raw.rename(path)  # whoever finds it finds it held
        except OSError:
            os.close(file)
            raise
        self._lock = file

    def _check_room(self) -> None:
        """Raise OSError where the disk is nearly full."""
        disk = os.statvfs(self.folder)
        if disk.f_bavail * disk.f_frsize < SPARE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.folder))

    def _seal(self, segment: Segment | None, now: int, kind: int = SEALED) -> None:
        """End *segment*."""
        if segment is not None:
            self._look(segment, now)
            segment.seal(kind)
            self._sealed.append((self._seen[1], segment.path))

    def _look(self, segment: Segment, now: int) -> None:
        """Note when *segment* was written last, on the file too: a write through a map may not do so."""
        if segment.end != self._seen[0]:
            self._seen = segment.end, now
            with suppress(OSError):
                os.utime(segment.path, ns=(now, now))

    def sweep(self) -> list[Path]:
        """End the segment that is old, and return those of this process that nobody may ask for any more."""
        now = self._clock.now()
        if self.segment is not None:
            self._look(self.segment, now)
            if self.segment.end and now - self._begun >= self._keep:
                self._open(0)
        over: list[Path] = []
        while self._sealed and now - self._sealed[0][0] > self._keep:
            over.append(self._sealed.popleft()[1])
        return over

    def clear(self, over: list[Path]) -> None:
        """Remove the files *over*, and what processes that died have left for long enough."""
        for path in over:
            path.unlink(missing_ok=True)
        if not self.folder.is_dir():
            return
        now = self._clock.now()
        writers = {path.stem.partition("-")[0] for path in self.folder.iterdir()} - {self._name}
        for writer in filter(_WRITER.fullmatch, writers):
            life = Life(self.folder, writer)
            if not life.lasts():
                self._bury(writer, now)
            life.close()

    def _bury(self, writer: str, now: int) -> None:
        """Remove the segments of a *writer* that died, each at its time; with the last one its lock."""
        lock, left = lock_of(self.folder, writer), False
        for path in set(self.folder.glob(f"{writer}*")) - {lock}:
            with suppress(FileNotFoundError):  # another process sweeps too
                if now - path.stat().st_mtime_ns > self._keep:
                    path.unlink()
                else:
                    left = True
        if not left:
            lock.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go: what was written can be read until it is swept, by the next process."""
        if self.segment is not None:
            self._look(self.segment, self._clock.now())
            self.segment.close()
            self.segment = None
        self._let_go()

    def _let_go(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class Sweeper:
    """Sweeps the log of one process, now and then; made inside the event loop."""

    def __init__(self, streams: Streams, keep_seconds: float) -> None:
        self._streams = streams
        every = max(SHORTEST_PAUSE, min(LONGEST_PAUSE, keep_seconds / SWEEPS))
        self._turns = Recurring(self._turn, every, "the sweeper of the stream log")

    async def _turn(self) -> None:
        await asyncio.to_thread(self._streams.clear, self._streams.sweep())

    async def close(self) -> None:
        """Stop."""
        await self._turns.stop()
