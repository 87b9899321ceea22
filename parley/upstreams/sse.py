"""Server-sent events, as upstreams send them: the payloads of `data:` lines, from bytes in any pieces.

A well-behaved upstream sends whole frames, `data: {...}` and an empty line; they are cut out at C speed.
Everything else the standard allows (other line ends, comments, several data lines, a byte order mark) takes
the slower way, line by line. Names and ids of events are not kept: the chat protocol tells everything in its
payloads. Several data lines of one event are joined by a space, where the standard has a line feed: to JSON they are
the same, and so a payload has no line end in it and goes on as one line. Fails with UpstreamBroken when an event is
larger than the limit.
"""

from parley.errors import UpstreamBroken

LIMIT = 8 * 1024 * 1024
CR, LF = b"\r\n"  # as numbers, which are looked for the fastest
_BOM = b"\xef\xbb\xbf"


class Events:
    """Cuts one stream into events. limit: the most bytes that the lines of one event may have."""

    __slots__ = ("_begun", "_limit", "_line", "_lines", "_seen_cr", "_size")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._line: list[bytes] = []  # the pieces of a line that has not ended
        self._lines: list[bytes] = []  # the data lines of an event that has not ended
        self._size = 0  # bytes of that event so far, its unfinished line included
        self._seen_cr = False  # the last byte was a carriage return: a line feed after it belongs to it
        self._begun = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads of the events that *data* completes; UpstreamBroken if one is too large."""
        if (
            not self._size
            and data.startswith(b"data: ")
            and data.endswith(b"\n\n")
            and CR not in data
            and len(data) <= self._limit
        ):
            self._begun = True
            self._seen_cr = False
            payload = data[6:-2]
            if LF not in payload:
                return [payload]
            frames = payload.split(b"\n\ndata: ")
            if all(LF not in frame for frame in frames):
                return frames
        return self._read(data)

    def rest(self) -> bytes:
        """Return what is left of an event that has not ended; b"" after a clean end."""
        return b"".join([b"data: %b\n" % line for line in self._lines] + self._line)

    @property
    def quiet(self) -> bool:
        """Whether no event has begun: what came since the last one were comments and the like."""
        return not self._lines and (not self._line or self._line[0].startswith(b":"))

    def _read(self, data: bytes) -> list[bytes]:
        """Take *data* line by line."""
        if self._seen_cr and data:
            self._seen_cr = False
            data = data.removeprefix(b"\n")
        if b"\n" not in data and b"\r" not in data:
            self._keep(data)
            return []
        text = b"".join([*self._line, data])
        self._size -= len(text) - len(data)
        self._line.clear()
        if not self._begun:
            self._begun = True
            text = text.removeprefix(_BOM)
        self._seen_cr = text.endswith(b"\r")
        lines = text.splitlines()  # of bytes: \n, \r and \r\n, nothing else
        unfinished = b"" if text.endswith((b"\n", b"\r")) else lines.pop()
        found: list[bytes] = []
        for line in lines:
            self._take(line, found)
        self._keep(unfinished)
        return found

    def _take(self, line: bytes, found: list[bytes]) -> None:
        """Take one whole line; an empty one ends the event."""
        if not line:
            if self._lines:
                found.append(self._lines[0] if len(self._lines) == 1 else b" ".join(self._lines))
                self._lines.clear()
            self._size = 0
            return
        self._grow(len(line))
        name, _, value = line.partition(b":")
        if name == b"data":
            self._lines.append(value.removeprefix(b" "))

    def _keep(self, piece: bytes) -> None:
        """Keep a piece of a line that has not ended."""
        if piece:
            self._grow(len(piece))
            self._line.append(piece)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise UpstreamBroken("The upstream sent an event that is too large.")
