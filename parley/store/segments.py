"""The files of the stream log: what streams sent, as records one after the other, written by one process each.

A segment is mapped into memory, so a record costs a copy and no call of the system; what was copied is the kernel's and
outlives the process, even one that is killed (a power failure it does not outlive). Its room is taken from the disk
when it is made: writing into a hole of a full disk would end the process. The file is never cut, for a reader may have
it mapped.

The last byte of a record's head is written last and is never 0, so a reader in another process sees a record whole or
not at all. How it fails: OSError where a file can't be made, mapped or opened.
"""

import mmap
import os
import struct
import sys
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<II32sB")  # bytes of payload, number, key, kind
_SIZE = _HEAD.size
_pack = _HEAD.pack_into
_unpack = _HEAD.unpack_from


class Kind(IntEnum):
    """What a record is; 0 is where nothing was written yet."""

    EVENT = 1  # an event of a stream
    DONE = 2  # the last one of an answer that ended well
    FAILED = 3  # the last one of an answer that did not: it tells the error
    SEALED = 4  # no event: what follows stands in the next segment
    BROKEN = 5  # no event: what follows could not be written


EVENT, DONE, FAILED, SEALED, BROKEN = Kind  # looked up once: the enumeration's own way is slow


class Piece(NamedTuple):
    """An event as it was sent: its payload is what stood between `data: ` and the empty line.

    number: which event of its stream it is, from 1.
    """

    number: int
    kind: int
    payload: bytes


def reserve(file: int, size: int) -> None:
    """Take room for so many bytes from the disk. Raises OSError."""
    if sys.platform == "linux":
        os.posix_fallocate(file, 0, size)
    else:
        os.pwrite(file, bytes(size), 0)


class Segment:
    """A file being written."""

    __slots__ = ("_end", "_map", "_room", "path")

    def __init__(self, path: Path, size: int) -> None:
        """Make it. Raises OSError where there is no room for it."""
        self.path = path
        raw = path.with_suffix(".new")
        file = os.open(raw, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            reserve(file, size)
            self._map = mmap.mmap(file, size)
            raw.rename(path)  # a reader finds it in its full size or not at all
        except OSError:
            raw.unlink()
            raise
        finally:
            os.close(file)
        self._room = size - _SIZE  # but for the record that seals it
        self._end = 0

    @property
    def end(self) -> int:
        """How many bytes were written."""
        return self._end

    @staticmethod
    def size(payload: int) -> int:
        """Return how many bytes a segment needs for one payload of this size."""
        return payload + 2 * _SIZE

    def append(self, key: bytes, number: int, kind: int, payload: bytes) -> bool:
        """Write a record of the stream with this *key*; False where there is no room for it."""
        start = self._end
        length = len(payload)
        body = start + _SIZE
        end = body + length
        if end > self._room:
            return False
        self._map[body:end] = payload
        _pack(self._map, start, length, number, key, kind)
        self._end = end
        return True

    def seal(self, kind: int = SEALED) -> None:
        """Tell readers that this is its end, and of what *kind*; let go of the file."""
        _pack(self._map, self._end, 0, 0, b"", kind)
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


class Pages:
    """A segment being read, from its beginning on. end: what it ended with, SEALED or BROKEN; 0: more may come."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises OSError where it is not there (any more), ValueError where it is empty."""
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._at = 0
        self._last = len(self._map) - _SIZE
        self.end = 0

    def hold(self, key: bytes) -> bool:
        """Tell whether there may be records of the stream with this *key*, without a look at each."""
        return self._map.find(key) >= 0

    def next(self, key: bytes) -> Piece | None:
        """Return the next event of the stream with this *key*, where it is there already."""
        while not self.end and self._at <= self._last:
            length, number, whose, kind = _unpack(self._map, self._at)
            if not kind:
                break
            body = self._at + _SIZE
            self._at = body + length
            if kind >= SEALED:
                self.end = kind
            elif whose == key:
                return Piece(number, kind, self._map[body : self._at])
        return None

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
