"""The backlog: rows that could not be written when their calls ended, kept until the database is back.

Such a call was refused with 503, or its client had left; what it cost is owed all the same, and what it holds must be
given back. So its row is written later: once, for a row that is there already (the first attempt was committed after
all, or the call was given up as lost) is refused by its id.

How it fails: it has room for `ROOM` rows. One that finds none is lost, as the log told when its call ended, and what
its call holds stays held until the process ends.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from parley.errors import NotRecorded
from parley.store.ledger import Entry, Record, Row

ROOM = 10_000
_AT_ONCE = 200
_FIELDS = Record.__struct_fields__
_FAILED = {"status": NotRecorded.status, "code": NotRecorded.code, "outcome": "failed"}


class Backlog:
    """Rows to be written later."""

    def __init__(self, enter: Callable[[Entry], "asyncio.Future[None]"]) -> None:
        self._enter = enter
        self._entries: deque[Entry] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Keep what *entry* had to write, if there is room; a client that waits is told so, unless it is `open`."""
        if entry.row is None or len(self._entries) >= ROOM:
            return
        if not entry.late and not entry.open and not entry.future.done():
            entry.row = failed(entry.row)
        entry.late, entry.stored = True, None  # nobody was answered: there is nothing to be stored
        entry.kept = None  # its key is given free without it (`left_behind`)
        self._entries.append(entry)

    async def work(self) -> int:
        """Write what is kept, and return how many rows; stops where the database fails again."""
        written = 0
        while self._entries:
            group = [self._entries.popleft() for _ in range(min(_AT_ONCE, len(self._entries)))]
            for entry in group:
                entry.future = asyncio.get_running_loop().create_future()
            results = await asyncio.gather(*map(self._enter, group), return_exceptions=True)
            written += results.count(None)
            if any(isinstance(result, NotRecorded) and not result.final for result in results):
                break  # they are in the backlog again
        return written


def failed(row: Row) -> Row:
    """Return *row* as that of a call whose client was told NotRecorded."""
    return tuple(_FAILED.get(name, value) for name, value in zip(_FIELDS, row, strict=True))
