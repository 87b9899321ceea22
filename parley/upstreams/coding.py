"""Compressed answers. We ask for plain ones, yet some servers compress all the same.

`inflater` finds what undoes a `content-encoding`; its output is handed out in bounded steps, and only while it is in
proportion to what came, so that a few bytes of a hostile answer do not become gigabytes. Fails with UpstreamBroken for
codings we do not know, for bad data, and for bombs.
"""

import zlib

from parley.errors import UpstreamBroken

STEP = 256 * 1024
UNDOUBTED = 4 * 1024 * 1024  # plain bytes that any answer may have
MOST_TIMES = 100  # a longer one that is so many times as large as its compressed bytes is a bomb
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's names for the three framings
_DEFLATE_METHOD = 8


def inflater(coding: bytes | None) -> "Inflater | None":
    """Return what decodes this `content-encoding`, None for a plain body; UpstreamBroken if we cannot."""
    name = (coding or b"").strip().lower()
    if name in {b"", b"identity"}:
        return None
    if name not in {b"gzip", b"x-gzip", b"deflate"}:
        raise UpstreamBroken("The upstream compressed its answer in a way nobody asked for.")
    return Inflater(gzip=name != b"deflate")


class Inflater:
    """Decodes one body, in steps of at most 256 KiB of plain bytes."""

    __slots__ = ("_fed", "_given", "_gzip", "_stream", "_waiting", "full")

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: zlib._Decompress | None = None
        self._waiting = b""
        self._fed = 0
        self._given = 0
        self.full = False  # the last step was a full one: zlib may hold more, with all its input taken

    def feed(self, data: bytes) -> None:
        """Take in compressed bytes."""
        self._waiting += data
        self._fed += len(data)

    def step(self) -> bytes:
        """Return the next plain bytes, b"" if more input is needed; UpstreamBroken for data that is none, or a bomb."""
        if not self._waiting and not self.full:
            return b""
        if self._stream is None:
            self._stream = zlib.decompressobj(self._framing())
        try:
            plain = self._stream.decompress(self._waiting, STEP)
        except zlib.error as error:
            raise UpstreamBroken("The upstream's compressed answer is damaged.") from error
        if self._stream.unused_data:
            raise UpstreamBroken("The upstream's compressed answer goes on after its end.")
        self._waiting = self._stream.unconsumed_tail
        self.full = len(plain) == STEP
        self._given += len(plain)
        if self._given > UNDOUBTED and self._given > MOST_TIMES * self._fed:
            raise UpstreamBroken("The upstream's compressed answer is larger than any answer would be.")
        return plain

    def finish(self) -> None:
        """Check that the whole body was there; UpstreamBroken if it was cut short."""
        if self._stream is not None and not self._stream.eof:
            raise UpstreamBroken("The upstream's compressed answer ends too early.")

    def _framing(self) -> int:
        """`deflate` means zlib's framing, but some servers send the bare stream."""
        if self._gzip:
            return _GZIP
        return _ZLIB if self._waiting[0] & 0x0F == _DEFLATE_METHOD else _RAW
