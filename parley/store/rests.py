"""The rest of a stream: what came after an event that its client has, and what is still to come.

It is found in the files of whichever process of the machine produces it, or did (`parley.store.streams`), and is read
as it grows. How it fails: NotFound for a stream that nobody knows (any more) or that is another project's,
InvalidRequest for an event that it does not have, StreamInterrupted where its producer died, or could not write it all
down.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple, Self

from parley.core.events import CHUNK, Event
from parley.core.reply import Sink
from parley.core.tasks import finish
from parley.errors import InvalidRequest, NotFound, StreamInterrupted
from parley.store.segments import BROKEN, EVENT, SEALED, Pages, Piece
from parley.store.streams import Life, Streams, key_of, path_of

POLL_SECONDS = 0.025  # between two looks at a stream that goes on
BATCH = 64 * 1024  # bytes that go out together


class Place(NamedTuple):
    """Where in which stream to go on: after how many of its events; and what of the request says so, for errors."""

    stream: str
    after: int
    stream_param: str
    after_param: str


class Rest:
    """What is left of the stream at *place*, for the eyes of *project* only."""

    def __init__(self, streams: Streams, place: Place, project: str) -> None:
        self._searching = streams.searching
        self._folder = streams.folder
        self._place = place
        self._key = key_of(place.stream, project)
        self._writer, self._number = "", 0
        self._pages: Pages | None = None
        self._life: Life | None = None
        self._ahead: Piece | None = None  # read, and not sent yet
        self._sent = place.after
        self._over = False

    async def __aenter__(self) -> Self:
        """Find it. Raises NotFound, InvalidRequest."""
        try:
            async with self._searching:
                await finish(asyncio.to_thread(self._find))  # in a thread that must not go on alone
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        if self._pages is not None:
            self._pages.close()
        if self._life is not None:
            self._life.close()

    def _find(self) -> None:
        """Go to the place. Raises NotFound, InvalidRequest."""
        place = self._place
        piece: Piece | None = self._search()
        while piece is not None and piece.number < place.after:
            piece = self._next()
        if piece is None:
            raise InvalidRequest(
                f"The stream '{place.stream}' has no event {place.after}.",
                param=place.after_param,
                code="invalid_value",
            )
        if piece.number > place.after:
            self._ahead = piece
        else:
            self._over = piece.kind != EVENT

    def _search(self) -> Piece:
        """Return the first event that stands in the last segment to begin at or before the place. Raises NotFound."""
        place, later = self._place, False
        for path in sorted(self._folder.glob("*.log"), key=age):
            try:
                pages = Pages(path)
            except (OSError, ValueError):
                continue  # it was removed meanwhile, or is none of ours
            piece = pages.next(self._key) if pages.hold(self._key) else None
            if piece is not None and piece.number <= place.after + 1:
                self._writer, _, number = path.stem.partition("-")
                self._number, self._pages = int(number), pages
                self._life = Life(self._folder, self._writer)
                return piece
            pages.close()
            later = later or piece is not None
        if later:
            raise NotFound(
                f"What the stream '{place.stream}' sent after event {place.after} is not kept any more.",
                param=place.after_param,
            )
        raise NotFound(
            f"No stream found with id '{place.stream[:100]}'. Streams are kept for some minutes only.",
            param=place.stream_param,
        )

    def _next(self) -> Piece | None:
        """Return the next event, where it is there already."""
        pages = self._pages
        while pages is not None:
            piece = pages.next(self._key)
            if piece is not None or pages.end != SEALED:
                return piece
            try:
                following = Pages(path_of(self._folder, self._writer, self._number + 1))
            except OSError:
                break  # it is not there yet
            pages.close()
            self._pages = pages = following
            self._number += 1
        return None

    async def pour(self, sink: Sink) -> None:
        """Send to *sink* what is there, then what comes, to the last event. Raises StreamInterrupted."""
        sink.send(Event(CHUNK, b""))  # the head goes out at once, however long the next event takes
        while not self._over:
            # before we read: what it wrote until its death is there then
            alive = self._life is not None and self._life.lasts()
            more = self._send(sink)
            if not sink.flush():
                await sink.drain()
            if more or self._over:
                continue
            if not alive or (self._pages is not None and self._pages.end == BROKEN):
                raise StreamInterrupted
            await asyncio.sleep(POLL_SECONDS)

    def _send(self, sink: Sink) -> bool:
        """Send what is there, up to a batch, and tell whether there may be more. Raises StreamInterrupted."""
        size = 0
        while size < BATCH and not self._over:
            piece = self._ahead or self._next()
            if piece is None:
                return False
            self._ahead = None
            self._sent += 1
            if piece.number != self._sent:
                raise StreamInterrupted
            sink.send(Event(CHUNK, piece.payload))
            self._over = piece.kind != EVENT
            size += len(piece.payload)
        return True


def age(path: Path) -> int:
    """Return what sorts the newest file first."""
    try:
        return -path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0  # it was removed meanwhile
